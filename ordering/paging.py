"""Pages of order lines that cost the same however many lines there are.

No page counts the lines: pages are numbered 1, 2, 3 from the start and -1, -2, -3 from the end, so that the last
page is the first of the reversed order. Only ids are sorted, which an index answers; the rows come by primary key.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ordering.models import OrderConfirmation

if TYPE_CHECKING:
    from ordering.querysets import OrderQuerySet

    Lines = OrderQuerySet[OrderConfirmation]

SORTS = {
    "order_value": ("order_value", "id"),
    "urgency": ("urgency_rank", "order_value", "id"),
    "stockout_risk_date": ("stockout_sort_date", "id"),
    "sku": ("sku__sku_key",),  # a second field would make the server sort the whole month
}
DEFAULT_SORT = "-order_value"
FARTHEST = 1_000_000_000  # databases refuse to skip more rows than they can count


@dataclass(frozen=True)
class Page:
    """`number` counts from the end where it is negative; a neighbour is None where there is none."""

    lines: list[OrderConfirmation]
    number: int
    previous: int | None
    next: int | None

    @property
    def label(self) -> str:
        return f"Page {self.number}" if self.number > 0 else f"Page {-self.number} from the end"


def sort_lines(lines: "Lines", sort: str) -> "tuple[Lines, str]":
    """The lines in the order of the list's column, with a minus in front the other way; the default if unknown."""
    if sort.removeprefix("-") not in SORTS:
        sort = DEFAULT_SORT
    sign = "-" if sort.startswith("-") else ""
    return lines.order_by(*(sign + field for field in SORTS[sort.removeprefix("-")])), sort


def read_page(lines: "Lines", number: int, size: int) -> Page:
    """One page of sorted lines, two statements."""
    number = number or 1
    start = (abs(number) - 1) * size
    ordered = lines if number > 0 else lines.reverse()
    ids = list(ordered.values_list("pk", flat=True)[start : start + size + 1])
    has_more = len(ids) > size
    ids = ids[:size]
    found = OrderConfirmation.objects.select_related("sku", "warehouse", "supplier").in_bulk(ids)
    rows = [found[pk] for pk in ids if pk in found]
    toward_end = number + 1 if has_more else None
    toward_start = number - 1 if number > 1 else None
    if number > 0:
        return Page(rows, number, toward_start, toward_end)
    return Page(rows[::-1], number, number - 1 if has_more else None, number + 1 if number < -1 else None)


def parse_page(text: str) -> int:
    try:
        return max(-FARTHEST, min(int(text), FARTHEST))
    except ValueError:
        return 1
