"""One action of a person on many order lines: preview, apply, undo."""

import datetime as dt
import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
from django.contrib.auth.models import User
from django.utils import timezone

from core.batch import batch_connection, run_chunks
from core.errors import WorkbenchError, database_errors_explained
from core.runs import RunStatus, claim_run, closing_run, finish_run, take_over
from ordering.models import BulkEdit
from ordering.services.editing.decide import decide, is_changed
from ordering.services.editing.read import read_lines, select_lines
from ordering.services.editing.store import store_lines

logger = logging.getLogger(__name__)

LINES_A_CHUNK = 5_000
LINES_AT_ONCE = 5_000  # more than these are left to a background job
LEFT_OUT_SHOWN = 200

Action = BulkEdit.Action
NEEDED_PERMISSION = {
    Action.APPROVE: "ordering.lock_orderconfirmation",
    Action.LOCK: "ordering.lock_orderconfirmation",
    Action.UNLOCK: "ordering.unlock_orderconfirmation",
}

OPPOSITE = {Action.LOCK: Action.UNLOCK, Action.APPROVE: Action.UNLOCK, Action.UNLOCK: Action.LOCK}


@dataclass(frozen=True)
class IdChunk:
    """Primary keys of lines, ascending."""

    ids: list[int]
    last_key: int
    is_last: bool

    @property
    def size(self) -> int:
        return len(self.ids)


def plan_bulk_edit(
    *,
    month: dt.date,
    user: User,
    action: str,
    query: str = "",
    ids: Sequence[int] = (),
    percent: Decimal | None = None,
) -> BulkEdit:
    """An action on the lines with these ids, or on all that the list's query matches; not stored yet.

    Raises
    ------
    WorkbenchError
        If the person may not do this, or the percentage is missing.
    """
    if action == Action.PERCENT and (percent is None or not 0 <= percent <= 1000):
        raise WorkbenchError("Give a percentage from 0 to 1000, such as 110 for a tenth more.")
    selection: dict[str, Any] = {"ids": [*ids]} if ids else {"query": query}
    edit = BulkEdit(month=month, user=user, action=action, selection=selection, percent=percent)
    _check_permission(edit)
    return edit


def plan_quantities(
    *, month: dt.date, user: User, wanted: Mapping[int, tuple[int | None, int]], notes: Mapping[int, str] | None = None
) -> BulkEdit:
    """Quantities by line, each with the version of the line that the person saw, and notes for some; not stored yet."""
    selection = {
        "wanted": {str(pk): [quantity, version] for pk, (quantity, version) in wanted.items()},
        "notes": {str(pk): note for pk, note in (notes or {}).items()},
    }
    edit = BulkEdit(month=month, user=user, action=Action.QUANTITIES, selection=selection)
    _check_permission(edit)
    return edit


def plan_undo(*, bulk: BulkEdit, user: User) -> BulkEdit:
    """Take an action back, once and by who did it; lines that changed since are left as they are."""
    if bulk.user_id != user.pk or bulk.action == Action.UNDO or bulk.is_open:
        raise WorkbenchError("You can undo your own actions, once they are through.")
    if BulkEdit.objects.filter(undoes=bulk).exists():
        raise WorkbenchError("This was undone already.")
    edit = BulkEdit(month=bulk.month, user=user, action=Action.UNDO, undoes=bulk)
    _check_permission(edit)
    return edit


def preview_bulk_edit(*, edit: BulkEdit) -> BulkEdit:
    """Work through the lines without writing; `changed`, `effect` and `left_out` say what would happen."""
    _work_through(edit)
    return edit


def queue_bulk_edit(*, edit: BulkEdit) -> BulkEdit:
    """Store the action; the caller applies it at once, or leaves it to a worker.

    Raises
    ------
    WorkbenchError
        If another action of this person on this month is not through yet.
    """
    wanted = {
        field: getattr(edit, field) for field in ("month", "user", "action", "percent", "selection", "undoes")
    } | {"who": edit.user.get_username(), "status": RunStatus.QUEUED}
    key = f"bulk edit {edit.month:%Y-%m} user {edit.user_id}"
    with database_errors_explained():
        return claim_run(BulkEdit, active_key=key, wanted=wanted, may_resume=lambda dead: False)


