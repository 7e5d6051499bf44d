"""The ordering method as arithmetic on arrays of shape (n_skus, n_warehouses).

numpy only: no Django, no clock, no input or output. ordering/README.md tells the method to people.
"""

from ordering.kernels.decision import Constraint, Decision, UrgencyCode, decide, round_order
from ordering.kernels.demand import Demand, DemandSourceCode, blend_demand, correct_demand, mean_per_cell
from ordering.kernels.lead_time import LeadTimes, LeadTimeSourceCode, choose_lead_times
from ordering.kernels.open_orders import OpenOrders, OrderClass, WeighedOrders, weigh_open_orders
from ordering.kernels.policy import Policy
from ordering.kernels.recommend import Inputs, Lines, Problem, recommend
from ordering.kernels.stock import StockLevels, classify, seasonal_factor, stock_levels

__all__ = [
    "Constraint",
    "Decision",
    "Demand",
    "DemandSourceCode",
    "Inputs",
    "LeadTimeSourceCode",
    "LeadTimes",
    "Lines",
    "OpenOrders",
    "OrderClass",
    "Policy",
    "Problem",
    "StockLevels",
    "UrgencyCode",
    "WeighedOrders",
    "blend_demand",
    "choose_lead_times",
    "classify",
    "correct_demand",
    "decide",
    "mean_per_cell",
    "recommend",
    "round_order",
    "seasonal_factor",
    "stock_levels",
    "weigh_open_orders",
]
