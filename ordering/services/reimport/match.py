"""Which order lines the rows of an edited export are about, and what those are now."""

import datetime as dt
from typing import Any

import polars as pl
from django.contrib.auth.models import User
from django.db.models import Model

from ordering.models import LineChange, OrderConfirmation, Sku
from suppliers.models import Warehouse

IDS_A_QUERY = 900  # MariaDB turns lists of 1,000 and more into a join, SQLite takes 999
LONGEST_CODE = 64

LINE_SCHEMA = {
    "id": pl.Int64,
    "sku_id": pl.Int64,
    "warehouse_id": pl.Int64,
    "now_qty": pl.Int64,
    "now_note": pl.String,
    "now_version": pl.Int64,
    "locked": pl.Boolean,
}
SEEN_SCHEMA = {"id": pl.Int64, "seen_qty": pl.Int64, "seen_note": pl.String}


def add_lines(rows: pl.DataFrame, *, month: dt.date, user: User) -> pl.DataFrame:
    """The rows with their line as it is now, null where the person sees none in this month."""
    found = _with_ids(_with_ids(rows, "sku", Sku, "sku_key"), "warehouse", Warehouse, "code_key")
    warehouse_ids = found["warehouse_id"].drop_nulls().unique().to_list()
    visible = OrderConfirmation.objects.for_month(month).visible_to(user).filter(warehouse_id__in=warehouse_ids)
    columns = ("pk", "sku_id", "warehouse_id", "confirmed_qty", "notes", "version", "locked")
    lines = [
        pl.DataFrame([*visible.filter(sku_id__in=block).order_by().values_list(*columns)], LINE_SCHEMA, orient="row")
        for block in _blocks(found["sku_id"].drop_nulls().unique().to_list())
    ]
    every = pl.concat([pl.DataFrame(schema=LINE_SCHEMA), *lines])
    return found.join(every, on=["sku_id", "warehouse_id"], how="left", maintain_order="left")


def add_seen(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the quantity and the note that the export showed; they need `id` and `seen_version`.

    Lines that changed since are looked up in the history: one whose row still says what the export said was not edited.
    """
    stale = rows.filter(pl.col("seen_version") < pl.col("now_version"))
    versions = dict(stale.select("id", "seen_version").iter_rows())
    seen: dict[int, dict[str, Any]] = {}
    for block in _blocks(sorted(versions)):
        changes = LineChange.objects.filter(line_id__in=block, field__in=("confirmed_qty", "notes")).order_by("pk")
        for pk, field, old, version in changes.values_list("line_id", "field", "old", "version"):
            if version is not None and version > versions[pk]:
                seen.setdefault(pk, {}).setdefault(field, old)
    now = zip(stale["id"], stale["now_qty"], stale["now_note"], strict=True)
    before = [(pk, _as_quantity(seen.get(pk, {}), qty), seen.get(pk, {}).get("notes", note)) for pk, qty, note in now]
    known = pl.DataFrame(before, SEEN_SCHEMA, orient="row").unique("id")
    return rows.join(known, on="id", how="left", maintain_order="left")


def _as_quantity(seen: dict[str, str], now: int | None) -> int | None:
    if "confirmed_qty" not in seen:
        return now
    return int(seen["confirmed_qty"]) if seen["confirmed_qty"] else None


def _with_ids(rows: pl.DataFrame, name: str, model: type[Model], key: str) -> pl.DataFrame:
    """Codes in any case. One that looks like a formula was exported with an apostrophe; one may also begin with it."""
    code = pl.col(name).str.to_lowercase()
    keys = rows.select(written=code, plain=without_apostrophe(code))
    known = _ids_of(pl.concat([keys["written"], keys["plain"]]).unique(), model, key)
    for column in ("written", "plain"):
        keys = keys.join(known, left_on=column, right_on="key", how="left", maintain_order="left").rename(
            {"pk": f"{column}_id"}
        )
    written, plain = pl.col("written_id"), pl.col("plain_id")
    is_clear = written.is_null() | plain.is_null() | (written == plain)
    return rows.with_columns(keys.select(pl.when(is_clear).then(pl.coalesce(written, plain)).alias(f"{name}_id")))


def _ids_of(keys: pl.Series, model: type[Model], key: str) -> pl.DataFrame:
    ids: list[Any] = []
    for block in _blocks(keys.filter(keys.str.len_chars() <= LONGEST_CODE).to_list()):
        ids += model._default_manager.filter(**{f"{key}__in": block}).order_by().values_list(key, "pk")
    return pl.DataFrame(ids, {"key": pl.String, "pk": pl.Int64}, orient="row")


def without_apostrophe(text: pl.Expr) -> pl.Expr:
    return text.str.replace(r"^'([=+\-@\t\r\n])", "$1")


def _blocks(values: list[Any]) -> list[list[Any]]:
    return [values[start : start + IDS_A_QUERY] for start in range(0, len(values), IDS_A_QUERY)]
