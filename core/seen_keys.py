"""Find the rows of a file whose key stood in it before."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Lines = NDArray[np.int64]


class SeenKeys:
    """Which keys a file had already and on which line, in 16 bytes a row.

    Sorted runs of 64-bit hashes, merged when they get as long as their neighbour, so that tens of
    millions of rows need neither a Python set nor a quadratic merge.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Lines]] = []

    def first_lines(self, keys: Hashes, lines: Lines) -> Lines:
        """The line on which each key stood first, 0 where this is the first time; remembers the new ones."""
        first = np.zeros(len(keys), dtype=np.int64)
        for found, run_lines in self._lookup(keys):
            first = np.where(found, run_lines, first)
        unique, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
        earlier = index[inverse]
        first = np.where((first == 0) & (earlier != np.arange(len(keys))), lines[earlier], first)
        fresh = first[index] == 0
        self._add(unique[fresh], lines[index[fresh]])
        return first

    def holds(self, keys: Hashes) -> NDArray[np.bool_]:
        held = np.zeros(len(keys), dtype=bool)
        for found, _ in self._lookup(keys):
            held |= found
        return held

    def _lookup(self, keys: Hashes) -> Iterator[tuple[NDArray[np.bool_], Lines]]:
        """For each run: which keys it holds, and the lines of those."""
        for run_keys, run_lines in self._runs:
            position = np.minimum(np.searchsorted(run_keys, keys), len(run_keys) - 1)
            yield run_keys[position] == keys, run_lines[position]

    def _add(self, keys: Hashes, lines: Lines) -> None:
        if not len(keys):
            return
        while self._runs and len(self._runs[-1][0]) <= 2 * len(keys):
            other_keys, other_lines = self._runs.pop()
            keys, lines = np.concatenate([other_keys, keys]), np.concatenate([other_lines, lines])
            order = np.argsort(keys, kind="stable")
            keys, lines = keys[order], lines[order]
        self._runs.append((keys, lines))
