"""What a human change leaves behind: the line, a row of history for each field, and a mark that totals are outdated."""

import datetime as dt
from collections.abc import Sequence

import polars as pl

from core.upsert import upsert
from ordering.models import BulkEdit, LineChange, OrderConfirmation
from ordering.services.editing.decide import is_changed
from ordering.services.refresh_totals import mark_outdated

KEY = ("month", "sku_id", "warehouse_id")
WRITTEN = (
    "confirmed_qty",
    "suggested_when_confirmed",
    "confirmed_by_id",
    "confirmed_at",
    "locked",
    "locked_by_id",
    "locked_at",
    "notes",
    "version",
)

HISTORY = {
    "decided": ("confirmed_qty", "new_confirmed"),
    "switched": ("locked", "new_locked"),
    "noted": ("notes", "new_notes"),
}


def keep_history(changes: Sequence[LineChange], *, month: dt.date, supplier_ids: set[int | None]) -> None:
    """Runs inside the transaction that changes the lines."""
    LineChange.objects.bulk_create(changes)
    mark_outdated(month=month, supplier_ids=supplier_ids)


def store_lines(edit: BulkEdit, decisions: pl.DataFrame, now: dt.datetime) -> None:
    """Store the lines that `decide` changed; their rows are locked by this transaction."""
    changed = decisions.filter(is_changed)
    if changed.is_empty():
        return
    rows = _new_values(edit, changed, now)
    upsert(OrderConfirmation, rows.select(*KEY, *WRITTEN), unique_fields=KEY, update_fields=WRITTEN)
    history = [change for which in HISTORY for change in _history(edit, changed, now, which)]
    keep_history(history, month=edit.month, supplier_ids={*changed["supplier_id"].to_list()})


def _new_values(edit: BulkEdit, changed: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    is_undo = edit.action == BulkEdit.Action.UNDO
    who, when, on = (
        (pl.col("decided_by"), pl.col("decided_at"), pl.col("decided_on"))
        if is_undo
        else (pl.lit(edit.user_id), pl.lit(now), pl.col("suggested_qty"))
    )
    is_set = pl.col("new_confirmed").is_not_null()

    def decision(value: pl.Expr, column: str) -> pl.Expr:
        new = pl.when(is_set).then(value)
        return pl.when("decided").then(new).otherwise(pl.col(column)).cast(changed.schema[column]).alias(column)

    def lock(value: pl.Expr, column: str) -> pl.Expr:
        new = pl.when("new_locked").then(value)
        return pl.when("switched").then(new).otherwise(pl.col(column)).cast(changed.schema[column]).alias(column)

    return changed.with_columns(
        pl.when("decided").then("new_confirmed").otherwise("confirmed_qty").alias("confirmed_qty"),
        decision(on, "suggested_when_confirmed"),
        decision(who, "confirmed_by_id"),
        decision(when, "confirmed_at"),
        pl.when("switched").then("new_locked").otherwise("locked").alias("locked"),
        lock(pl.lit(edit.user_id), "locked_by_id"),
        lock(pl.lit(now), "locked_at"),
        pl.col("new_notes").alias("notes"),
        version=pl.col("version") + 1,
    )


def _history(edit: BulkEdit, changed: pl.DataFrame, now: dt.datetime, which: str) -> list[LineChange]:
    field, new = HISTORY[which]
    rows = changed.filter(pl.col(which)).select("id", field, new, "version", "suggested_qty").iter_rows()
    return [
        LineChange(
            month=edit.month,
            line_id=pk,
            who_id=edit.user_id,
            at=now,
            field=field,
            old=as_text(old),
            new=as_text(value),
            why=edit.get_action_display(),
            version=version + 1,
            suggested_qty=suggested,
            bulk_id=edit.pk,
        )
        for pk, old, value, version, suggested in rows
    ]


def as_text(value: object) -> str:
    """A value as the history shows it: nothing for none, yes and no for flags."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
