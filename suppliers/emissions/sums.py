"""Totals that grow chunk by chunk, with what their interval needs."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from suppliers.kernels.emissions import independent_variance, lognormal_sigma, total_interval
from suppliers.kernels.exact_sums import LIMBS, as_floats, sum_limbs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Sums:
    """Emissions by factor, and what the activity data of each record adds to the variance.

    Records that share a factor err together, so the interval of a total needs the sum of each factor's records. Sums
    of chunks can be merged in any order: nothing is rounded before the end. Memory grows with the factors, not
    with the records.
    """

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._uncertainty: list[float] = []
        self._limbs: Ints = np.zeros((0, LIMBS), dtype=np.int64)
        self._independent: Ints = np.zeros((1, LIMBS), dtype=np.int64)

    @classmethod
    def of(
        cls, keys: Sequence[str], uncertainty: Floats, factor: Ints, emissions: Floats, sigma_activity: Floats
    ) -> Self:
        """Sums of one chunk.

        Parameters
        ----------
        keys : shape (n_factors,)
            What each factor is called wherever sums are merged.
        uncertainty : shape (n_factors,), relative
        factor : shape (n,), position of each record's factor in `keys`
        emissions, sigma_activity : shape (n,) [kg CO2e], -
        """
        sums = cls()
        sums._rows = {key: row for row, key in enumerate(keys)}
        sums._uncertainty = uncertainty.tolist()
        sums._limbs = sum_limbs(factor, emissions, n_groups=len(keys))
        variance = independent_variance(emissions, sigma_activity)
        sums._independent = sum_limbs(np.zeros(len(factor), dtype=np.int64), variance, n_groups=1)
        return sums

    def merge(self, other: "Sums") -> None:
        """Add another chunk's sums to these."""
        for key, uncertainty in zip(other._rows, other._uncertainty, strict=True):
            if self._rows.setdefault(key, len(self._rows)) == len(self._uncertainty):
                self._uncertainty.append(uncertainty)
        if len(self._rows) > len(self._limbs):
            spare = np.zeros((2 * len(self._rows) - len(self._limbs), LIMBS), dtype=np.int64)
            self._limbs = np.concatenate([self._limbs, spare])
        self._limbs[[self._rows[key] for key in other._rows]] += other._limbs[: len(other._rows)]
        self._independent = self._independent + other._independent

    def by_factor(self) -> dict[str, float]:
        """Emissions of each factor's records [kg CO2e]."""
        return dict(zip(self._rows, as_floats(self._limbs[: len(self._rows)]).tolist(), strict=True))

    def emissions_kgco2e(self) -> float:
        return float(as_floats(self._limbs.sum(axis=0, keepdims=True))[0])

    def interval_kgco2e(self) -> tuple[float, float]:
        """5th and 95th percentile of the total [kg CO2e]."""
        return total_interval(
            as_floats(self._limbs[: len(self._rows)]),
            lognormal_sigma(np.array(self._uncertainty, dtype=np.float64)),
            float(as_floats(self._independent)[0]),
        )
