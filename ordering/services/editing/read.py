"""The order lines that an action is about, as columns."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from django.db.models import QuerySet

from ordering.filters import OrderLineFilter
from ordering.models import BulkEdit, LineChange, OrderConfirmation, Sku

IDS_A_QUERY = 900  # MariaDB turns lists of 1,000 and more into a join

LINE_SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "month": pl.Date,
    "sku_id": pl.Int64,
    "warehouse_id": pl.Int64,
    "supplier_id": pl.Int64,
    "currency": pl.String,
    "unit_cost": pl.Decimal(14, 4),
    "locked": pl.Boolean,
    "version": pl.Int64,
    "suggested_qty": pl.Int64,
    "confirmed_qty": pl.Int64,
    "order_qty": pl.Int64,
    "suggested_when_confirmed": pl.Int64,
    "confirmed_by_id": pl.Int64,
    "confirmed_at": pl.Datetime("us", "UTC"),
    "locked_by_id": pl.Int64,
    "locked_at": pl.Datetime("us", "UTC"),
    "notes": pl.String,
}
UNDO_SCHEMA: dict[str, Any] = {
    "id": pl.Int64,
    "undoes_confirmed": pl.Boolean,
    "undoes_locked": pl.Boolean,
    "undoes_notes": pl.Boolean,
    "wanted_qty": pl.Int64,
    "wanted_locked": pl.Boolean,
    "wanted_notes": pl.String,
    "wanted_version": pl.Int64,
    "decided_by": pl.Int64,
    "decided_at": pl.Datetime("us", "UTC"),
    "decided_on": pl.Int64,
}


def select_lines(edit: BulkEdit) -> "QuerySet[OrderConfirmation]":
    """The lines that the person meant, as far as they may see them; an undo looks at what its action changed."""
    visible = OrderConfirmation.objects.for_month(edit.month).visible_to(edit.user)
    if edit.undoes_id:
        return visible.filter(changes__bulk=edit.undoes_id).distinct()
    if "ids" in edit.selection:
        return visible.filter(pk__in=edit.selection["ids"])
    if "wanted" in edit.selection:
        return visible.filter(pk__in=[int(pk) for pk in edit.selection["wanted"]])
    selected: QuerySet[OrderConfirmation] = OrderLineFilter.of_query(edit.selection.get("query", ""), visible).qs
    return selected


def read_lines(edit: BulkEdit, ids: Sequence[int], *, lock: bool) -> pl.DataFrame:
    """These lines as they are now, locked until the transaction ends, and what else the action needs to know."""
    rows: list[Any] = []
    for start in range(0, len(ids), IDS_A_QUERY):
        lines = OrderConfirmation.objects.filter(pk__in=ids[start : start + IDS_A_QUERY]).order_by("pk")
        rows += (lines.select_for_update() if lock else lines).values_list(*LINE_SCHEMA)
    frame = pl.DataFrame(rows, schema=LINE_SCHEMA, orient="row")
    if edit.action == BulkEdit.Action.PERCENT:
        return frame.join(_packs(frame["sku_id"].unique().to_list()), on="sku_id", how="left", maintain_order="left")
    if edit.action == BulkEdit.Action.QUANTITIES:
        return frame.join(_wanted(edit, ids), on="id", how="left", maintain_order="left")
    if edit.action == BulkEdit.Action.UNDO:
        return frame.join(_before(edit, ids), on="id", how="left", maintain_order="left")
    return frame


def _packs(sku_ids: list[int]) -> pl.DataFrame:
    rows: list[Any] = []
    for start in range(0, len(sku_ids), IDS_A_QUERY):
        skus = Sku.objects.filter(pk__in=sku_ids[start : start + IDS_A_QUERY]).order_by()
        rows += skus.values_list("pk", "order_multiple")
    return pl.DataFrame(rows, schema={"sku_id": pl.Int64, "order_multiple": pl.Int64}, orient="row")


def _wanted(edit: BulkEdit, ids: Sequence[int]) -> pl.DataFrame:
    """Quantities by line, each with the version that the person saw, and notes where they change."""
    wanted, notes = edit.selection["wanted"], edit.selection.get("notes", {})
    rows = [(pk, *wanted[str(pk)], notes.get(str(pk))) for pk in ids]
    schema = {"id": pl.Int64, "wanted_qty": pl.Int64, "wanted_version": pl.Int64, "wanted_notes": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _before(edit: BulkEdit, ids: Sequence[int]) -> pl.DataFrame:
    """What each line was before the action that is undone, and who had decided that."""
    before: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), IDS_A_QUERY):
        block = LineChange.objects.filter(line_id__in=ids[start : start + IDS_A_QUERY]).order_by("pk")
        for change in block:
            line = before.setdefault(change.line_id, dict.fromkeys(UNDO_SCHEMA) | {"id": change.line_id})
            if change.bulk_id == edit.undoes_id:
                _remember_old(line, change)
            elif change.field == "confirmed_qty" and not line["undoes_confirmed"]:
                line |= {"decided_by": change.who_id, "decided_at": change.at, "decided_on": change.suggested_qty}
    rows = [line for line in before.values() if line["wanted_version"] is not None]
    flags = [pl.col(name).fill_null(False) for name in ("undoes_confirmed", "undoes_locked", "undoes_notes")]
    return pl.DataFrame(rows, schema=UNDO_SCHEMA, orient="row").with_columns(flags)


def _remember_old(line: dict[str, Any], change: LineChange) -> None:
    line["wanted_version"] = change.version
    if change.field == "confirmed_qty":
        line |= {"undoes_confirmed": True, "wanted_qty": int(change.old) if change.old else None}
    elif change.field == "locked":
        line |= {"undoes_locked": True, "wanted_locked": change.old == "yes"}
    elif change.field == "notes":
        line |= {"undoes_notes": True, "wanted_notes": change.old}
