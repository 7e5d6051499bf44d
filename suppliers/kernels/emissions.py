"""Emission arithmetic on arrays; no database, no clock. suppliers/README.md tells the method to people."""

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]

Z95 = 1.645
ACTIVITY_UNCERTAINTY = np.array([np.nan, 0.05, 0.10, 0.15])
FACTOR_UNCERTAINTY = np.array([np.nan, 0.10, 0.30, 0.50])
DEFAULT_DQI = np.array([np.nan, 90.0, 70.0, 40.0])
LEAST_AVERAGE_DATA_DQI = 50.0
WIDEST_LOGNORMAL = 2.0


class Tier(IntEnum):
    UNACCOUNTED = 0
    SUPPLIER_SPECIFIC = 1
    AVERAGE_DATA = 2
    SPEND_BASED = 3


class Rating(IntEnum):
    POOR = 0
    FAIR = 1
    GOOD = 2
    EXCELLENT = 3


def price_index_ratio(index_base: Floats, index_year: Floats) -> Floats:
    """What turns money of a year into money of the base year: index(base) / index(year), any broadcastable shapes.

    Money of a year with higher prices buys less, so it becomes fewer units of base-year money.
    """
    return index_base / index_year


def emissions_of(amount: Floats, rate: Floats, factor: Floats) -> tuple[Floats, Floats]:
    """Activity data in the factor's unit, and its emissions.

    Parameters
    ----------
    amount : float64, any shape
        Quantity [record units], or spend [USD of the year]. Negative for a credit; NaN stays NaN.
    rate : float64, broadcastable
        For a quantity [factor units/record unit]; for spend `price_index_ratio`.
    factor : float64, broadcastable [kg CO2e/factor unit]
        For spend [kg CO2e/USD of the base year], with margins.

    Returns
    -------
    activity : float64 [factor units], `amount rate`
    emissions : float64 [kg CO2e], `activity factor`

    Notes
    -----
    GHG Protocol, Technical Guidance for Calculating Scope 3 Emissions (2013), chapter 1: the supplier-specific, the
    average-data and the spend-based method are the same product of other things.
    """
    activity = amount * rate
    return activity, activity * factor


def choose_tier(usable: Bools) -> Codes:
    """The most specific tier that can be used, of shape (n,): 1 to 3, or 0 where none can.

    Parameters
    ----------
    usable : bool, shape (3, n), tiers 1 to 3
    """
    first = np.argmax(usable, axis=0) + 1
    return np.where(usable.any(axis=0), first, 0).astype(np.int8)


def average_data_quality(score: Floats) -> Floats:
    """DQI of an average-data result, 0 to 100: `(70 + score) / 2`, and 70 where the factor has no score (NaN)."""
    default = DEFAULT_DQI[Tier.AVERAGE_DATA]
    quality: Floats = (default + np.where(np.isnan(score), default, score)) / 2
    return quality


def data_quality(tier: Codes, score: Floats) -> Floats:
    """DQI of each result, 0 to 100, shape (n,); NaN where unaccounted.

    Parameters
    ----------
    tier : int8, shape (n,)
    score : float64, shape (n,)
        The factor's or footprint's own; NaN where it has none. It stands for the default of tier 1, is averaged
        with that of tier 2 and means nothing to tier 3.
    """
    dqi = DEFAULT_DQI[tier]
    dqi = np.where((tier == Tier.SUPPLIER_SPECIFIC) & ~np.isnan(score), score, dqi)
    return np.where(tier == Tier.AVERAGE_DATA, average_data_quality(score), dqi)


def rate_quality(dqi: Floats) -> Codes:
    """`Rating` of each DQI: excellent from 80, good from 60, fair from 40, poor below."""
    return np.digitize(dqi, [40.0, 60.0, 80.0]).astype(np.int8)


def lognormal_sigma(relative: Floats) -> Floats:
    """Standard deviation of the logarithm for a relative uncertainty, any shape: `sqrt(ln(1 + u^2))`."""
    sigma: Floats = np.sqrt(np.log1p(relative * relative))
    return sigma


def factor_uncertainty(tier: Codes, published: Floats) -> Floats:
    """Relative uncertainty of each result's factor, shape (n,): as published, else (NaN) the tier's default."""
    return np.where(np.isnan(published), FACTOR_UNCERTAINTY[tier], published)


def interval_spread(sigma_activity: Floats, sigma_factor: Floats) -> Floats:
    """How many times the median the 95th percentile is, and the median the 5th, any shape.

    Parameters
    ----------
    sigma_activity, sigma_factor : float64, broadcastable

    Notes
    -----
    `exp(1.645 sigma)` with `sigma^2 = sigma_activity^2 + sigma_factor^2`.
    """
    spread: Floats = np.exp(Z95 * np.sqrt(sigma_activity * sigma_activity + sigma_factor * sigma_factor))
    return spread


def interval(emissions: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """5th and 95th percentile of lognormal emissions, shape (n,) [kg CO2e].

    Parameters
    ----------
    emissions : float64, shape (n,) [kg CO2e]
        The median x. A negative one, of a credit, is the mirror image, so that p5 <= p95 always.
    spread : float64, shape (n,), `interval_spread`

    Notes
    -----
    `p5 = x exp(-1.645 sigma)`, `p95 = x exp(1.645 sigma)`.
    """
    narrow, wide = emissions / spread, emissions * spread
    return np.minimum(narrow, wide), np.maximum(narrow, wide)


def independent_variance(emissions: Floats, sigma_activity: Floats) -> Floats:
    """What each record's activity data adds to a total's variance: `x^2 (exp(sigma_a^2) - 1)` [(kg CO2e)^2]."""
    return emissions * emissions * np.expm1(sigma_activity * sigma_activity)


def total_interval(by_factor: Floats, sigma_factor: Floats, independent: float) -> tuple[float, float]:
    """5th and 95th percentile of a total whose records err together where they share a factor [kg CO2e].

    Parameters
    ----------
    by_factor : float64, shape (n_factors,) [kg CO2e]
        Sum of the emissions that each factor formed.
    sigma_factor : float64, shape (n_factors,)
    independent : float [(kg CO2e)^2]
        Sum of `independent_variance` over the records.

    Notes
    -----
    `Var = sum over factors (sum x)^2 (exp(sigma_f^2) - 1) + sum x^2 (exp(sigma_a^2) - 1)`. The interval is that of a
    lognormal with median T, the total, and relative uncertainty `sqrt(Var) / T`. Where that is above 2 or T is not
    positive, which takes credits that cancel purchases, it is the normal one, `T -+ 1.645 sqrt(Var)`.
    """
    total = math.fsum(by_factor)
    deviation = math.sqrt(math.fsum(by_factor * by_factor * np.expm1(sigma_factor * sigma_factor)) + independent)
    if total <= 0 or deviation > WIDEST_LOGNORMAL * total:
        return total - Z95 * deviation, total + Z95 * deviation
    sigma = np.sqrt(np.log1p((deviation / total) ** 2))
    return float(total * np.exp(-Z95 * sigma)), float(total * np.exp(Z95 * sigma))
