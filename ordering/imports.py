"""The import files of this app."""

from typing import Any

import polars as pl

from core.batch import with_retries
from core.columns import Choice, Date, Flag, Month, Months, Number, Reference, Text, Whole
from core.imports import Batch, ImportKind
from core.upsert import upsert
from ordering.models import (
    DemandStats,
    ForecastDetail,
    ForecastRun,
    Inventory,
    MonthlySales,
    PendingOrder,
    SeasonalPattern,
    Sku,
    StockoutPattern,
)
from suppliers.models import Supplier, Warehouse

SKU = Reference("sku", "sku_id", model=Sku)
WAREHOUSE = Reference("warehouse", "warehouse_id", model=Warehouse)
PAIR = ("sku_id", "warehouse_id")

SKUS = ImportKind(
    name="skus",
    model=Sku,
    columns=(
        Text("sku", max_length=64),
        Text("description", blank=True, default=""),
        Reference("supplier", "supplier_id", model=Supplier, blank=True),
        Choice("status", choices=Sku.Status.values),
        Choice("abc", choices=Sku.Abc.values, blank=True, default=""),
        Choice("xyz", choices=Sku.Xyz.values, blank=True, default=""),
        Number("unit_cost", maximum=9_999_999_999, decimals=4),
        Text("currency", max_length=3, blank=True, default=""),
        Whole("moq", blank=True, default=1),
        Whole("order_multiple", blank=True, default=1),
        Whole("max_order_qty", blank=True, optional=True),
        Number("net_weight_kg", blank=True, optional=True),
        Text("emission_category", max_length=255, blank=True, optional=True, default=""),
    ),
    key=("sku_key",),
    code="sku",
)

INVENTORY = ImportKind(
    name="inventory",
    model=Inventory,
    columns=(SKU, WAREHOUSE, Whole("on_hand", minimum=-2_147_483_648)),
    key=PAIR,
    snapshot=True,
)

PENDING_ORDERS = ImportKind(
    name="pending_orders",
    model=PendingOrder,
    columns=(
        Text("reference", max_length=64),
        SKU,
        WAREHOUSE,
        Whole("quantity"),
        Date("order_date"),
        Date("expected_arrival", blank=True),
        Flag("is_estimated", blank=True, default=False),
        Choice("status", choices=PendingOrder.Status.values),
    ),
    key=(*PAIR, "reference"),
    snapshot=True,
)


def _store_forecast_runs(batch: Batch, memory: dict[str, Any], dry_run: bool) -> None:
    """Forecast rows name their run; a run has one date and one status, the first that the file gives."""
    runs = batch.rows.select(pl.col("run_id").alias("name"), "forecast_date", "status")
    known = memory.get("runs", runs.clear())
    new = runs.unique("name", keep="first", maintain_order=True).join(known, on="name", how="anti")
    memory["runs"] = pl.concat([known, new])
    batch.refuse(_contradictions(runs, memory["runs"]), "run", "forecast_date", "status")
    if dry_run:
        return
    with_retries(lambda: upsert(ForecastRun, new, unique_fields=["name"], update_fields=["forecast_date", "status"]))
    names = runs["name"].unique().to_list()
    ids = ForecastRun.objects.filter(name__in=names).values_list("name", "pk")
    by_name = pl.DataFrame(list(ids), schema={"run_id": pl.String, "pk": pl.Int64}, orient="row")
    joined = batch.rows.join(by_name, on="run_id", how="left", maintain_order="left")
    batch.rows = joined.drop("run_id", "forecast_date", "status").rename({"pk": "run_id"})


def _contradictions(runs: pl.DataFrame, first: pl.DataFrame) -> pl.Series:
    both = runs.join(first, on="name", how="left", suffix="_first", maintain_order="left")
    date, status = pl.col("forecast_date_first"), pl.col("status_first")
    differs = (pl.col("forecast_date") != date) | (pl.col("status") != status)
    reason = pl.format("differs from the first line of this run, which has {}, {}", date, status)
    return both.select(reason=pl.when(differs).then(reason))["reason"]


FORECASTS = ImportKind(
    name="forecasts",
    model=ForecastDetail,
    columns=(
        Text("run", "run_id", max_length=100),
        Date("forecast_date"),
        Choice("status", choices=ForecastRun.Status.values),
        SKU,
        WAREHOUSE,
        Number("avg_monthly_qty"),
        Number("confidence", maximum=1),
    ),
    key=(*PAIR, "run_id"),
    resolve=_store_forecast_runs,
)

MONTHLY_SALES = ImportKind(
    name="monthly_sales",
    model=MonthlySales,
    columns=(
        SKU,
        WAREHOUSE,
        Month("month"),
        Number("units_sold"),
        Whole("stockout_days", maximum=31, blank=True, default=0),
        Number("corrected_demand", blank=True, optional=True),
    ),
    key=(*PAIR, "month"),
)

DEMAND_STATS = ImportKind(
    name="demand_stats", model=DemandStats, columns=(SKU, WAREHOUSE, Number("cv", maximum=1000)), key=PAIR
)

SEASONAL_PATTERNS = ImportKind(
    name="seasonal_patterns",
    model=SeasonalPattern,
    columns=(
        SKU,
        WAREHOUSE,
        Number("strength", maximum=1),
        Number("confidence", maximum=1),
        Flag("significant"),
        Months("peak_months", blank=True, default=""),
    ),
    key=PAIR,
)

STOCKOUT_PATTERNS = ImportKind(
    name="stockout_patterns",
    model=StockoutPattern,
    columns=(
        SKU,
        Choice("pattern_type", choices=StockoutPattern.Type.values),
        Months("months", blank=True, default=""),
        Number("frequency", maximum=100),
        Choice("confidence", choices=StockoutPattern.Confidence.values),
    ),
    key=("sku_id", "pattern_type"),
)

KINDS = (
    SKUS,
    INVENTORY,
    PENDING_ORDERS,
    FORECASTS,
    MONTHLY_SALES,
    DEMAND_STATS,
    SEASONAL_PATTERNS,
    STOCKOUT_PATTERNS,
)
