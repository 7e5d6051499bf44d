"""Exact sums of groups that nobody knows before they come."""

import numpy as np
from numpy.typing import NDArray

from suppliers.kernels.exact_sums import LIMBS, as_floats, sum_limbs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class GroupSums:
    """How many rows each group has, and sums over them, the same to the last bit in any order and any chunks.

    Memory grows with the groups, 16 bytes each and 72 for each sum, and not with the rows.
    """

    def __init__(self, n_sums: int = 1) -> None:
        self.groups: Ints = np.zeros(0, dtype=np.int64)  # sorted
        self.counts: Ints = np.zeros(0, dtype=np.int64)
        self._limbs: Ints = np.zeros((0, n_sums, LIMBS), dtype=np.int64)

    def add(self, group: Ints, *values: Floats) -> None:
        """Rows of these groups, shape (n,), with one array of values for each sum, shape (n,)."""
        groups, position, counts = np.unique(group, return_inverse=True, return_counts=True)
        self._make_room(groups)
        at = np.searchsorted(self.groups, groups)
        self.counts[at] += counts
        for which, column in enumerate(values):
            self._limbs[at, which] += sum_limbs(position, column, n_groups=len(groups))

    def sums(self, which: int = 0) -> Floats:
        """Of each of `groups`."""
        return as_floats(self._limbs[:, which])

    def together(self, keys: Ints) -> "GroupSums":
        """Larger groups: `keys` says to which each of `groups` belongs."""
        larger = GroupSums(self._limbs.shape[1])
        larger.groups, position = np.unique(keys, return_inverse=True)
        larger.counts = np.zeros(len(larger.groups), dtype=np.int64)
        larger._limbs = np.zeros((len(larger.groups), *self._limbs.shape[1:]), dtype=np.int64)
        np.add.at(larger.counts, position, self.counts)
        np.add.at(larger._limbs, position, self._limbs)
        return larger

    def _make_room(self, groups: Ints) -> None:
        new = np.setdiff1d(groups, self.groups, assume_unique=True)
        if len(new):
            at = np.searchsorted(self.groups, new)
            self.groups = np.insert(self.groups, at, new)
            self.counts = np.insert(self.counts, at, 0)
            self._limbs = np.insert(self._limbs, at, 0, axis=0)
