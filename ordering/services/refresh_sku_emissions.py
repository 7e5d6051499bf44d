"""What one unit of each SKU emits, so that order lines can show it without calculating anything."""

import datetime as dt
import logging
import time
from collections.abc import Iterator

import polars as pl

from core.batch import batch_connection
from core.errors import database_errors_explained
from core.upsert import upsert
from ordering.models import Sku
from suppliers.emissions.book import FactorBook
from suppliers.emissions.calculate import calculate
from suppliers.models import FactorSet, Rate, RateSet, SupplierName
from suppliers.services.read_book import read_book, read_same_suppliers

logger = logging.getLogger(__name__)

SKUS_AT_ONCE = 20_000
READ = {
    "pk": pl.Int64,
    "sku": pl.String,
    "description": pl.String,
    "supplier_id": pl.Int64,
    "net_weight_kg": pl.Float64,
    "emission_category": pl.String,
    "unit_cost": pl.Float64,
    "currency": pl.String,
}
RESULT = {"emissions_kgco2e": pl.Float64, "emissions_tier": pl.Int64}


def refresh_sku_emissions() -> int:
    """Price one unit of every SKU by the waterfall of purchases and store it with its tier; return how many have one.

    The supplier's own footprint of one piece goes first; then one piece by its net weight, by a footprint per kg or
    an average factor of its emission category; then by its cost. A SKU that nothing prices has neither.
    """
    started, priced = time.perf_counter(), 0
    with database_errors_explained(), batch_connection():
        book, day = _read_book()
        names = _names_by_supplier()
        for skus in _chunks():
            found = _price(skus, names, book, day)
            rows = skus.select("sku", "pk").join(found, on="pk", how="left", maintain_order="left").drop("pk")
            upsert(Sku, rows, unique_fields=("sku_key",), update_fields=tuple(RESULT))
            priced += found.height
    logger.info("refresh_sku_emissions done rows=%d seconds=%.2f", priced, time.perf_counter() - started)
    return priced


def _read_book() -> tuple[FactorBook, dt.date]:
    """The newest sets, and the last day of the latest year that has rates: that is when a unit is priced."""
    rates = RateSet.objects.order_by("-pk")
    index = rates.filter(kind=RateSet.Kind.PRICE_INDEX).first()
    book = read_book(
        spend_factors=FactorSet.objects.exclude(base_year=None).order_by("-pk").first(),
        activity_factors=FactorSet.objects.filter(base_year=None).order_by("-pk").first(),
        currency_rates=rates.filter(kind=RateSet.Kind.CURRENCY).first(),
        price_index=index,
    )
    years = Rate.objects.filter(rate_set=index, year__lte=dt.date.today().year).order_by("-year")
    year = years.values_list("year", flat=True).first() if index else None
    return book, dt.date(year, 12, 31) if year else dt.date.today()


def _names_by_supplier() -> dict[int | None, str]:
    """What the book calls each supplier of ours: the name that its footprints stand under."""
    same = read_same_suppliers()
    linked = SupplierName.objects.exclude(supplier=None).order_by().values_list("supplier_id", "name")
    return {supplier: same[name] for supplier, name in linked}


def _chunks() -> Iterator[pl.DataFrame]:
    after = 0
    while True:
        rows = list(Sku.objects.filter(pk__gt=after).order_by("pk").values_list(*READ)[:SKUS_AT_ONCE])
        if not rows:
            return
        yield pl.DataFrame(rows, schema=READ, orient="row", strict=False)
        after = rows[-1][0]


def _price(skus: pl.DataFrame, names: dict[int | None, str], book: FactorBook, day: dt.date) -> pl.DataFrame:
    unit = skus.select(
        pk="pk",
        record="pk",
        record_id=pl.col("pk").cast(pl.String),
        supplier=pl.col("supplier_id").replace_strict(names, default="none", return_dtype=pl.String),
        product_code="sku",
        product_name="description",
        product_category="emission_category",
        purchase_date=pl.lit(day),
        year=pl.lit(day.year),
    )
    pieces = calculate(unit.with_columns(quantity=pl.lit(1.0), unit=pl.lit("each")), book).results
    by_piece = pieces.filter(pl.col("tier") == 1)
    weighed = unit.join(skus.select("pk", "net_weight_kg", "unit_cost", "currency"), on="pk").select(
        pl.exclude("net_weight_kg", "unit_cost"),
        quantity="net_weight_kg",
        unit=pl.when(pl.col("net_weight_kg").is_not_null()).then(pl.lit("kg")),
        spend=pl.when(pl.col("unit_cost") > 0).then("unit_cost"),
    )
    by_weight = calculate(weighed, book).results.filter(pl.col("tier").is_not_null())
    both = pl.concat([by_piece, by_weight.join(by_piece, on="record", how="anti")])
    return both.select(pk="record", emissions_kgco2e="emissions_kgco2e", emissions_tier=pl.col("tier").cast(pl.Int64))
