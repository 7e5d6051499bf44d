"""Writing a demo: rows that name each other by row number get the ids under which those are stored."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
from django.db import models, transaction
from numpy.typing import NDArray

from core.imports import ImportKind
from core.upsert import upsert
from ordering.imports import SKUS
from ordering.models import ForecastRun, Sku
from ordering.services.demo.partners import Partners
from suppliers.imports import SHIPMENTS, SUPPLIERS, WAREHOUSES
from suppliers.models import Supplier, Warehouse
from suppliers.services.refresh_lead_times import months_before

Ids = NDArray[np.int64]
Tables = list[tuple[ImportKind, pl.DataFrame]]
ROWS_A_WRITE = 20_000


def store_partners(partners: Partners, *, as_of: dt.date) -> dict[str, Ids]:
    """Store warehouses, suppliers, shipments and forecast runs in one transaction; return the ids of each."""
    with transaction.atomic():
        _write(WAREHOUSES, partners.warehouses)
        _write(SUPPLIERS, partners.suppliers)
        ids = {
            "warehouse": _ids_of(Warehouse.objects.all(), "code", partners.warehouses["code"]),
            "supplier": _ids_of(Supplier.objects.all(), "code", partners.suppliers["code"]),
            "run": _store_forecast_runs(as_of),
        }
        _write(SHIPMENTS, _with_ids(partners.shipments, ids))
    return ids


def _store_forecast_runs(as_of: dt.date) -> Ids:
    """Two completed runs and a newer one that has not finished, which must not count."""
    dates = [months_before(as_of.replace(day=1), 1), as_of.replace(day=1), as_of]
    completed, running = ForecastRun.Status.COMPLETED.value, ForecastRun.Status.RUNNING.value
    runs = pl.DataFrame(
        {
            "name": [f"{dates[0]:%Y-%m} forecast", f"{dates[1]:%Y-%m} forecast", f"{dates[2]} forecast, unfinished"],
            "forecast_date": dates,
            "status": [completed, completed, running],
        }
    )
    upsert(ForecastRun, runs, unique_fields=["name"], update_fields=["forecast_date", "status"])
    return _ids_of(ForecastRun.objects.filter(name__in=runs["name"].to_list()), "name", runs["name"])


def store_chunk(skus: pl.DataFrame, tables: Tables, *, ids: dict[str, Ids], last_id: int) -> int:
    """Store SKUs and what belongs to them in one transaction; return the highest id of the SKUs.

    All of them are newer than `last_id`, also when the answer to an earlier commit got lost.
    """
    with transaction.atomic():
        _write(SKUS, _with_ids(skus, ids))
        sku_ids = _ids_of(Sku.objects.filter(pk__gt=last_id), "sku", skus["sku"])
        for kind, rows in tables:
            _write(kind, _with_ids(rows, ids | {"sku": sku_ids}))
    return int(sku_ids.max())


def _write(kind: ImportKind, rows: pl.DataFrame) -> None:
    updated = [name for name in rows.columns if name not in kind.key]
    for part in rows.iter_slices(ROWS_A_WRITE):
        upsert(kind.model, part, unique_fields=kind.key, update_fields=updated)


def _ids_of(stored: "models.QuerySet[Any]", name: str, codes: pl.Series) -> Ids:
    """The ids of the rows with these codes, in their order."""
    ids = dict(stored.order_by().values_list(name, "pk"))
    return np.array([ids[code] for code in codes], dtype=np.int64)


def _with_ids(rows: pl.DataFrame, ids: dict[str, Ids]) -> pl.DataFrame:
    """Row numbers (`sku`, `warehouse`, ...) to stored ids (`sku_id`, `warehouse_id`, ...)."""
    numbered = [name for name in ids if name in rows.columns]
    stored = [pl.Series(f"{name}_id", ids[name]).gather(rows[name]) for name in numbered]
    return rows.with_columns(stored).drop(numbered)
