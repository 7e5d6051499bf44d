"""Fill an empty database with the books of an invented distributor of kitchen and household goods."""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.batch import batch_connection, refresh_table_statistics, with_retries
from core.errors import WorkbenchError, database_errors_explained
from ordering.imports import (
    DEMAND_STATS,
    FORECASTS,
    INVENTORY,
    MONTHLY_SALES,
    PENDING_ORDERS,
    SEASONAL_PATTERNS,
    STOCKOUT_PATTERNS,
)
from ordering.models import PlanningPolicy, Sku
from ordering.services.demo.catalogue import draw_skus, sku_rows
from ordering.services.demo.demand import draw_demand, forecast_rows, sales_rows, statistics_rows
from ordering.services.demo.partners import Partners, draw_partners
from ordering.services.demo.patterns import seasonal_rows, stockout_rows
from ordering.services.demo.stock import draw_orders, stock_rows
from ordering.services.demo.store import Ids, Tables, store_chunk, store_partners
from ordering.services.import_data import KINDS
from suppliers.services.refresh_lead_times import refresh_lead_times

logger = logging.getLogger(__name__)

PAIRS_A_CHUNK = 10_000


class NotEmpty(WorkbenchError):
    """The database holds SKUs, which may be somebody's real ones."""


@dataclass(frozen=True)
class DemoReport:
    """What was written: rows by table, in the order of writing."""

    rows: dict[str, int]
    as_of: dt.date
    measured_lead_times: int
    seconds: float


def load_demo(
    *,
    skus: int,
    warehouses: int,
    seed: int,
    as_of: dt.date | None = None,
    pairs_a_chunk: int = PAIRS_A_CHUNK,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> DemoReport:
    """Load a demo into an empty database; the same arguments give the same rows.

    Parameters
    ----------
    as_of
        Planning date that sales, orders and shipments lead up to; today if not given.
    pairs_a_chunk
        (SKU, warehouse) pairs that are drawn together and stored in one transaction.
    on_progress
        Called with the SKUs done and all of them.

    Raises
    ------
    NotEmpty
        If there are SKUs already; nothing is changed then.
    WorkbenchError
        If an argument makes no sense or the database refuses the work.
    """
    as_of = as_of or dt.date.today()
    _check(skus, warehouses, seed, as_of)
    started = time.perf_counter()
    logger.info("load_demo started skus=%d warehouses=%d seed=%d as_of=%s", skus, warehouses, seed, as_of)
    partners = draw_partners(np.random.default_rng([seed, 0]), skus=skus, warehouses=warehouses, as_of=as_of)
    counts = Counter(warehouses=warehouses, suppliers=len(partners.suppliers), shipments=len(partners.shipments))
    with database_errors_explained(), batch_connection():
        _refuse_unless_empty()
        ids = with_retries(lambda: store_partners(partners, as_of=as_of))
        # Before the SKUs, so that a demo of one chunk is there completely or not at all.
        measured = _measure(as_of)
        for tables in _load_chunks(partners, ids, skus=skus, seed=seed, as_of=as_of, pairs_a_chunk=pairs_a_chunk):
            counts.update(tables)
            on_progress(counts["skus"], skus)
        refresh_table_statistics(KINDS[name].model for name in counts)
    seconds, rows = time.perf_counter() - started, counts.total()
    logger.info("load_demo done rows=%d seconds=%.2f rows_per_second=%.0f", rows, seconds, rows / seconds)
    return DemoReport(dict(counts), as_of, measured, seconds)


def _check(skus: int, warehouses: int, seed: int, as_of: dt.date) -> None:
    for name, number, least in (
        ("number of SKUs", skus, 1),
        ("number of warehouses", warehouses, 1),
        ("seed", seed, 0),
    ):
        if number < least:
            raise WorkbenchError(f"The {name} must be at least {least}, not {number}.")
    if not 1900 <= as_of.year <= 2199:
        raise WorkbenchError(f"The planning date must be from 1900 to 2199, not {as_of}.")


def _refuse_unless_empty() -> None:
    if count := Sku.objects.count():
        raise NotEmpty(
            f"The database already holds SKUs ({count:,}), and a demo would mix with them. "
            "Let DATABASE_URL name an empty database."
        )


def _measure(as_of: dt.date) -> int:
    policy = PlanningPolicy.current()
    return refresh_lead_times(
        as_of=as_of,
        window_months=policy.lead_time_window_months,
        min_shipments=policy.lead_time_min_shipments,
    )


def _load_chunks(
    partners: Partners, ids: dict[str, Ids], *, skus: int, seed: int, as_of: dt.date, pairs_a_chunk: int
) -> Iterator[dict[str, int]]:
    """Draw and store one chunk of SKUs after the other; yield each one's rows by table."""
    last_id, chunk_size = 0, max(1, pairs_a_chunk // len(partners.warehouses))
    for chunk, first in enumerate(range(0, skus, chunk_size), start=1):
        rng, count = np.random.default_rng([seed, chunk]), min(chunk_size, skus - first)
        drawn, tables = _draw_chunk(rng, partners, first=first, count=count, as_of=as_of)
        last_id = with_retries(lambda: store_chunk(drawn, tables, ids=ids, last_id=last_id))  # noqa: B023 - called at once
        yield {"skus": count} | {kind.name: len(rows) for kind, rows in tables}


def _draw_chunk(
    rng: np.random.Generator, partners: Partners, *, first: int, count: int, as_of: dt.date
) -> tuple[pl.DataFrame, Tables]:
    """The SKUs after `first`, and the tables that refer to them."""
    skus = draw_skus(rng, first=first, count=count, partners=partners)
    demand = draw_demand(rng, skus, warehouses=partners.warehouses.height, as_of=as_of)
    orders = draw_orders(rng, skus, demand, partners, as_of=as_of)
    return sku_rows(rng, skus, partners, yearly=demand.yearly, cv=demand.cv_by_sku), [
        (INVENTORY, stock_rows(rng, skus, demand, partners, orders.coming)),
        (PENDING_ORDERS, orders.rows),
        (FORECASTS, forecast_rows(rng, demand)),
        (MONTHLY_SALES, sales_rows(rng, demand)),
        (DEMAND_STATS, statistics_rows(rng, demand)),
        (SEASONAL_PATTERNS, seasonal_rows(rng, skus, demand)),
        (STOCKOUT_PATTERNS, stockout_rows(rng, skus)),
    ]
