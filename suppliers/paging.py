"""Pages of results that cost the same however many results there are.

No page counts: pages are numbered 1, 2, 3 from the start and -1, -2, -3 from the end, so that the last page is the
first of the reversed order. Only ids are sorted, which an index answers; the rows come by primary key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

RowT = TypeVar("RowT", bound=Model)
FARTHEST = 1_000_000_000  # databases refuse to skip more rows than they can count


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """`number` counts from the end where it is negative; a neighbour is None where there is none."""

    rows: list[RowT]
    number: int
    previous: int | None
    next: int | None

    @property
    def label(self) -> str:
        return f"Page {self.number}" if self.number > 0 else f"Page {-self.number} from the end"


def read_page(rows: "QuerySet[RowT]", number: int, size: int, *, related: Sequence[str] = ()) -> Page[RowT]:
    """One page of sorted rows, two statements."""
    number = number or 1
    start = (abs(number) - 1) * size
    ordered = rows if number > 0 else rows.reverse()
    ids = list(ordered.values_list("pk", flat=True)[start : start + size + 1])
    has_more = len(ids) > size
    found: dict[Any, RowT] = rows.model._default_manager.select_related(*related).in_bulk(ids[:size])
    shown = [found[pk] for pk in ids[:size] if pk in found]
    if number > 0:
        return Page(shown, number, number - 1 if number > 1 else None, number + 1 if has_more else None)
    return Page(shown[::-1], number, number - 1 if has_more else None, number + 1 if number < -1 else None)


def parse_page(text: str) -> int:
    try:
        return max(-FARTHEST, min(int(text), FARTHEST))
    except ValueError:
        return 1
