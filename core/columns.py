"""What an import column may hold, checked on a whole chunk at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl
from django.db import models

IdsOf = Callable[[type[models.Model]], pl.DataFrame]
INT_MAX = 2_147_483_647


@dataclass(frozen=True)
class Column:
    """A column of text cells.

    Attributes
    ----------
    name : str
        The header.
    attname : str
        The model's column, where it is called otherwise.
    optional : bool
        The file may lack the column.
    blank : bool
        The cell may be empty and then is `default`.
    """

    name: str
    attname: str = ""
    optional: bool = False
    blank: bool = False
    default: Any = None
    dtype: ClassVar[Any] = pl.String

    @property
    def target(self) -> str:
        return self.attname or self.name

    def check(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        """Stripped text cells to values and, where a cell is refused, the reason (else null)."""
        empty = text == ""
        values, reasons = self.parse(text, ids_of)
        values = values.cast(self.dtype, strict=False)
        values = values.zip_with(~empty, pl.Series([self.default], dtype=self.dtype))
        missing = pl.Series([None if self.blank else "is empty"], dtype=pl.String)
        return values, reasons.cast(pl.String).zip_with(~empty, missing)

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        raise NotImplementedError


def _reasons(size: int, *cases: tuple[pl.Series, str]) -> pl.Series:
    """The first reason whose mask is set; a null in a mask counts as set."""
    reasons = pl.Series([None], dtype=pl.String).new_from_index(0, size)
    for mask, reason in reversed(cases):
        reasons = reasons.zip_with(~mask.fill_null(True), pl.Series([reason], dtype=pl.String))
    return reasons


@dataclass(frozen=True)
class Text(Column):
    max_length: int = 255

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        too_long = text.str.len_chars() > self.max_length
        return text, _reasons(len(text), (too_long, f"has more than {self.max_length} characters"))


@dataclass(frozen=True)
class Number(Column):
    """A finite number; kept to `decimals` places where the database keeps no more."""

    minimum: float = 0.0
    maximum: float = 1e12
    decimals: int | None = None
    dtype: ClassVar[Any] = pl.Float64

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        values = text.cast(pl.Float64, strict=False)
        reasons = _reasons(len(text), (~values.is_finite(), "is not a number"), *self._limits(values))
        return values if self.decimals is None else values.round(self.decimals), reasons

    def _limits(self, values: pl.Series) -> Sequence[tuple[pl.Series, str]]:
        low = "is negative" if self.minimum == 0 else f"is less than {self.minimum:,.0f}"
        return (values < self.minimum, low), (values > self.maximum, f"is more than {self.maximum:,.0f}")


@dataclass(frozen=True)
class Whole(Number):
    """A whole number; 12.0 is one."""

    maximum: float = INT_MAX
    dtype: ClassVar[Any] = pl.Int64

    def _limits(self, values: pl.Series) -> Sequence[tuple[pl.Series, str]]:
        return (values != values.floor(), "is not a whole number"), *super()._limits(values)


@dataclass(frozen=True)
class Date(Column):
    dtype: ClassVar[Any] = pl.Date
    example: ClassVar[str] = "is not a date like 2026-12-31"

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        values = text.str.to_date("%Y-%m-%d", strict=False)
        implausible = (values.dt.year() < 1900) | (values.dt.year() > 2199)
        return values, _reasons(len(text), (values.is_null(), self.example), (implausible, "is not from 1900 to 2199"))


@dataclass(frozen=True)
class Month(Date):
    """A month, given as one of its days or as 2026-12; stored as its first day."""

    example: ClassVar[str] = "is not a month like 2026-12-01"

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        short = text.str.len_chars() == 7
        values, reasons = super().parse((text + "-01").zip_with(short, text), ids_of)
        return values.dt.month_start(), reasons


@dataclass(frozen=True)
class Flag(Column):
    dtype: ClassVar[Any] = pl.Boolean
    words: ClassVar[dict[str, bool]] = {
        "true": True, "1": True, "yes": True, "y": True, "t": True,
        "false": False, "0": False, "no": False, "n": False, "f": False,
    }  # fmt: skip

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        values = text.str.to_lowercase().replace_strict(self.words, default=None, return_dtype=pl.Boolean)
        return values, _reasons(len(text), (values.is_null(), "is not true or false"))


@dataclass(frozen=True)
class Choice(Column):
    choices: Sequence[str] = ()

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        known = {choice.lower(): choice for choice in self.choices if choice}
        values = text.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.String)
        return values, _reasons(len(text), (values.is_null(), f"is not one of {', '.join(known.values())}"))


@dataclass(frozen=True)
class Months(Column):
    """Month numbers with commas; stored as `4,5,12`."""

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        values = text.str.replace_all(r"\s*,\s*", ",").str.replace_all(r"\b0", "")
        right = values.str.contains(r"^(?:[1-9]|1[0-2])(?:,(?:[1-9]|1[0-2])){0,11}$")
        return values, _reasons(len(text), (~right, "is not a list of months like 4,5,12"))


@dataclass(frozen=True)
class Reference(Column):
    """The code of a row that must exist already; becomes its id."""

    model: type[models.Model] = models.Model
    dtype: ClassVar[Any] = pl.Int64

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        keys = pl.DataFrame({"key": text.str.to_lowercase()})
        values = keys.join(ids_of(self.model), on="key", how="left", maintain_order="left")["id"]
        return values, _reasons(len(text), (values.is_null(), f"is an unknown {self.model._meta.verbose_name}"))
