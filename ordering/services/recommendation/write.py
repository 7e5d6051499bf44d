"""Step 4 of a run: lock the chunk's existing lines, upsert the computed columns of unlocked ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from django.db.models import Q
from numpy.typing import NDArray

from core.upsert import upsert
from ordering.models import GenerationRun, OrderConfirmation, Sku, Urgency
from ordering.services.recommendation.compute import LineRows
from ordering.services.recommendation.grid import Grid
from ordering.services.recommendation.prepare import Plan
from ordering.services.recommendation.read import SkuChunk

Array = NDArray[Any]

KEY = ("month", "sku_id", "warehouse_id")


@dataclass(frozen=True)
class Existing:
    """The chunk's stored lines of the month, locked until the transaction ends."""

    ids: Array
    cell: Array  # flat index into (n_skus, n_warehouses); -1 where the pair is not part of the chunk
    locked: Array
    confirmed: Array  # NaN where nobody confirmed
    touched: Array  # a person changed something, so there is history


def write_lines(plan: Plan, run: GenerationRun, chunk: SkuChunk, lines: LineRows) -> dict[str, Any]:
    """Store the chunk's lines; return the run's new counts. Runs inside the chunk's transaction.

    Safe to repeat: the same chunk leaves the same rows.
    """
    existing = lock_existing(plan, chunk)
    placed = existing.cell >= 0
    locked = np.zeros(chunk.stocked.size, dtype=bool)
    locked[existing.cell[placed & existing.locked]] = True
    confirmed = np.full(chunk.stocked.size, np.nan)
    confirmed[existing.cell[placed]] = existing.confirmed[placed]

    free = ~locked[lines.cells]
    rows = lines.rows.filter(pl.Series(free))
    if run.pk is not None:
        _drop_out(existing, chunk)
        computed = [name for name in rows.columns if name not in KEY]
        upsert(OrderConfirmation, rows, unique_fields=KEY, update_fields=computed)
    counts = tally(run, rows, confirmed[lines.cells[free]])
    return counts | {"locked_lines": run.locked_lines + int((~free).sum())}


def lock_existing(plan: Plan, chunk: SkuChunk) -> Existing:
    rows = OrderConfirmation.objects.filter(month=plan.month, sku_id__gt=chunk.after)
    if not chunk.is_last:
        rows = rows.filter(sku_id__lte=chunk.last_key)
    if plan.warehouse_scope:
        rows = rows.filter(warehouse_id__in=plan.warehouse_scope)
    if plan.supplier_scope:
        # A subquery and not a join: the SKUs themselves stay unlocked.
        rows = rows.filter(sku_id__in=Sku.objects.filter(supplier_id__in=plan.supplier_scope).values("id"))
    touched = (
        Q(version__gt=0)
        | Q(confirmed_qty__isnull=False)
        | ~Q(notes="")
        | Q(lead_time_override_days__isnull=False)
        | Q(arrival_override__isnull=False)
    )
    table = list(
        rows.order_by()
        .annotate(touched=touched)
        .select_for_update()
        .values_list("id", "sku_id", "warehouse_id", "locked", "confirmed_qty", "touched")
    )
    columns = list(zip(*table, strict=True)) or [()] * 6
    ids, sku_id, warehouse_id = (np.array(column, dtype=np.int64) for column in columns[:3])
    grid = Grid(chunk.sku_ids, plan.warehouse_ids)
    cell, placed = grid.cells(sku_id, warehouse_id)
    cell = np.where(placed, cell, -1)
    return Existing(
        ids=ids,
        cell=cell,
        locked=np.array(columns[3], dtype=bool),
        confirmed=np.array(columns[4], dtype=np.float64),
        touched=np.array(columns[5], dtype=bool),
    )


def _drop_out(existing: Existing, chunk: SkuChunk) -> None:
    """Lines whose pair is no longer calculated: gone, or marked stale where a person decided something."""
    stocked = chunk.stocked.reshape(-1)
    in_run = np.zeros(len(existing.ids), dtype=bool)
    placed = existing.cell >= 0
    in_run[placed] = stocked[existing.cell[placed]]
    dropped = ~in_run & ~existing.locked
    if (dropped & ~existing.touched).any():
        OrderConfirmation.objects.filter(id__in=existing.ids[dropped & ~existing.touched].tolist()).delete()
    if (dropped & existing.touched).any():
        OrderConfirmation.objects.filter(id__in=existing.ids[dropped & existing.touched].tolist()).update(stale=True)


def tally(run: GenerationRun, frame: pl.DataFrame, confirmed: Array) -> dict[str, Any]:
    """The run's counts with this chunk's lines added: lines, units and value by urgency."""
    decided = pl.Series(confirmed).fill_nan(None).cast(pl.Int64)
    ordered = frame.select("urgency", "currency", "unit_cost", quantity=pl.coalesce(pl.lit(decided), "suggested_qty"))
    groups = (
        ordered.filter(pl.col("urgency").is_not_null())
        .group_by("urgency", "currency")
        .agg(
            lines=pl.len(),
            units=pl.col("quantity").sum(),
            value=(pl.col("quantity") * pl.col("unit_cost")).sum(),
        )
    )
    counts: dict[str, Any] = {
        urgency.value: {"lines": 0, "units": 0, "value": {}} | run.lines_by_urgency.get(urgency.value, {})
        for urgency in Urgency
    }
    for urgency, currency, lines, units, value in groups.sort("urgency", "currency").iter_rows():
        count = counts[urgency]
        total = round(count["value"].get(currency, 0) + value, 2)
        counts[urgency] = {
            "lines": count["lines"] + lines,
            "units": count["units"] + units,
            "value": count["value"] | {currency: total},
        }
    return {
        "lines_by_urgency": counts,
        "problems": run.problems + ordered["urgency"].null_count(),
    }
