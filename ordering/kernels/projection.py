"""Stock from day to day, if the demand comes as expected."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.open_orders import EPSILON

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
NEVER = -1
SHORTEST_HORIZON_DAYS = 60
LONGEST_HORIZON_DAYS = 365


@dataclass(frozen=True)
class Stock:
    """Arrays of shape (horizon,); index 0 is the planning date.

    Attributes
    ----------
    units : float64, in the morning with the day's deliveries [units], never below 0
    is_short : bool, the day's demand is not met in full
    """

    units: Floats
    is_short: Bools

    @property
    def stockout_day(self) -> int:
        """The first day that is short [days after the planning date], `NEVER` where none is."""
        return int(np.argmax(self.is_short)) if self.is_short.any() else NEVER


@dataclass(frozen=True)
class Projection:
    without_order: Stock
    with_order: Stock


def choose_horizon(order_day: int, review_days: int) -> int:
    """Days to show: the order's arrival and one review period, at least 60 and at most 365."""
    return min(max(order_day + review_days + 1, SHORTEST_HORIZON_DAYS), LONGEST_HORIZON_DAYS)


def project_stock(
    *,
    on_hand: float,
    daily_demand: float,
    arrival_day: Ints,
    arrival_quantity: Floats,
    order_day: int,
    order_quantity: float,
    horizon: int,
) -> Projection:
    """The stock without and with the order.

    Parameters
    ----------
    on_hand : float [units]
        Below 0, customers wait for that much; the next deliveries go to them first.
    daily_demand : float, at least 0 [units/day]
    arrival_day : int64, shape (n_arrivals,) [days after the planning date]
        What is overdue (below 0) is taken to arrive on the planning date.
    arrival_quantity : float64, shape (n_arrivals,), at least 0 [units]
        What counts of each open order: quantity times weight.
    order_day : int [days after the planning date]
    order_quantity : float [units]
    horizon : int, at least 1 [days]

    Returns
    -------
    Projection

    Notes
    -----
    What is asked for while there is nothing is lost, so the stock is never below 0. With a_t delivered in the morning
    and d asked for during the day, s_t = max(s_(t-1) - d, 0) + a_t. Solved for all days at once (Lindley 1952):
    with X_t what came in minus what was asked for, the stock in the evening is X_t - min(0, min_(u <= t) X_u).
    """
    arrivals = _by_day(arrival_day, arrival_quantity, horizon)
    order = _by_day(np.array([order_day]), np.array([order_quantity]), horizon)
    return Projection(
        without_order=_run_down(on_hand, daily_demand, arrivals),
        with_order=_run_down(on_hand, daily_demand, arrivals + order),
    )


def _by_day(day: Ints, quantity: Floats, horizon: int) -> Floats:
    """What arrives on each day of the horizon, shape (horizon,) [units]."""
    shown = day < horizon
    return np.bincount(np.maximum(day[shown], 0), weights=quantity[shown], minlength=horizon).astype(np.float64)


def _run_down(on_hand: float, daily_demand: float, arrivals: Floats) -> Stock:
    received = on_hand + np.cumsum(arrivals)
    demand = np.where(received < 0, 0.0, daily_demand)  # waiting customers come first
    left = received - np.cumsum(demand)
    evening = left - np.minimum.accumulate(np.where(received < 0, 0.0, np.minimum(left, 0.0)))
    morning = arrivals + np.concatenate(([on_hand], evening[:-1]))
    return Stock(units=np.maximum(morning, 0.0), is_short=morning < daily_demand - EPSILON)
