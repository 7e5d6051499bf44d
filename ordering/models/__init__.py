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
from ordering.models.history import BulkEdit, LineChange
from ordering.models.orders import GenerationRun, OrderConfirmation
from ordering.models.policy import PlanningPolicy
from ordering.models.preferences import ListPreference
from ordering.models.stock import Inventory, PendingOrder
from ordering.models.totals import OrderTotal, OutdatedTotal, TotalsState
from ordering.models.uploads import DataUpload

__all__ = [
    "BulkEdit",
    "DataUpload",
    "DemandStats",
    "ForecastDetail",
    "ForecastRun",
    "GenerationRun",
    "Inventory",
    "LineChange",
    "ListPreference",
    "MonthlySales",
    "OrderConfirmation",
    "OrderTotal",
    "OutdatedTotal",
    "PendingOrder",
    "PlanningPolicy",
    "SeasonalPattern",
    "Sku",
    "StockoutPattern",
    "TotalsState",
    "Urgency",
]
