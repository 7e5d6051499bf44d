"""Read from the database what a calculation looks up."""

import logging
import time
from collections.abc import Iterable
from typing import Any

import polars as pl

from core.errors import WorkbenchError, database_errors_explained
from suppliers.emissions.book import (
    ACTIVITY_FACTORS,
    CATEGORIES,
    CURRENCY_RATES,
    FOOTPRINTS,
    PRICE_INDEX,
    SPEND_FACTORS,
    FactorBook,
    make_book,
)
from suppliers.models import Category, Factor, FactorSet, ProductFootprint, Rate, RateSet, SupplierName

logger = logging.getLogger(__name__)

OF_SETS = ("set_hash", "base_year")
OF_FOOTPRINTS = {"set_hash": "file_hash", "supplier": "supplier_name__name"}


def read_book(
    *,
    spend_factors: FactorSet | None = None,
    activity_factors: FactorSet | None = None,
    currency_rates: RateSet | None = None,
    price_index: RateSet | None = None,
) -> FactorBook:
    """The sets' factors and rates, all footprints and the mapping of categories, in seven statements.

    A footprint's supplier is the name that `read_same_suppliers` says, so a record's supplier has to be, too.

    Raises
    ------
    WorkbenchError
        If a set cannot be used, as spend-based factors in euros, or the database refuses the work.
    """
    started = time.perf_counter()
    with database_errors_explained():
        frames = {
            "spend_factors": _read_factors(spend_factors, SPEND_FACTORS),
            "activity_factors": _read_factors(activity_factors, ACTIVITY_FACTORS),
            "footprints": _read_footprints(),
            "currency_rates": _read_rates(currency_rates, CURRENCY_RATES, "currency", "year", usd_per_unit="value"),
            "price_index": _read_rates(price_index, PRICE_INDEX, "year", index="value"),
            "categories": _frame(Category.objects.order_by("pk").values_list(*CATEGORIES), CATEGORIES),
        }
    try:
        book = make_book(**frames)
    except ValueError as error:
        raise WorkbenchError(f"These factors cannot be used together. {error}.") from error
    rows, seconds = sum(frame.height for frame in frames.values()), time.perf_counter() - started
    logger.info("read_book done rows=%d seconds=%.2f rows_per_second=%.0f", rows, seconds, rows / seconds)
    return book


def read_same_suppliers() -> dict[str, str]:
    """For each name that people linked to a supplier: the first of that supplier's names in order of characters.

    Names that are nobody's stand for themselves and are left out. One statement; the order is that of the names.
    """
    with database_errors_explained():
        linked = sorted(SupplierName.objects.exclude(supplier=None).order_by().values_list("name", "supplier_id"))
    first: dict[int | None, str] = {}
    return {name: first.setdefault(supplier, name) for name, supplier in linked}


def _read_factors(factor_set: FactorSet | None, schema: dict[str, Any]) -> pl.DataFrame:
    """In the order of the file, for the first unit of a code that converts counts."""
    columns = {name: kind for name, kind in schema.items() if name not in OF_SETS}
    factors = Factor.objects.filter(factor_set=factor_set) if factor_set else Factor.objects.none()
    return _frame(factors.order_by("source_row").values_list(*columns), columns).with_columns(
        set_hash=pl.lit(factor_set.file_hash if factor_set else None, pl.String),
        base_year=pl.lit(factor_set.base_year if factor_set else None, pl.Int64),
    )


def _read_rates(rate_set: RateSet | None, schema: dict[str, Any], *names: str, **renamed: str) -> pl.DataFrame:
    rates = Rate.objects.filter(rate_set=rate_set) if rate_set else Rate.objects.none()
    return _frame(rates.order_by("source_row").values_list(*names, *renamed.values()), schema)


def _read_footprints() -> pl.DataFrame:
    same = read_same_suppliers()
    columns = {name: kind for name, kind in FOOTPRINTS.items() if name != "reference"}
    fields = [OF_FOOTPRINTS.get(name, name) for name in columns]
    named = {"source": (pl.String, True), "external_id": (pl.String, True), "version": (pl.Int64, True)}
    rows = ProductFootprint.objects.order_by("pk").values_list(*fields, *named)
    return _frame(rows, columns | named).with_columns(
        pl.col("supplier").replace(same),
        reference=pl.format("{}:{}:{}", "source", "external_id", "version"),
    )


def _frame(rows: Iterable[tuple[Any, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), {name: kind for name, (kind, _) in schema.items()}, orient="row")
