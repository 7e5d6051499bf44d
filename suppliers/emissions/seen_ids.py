"""Find record ids that were in the stream before."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FEWEST_SLOTS = 2**12
FULLEST = 0.5  # share of the slots that are taken; above it collisions cost more than memory


class SeenIds:
    """Where each id stood first, by its 64-bit hash; an empty id, whose hash is 0, is none.

    A hash table with open addressing in two arrays, 32 to 64 bytes an id. A chunk of 1,000 costs a third of what it
    costs to look into a dict of recent ids and sorted runs of older ones.
    """

    def __init__(self) -> None:
        self._hashes: Ints = np.zeros(FEWEST_SLOTS, dtype=np.int64)
        self._places: Ints = np.zeros(FEWEST_SLOTS, dtype=np.int64)
        self._taken = 0

    def repeated(self, ids: Sequence[str], first: int) -> list[tuple[int, int]]:
        """Position of each repeated id and the place of the first; `first` is the place of position 0."""
        hashes = np.fromiter(map(hash, ids), dtype=np.int64, count=len(ids))
        places = np.arange(first, first + len(ids))
        while self._taken + len(ids) > FULLEST * len(self._hashes):
            self._grow()
        earlier = self._first_places(hashes, places)
        again = (earlier != places).nonzero()[0]
        self._taken += len(ids) - len(again)
        return list(zip(again.tolist(), earlier[again].tolist(), strict=True))

    def _first_places(self, hashes: Ints, places: Ints) -> Ints:
        """Where each hash stood first, shape (n,) as the arguments: its own place where it is new, or 0."""
        found = places.copy()
        # Of several that take one slot the last has it, so the first ones ask last.
        asking = hashes.nonzero()[0][::-1]
        asked = hashes[asking]
        slot, mask, step = asked & (len(self._hashes) - 1), len(self._hashes) - 1, 0
        while len(asking):
            free = (self._hashes.take(slot) == 0).nonzero()[0]
            taken, takers = slot.take(free), asking.take(free)
            self._hashes[taken] = asked.take(free)
            self._places[taken] = places.take(takers)
            own = self._hashes.take(slot) == asked
            found[asking[own]] = self._places.take(slot[own])
            other = (~own).nonzero()[0]
            step += 1
            asking, asked, slot = asking.take(other), asked.take(other), (slot.take(other) + step) & mask
        return found

    def _grow(self) -> None:
        held = self._hashes.nonzero()[0]
        hashes, places = self._hashes[held], self._places[held]
        self._hashes, self._places = np.zeros((2, 2 * len(self._hashes)), dtype=np.int64)
        self._first_places(hashes, places)
