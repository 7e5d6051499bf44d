"""Totals that grow chunk by chunk, with what their interval needs."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Self

import numpy as np
from numpy.typing import NDArray

from suppliers.emissions.group_sums import GroupSums
from suppliers.kernels.emissions import independent_variance, lognormal_sigma, total_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Sums:
    """Emissions by factor, and what the activity data of each record adds to the variance.

    Records that share a factor err together, so the interval of a total needs the sum of each factor's records. Sums
    of chunks can be merged in any order: nothing is rounded before the end. Memory grows with the factors, 96 bytes
    each, and not with the records; a PCF on a record is a factor, too.
    """

    def __init__(self) -> None:
        self._factors = GroupSums()  # by `factor_number`
        self._uncertainty: Floats = np.zeros(0)  # of each of those
        self._independent = GroupSums()  # one group

    @classmethod
    def of(
        cls, keys: Sequence[str], uncertainty: Floats, factor: Ints, emissions: Floats, sigma_activity: Floats
    ) -> Self:
        """Sums of one chunk.

        Parameters
        ----------
        keys : shape (n_factors,)
            What each factor is called wherever sums are merged; each has a record.
        uncertainty : shape (n_factors,), relative
        factor : shape (n,), position of each record's factor in `keys`
        emissions, sigma_activity : shape (n,) [kg CO2e], -
        """
        sums = cls()
        numbers = np.array([factor_number(key) for key in keys], dtype=np.int64)
        sums._factors = GroupSums.of(numbers[factor], emissions)
        sums._uncertainty = uncertainty[np.argsort(numbers)]
        sums._independent = GroupSums.of(np.zeros_like(factor), independent_variance(emissions, sigma_activity))
        return sums

    def merge(self, other: "Sums") -> None:
        """Add another chunk's sums to these."""
        new, places = self._factors.merge(other._factors)
        self._uncertainty = np.insert(self._uncertainty, places, other._uncertainty[new])
        self._independent.merge(other._independent)

    def by_factor(self) -> dict[int, float]:
        """Emissions of each factor's records [kg CO2e], by `factor_number`."""
        return dict(zip(self._factors.groups.tolist(), self._factors.sums().tolist(), strict=True))

    def emissions_kgco2e(self) -> float:
        return self._factors.total()

    def interval_kgco2e(self) -> tuple[float, float]:
        """5th and 95th percentile of the total [kg CO2e]."""
        sigma = lognormal_sigma(self._uncertainty)
        return total_interval(self._factors.sums(), sigma, self._independent.total())


def factor_number(key: str) -> int:
    """64 bits for a factor's key: of a million factors two would have the same once in 37 million runs."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)
