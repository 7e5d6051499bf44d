"""The fields of a JSON object that somebody else wrote, each checked as it is taken."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from suppliers.services.footprints.declared import BadFootprint

DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
LONGEST_NUMBER = 60  # characters
LARGEST = Decimal("1e12")
LONGEST_NOTE = 2_000


class JsonFields:
    """`path` is where the object stands, such as `pcf.`"""

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        self._values, self._path = values, path

    def text(self, name: str, *, longest: int) -> str:
        value = self._values.get(name)
        if value is None or value == "":
            raise self.bad(name, "is missing")
        if not isinstance(value, str) or not value.strip():
            raise self.bad(name, "is not a text")
        if len(value.strip()) > longest:
            raise self.bad(name, f"has more than {longest} characters")
        return value.strip()

    def texts(self, name: str) -> list[str]:
        """The texts of a list; empty where there is none."""
        value = self._values.get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def number(self, name: str, *, positive: bool = False) -> Decimal:
        number = self.number_or_none(name)
        if number is None:
            raise self.bad(name, "is missing")
        if positive and number <= 0:
            raise self.bad(name, "is not above 0")
        return number

    def number_or_none(self, name: str) -> Decimal | None:
        """Decimals come as texts, some as numbers."""
        value = self._values.get(name)
        if value is None:
            return None
        text = str(value).strip()
        if isinstance(value, bool) or len(text) > LONGEST_NUMBER or not DECIMAL.fullmatch(text):
            raise self.bad(name, "is not a number")
        number = Decimal(text)
        if abs(number) > LARGEST:
            raise self.bad(name, f"is more than {LARGEST:,.0f}")
        return number

    def moment(self, name: str) -> dt.datetime:
        moment = self.moment_or_none(name)
        if moment is None:
            raise self.bad(name, "is missing")
        return moment

    def moment_or_none(self, name: str) -> dt.datetime | None:
        value = self._values.get(name)
        if value is None or value == "":
            return None
        try:
            moment = dt.datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.bad(name, "is not a time like 2026-12-31T00:00:00Z") from None
        if not 1900 <= moment.year <= 2199:
            raise self.bad(name, "is not from 1900 to 2199")
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)

    def inner(self, name: str) -> "JsonFields":
        value = self._values.get(name)
        if not isinstance(value, dict):
            raise self.bad(name, "is missing" if value is None else "is not an object")
        return JsonFields(value, f"{self._path}{name}.")

    def notes(self, *names: str) -> dict[str, Any]:
        """What is said under these names, where it is said in a few words, numbers or lists of them."""
        return {name: self._values[name] for name in names if _is_note(self._values.get(name))}

    def bad(self, name: str, reason: str) -> BadFootprint:
        value = self._values.get(name)
        return BadFootprint(f"{self._path}{name}", "" if value is None else value, reason)


def _is_note(value: Any) -> bool:
    items = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return value not in (None, "") and all(
        isinstance(item, str | int | float) and len(str(item)) <= LONGEST_NOTE for item in items
    )
