"""The fields of a purchase record, and what a cell may say about each."""

from dataclasses import dataclass

import polars as pl

from core.columns import Choice, Column, Date, IdsOf, Number, Text
from suppliers.models import PurchaseRecord
from suppliers.services.loading.columns import Pattern, Year

LARGEST = 1e15  # in currencies of small money a large order has thirteen digits
THOUSANDS = r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?$"
DAY_FIRST = r"^([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})$"
TIME_OF_DAY = r"[T ][0-9]{1,2}:[0-9]{2}.*$"
EXCEL_DAY = r"^[2-7][0-9]{4}$"  # 1954 to 2119 as the number that a sheet stores
EXCEL_EPOCH = pl.date(1899, 12, 30)


@dataclass(frozen=True)
class Amount(Number):
    """A number as people write it: commas between thousands, or none."""

    minimum: float = -LARGEST
    maximum: float = LARGEST

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        plain = text.str.replace_all(",", "", literal=True)
        return super().parse(plain.zip_with(text.str.contains(THOUSANDS), text), ids_of)


@dataclass(frozen=True)
class Day(Date):
    """A date as ISO, day first, or the number that a sheet stores; a time of day behind it is left out."""

    example = "is not a date like 2026-12-31 or 31/12/2026"

    def parse(self, text: pl.Series, ids_of: IdsOf) -> tuple[pl.Series, pl.Series]:
        day = pl.col("day").str.replace(TIME_OF_DAY, "").str.replace(DAY_FIRST, "$3-$2-$1")
        number = pl.when(day.str.contains(EXCEL_DAY)).then(day).cast(pl.Int64)
        stored = (EXCEL_EPOCH + pl.duration(days=number)).cast(pl.String)
        iso = pl.DataFrame({"day": text}).select(pl.coalesce(stored, day)).to_series()
        return super().parse(iso, ids_of)


def _text(name: str, max_length: int) -> Text:
    return Text(name, max_length=max_length, blank=True, default="")


FIELDS: dict[str, Column] = {
    field.name: field
    for field in (
        Text("record_id", max_length=100),
        Text("supplier", max_length=255),
        _text("product_name", 255),
        _text("product_code", 100),
        _text("product_category", 255),
        Amount("quantity", blank=True),
        _text("unit", 40),
        Amount("spend", blank=True),
        Pattern("currency", pattern="[A-Z]{3}", form="a currency code like GBP", upper=True, blank=True, default=""),
        Day("purchase_date", blank=True),
        Year("year", blank=True),
        Pattern("country", pattern="[A-Z]{2}", form="a country code like GB", upper=True, blank=True, default=""),
        _text("sector_code", 16),
        Amount("supplier_pcf", blank=True),
        _text("pcf_unit", 40),
        Amount("pcf_uncertainty", minimum=0, maximum=1, blank=True),
        Choice("kind", choices=PurchaseRecord.Kind.values, blank=True),
    )
}
