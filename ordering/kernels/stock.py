"""Safety stock, reorder point and order-up-to level of the periodic review (R, S) policy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.policy import Policy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
UNCLASSIFIED = -1


@dataclass(frozen=True)
class StockLevels:
    """Arrays of one shape [units]."""

    safety_stock: Floats
    reorder_point: Floats
    order_up_to: Floats


def classify(abc: Ints, xyz: Ints, cv: Floats, *, policy: Policy) -> tuple[Ints, Ints]:
    """Row and column of the service-level table.

    Parameters
    ----------
    abc, xyz : int64, broadcastable to `cv`
        0, 1, 2 for A, B, C and X, Y, Z; -1 where missing. A missing ABC is C, a missing XYZ comes
        from the coefficient of variation.
    cv : float64, any shape
    """
    from_cv = np.where(cv < policy.x_below_cv, 0, np.where(cv <= policy.y_up_to_cv, 1, 2))
    row = np.broadcast_to(np.where(abc == UNCLASSIFIED, 2, abc), cv.shape)
    return row, np.where(xyz == UNCLASSIFIED, from_cv, xyz)


def seasonal_factor(
    *,
    month: int,
    peak_months: Ints,
    strength: Floats,
    confidence: Floats,
    significant: Bools,
    stockout_months: Ints,
    stockout_frequency: Floats,
    stockout_trusted: Bools,
    policy: Policy,
) -> Floats:
    """Factor on safety stock: 1.3 in or before a strong season, 1.2 before a weak one or seasonal stockouts.

    Parameters
    ----------
    month : int, 1..12
        The order month; the next one counts too, January after December.
    peak_months, stockout_months : int64, broadcastable to one shape
        Bit (m - 1) is set for month m.
    strength, confidence : float64, 0..1, NaN where there is no pattern
    stockout_frequency : float64 [%], NaN where there is no pattern
    stockout_trusted : bool, confidence medium or high
    """
    near = (1 << (month - 1)) | (1 << (month % 12))
    peak = significant & (confidence > policy.season_confidence_above) & ((peak_months & near) != 0)
    stockouts = stockout_trusted & (stockout_frequency > policy.seasonal_stockout_above)
    stockouts = stockouts & ((stockout_months & near) != 0)
    strong = peak & (strength >= policy.strong_season_from)
    weak = (peak & (strength > policy.weak_season_above)) | stockouts
    return np.where(strong, policy.strong_season_factor, np.where(weak, policy.weak_season_factor, 1.0))


def stock_levels(
    *,
    daily_demand: Floats,
    sigma_daily: Floats,
    lead_time: Floats,
    lead_time_std: Floats,
    review: Floats | float,
    z: Floats | float,
    seasonal: Floats | float = 1.0,
) -> StockLevels:
    """SS, ROP and S.

    Parameters
    ----------
    daily_demand : float64 [units/day], any shape; the others broadcast to it
    sigma_daily : float64 [units per sqrt(day)]
    lead_time, lead_time_std : float64 [days]
    review : float [days]
    z : float64, standard normal quantile of the service level
    seasonal : float64, factor on the safety stock

    Notes
    -----
    SS = z sqrt((L + R) sigma_d^2 + d^2 sigma_L^2) seasonal;  ROP = d L + SS;  S = d (L + R) + SS.
    Any period serves in place of the day as long as all inputs use it.

    Source: Silver, Pyke and Peterson, Inventory Management and Production Planning and Scheduling,
    3rd ed., periodic review, order-up-to (R, S).
    """
    interval = lead_time + review
    safety = z * np.sqrt(interval * sigma_daily**2 + daily_demand**2 * lead_time_std**2) * seasonal
    return StockLevels(safety, daily_demand * lead_time + safety, daily_demand * interval + safety)
