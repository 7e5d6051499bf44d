"""Units of mass, volume, energy, length, area and count, as buyers write them.

Pint knows what a unit is worth. Importing it and loading its registry takes half a second, so that waits until a unit
turns up that is not a count.
"""

import math
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from suppliers.emissions.lookups import UNKNOWN, look_up
from suppliers.emissions.unit_names import AMBIGUOUS, COUNTS, DIMENSIONS, POWERS, SPELLINGS
from suppliers.emissions.values import as_text

if TYPE_CHECKING:
    import pint

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NO_UNIT = 0
LONGEST_SPELLING = 40
MOST_SPELLINGS = 10_000

RAISED = {1: "length", 2: "area", 3: "volume"}
SPELLED = re.compile(
    r"(?:(?P<before>square|sq|cubic|cu)[_.]+)?(?P<word>[a-zA-Z\u00b5\u03bc_]+?)(?:_?(?:\^|\*\*)?(?P<after>[23²³]))?"
)


@dataclass(frozen=True)
class Unit:
    """What one of it is worth in its dimension's base unit, exactly."""

    dimension: str
    worth: Fraction


NOTHING = Unit("nothing", Fraction(0))
_lock = threading.Lock()


class Units:
    """The units that were met so far, by number, so that a column of units is a column of integers."""

    def __init__(self) -> None:
        self._numbers = {NOTHING: NO_UNIT}
        self._spelled: dict[Any, int] = {None: NO_UNIT, "": NO_UNIT}
        self._rates = np.full((2, 2), np.nan)

    def numbers_of(self, column: Sequence[Any]) -> Ints:
        """Number of each unit, shape (n,): 0 where none is given, -1 for an unknown unit."""
        numbers = look_up(self._spelled, column)
        for at in (numbers == UNKNOWN).nonzero()[0].tolist():
            numbers[at] = self._number_of(as_text(column[at]))
        return numbers

    def rates(self, source: Ints, target: Ints) -> Floats:
        """Target units for one source unit, shape (n,); NaN where dimensions differ or a unit is unknown or missing."""
        rates: Floats = self._rates[source, target]
        return rates

    def _number_of(self, text: str) -> int:
        unit = parse_unit(text) if len(text) <= LONGEST_SPELLING else None
        if unit is None:
            return UNKNOWN
        with _lock:
            if unit not in self._numbers:
                self._add(unit)
            if len(self._spelled) < MOST_SPELLINGS:
                self._spelled[text] = self._numbers[unit]
        return self._numbers[unit]

    def _add(self, unit: Unit) -> None:
        """Give the unit a number, and rates to and from all others; the last row and column are the unknown unit's."""
        number = len(self._numbers)
        rates = np.full((number + 2, number + 2), np.nan)
        rates[:number, :number] = self._rates[:number, :number]
        for other, other_number in [*self._numbers.items(), (unit, number)]:
            rates[number, other_number] = conversion_rate(unit, other)
            rates[other_number, number] = conversion_rate(other, unit)
        self._rates = rates
        self._numbers[unit] = number


def conversion_rate(source: Unit, target: Unit) -> float:
    """Target units for one source unit, correctly rounded; NaN where the dimensions differ."""
    if source.dimension != target.dimension or NOTHING in (source, target):
        return math.nan
    return float(source.worth / target.worth)


@lru_cache(maxsize=MOST_SPELLINGS)
def parse_unit(text: str) -> Unit | None:
    """The unit that a text means; none where it is not known.

    Case tells mega from milli, so the text is read as it stands before it is read in lower case.
    """
    text = "_".join(text.replace("-", " ").split()).rstrip(".")
    lower = text.casefold()
    if lower in AMBIGUOUS:
        return None
    if lower in COUNTS:
        return Unit("count", Fraction(COUNTS[lower]))
    words = dict.fromkeys([SPELLINGS.get(text, text), SPELLINGS.get(lower, lower)])
    return next(filter(None, map(_from_pint, words)), None)


def _from_pint(text: str) -> Unit | None:
    spelled = SPELLED.fullmatch(text)
    if not spelled or (spelled["before"] and spelled["after"]):
        return None
    power = POWERS.get(spelled["before"] or spelled["after"], 1)
    if power == 1:
        return _known_to_pint(text)
    side = _known_to_pint(spelled["word"])
    return Unit(RAISED[power], side.worth**power) if side and side.dimension == "length" else None


def _known_to_pint(word: str) -> Unit | None:
    for prefix, name, _plural in _registry().parse_unit_name(word)[:1]:
        if name in DIMENSIONS and not (prefix and name == "ton"):
            worth, _base = _registry().get_root_units(prefix + name)
            return Unit(DIMENSIONS[name], Fraction(cast("Fraction | int", worth)))
    return None


@cache
def _registry() -> "pint.UnitRegistry[Fraction]":
    """Exact fractions, so that a rate is rounded once."""
    import pint

    return pint.UnitRegistry(non_int_type=Fraction, cache_folder=None)
