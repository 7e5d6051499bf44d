"""Exact sums of groups that nobody knows before they come."""

import numpy as np
from numpy.typing import NDArray

from suppliers.kernels.exact_sums import LIMBS, as_floats, sum_limbs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class GroupSums:
    """How many values each group has, and their sum, the same to the last bit in any order and any chunks.

    Memory grows with the groups, 88 bytes each, and not with the values.
    """

    def __init__(self) -> None:
        self.groups: Ints = np.zeros(0, dtype=np.int64)  # sorted
        self.counts: Ints = np.zeros(0, dtype=np.int64)
        self._limbs: Ints = np.zeros((0, LIMBS), dtype=np.int64)

    def add(self, group: Ints, values: Floats) -> None:
        """Values, shape (n,), of these groups."""
        groups, position, counts = np.unique(group, return_inverse=True, return_counts=True)
        self._make_room(groups)
        at = np.searchsorted(self.groups, groups)
        self.counts[at] += counts
        self._limbs[at] += sum_limbs(position, values, n_groups=len(groups))

    def sums(self) -> Floats:
        """Of each of `groups`."""
        return as_floats(self._limbs)

    def counts_by(self, keys: Ints) -> dict[int, int]:
        """Counts of larger groups; `keys` says to which each of `groups` belongs."""
        distinct, position = np.unique(keys, return_inverse=True)
        counts = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(counts, position, self.counts)
        return dict(zip(distinct.tolist(), counts.tolist(), strict=True))

    def sums_by(self, keys: Ints) -> dict[int, float]:
        """Sums of larger groups, rounded once; `keys` says to which each of `groups` belongs."""
        distinct, position = np.unique(keys, return_inverse=True)
        limbs = np.zeros((len(distinct), LIMBS), dtype=np.int64)
        np.add.at(limbs, position, self._limbs)
        return dict(zip(distinct.tolist(), as_floats(limbs).tolist(), strict=True))

    def _make_room(self, groups: Ints) -> None:
        new = np.setdiff1d(groups, self.groups, assume_unique=True)
        if len(new):
            at = np.searchsorted(self.groups, new)
            self.groups = np.insert(self.groups, at, new)
            self.counts = np.insert(self.counts, at, 0)
            self._limbs = np.insert(self._limbs, at, 0, axis=0)
