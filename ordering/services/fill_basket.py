"""Fill a supplier's order up to its minimum with what the next review would order anyway."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from django.db.models import F

from ordering.models import OrderConfirmation

if TYPE_CHECKING:
    from ordering.querysets import OrderQuerySet


@dataclass(frozen=True)
class FillUp:
    """Lines to raise, soonest stockout first, as (line, new quantity), and what the order is worth then."""

    lines: list[tuple[OrderConfirmation, int]]
    value: Decimal
    is_enough: bool


def propose_fill_up(
    *, lines: "OrderQuerySet[OrderConfirmation]", currency: str, minimum: Decimal, value: Decimal
) -> FillUp:
    """As many pull-forward quantities as bring the order from `value` to `minimum`, both in `currency`.

    Lines that are locked, no longer calculated or of another currency take no part; what a person raised already
    counts as pulled forward.
    """
    candidates = list(
        lines.filter(locked=False, stale=False, currency=currency, pull_forward_qty__gt=0, unit_cost__gt=0)
        .filter(order_qty__lt=F("suggested_qty") + F("pull_forward_qty"))
        .select_related("sku", "warehouse", "supplier")
        .order_by("stockout_sort_date", "-order_value", "id")
    )
    raised = [(line, min(line.order_qty, line.suggested_qty) + line.pull_forward_qty) for line in candidates]
    worth = [(quantity - line.order_qty) * line.unit_cost for line, quantity in raised]
    reached = np.cumsum(np.array([value, *worth], dtype=object))
    needed = int(np.searchsorted(reached.astype(np.float64), float(minimum)))
    chosen = raised[:needed]
    total = reached[len(chosen)]
    return FillUp(chosen, total, total >= minimum)
