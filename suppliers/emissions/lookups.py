"""Text to number, for a column at a time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress, repeat
from operator import is_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suppliers.emissions.values import as_texts

Ints = NDArray[np.int64]
Lookup = Mapping[Any, int]

UNKNOWN = -1
BLANK = -2
NOT_THERE = -3


def lookup_of(keys: Iterable[str], *, first: int = 0) -> dict[Any, int]:
    """Number of each key in their order, `BLANK` for what is not given."""
    blank = {None: BLANK, "": BLANK}
    return blank | {key: number for number, key in enumerate(dict.fromkeys(keys), start=first)}


def redirected(lookup: Lookup, other_keys: Mapping[str, str], target: Lookup) -> Lookup:
    """The lookup, where some keys have the number of another key in `target`, `NOT_THERE` if that has none."""
    return {**lookup, **{key: target.get(other, NOT_THERE) for key, other in other_keys.items()}}


def look_up(lookup: Lookup, column: Sequence[Any], *, fold: Callable[[str], str] | None = None) -> Ints:
    """Number of each value, shape (n,), `UNKNOWN` where it has none.

    Values are looked up as they are; only what is not found is cleaned and folded (to upper case, say), and looked up
    again where that changed any. Cleaning every text first takes three times as long.
    """
    try:
        numbers = np.fromiter(map(lookup.get, column, repeat(UNKNOWN)), dtype=np.int64, count=len(column))
    except Exception:  # a value that cannot be a key, or whose own code fails
        numbers = np.full(len(column), UNKNOWN)
    missed = (numbers == UNKNOWN).nonzero()[0]
    if len(missed):
        given = taken(column, missed)
        keys = as_texts(given)
        keys = list(map(fold, keys)) if fold else keys
        if not all(map(is_, keys, given)):
            numbers[missed] = np.fromiter(map(lookup.get, keys, repeat(UNKNOWN)), dtype=np.int64, count=len(missed))
    return numbers


def taken(column: Sequence[Any], at: Ints) -> Sequence[Any]:
    """The column's values at these ascending positions."""
    if len(at) == len(column):
        return column
    if 2 * len(at) < len(column):
        return [column[i] for i in at.tolist()]
    wanted = np.zeros(len(column), dtype=bool)
    wanted[at] = True
    return list(compress(column, wanted.tobytes()))  # half the time where most are wanted
