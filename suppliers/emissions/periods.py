"""When a purchase was: a day, or a year alone."""

from calendar import isleap
from collections.abc import Sequence
from datetime import date
from itertools import repeat
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from suppliers.emissions.checks import FIRST_YEAR, LAST_YEAR
from suppliers.emissions.lookups import Ints
from suppliers.emissions.values import LONGEST_SHOWN, NOT_GIVEN, SPAN, WRONG, as_period, shown

if TYPE_CHECKING:
    from suppliers.emissions.records import Refusals

UNREAD = WRONG - 1
FIRST_DAY = (date(FIRST_YEAR, 1, 1) - date(1970, 1, 1)).days
YEAR_OF_DAY = np.repeat(
    np.arange(FIRST_YEAR, LAST_YEAR + 1), [365 + isleap(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)]
)
MOST_REMEMBERED = 50_000
_remembered: dict[Any, int] = {None: NOT_GIVEN}


def read_periods(days: Sequence[Any], years: Sequence[Any], refusals: "Refusals") -> tuple[Ints, Ints, Ints]:
    """Year of each purchase, and the first and last day on which it can have been [days since 1970]."""
    day, year = _as_periods(days), _as_periods(years)
    for at in (day == WRONG).nonzero()[0].tolist():
        sentence = f"The purchase date is {shown(days[at])}; write it as 2024-01-31, or a year alone."
        refusals.add(at, "missing_field", sentence)
    for at in ((year == WRONG) | ((year % SPAN == 0) & (year != NOT_GIVEN))).nonzero()[0].tolist():
        refusals.add(at, "bad_number", f"The year is {shown(years[at])}; write it as 2024.")
    period = np.where(day == NOT_GIVEN, year, day)
    for at in (period == NOT_GIVEN).nonzero()[0].tolist():
        refusals.add(at, "missing_field", "There is no purchase date and no year.")
    period = np.where(period <= NOT_GIVEN, 0, period)
    first_day = period // SPAN
    in_year = np.where(year <= NOT_GIVEN, first_day, year // SPAN)
    return YEAR_OF_DAY[in_year - FIRST_DAY], first_day, first_day + period % SPAN


def _as_periods(column: Sequence[Any]) -> Ints:
    """Days and years repeat: each distinct one is read once, as long as there are not too many."""
    if set(map(type, column)) == {NoneType}:
        return np.full(len(column), NOT_GIVEN, dtype=np.int64)
    try:
        periods = np.fromiter(map(_remembered.get, column, repeat(UNREAD)), dtype=np.int64, count=len(column))
    except Exception:  # a value that cannot be a key, or whose own code fails
        periods = np.full(len(column), UNREAD)
    for at in (periods == UNREAD).nonzero()[0].tolist():
        periods[at] = _read(column[at])
    return periods


def _read(value: object) -> int:
    try:
        period = as_period(value)
    except Exception:  # a date whose own code fails
        return WRONG
    short = len(value) <= LONGEST_SHOWN if isinstance(value, str) else isinstance(value, date | int)
    if short and len(_remembered) < MOST_REMEMBERED:
        _remembered[value] = period
    return period
