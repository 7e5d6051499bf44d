"""Exact sums of groups that nobody knows before they come."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from suppliers.kernels.exact_sums import LIMBS, as_floats, sum_limbs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class GroupSums:
    """How many rows each group has, and sums over them, the same to the last bit in any order and any chunks.

    Memory grows with the groups, 16 bytes each and 72 for each sum, and not with the rows.
    """

    def __init__(self, n_sums: int = 1) -> None:
        self.groups: Ints = np.zeros(0, dtype=np.int64)  # sorted
        self.counts: Ints = np.zeros(0, dtype=np.int64)
        self._limbs: Ints = np.zeros((0, n_sums, LIMBS), dtype=np.int64)

    @classmethod
    def of(cls, group: Ints, *values: Floats) -> Self:
        """Rows of these groups, shape (n,), with one array of values for each sum, shape (n,)."""
        sums = cls(len(values))
        sums.groups, position, sums.counts = np.unique(group, return_inverse=True, return_counts=True)
        limbs = [sum_limbs(position, column, n_groups=len(sums.groups)) for column in values]
        sums._limbs = np.stack(limbs, axis=1)
        return sums

    def add(self, group: Ints, *values: Floats) -> None:
        """More rows, as in `of`."""
        self.merge(GroupSums.of(group, *values))

    def merge(self, other: "GroupSums") -> tuple[Bools, Ints]:
        """Add another's sums: which of its groups are new here, and where in the former `groups` they went."""
        new = np.isin(other.groups, self.groups, assume_unique=True, invert=True)
        places = np.searchsorted(self.groups, other.groups[new])
        self.groups = np.insert(self.groups, places, other.groups[new])
        self.counts = np.insert(self.counts, places, 0)
        self._limbs = np.insert(self._limbs, places, 0, axis=0)
        at = np.searchsorted(self.groups, other.groups)
        self.counts[at] += other.counts
        self._limbs[at] += other._limbs
        return new, places

    def sums(self, which: int = 0) -> Floats:
        """Of each of `groups`."""
        return as_floats(self._limbs[:, which])

    def total(self, which: int = 0) -> float:
        """Of all groups."""
        return float(as_floats(self._limbs[:, which].sum(axis=0, keepdims=True))[0])

    def together(self, keys: Ints) -> "GroupSums":
        """Larger groups: `keys` says to which each of `groups` belongs."""
        larger = GroupSums(self._limbs.shape[1])
        larger.groups, position = np.unique(keys, return_inverse=True)
        larger.counts = np.zeros(len(larger.groups), dtype=np.int64)
        larger._limbs = np.zeros((len(larger.groups), *self._limbs.shape[1:]), dtype=np.int64)
        np.add.at(larger.counts, position, self.counts)
        np.add.at(larger._limbs, position, self._limbs)
        return larger
