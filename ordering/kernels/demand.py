"""Monthly demand: forecast and history, weighed by how far the forecast is trusted."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.policy import Policy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class DemandSourceCode(IntEnum):
    FORECAST = 0
    BLENDED = 1
    HISTORICAL = 2
    NONE = 3


@dataclass(frozen=True)
class Demand:
    """Arrays of one shape: monthly demand [units/month], forecast weight 0..1 (NaN without forecast), source code."""

    monthly: Floats
    weight: Floats
    source: NDArray[np.int8]


def correct_demand(
    units_sold: Floats, stockout_days: Floats, days_in_month: Floats, given: Floats, *, policy: Policy
) -> Floats:
    """What a month would have sold with stock on every day.

    Parameters
    ----------
    units_sold : float64, shape (n,) [units]
    stockout_days : float64, shape (n,) [days]
    days_in_month : float64, shape (n,) [days]
    given : float64, shape (n,) [units]
        Corrected demand where it is known already; NaN where it is not.

    Returns
    -------
    float64, shape (n,) [units]
        `units_sold / max(availability, min_availability)`, at most `max_correction * units_sold`
        where the availability was under `min_availability`.
    """
    availability = (days_in_month - stockout_days) / days_in_month
    corrected = units_sold / np.maximum(availability, policy.min_availability)
    most = np.where(availability < policy.min_availability, policy.max_correction * units_sold, np.inf)
    return np.where(np.isnan(given), np.minimum(corrected, most), given)


def mean_per_cell(cell: Ints, values: Floats, *, n_cells: int) -> Floats:
    """Mean of the values of each cell, shape (n_cells,); NaN where a cell has none.

    Sums run in the order given, so the caller sorts when bits must not depend on it.
    """
    counts = np.bincount(cell, minlength=n_cells)
    sums = np.bincount(cell, weights=values, minlength=n_cells)
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def blend_demand(
    forecast: Floats, confidence: Floats, has_forecast: Bools, history: Floats, has_history: Bools, *, policy: Policy
) -> Demand:
    """Forecast and history to one demand: `w F + (1 - w) H`, `w = clip((c - 0.5) / 0.25, 0, 1)`.

    Parameters
    ----------
    forecast, history : float64, any shape [units/month]
        Read only where `has_forecast` and `has_history` say so.
    confidence : float64, same shape, 0..1

    Notes
    -----
    The weight is continuous in the confidence, so nothing jumps at a threshold.
    """
    span = policy.confidence_full - policy.confidence_floor
    weight = np.where(has_forecast, np.clip((confidence - policy.confidence_floor) / span, 0, 1), np.nan)
    both = has_forecast & has_history
    use_forecast = has_forecast & (~has_history | (weight == 1))
    use_history = has_history & (~has_forecast | (weight == 0))
    cases = [use_forecast, use_history, both]
    monthly = np.select(cases, [forecast, history, weight * forecast + (1 - weight) * history], default=0.0)
    codes = [
        np.int8(DemandSourceCode.FORECAST),
        np.int8(DemandSourceCode.HISTORICAL),
        np.int8(DemandSourceCode.BLENDED),
    ]
    return Demand(monthly, weight, np.select(cases, codes, default=np.int8(DemandSourceCode.NONE)))
