"""Which order lines an export holds, and their values in the file's order."""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from django.db.models import Count, F, Sum
from numpy.typing import NDArray

from core.errors import WorkbenchError
from ordering.exports import COLUMNS, NO_SUPPLIER
from ordering.models import OrderConfirmation, Sku, Urgency
from suppliers.models import Supplier, Warehouse

if TYPE_CHECKING:
    from ordering.querysets import OrderQuerySet

    Lines = OrderQuerySet[OrderConfirmation]

Ints = NDArray[np.int64]
T = TypeVar("T")

SKUS_A_PAGE = 5_000
IDS_A_QUERY = 900  # MariaDB turns lists of 1,000 and more into a join, SQLite takes 999
URGENCY_RANKS = {urgency: rank for rank, urgency in enumerate([*Urgency.values, None])}


@dataclass
class SupplierGroup:
    """What the heading above a supplier's lines says."""

    code: str
    name: str
    lines: int = 0
    value: dict[str, Decimal] = field(default_factory=dict)  # by currency


@dataclass(frozen=True)
class Export:
    """The lines of a file, in the order in which they are written."""

    groups: list[SupplierGroup]
    ids: Ints  # (n_lines,)
    group: Ints  # (n_lines,) index into `groups`


def find_lines(
    month: dt.date, *, suppliers: Sequence[str], warehouses: Sequence[str], urgencies: Sequence[str]
) -> "Lines":
    """The month's lines that are wanted.

    By ids and not by codes: the server plans a single table right even when its statistics are old, as they are
    after a large run; a join then took 5 times as long.
    """
    lines = OrderConfirmation.objects.for_month(month)
    for name, wanted in (
        ("urgency", _known_urgencies(urgencies)),
        ("supplier_id", _ids_of(suppliers, Supplier)),
        ("warehouse_id", _ids_of(warehouses, Warehouse)),
    ):
        if wanted:
            lines = lines.filter(**{f"{name}__in": wanted})
    return lines


def _known_urgencies(urgencies: Sequence[str]) -> list[str]:
    wanted = [urgency.strip().lower() for urgency in urgencies]
    if unknown := [urgency for urgency in wanted if urgency not in Urgency]:
        raise WorkbenchError(f"There is no urgency {', '.join(unknown)}. Choose from {', '.join(Urgency.values)}.")
    return wanted


def _ids_of(codes: Sequence[str], model: type[Supplier] | type[Warehouse]) -> list[int]:
    keys = [code.strip().lower() for code in codes]
    ids = dict(model.objects.filter(code_key__in=keys).order_by().values_list("code_key", "pk")) if keys else {}
    if missing := [code for code, key in zip(codes, keys, strict=True) if key not in ids]:
        what = model._meta.verbose_name
        raise WorkbenchError(f"There is no {what} with the code {', '.join(missing)}. Check the spelling.")
    return list(ids.values())


def select_export(lines: "Lines", month: dt.date) -> Export:
    """The lines in the order of supplier, urgency, SKU and warehouse."""
    groups = _supplier_groups(lines)
    if not groups:
        if OrderConfirmation.objects.for_month(month).exists():
            raise WorkbenchError(f"No order line of {month:%Y-%m} fits these filters. Leave some of them out.")
        raise WorkbenchError(
            f"There are no order lines for {month:%Y-%m}. "
            f"Run `python manage.py generate_recommendations --month {month:%Y-%m}` first."
        )
    ids, group = _sorted_ids(lines, _ranks(groups))
    return Export(list(groups.values()), ids, group)


def _supplier_groups(lines: "Lines") -> dict[int | None, SupplierGroup]:
    """The suppliers of these lines in the file's order, one query."""
    groups: dict[int | None, SupplierGroup] = {}
    totals = (
        lines.order_by(F("supplier__code_key").asc(nulls_last=True), "currency")
        .values_list("supplier_id", "supplier__code", "supplier__name", "currency")
        .annotate(Count("id"), Sum("order_value"))
    )
    for pk, code, name, currency, count, value in totals:
        group = groups.setdefault(pk, SupplierGroup(code or NO_SUPPLIER, name or ""))
        group.lines += count
        group.value[currency] = value or Decimal(0)
    return groups


def _sorted_ids(lines: "Lines", groups: dict[int | None, int]) -> tuple[Ints, Ints]:
    """All ids in the file's order, and the rank of each line's supplier: 16 bytes a line.

    Sorted here: mysqlclient holds the whole answer of a query in memory, and no index serves this order, so
    that keyset paging would sort all lines once a page. Ranges of SKU ids are what the lines' unique index serves.
    """
    warehouses = _ranks(Warehouse.objects.order_by("code_key").values_list("pk", flat=True))
    skus = _sku_ids_by_code()
    by_id = np.argsort(skus)
    shape = (len(groups), len(URGENCY_RANKS), len(skus), len(warehouses))
    pages = []
    for start in range(0, len(skus), SKUS_A_PAGE):
        rank = by_id[start : start + SKUS_A_PAGE]
        page = lines.filter(sku_id__gte=skus[rank[0]], sku_id__lte=skus[rank[-1]]).order_by()
        page_skus = dict(zip(skus[rank].tolist(), rank.tolist(), strict=True))
        pages.append(_places(page, (groups, URGENCY_RANKS, page_skus, warehouses), shape))
    ids, places = np.concatenate(pages, axis=1)
    order = np.argsort(places)
    return ids[order], places[order] // math.prod(shape[1:])


def _places(page: "Lines", ranks: Sequence[dict[Any, int]], shape: tuple[int, ...]) -> Ints:
    """Ids and places in the file's order, (2, n_lines); without lines that came after the ranks were read."""
    suppliers, urgencies, skus, warehouses = ranks
    rows = [
        (pk, suppliers[supplier], urgencies[urgency], skus[sku], warehouses[warehouse])
        for pk, supplier, urgency, sku, warehouse in page.values_list(
            "pk", "supplier_id", "urgency", "sku_id", "warehouse_id"
        )
        if supplier in suppliers and sku in skus and warehouse in warehouses
    ]
    ids, *positions = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    return np.stack([ids, np.ravel_multi_index(positions, shape)])


def _ranks(ids: Iterable[T]) -> dict[T, int]:
    return {pk: rank for rank, pk in enumerate(ids)}


def _sku_ids_by_code() -> Ints:
    pages, after = [], ""
    while True:
        skus = Sku.objects.filter(sku_key__gt=after).order_by("sku_key")
        page = list(skus.values_list("pk", "sku_key")[:SKUS_A_PAGE])
        pages.append(np.array([pk for pk, _key in page], dtype=np.int64))
        if len(page) < SKUS_A_PAGE:
            return np.concatenate(pages)
        after = page[-1][1]


def rows_of(export: Export) -> Iterator[tuple[int, Sequence[Any]]]:
    """Group and values of each line; a line deleted meanwhile is left out."""
    columns = [column.expression for column in COLUMNS]
    for start in range(0, len(export.ids), IDS_A_QUERY):
        block = slice(start, start + IDS_A_QUERY)
        ids, groups = export.ids[block].tolist(), export.group[block].tolist()
        lines = OrderConfirmation.objects.filter(pk__in=ids).order_by().values_list("pk", *columns)
        found = {pk: values for pk, *values in lines}
        yield from ((group, found[pk]) for pk, group in zip(ids, groups, strict=True) if pk in found)
