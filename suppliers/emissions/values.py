"""One value of a purchase record as it comes, from a file, a database or a program: text, number or time."""

import math
import re
from calendar import isleap
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any
from uuid import UUID

import numpy as np

from suppliers.emissions.checks import FIRST_YEAR, LARGEST, LAST_YEAR

NUMBER = re.compile(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)
DAY = re.compile(r"(\d{4}-\d\d-\d\d)([T ].{0,40})?", re.ASCII)
YEAR = re.compile(r"\d{4}(\.0)?", re.ASCII)
LONGEST_SHOWN = 60
WIDEST_INTEGER = 256  # bits; Python refuses to print those of thousands of digits

NOT_GIVEN = -(2**40)
WRONG = NOT_GIVEN - 1
SPAN = 512
EPOCH = date(1970, 1, 1).toordinal()


class NotANumber(ValueError):
    """The value is given and cannot be calculated with."""


def as_text(value: object) -> str:
    """The text of a field, without surrounding blanks; a whole number as a spreadsheet means it, 331110.0 too.

    What is neither text nor number, or fails as it is read, is named, not printed: its own code might do anything.
    """
    try:
        return _text_of(value)
    except Exception:
        return f"<{type(value).__name__}>"


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return str.strip(value)
    if isinstance(value, np.floating):
        value = float(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return str(int(value))
    if isinstance(value, Integral) and int(value).bit_length() < WIDEST_INTEGER:
        return str(int(value))
    if isinstance(value, float | Decimal | UUID | date):
        return str(value)
    return f"<{type(value).__name__}>"


def as_texts(column: Sequence[Any]) -> list[str]:
    try:
        return list(map(str.strip, column))
    except TypeError:  # calls cost, so the commonest values need none
        return [
            value.strip() if value.__class__ is str else "" if value is None else as_text(value) for value in column
        ]


def as_number(value: object) -> float:
    """The number of a field, NaN where none is given.

    Raises
    ------
    NotANumber
        If it is given and no finite number up to 1e15.
    """
    if value is None:
        return math.nan
    if isinstance(value, str):
        text = str.strip(value)
        if not text:
            return math.nan
        if not NUMBER.fullmatch(text):
            raise NotANumber
        number = float(text)
    elif isinstance(value, bool) or not isinstance(value, Real | Decimal):
        raise NotANumber
    else:
        number = _as_float(value)
    if not abs(number) <= LARGEST:
        raise NotANumber
    return number


def _as_float(value: Real | Decimal) -> float:
    try:
        return float(value)
    except Exception:  # too large, a signalling NaN, or the number's own code fails
        raise NotANumber from None


def as_period(value: object) -> int:
    """The day or the year of a purchase as one integer, `first day * 512 + days until the last one`.

    Days are counted from 1970-01-01. `NOT_GIVEN` where there is none, `WRONG` where it is no date and no year.
    """
    if isinstance(value, date):
        return _day(value)
    text = as_text(value)
    if not text:
        return NOT_GIVEN
    if YEAR.fullmatch(text):
        return _year(int(text[:4]))
    day = DAY.fullmatch(text)
    try:
        return _day(date.fromisoformat(day[1])) if day else WRONG
    except ValueError:
        return WRONG


def _day(day: date) -> int:
    return (day.toordinal() - EPOCH) * SPAN if FIRST_YEAR <= day.year <= LAST_YEAR else WRONG


def _year(year: int) -> int:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return WRONG
    return (date(year, 1, 1).toordinal() - EPOCH) * SPAN + 364 + isleap(year)


def day_of(number: int) -> date:
    return date.fromordinal(number + EPOCH)


def shown(value: object) -> str:
    """A value for a sentence: in quotes, short, and printable everywhere."""
    text = as_text(value)
    text = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return f"'{text}'"
