"""Totals that grow chunk by chunk, with what their interval needs."""

from collections.abc import Sequence
from hashlib import blake2b
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
    of chunks can be merged in any order: nothing is rounded before the end. Memory grows with the factors, 88 bytes
    each, and not with the records; a PCF on a record is a factor, too.
    """

    def __init__(self) -> None:
        self._factors: Ints = np.zeros(0, dtype=np.int64)  # by `factor_number`, sorted
        self._uncertainty: Floats = np.zeros(0)
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
        numbers = np.array([factor_number(key) for key in keys], dtype=np.int64)
        order = np.argsort(numbers)
        sums._factors, sums._uncertainty = numbers[order], uncertainty[order]
        sums._limbs = sum_limbs(factor, emissions, n_groups=len(keys))[order]
        variance = independent_variance(emissions, sigma_activity)
        sums._independent = sum_limbs(np.zeros(len(factor), dtype=np.int64), variance, n_groups=1)
        return sums

    def merge(self, other: "Sums") -> None:
        """Add another chunk's sums to these."""
        new = np.isin(other._factors, self._factors, assume_unique=True, invert=True)
        at = np.searchsorted(self._factors, other._factors[new])
        self._factors = np.insert(self._factors, at, other._factors[new])
        self._uncertainty = np.insert(self._uncertainty, at, other._uncertainty[new])
        self._limbs = np.insert(self._limbs, at, 0, axis=0)
        self._limbs[np.searchsorted(self._factors, other._factors)] += other._limbs
        self._independent = self._independent + other._independent

    def by_factor(self) -> dict[int, float]:
        """Emissions of each factor's records [kg CO2e], by `factor_number`."""
        return dict(zip(self._factors.tolist(), as_floats(self._limbs).tolist(), strict=True))

    def emissions_kgco2e(self) -> float:
        return float(as_floats(self._limbs.sum(axis=0, keepdims=True))[0])

    def interval_kgco2e(self) -> tuple[float, float]:
        """5th and 95th percentile of the total [kg CO2e]."""
        return total_interval(
            as_floats(self._limbs), lognormal_sigma(self._uncertainty), float(as_floats(self._independent)[0])
        )


def factor_number(key: str) -> int:
    """64 bits for a factor's key: of a million factors two would have the same once in 37 million runs."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)
