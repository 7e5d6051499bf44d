"""A footprint as a file declares it, before it is stored, and how long it may be used where nothing is said."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from suppliers.models import ProductFootprint

YEARS_VALID = 3
NAME_LENGTH = 255
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Declared:
    """`place` is its row in the file, or its number in a file without rows; `footprint` has no supplier yet."""

    place: int
    company: str
    footprint: ProductFootprint


class BadFootprint(Exception):
    """One footprint that cannot be taken: its column or field, the value there and what is wrong with it."""

    def __init__(self, column: str, value: object, reason: str) -> None:
        super().__init__(f"{column}: {value!r} {reason}")
        self.column, self.value, self.reason = column, str(value), reason


def validity(
    period_end: dt.date | None, stated_first: dt.date | None = None, stated_last: dt.date | None = None
) -> tuple[dt.date, dt.date]:
    """First and last day on which it may be used: as stated, else three years from the end of the reference period.

    Raises
    ------
    BadFootprint
        If neither is known, or the last day is before the first.
    """
    begin = stated_first if period_end is None else period_end + DAY
    first, last = stated_first or begin, stated_last or (begin and years_after(begin) - DAY)
    if first is None or last is None:
        raise BadFootprint("period_end", "", "is empty, and so are valid_from and valid_until; one is needed")
    if last < first:
        raise BadFootprint("valid_until", last, f"is before {first}, the first day on which it may be used")
    return first, last


def years_after(day: dt.date, years: int = YEARS_VALID) -> dt.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def shorten(name: str, details: dict[str, Any]) -> str:
    """A product's name as long as the field is; the details keep a longer one whole."""
    if len(name) <= NAME_LENGTH:
        return name
    details["product_name"] = name
    return f"{name[: NAME_LENGTH - 1]}…"
