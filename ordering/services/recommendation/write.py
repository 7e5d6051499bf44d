"""Step 4 of a run: lock the chunk's existing lines, upsert the computed columns of unlocked ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from django.db.models import Q
from numpy.typing import NDArray

from core.upsert import upsert
from ordering.choices import NO_URGENCY_RANK, URGENCY_RANKS
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
    stale: Array
    rank: Array  # of the urgency so far
    suggested: Array  # so far; NaN where there was no number


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
    counts["changes"] = add_counts(run.changes, count_changes(existing, lines.cells[free], rows, chunk.stocked.size))
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
        .values_list(
            "id",
            "sku_id",
            "warehouse_id",
            "locked",
            "confirmed_qty",
            "touched",
            "stale",
            "urgency_rank",
            "suggested_qty",
        )
    )
    columns = list(zip(*table, strict=True)) or [()] * 9
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
        stale=np.array(columns[6], dtype=bool),
        rank=np.array(columns[7], dtype=np.int64),
        suggested=np.array(columns[8], dtype=np.float64),
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


def count_changes(existing: Existing, cells: Array, rows: pl.DataFrame, size: int) -> dict[str, int]:
    """What this chunk changes against the stored lines: new and gone ones, urgency up or down, quantity up or down."""
    placed = (existing.cell >= 0) & ~existing.locked
    before_rank, before, stale = np.full(size, -1), np.full(size, np.nan), np.zeros(size, dtype=bool)
    before_rank[existing.cell[placed]] = existing.rank[placed]
    before[existing.cell[placed]] = existing.suggested[placed]
    stale[existing.cell[placed]] = existing.stale[placed]
    rank = rows["urgency"].replace_strict(URGENCY_RANKS, default=NO_URGENCY_RANK, return_dtype=pl.Int64).to_numpy()
    known = before_rank[cells] >= 0
    quantity, quantity_before = np.nan_to_num(rows["suggested_qty"].to_numpy()), np.nan_to_num(before[cells])
    return {
        "new": int((~known).sum()),
        "gone": int((~existing.locked & ~existing.stale).sum() - (known & ~stale[cells]).sum()),
        "more_urgent": int((known & (rank > before_rank[cells])).sum()),
        "less_urgent": int((known & (rank < before_rank[cells])).sum()),
        "quantity_up": int((known & (quantity > quantity_before)).sum()),
        "quantity_down": int((known & (quantity < quantity_before)).sum()),
    }


def add_counts(total: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {name: total.get(name, 0) + count for name, count in more.items()}
