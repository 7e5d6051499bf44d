"""Lead-time arithmetic on arrays; no database, no clock."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TOLERANCE_DAYS = 1e-6


@dataclass(frozen=True)
class LeadTimeStatistics:
    """Statistics per group, arrays of shape (n_groups,); groups without enough shipments are left out.

    Attributes
    ----------
    group : int64, the group's number as given
    count : int64, shipments behind the numbers
    mean_days, std_days, median_days, p95_days : float64 [days]; std is the sample's (n - 1)
    reliability : float64, clip(1 - std / mean, 0, 1); 1 where mean and std are 0
    """

    group: Ints
    count: Ints
    mean_days: Floats
    std_days: Floats
    median_days: Floats
    p95_days: Floats
    reliability: Floats


def measure_lead_times(group: Ints, days: Floats, *, min_count: int) -> LeadTimeStatistics:
    """Statistics of delivery days per group.

    Parameters
    ----------
    group : int64, shape (n_shipments,)
        Number of the (supplier, warehouse) each shipment belongs to.
    days : float64, shape (n_shipments,) [days]
        Received date minus order date. A negative one is a bad row and never counts.
    min_count : int
        Groups with fewer shipments are left out; at least 2, or there is no deviation.

    Returns
    -------
    LeadTimeStatistics
        Ordered by group.

    Notes
    -----
    Percentiles interpolate linearly between order statistics (type 7, Hyndman and Fan 1996).
    """
    if min_count < 2:
        raise ValueError("min_count must be at least 2: one shipment has no standard deviation")
    possible = days >= 0
    group, days = group[possible], days[possible]
    order = np.lexsort((days, group))
    group, days = group[order], days[order]
    unique, start, count = np.unique(group, return_index=True, return_counts=True)
    enough = count >= min_count
    days_kept = days[np.repeat(enough, count)]
    unique, start, count = unique[enough], start[enough], count[enough]

    index = np.repeat(np.arange(len(unique)), count)
    mean = np.bincount(index, weights=days_kept, minlength=len(unique)) / np.maximum(count, 1)
    squares = np.bincount(index, weights=(days_kept - mean[index]) ** 2, minlength=len(unique))
    std = np.sqrt(squares / np.maximum(count - 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        reliability = np.where(mean > 0, np.clip(1 - std / mean, 0, 1), 1.0)
    return LeadTimeStatistics(
        group=unique.astype(np.int64),
        count=count.astype(np.int64),
        mean_days=mean,
        std_days=std,
        median_days=_percentile(days, start, count, 0.5),
        p95_days=_percentile(days, start, count, 0.95),
        reliability=reliability,
    )


@dataclass(frozen=True)
class OnTime:
    """Deliveries per group, arrays of shape (n_groups,).

    Attributes
    ----------
    count : int64, deliveries that could be judged
    share : float64, 0 to 1, those that arrived within the limit; NaN where count is 0
    """

    count: Ints
    share: Floats


def measure_on_time(group: Ints, days: Floats, limit_days: Floats) -> OnTime:
    """Share of each group's deliveries that took no longer than its limit.

    Parameters
    ----------
    group : int64, shape (n_shipments,)
        Position of each delivery's group, 0 to n_groups - 1.
    days : float64, shape (n_shipments,) [days]
        Received date minus order date. A negative or unknown (NaN) one never counts.
    limit_days : float64, shape (n_groups,) [days]
        The longest time that is on time; NaN where none is known, then no delivery of the group can be judged.

    Notes
    -----
    A limit that is a mean carries rounding, so `TOLERANCE_DAYS` more is on time still.
    """
    limit = limit_days[group]
    judged = (days >= 0) & ~np.isnan(limit)
    met = judged & (days <= limit + TOLERANCE_DAYS)
    count = np.bincount(group[judged], minlength=len(limit_days))
    on_time = np.bincount(group[met], minlength=len(limit_days))
    share = np.where(count > 0, on_time / np.maximum(count, 1), np.nan)
    return OnTime(count=count.astype(np.int64), share=share)


def weighted_mean(group: Ints, value: Floats, weight: Floats, *, n_groups: int) -> Floats:
    """Mean of each group's values by their weights, shape (n_groups,), in the unit of the values.

    Parameters
    ----------
    group : int64, shape (n_values,)
        Position of each value's group, 0 to n_groups - 1.
    value : float64, shape (n_values,)
        NaN is unknown and never counts.
    weight : float64, shape (n_values,)
        Not negative. Where all weights of a group's known values are 0 they count the same.

    Returns
    -------
    float64, sum(w v) / sum(w); NaN where a group has no known value.
    """
    known = ~np.isnan(value)
    group, value, weight = group[known], value[known], weight[known]
    total = np.bincount(group, weights=weight, minlength=n_groups)
    weight = np.where(total[group] > 0, weight, 1.0)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.bincount(group, weights=weight * value, minlength=n_groups) / np.bincount(
            group, weights=weight, minlength=n_groups
        )
    return mean


def _percentile(days: Floats, start: Ints, count: Ints, share: float) -> Floats:
    """Linear interpolation inside each sorted group, shape (n_groups,)."""
    if len(start) == 0:
        return np.empty(0)
    offset = (count - 1) * np.float64(share)
    low = np.floor(offset).astype(np.int64)
    high = np.minimum(low + 1, count - 1)
    below: Floats = days[start + low]
    return below + (days[start + high] - below) * (offset - low)
