"""Fill a supplier's order up to its minimum with what the next review would order anyway."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

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

    Locked lines and lines of other currencies take no part.
    """
    candidates = list(
        lines.filter(locked=False, currency=currency, pull_forward_qty__gt=0, unit_cost__gt=0)
        .select_related("sku", "warehouse", "supplier")
        .order_by("stockout_sort_date", "-order_value", "id")
    )
    worth = [line.pull_forward_qty * line.unit_cost for line in candidates]  # type: ignore[operator]  # never null here
    reached = np.cumsum(np.array([value, *worth], dtype=object))
    needed = int(np.searchsorted(reached.astype(np.float64), float(minimum)))
    chosen = candidates[: min(needed, len(candidates))]
    raised = [(line, (line.order_qty or 0) + line.pull_forward_qty) for line in chosen]  # type: ignore[operator]
    total = reached[len(chosen)]
    return FillUp(raised, total, total >= minimum)
