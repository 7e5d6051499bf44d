"""Which lead time counts for a supplier at a warehouse."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.policy import Policy

Floats = NDArray[np.float64]


class LeadTimeSourceCode(IntEnum):
    MEASURED = 0
    OTHER_WAREHOUSE = 1
    SUPPLIER_DEFAULT = 2
    POLICY_DEFAULT = 3


@dataclass(frozen=True)
class LeadTimes:
    """Shape (n_suppliers, n_warehouses): mean and deviation [days], reliability 0..1, source code."""

    days: Floats
    std_days: Floats
    reliability: Floats
    source: NDArray[np.int8]

    def of_suppliers(self, supplier: NDArray[np.int64]) -> "LeadTimes":
        """The rows of these supplier numbers, shape (n_skus, n_warehouses)."""
        return LeadTimes(
            self.days[supplier], self.std_days[supplier], self.reliability[supplier], self.source[supplier]
        )

    def at_warehouses(self, warehouse: list[int]) -> "LeadTimes":
        """The columns of these warehouse numbers, shape (n_suppliers, len(warehouse))."""
        columns = np.s_[:, warehouse]
        return LeadTimes(self.days[columns], self.std_days[columns], self.reliability[columns], self.source[columns])


def choose_lead_times(
    mean: Floats, std: Floats, p95: Floats, reliability: Floats, supplier_default: Floats, *, policy: Policy
) -> LeadTimes:
    """The first that is known of: own statistics, another warehouse's, the supplier's default, the policy's.

    Parameters
    ----------
    mean, std, p95 : float64, shape (n_suppliers, n_warehouses) [days]
        NaN where unknown. Where only the 95th percentile is known it serves as the lead time with
        deviation 0: using p95 and sigma would count the variability twice.
    reliability : float64, shape (n_suppliers, n_warehouses), NaN where unknown
    supplier_default : float64, shape (n_suppliers,) [days], NaN where unknown

    Returns
    -------
    LeadTimes
        Without NaN, unless an input holds one where a number must be.
    """
    known = ~np.isnan(mean) | ~np.isnan(p95)
    days = np.where(np.isnan(mean), p95, mean)
    std_days = np.where(np.isnan(mean) | np.isnan(std), 0.0, std)
    reliability = np.where(np.isnan(reliability), policy.default_reliability, reliability)

    # The same supplier's longest statistics elsewhere; -inf keeps an unknown one from winning.
    longest = np.argmax(np.where(known, days, -np.inf), axis=1)
    elsewhere = np.broadcast_to(known.any(axis=1, keepdims=True), known.shape)
    stated = np.broadcast_to(supplier_default[:, None], known.shape)

    def at_longest(values: Floats) -> Floats:
        return np.broadcast_to(values[np.arange(len(values)), longest][:, None], values.shape)

    cases = [known, elsewhere, ~np.isnan(stated)]
    codes = [np.int8(code) for code in LeadTimeSourceCode]
    return LeadTimes(
        days=np.select(cases, [days, at_longest(days), stated], policy.default_lead_time_days),
        std_days=np.select(cases[:2], [std_days, at_longest(std_days)], 0.0),
        reliability=np.select(cases[:2], [reliability, at_longest(reliability)], policy.default_reliability),
        source=np.select(cases, codes[:3], codes[3]),
    )
