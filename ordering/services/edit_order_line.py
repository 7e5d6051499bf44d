"""A person changes an order line."""

import datetime as dt
from typing import TypedDict, Unpack

from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from core.errors import WorkbenchError
from ordering.models import OrderConfirmation


class LineChanges(TypedDict, total=False):
    """What people may change. A confirmed quantity of None takes the confirmation back."""

    confirmed_qty: int | None
    notes: str
    lead_time_override_days: int | None
    arrival_override: dt.date | None


def edit_order_line(*, line: OrderConfirmation, user: User, **changes: Unpack[LineChanges]) -> None:
    """Store the changes; with a confirmed quantity also who decided, when, and on which suggestion.

    The UPDATE itself checks that the line is unlocked and still the version in `line`, so two
    people cannot overwrite each other in silence.

    Raises
    ------
    WorkbenchError
        If the line is locked, or somebody changed it since `line` was read.
    """
    columns = dict(changes)
    if "confirmed_qty" in changes:
        decided = changes["confirmed_qty"] is not None
        columns |= {
            "suggested_when_confirmed": line.suggested_qty if decided else None,
            "confirmed_by": user if decided else None,
            "confirmed_at": timezone.now() if decided else None,
        }
    same_version = OrderConfirmation.objects.filter(pk=line.pk, version=line.version, locked=False)
    if not same_version.update(version=F("version") + 1, **columns):
        raise WorkbenchError(_why_refused(line))
    line.refresh_from_db()


def _why_refused(line: OrderConfirmation) -> str:
    current = OrderConfirmation.objects.select_related("sku", "confirmed_by").filter(pk=line.pk).first()
    if current is None:
        return "This line was removed by a new run. Reload the list."
    if current.locked:
        return f"{current.sku} is locked. It keeps the numbers that were approved."
    return describe_conflict(current)


def describe_conflict(current: OrderConfirmation) -> str:
    """What somebody else set on this line in the meantime, as a sentence."""
    quantity = "no confirmed quantity" if current.confirmed_qty is None else f"{current.confirmed_qty:,}"
    who = current.confirmed_by or "somebody else"
    return f"{current.sku} was changed by {who} while you were editing; it has {quantity} now. Nothing was overwritten."
