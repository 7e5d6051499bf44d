"""How much of each open order counts."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.policy import Policy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
EPSILON = 1e-9


class OrderClass(IntEnum):
    OVERDUE = 0
    IMMINENT = 1
    COVERED = 2
    FUTURE = 3


@dataclass(frozen=True)
class OpenOrders:
    """Orders with status ordered or shipped, each array of shape (n_orders,).

    Attributes
    ----------
    cell : int64, flat index into (n_skus, n_warehouses)
    quantity : float64 [units]
    ordered : float64 [days after the planning date; mostly negative]
    arrival : float64 [days after the planning date], NaN where no date is given
    is_estimated : bool
    """

    cell: Ints
    quantity: Floats
    ordered: Floats
    arrival: Floats
    is_estimated: Bools


@dataclass(frozen=True)
class WeighedOrders:
    """Each array of shape (n_orders,): arrival [days after the planning date], class code, weight 0..1."""

    arrival: Floats
    order_class: NDArray[np.int8]
    weight: Floats


def weigh_open_orders(orders: OpenOrders, lead_time: Floats, reliability: Floats, *, policy: Policy) -> WeighedOrders:
    """Class and weight of each open order by the days until it arrives.

    Parameters
    ----------
    lead_time, reliability : float64, shape (n_orders,)
        L [days] and r of the order's own SKU and warehouse.

    Notes
    -----
    overdue 0.8; within the review period R 1.0; within L + R `r (1 - 0.2 t / (L + R))`; later 0.
    Times 0.85 where the arrival is an estimate. Without a date the order arrives `ceil(L)` days
    after it was placed.
    """
    undated = np.isnan(orders.arrival)
    t = np.where(undated, orders.ordered + np.ceil(lead_time - EPSILON), orders.arrival)
    review = float(policy.review_days)
    interval = lead_time + review
    cases = [t < 0, t <= review, t <= interval]
    covered = reliability * (1 - policy.covered_decay * t / np.where(interval > 0, interval, 1.0))
    weight = np.select(
        cases, [np.full_like(t, policy.overdue_weight), np.full_like(t, policy.imminent_weight), covered]
    )
    estimate = np.where(orders.is_estimated | undated, policy.estimated_weight, 1.0)
    codes = [np.int8(code) for code in OrderClass]
    return WeighedOrders(t, np.select(cases, codes[:3], codes[3]), weight * estimate)


def round_half_up(values: Floats) -> Floats:
    return np.floor(values + 0.5 + EPSILON)
