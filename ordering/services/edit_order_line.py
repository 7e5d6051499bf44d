"""A person changes an order line."""

import datetime as dt
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from core.errors import WorkbenchError
from ordering.models import LineChange, OrderConfirmation
from ordering.services.editing.store import as_text, keep_history


class LineChanges(TypedDict, total=False):
    """What people may change. A confirmed quantity of None takes the confirmation back."""

    confirmed_qty: int | None
    notes: str
    lead_time_override_days: int | None
    arrival_override: dt.date | None


def edit_order_line(*, line: OrderConfirmation, user: User, why: str = "", **changes: Unpack[LineChanges]) -> None:
    """Store the changes and one history row each; with a confirmed quantity also who decided, when, on what.

    The UPDATE itself checks that the line is unlocked and still the version in `line`, so two
    people cannot overwrite each other in silence. What is the same already is no change.

    Raises
    ------
    WorkbenchError
        If the line is locked, or somebody changed it since `line` was read.
    """
    with transaction.atomic():
        current = OrderConfirmation.objects.select_for_update().filter(pk=line.pk).first()
        if current is None:
            raise WorkbenchError("This line was removed by a new run. Reload the list.")
        if current.locked:
            raise WorkbenchError(f"{current.sku} is locked. It keeps the numbers that were approved.")
        if current.version != line.version:
            raise WorkbenchError(describe_conflict(current))
        wanted: dict[str, Any] = dict(changes)
        different = {name: value for name, value in wanted.items() if getattr(current, name) != value}
        if different:
            _store(current, user, why, different)
    line.refresh_from_db()


def _store(current: OrderConfirmation, user: User, why: str, changes: dict[str, Any]) -> None:
    now = timezone.now()
    columns = dict(changes)
    if "confirmed_qty" in changes:
        decided = changes["confirmed_qty"] is not None
        columns |= {
            "suggested_when_confirmed": current.suggested_qty if decided else None,
            "confirmed_by": user if decided else None,
            "confirmed_at": now if decided else None,
        }
    unchanged = OrderConfirmation.objects.filter(pk=current.pk, version=current.version, locked=False)
    if not unchanged.update(version=F("version") + 1, **columns):
        raise WorkbenchError(f"{current.sku} was changed at the same moment. Look again.")
    history = [
        LineChange(
            month=current.month,
            line=current,
            who=user,
            at=now,
            field=name,
            old=as_text(getattr(current, name)),
            new=as_text(value),
            why=why,
            version=current.version + 1,
            suggested_qty=current.suggested_qty,
        )
        for name, value in changes.items()
    ]
    keep_history(history, month=current.month, supplier_ids={current.supplier_id})


def describe_conflict(current: OrderConfirmation) -> str:
    """What somebody else set on this line in the meantime, as a sentence."""
    quantity = "no confirmed quantity" if current.confirmed_qty is None else f"{current.confirmed_qty:,}"
    last = current.changes.select_related("who").first()
    who = last.who.get_username() if last else "somebody else"
    return f"{current.sku} was changed by {who} while you were editing; it has {quantity} now. Nothing was overwritten."
