"""What makes a line a purchase record, and what makes it none."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from core.seen_keys import SeenKeys
from suppliers.models import PurchaseRecord
from suppliers.services.purchases.fields import FIELDS
from suppliers.services.purchases.lines import Lines

# A total that goes in as a purchase doubles every number. An oil company's invoice says more than its name.
TOTALS = ("total", "totals", "grand total", "subtotal", "sub total", "sub-total", "sum")
SAID_OF_PURCHASES = ("product_name", "product_code", "product_category", "purchase_date", "quantity")


def check_lines(lines: Lines, constants: Mapping[str, Any], *, credits_negative: bool) -> Lines:
    """Turn cells into the values of records; a line is refused for the first thing that is wrong with it."""
    for name in lines.fields:
        lines.check(FIELDS[name])
    lines.rows = lines.rows.with_columns(
        pl.lit(value, dtype=FIELDS[name].dtype).alias(name) for name, value in constants.items()
    )
    _refuse_totals(lines)
    _settle_year(lines)
    _settle_kind(lines, credits_negative=credits_negative)
    return lines


def settle_ids(lines: Lines, seen: SeenKeys) -> Lines:
    """A record's id is its own, or is made from its line; one that stood before is refused."""
    if "record_id" not in lines.fields:
        numbers = pl.Series(lines.lines()).cast(pl.String)
        lines.rows = lines.rows.with_columns(("line " + numbers).alias("record_id"))
        return lines
    lines.refuse_repeated("record_id", "record_id", seen)
    return lines


def _refuse_totals(lines: Lines) -> None:
    said = [pl.col(name) for name in SAID_OF_PURCHASES if name in lines.fields]
    is_total = pl.col("supplier").str.to_lowercase().is_in(TOTALS)
    for name in said:
        is_total &= name.is_null() | (name.cast(pl.String) == "")
    lines.refuse_where(is_total, "supplier", "looks like a total of other lines, which is no purchase")


def _settle_year(lines: Lines) -> None:
    """The year of the date, else the year; both may be given, and then must agree."""
    columns = lines.rows.columns
    day_year = (
        pl.col("purchase_date").dt.year().cast(pl.Int64) if "purchase_date" in columns else pl.lit(None, dtype=pl.Int64)
    )
    year = pl.col("year") if "year" in columns else pl.lit(None, dtype=pl.Int64)
    place = "purchase_date" if "purchase_date" in columns else "year"
    lines.refuse_where(day_year != year, place, "is not in the year of the record")
    lines.rows = lines.rows.with_columns(pl.coalesce(day_year, year).alias("year"))
    lines.refuse_where(pl.col("year").is_null(), place, "is empty, so the record has no year")


def _settle_kind(lines: Lines, *, credits_negative: bool) -> None:
    columns = lines.rows.columns
    kind = pl.col("kind") if "kind" in columns else pl.lit(None, dtype=pl.String)
    if credits_negative and "spend" in columns:
        kind = pl.coalesce(kind, pl.when(pl.col("spend") < 0).then(pl.lit(PurchaseRecord.Kind.CREDIT.value)))
    lines.rows = lines.rows.with_columns(kind.fill_null(PurchaseRecord.Kind.PURCHASE.value).alias("kind"))
