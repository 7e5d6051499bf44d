"""Columns that only published data have."""

from dataclasses import dataclass

import polars as pl

from core.columns import IdsOf, Number, Text, Whole
from suppliers.emissions.units import parse_unit


@dataclass(frozen=True)
class Pattern(Text):
    """Text of one form, such as a code of six digits; small letters become capitals where `upper` is set."""

    pattern: str = ""
    form: str = ""
    upper: bool = False

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        text = text.str.to_uppercase() if self.upper else text
        right = text.str.contains(rf"\A(?:{self.pattern})\z")
        reason = pl.Series([f"is not {self.form}"], dtype=pl.String).new_from_index(0, len(text))
        return text, reason.zip_with(~right, pl.Series([None], dtype=pl.String))


@dataclass(frozen=True)
class Positive(Number):
    """A number above zero."""

    def _limits(self, values: pl.Series) -> list[tuple[pl.Series, str]]:
        return [(values <= 0, "is not above 0"), (values > self.maximum, f"is more than {self.maximum:,.0f}")]


@dataclass(frozen=True)
class Year(Whole):
    def _limits(self, values: pl.Series) -> list[tuple[pl.Series, str]]:
        wrong = (values < 1900) | (values > 2199) | (values != values.floor())
        return [(wrong, "is not a year from 1900 to 2199")]


@dataclass(frozen=True)
class KnownUnit(Text):
    """A unit that quantities convert to."""

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        _, reasons = super().parse(text, ids_of)
        unknown = pl.Series([parse_unit(unit) is None for unit in text], dtype=pl.Boolean)
        reason = pl.Series(["is not a known unit, such as kg, litre, kWh, m2 or each"], dtype=pl.String)
        return text, reason.new_from_index(0, len(text)).zip_with(unknown & reasons.is_null(), reasons)
