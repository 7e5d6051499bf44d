"""Measure lead times from shipments."""

import calendar
import datetime as dt
import logging
import time

import numpy as np
import polars as pl
from django.db import transaction

from core.upsert import upsert
from suppliers.kernels import LeadTimeStatistics, measure_lead_times
from suppliers.models import Shipment, SupplierLeadTime

logger = logging.getLogger(__name__)

SUPPLIER_STRIDE = 1 << 32  # (supplier, warehouse) as one number


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day that many months earlier, or the last day of a shorter month; in the years 1 to 9999."""
    number = day.year * 12 + day.month - 1 - months
    year, month = divmod(min(max(number, dt.MINYEAR * 12), dt.MAXYEAR * 12 + 11), 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def measure_shipments(*, as_of: dt.date, window_months: int, min_shipments: int) -> LeadTimeStatistics:
    """Statistics of the shipments received in the window up to and including `as_of`, one query.

    `group` in the answer is supplier id x `SUPPLIER_STRIDE` + warehouse id.
    """
    shipments = (
        Shipment.objects.filter(received_date__gt=months_before(as_of, window_months), received_date__lte=as_of)
        .order_by()
        .values_list("supplier_id", "warehouse_id", "order_date", "received_date")
        .iterator(chunk_size=10_000)
    )
    packed = np.fromiter(
        (
            (_group(supplier, warehouse), (received - ordered).days)
            for supplier, warehouse, ordered, received in shipments
            if received
        ),
        dtype=[("group", np.int64), ("days", np.float64)],
    )
    return measure_lead_times(packed["group"], packed["days"], min_count=min_shipments)


def _group(supplier: int, warehouse: int) -> int:
    return supplier * SUPPLIER_STRIDE + warehouse


def refresh_lead_times(*, as_of: dt.date, window_months: int, min_shipments: int) -> int:
    """Store the statistics measured up to `as_of`; return how many (supplier, warehouse) have them.

    Statistics that were measured earlier and are no longer supported by enough shipments go away;
    imported ones, which carry no measuring date, stay until shipments replace them.
    """
    started = time.perf_counter()
    logger.info("refresh_lead_times started as_of=%s", as_of)
    found = measure_shipments(as_of=as_of, window_months=window_months, min_shipments=min_shipments)
    rows = _as_rows(found, as_of)
    with transaction.atomic():
        _delete_unsupported(set(found.group.tolist()))
        upsert(
            SupplierLeadTime,
            rows,
            unique_fields=["supplier_id", "warehouse_id"],
            update_fields=[name for name in rows.columns if name not in {"supplier_id", "warehouse_id"}],
        )
    seconds = time.perf_counter() - started
    logger.info("refresh_lead_times done rows=%d seconds=%.2f", rows.height, seconds)
    return rows.height


def _as_rows(found: LeadTimeStatistics, as_of: dt.date) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "supplier_id": found.group // SUPPLIER_STRIDE,
            "warehouse_id": found.group % SUPPLIER_STRIDE,
            "mean_days": found.mean_days,
            "std_days": found.std_days,
            "median_days": found.median_days,
            "p95_days": found.p95_days,
            "reliability": found.reliability,
            "shipment_count": found.count,
            "measured_through": [as_of] * len(found.group),
        },
        schema_overrides={"measured_through": pl.Date},
    )


def _delete_unsupported(supported: set[int]) -> None:
    measured = SupplierLeadTime.objects.filter(measured_through__isnull=False)
    stored = measured.values_list("pk", "supplier_id", "warehouse_id")
    gone = [pk for pk, supplier, warehouse in stored if _group(supplier, warehouse) not in supported]
    SupplierLeadTime.objects.filter(pk__in=gone).delete()