def apply_bulk_edit(*, bulk_id: int) -> BulkEdit | None:
    """Change the lines of a stored action, or go on with a dead one; None where somebody else does or it has ended."""
    with database_errors_explained():
        edit = BulkEdit.objects.select_related("user", "undoes").get(pk=bulk_id)
        if edit.active_key is None or not take_over(edit):
            return None
        logger.info("apply_bulk_edit started bulk=%s action=%s user=%s", edit.pk, edit.action, edit.who)
        with closing_run(edit):
            _work_through(edit)
            finish_run(edit, RunStatus.COMPLETED, timings=edit.timings)
    logger.info("apply_bulk_edit done bulk=%s rows=%d", edit.pk, edit.changed)
    return edit


def apply_bulk_edit_in_background(*, bulk_id: int) -> None:
    with batch_connection():
        apply_bulk_edit(bulk_id=bulk_id)


def _check_permission(edit: BulkEdit) -> None:
    """Undoing a lock unlocks, and undoing an unlock locks."""
    action = edit.action
    if edit.undoes:
        action = OPPOSITE.get(Action(edit.undoes.action), action)
    if not edit.user.has_perm(NEEDED_PERMISSION.get(Action(action), "ordering.change_orderconfirmation")):
        raise WorkbenchError("Your role does not allow this. Ask a manager.")


def _work_through(edit: BulkEdit) -> None:
    ids = sorted(select_lines(edit).order_by().values_list("pk", flat=True))
    edit.progress_total = len(ids)

    def read(after: int) -> IdChunk:
        start = bisect_right(ids, after)
        chunk = ids[start : start + LINES_A_CHUNK]
        return IdChunk(chunk, chunk[-1] if chunk else after, is_last=start + LINES_A_CHUNK >= len(ids))

    def write(chunk: IdChunk, _computed: None) -> dict[str, Any]:
        now = timezone.now()
        decisions = decide(edit, read_lines(edit, chunk.ids, lock=edit.pk is not None))
        if edit.pk is not None:
            store_lines(edit, decisions, now)
        return _tally(edit, decisions) | {"progress_total": len(ids)}

    run_chunks(edit, read=read, compute=lambda chunk: None, write=write, on_progress=lambda run: None)


def _tally(edit: BulkEdit, decisions: pl.DataFrame) -> dict[str, Any]:
    changed = decisions.filter(is_changed)
    after = pl.coalesce("new_confirmed", "suggested_qty")
    values = changed.group_by("currency").agg(
        before=(pl.col("order_qty") * pl.col("unit_cost").cast(pl.Float64)).sum(),
        after=(after * pl.col("unit_cost").cast(pl.Float64)).sum(),
    )
    effect = {side: dict(edit.effect.get(side, {})) for side in ("before", "after")}
    for currency, before, now in values.sort("currency").iter_rows():
        effect["before"][currency] = round(effect["before"].get(currency, 0) + before, 2)
        effect["after"][currency] = round(effect["after"].get(currency, 0) + now, 2)
    left_out = decisions.filter(pl.col("reason").is_not_null()).select("id", "reason")
    counts = dict(edit.left_out.get("counts", {}))
    for reason, count in left_out.group_by("reason").len().iter_rows():
        counts[reason] = counts.get(reason, 0) + count
    lines = [*edit.left_out.get("lines", []), *left_out.head(LEFT_OUT_SHOWN).rows()][:LEFT_OUT_SHOWN]
    return {
        "changed": edit.changed + changed.height,
        "effect": effect,
        "left_out": {"counts": counts, "lines": [list(line) for line in lines]},
    }
