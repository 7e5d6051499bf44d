"""Find record ids that were in the stream before."""

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from core.seen_keys import SeenKeys

MOST_RECENT = 50_000


class SeenIds:
    """Where each id stood first, in 16 bytes an id by its 64-bit hash; an empty id is none.

    The latest ones are in a dict, which takes small chunks cheaply, and go to `SeenKeys` many at once.
    """

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._older = SeenKeys()
        self._has_older = False

    def repeated(self, ids: Sequence[str], first: int) -> list[tuple[int, int]]:
        """Position of each repeated id and the place of the first; `first` is the place of position 0."""
        hashes = list(map(hash, ids))
        places = dict(zip(hashes, count(first)))
        if len(places) == len(hashes) and self._recent.keys().isdisjoint(places) and not self._held(hashes):
            self._recent.update(places)
            repeated = []
        else:
            repeated = list(self._repeated_one_by_one(ids, hashes, first))
        if len(self._recent) >= MOST_RECENT:
            self._older.first_lines(_keys(self._recent), np.array(list(self._recent.values()), dtype=np.int64))
            self._recent, self._has_older = {}, True
        return repeated

    def _repeated_one_by_one(self, ids: Sequence[str], hashes: list[int], first: int) -> Iterator[tuple[int, int]]:
        older = self._places(hashes)
        for at, (record_id, key) in enumerate(zip(ids, hashes, strict=True)):
            if record_id:
                place = older.get(key) or self._recent.setdefault(key, first + at)
                if place != first + at:
                    yield at, place

    def _held(self, hashes: list[int]) -> bool:
        return self._has_older and bool(self._older.holds(np.sort(_keys(hashes))).any())

    def _places(self, hashes: list[int]) -> dict[int, int]:
        """Places of the hashes that are among the older ones."""
        if not self._has_older:
            return {}
        keys = _keys(hashes)
        held = self._older.holds(keys).nonzero()[0]
        places = self._older.first_lines(keys[held], np.zeros(len(held), dtype=np.int64))
        return {hashes[at]: place for at, place in zip(held.tolist(), places.tolist(), strict=True)}


def _keys(hashes: "Sequence[int] | dict[int, int]") -> NDArray[np.uint64]:
    return np.fromiter(hashes, dtype=np.int64, count=len(hashes)).view(np.uint64)
