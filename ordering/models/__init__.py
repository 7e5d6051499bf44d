from ordering.choices import Urgency
from ordering.models.catalogue import Sku
from ordering.models.demand import (
    DemandStats,
    ForecastDetail,
    ForecastRun,
    MonthlySales,
    SeasonalPattern,
    StockoutPattern,
)
from ordering.models.history import LineChange
from ordering.models.orders import GenerationRun, OrderConfirmation
from ordering.models.policy import PlanningPolicy
from ordering.models.stock import Inventory, PendingOrder

__all__ = [
    "DemandStats",
    "ForecastDetail",
    "ForecastRun",
    "GenerationRun",
    "Inventory",
    "LineChange",
    "MonthlySales",
    "OrderConfirmation",
    "PendingOrder",
    "PlanningPolicy",
    "SeasonalPattern",
    "Sku",
    "StockoutPattern",
    "Urgency",
]
