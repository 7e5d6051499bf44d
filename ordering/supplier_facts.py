"""What the supplier pages show, of the suppliers and warehouses that the person may see."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
from django.db.models import Count, F, Q, QuerySet, Subquery, Sum, Window

from ordering.models import GenerationRun, OrderConfirmation, PendingOrder
from suppliers.access import restrict
from suppliers.kernels import Floats, Ints, measure_on_time, weighted_mean
from suppliers.models import Shipment, Supplier, SupplierLeadTime
from suppliers.querysets import SupplierQuerySet
from suppliers.services.refresh_lead_times import months_before

MONTHS = 12
ORDERS_A_PAGE = 50
SHIPMENTS_SHOWN = 20
Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True)
class Deliveries:
    """Shipments received in the last months, arrays of shape (n_shipments,).

    supplier : int64, position among the suppliers asked for
    month : int64, 0 is the first month
    days : float64 [days], received date minus order date
    """

    supplier: Ints
    month: Ints
    days: Floats


@dataclass(frozen=True)
class Facts:
    """One supplier in numbers; None where nothing is known. What takes up to `limit_days` is on time."""

    measured_days: float | None
    measured_shipments: int
    reliability: float | None
    limit_days: float | None
    deliveries: int
    on_time_percent: int | None


@dataclass(frozen=True)
class MonthOnTime:
    month: dt.date
    deliveries: int
    on_time_percent: int | None


@dataclass(frozen=True)
class OpenOrders:
    """One page of them, and how many there are on all pages."""

    orders: "list[PendingOrder]"
    page: int = 1
    total: int = 0
    overdue: int = 0

    @property
    def more(self) -> int:
        return max(self.total - self.page * ORDERS_A_PAGE, 0)


@dataclass
class MonthOfLines:
    month: dt.date
    lines: int = 0
    confirmed: int = 0
    locked: int = 0
    units: int = 0
    value: dict[str, Decimal] = field(default_factory=dict)


# The day that the newest run looked from.
NEWEST_PLAN = Subquery(GenerationRun.objects.order_by("-pk").values("as_of")[:1])


def newest_plan() -> dt.date | None:
    return GenerationRun.objects.order_by("-pk").values_list("as_of", flat=True).first()


def planning_date(newest: dt.date | None) -> dt.date:
    """The newest run's day, so that these pages and the order lines tell the same; today where there was none."""
    return newest or dt.date.today()


def first_month(today: dt.date) -> dt.date:
    """The start of the last 12 months, the one of today included."""
    return months_before(today.replace(day=1), MONTHS - 1)


def suppliers_starting_with(text: str, user: Any) -> SupplierQuerySet[Supplier]:
    """The suppliers whose code or name starts with the text, without regard to case."""
    matches = Q(code_key__startswith=text.lower()) | Q(name__istartswith=text)
    return Supplier.objects.visible_to(user).filter(matches if text else Q())


def lead_times_of(suppliers: Sequence[Supplier], user: Any) -> list[SupplierLeadTime]:
    rows = SupplierLeadTime.objects.filter(supplier__in=[supplier.pk for supplier in suppliers])
    return list(_in_sight(rows, user).select_related("warehouse").order_by("warehouse__code_key"))


def deliveries_of(suppliers: Sequence[Supplier], user: Any, *, today: dt.date) -> Deliveries:
    since, position = first_month(today), _positions(suppliers)
    received = Shipment.objects.filter(supplier__in=list(position), received_date__range=(since, today))
    rows = [
        (position[supplier], (arrival.year - since.year) * 12 + arrival.month - since.month, (arrival - ordered).days)
        for supplier, ordered, arrival in _in_sight(received, user)
        .order_by()
        .values_list("supplier_id", "order_date", "received_date")
        if arrival
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Deliveries(supplier=table[:, 0], month=table[:, 1], days=table[:, 2].astype(np.float64))


def facts_of(suppliers: Sequence[Supplier], lead_times: Sequence[SupplierLeadTime], found: Deliveries) -> list[Facts]:
    """One for each supplier; a warehouse counts by its shipments. No query."""
    position, n_groups = _positions(suppliers), len(suppliers)
    group = np.array([position[row.supplier_id] for row in lead_times], dtype=np.int64)
    count = _floats(row.shipment_count for row in lead_times)
    days = _floats(row.mean_days for row in lead_times)
    mean = weighted_mean(group, days, count, n_groups=n_groups)
    reliability = weighted_mean(group, _floats(row.reliability for row in lead_times), count, n_groups=n_groups)
    shipments = np.bincount(group, weights=np.where(np.isnan(days), 0, count), minlength=n_groups).astype(np.int64)
    stated = _floats(supplier.default_lead_time_days for supplier in suppliers)
    limit = np.where(np.isnan(stated), mean, stated)
    on_time = measure_on_time(found.supplier, found.days, limit)
    columns = [_known(column) for column in (mean, shipments, reliability, limit, on_time.count)]
    return [Facts(*row) for row in zip(*columns, _percent(on_time.share), strict=True)]


def describe(suppliers: Sequence[Supplier], user: Any, *, today: dt.date) -> None:
    """Give each supplier of a list its `facts`, `open_orders` and `overdue`; three queries, however many they are."""
    facts = facts_of(suppliers, lead_times_of(suppliers, user), deliveries_of(suppliers, user, today=today))
    orders = count_open_orders(suppliers, user, today=today)
    for supplier, of_supplier in zip(suppliers, facts, strict=True):
        total, overdue = orders.get(supplier.pk, (0, 0))
        vars(supplier).update(facts=of_supplier, open_orders=total, overdue=overdue)


def on_time_by_month(found: Deliveries, limit_days: float | None, *, today: dt.date) -> list[MonthOnTime]:
    """The last 12 months of one supplier, the newest first; no query."""
    limit = np.full(MONTHS, np.nan if limit_days is None else limit_days)
    by_month = measure_on_time(found.month, found.days, limit)
    months = (months_before(today.replace(day=1), MONTHS - 1 - number) for number in range(MONTHS))
    rows = zip(months, _known(by_month.count), _percent(by_month.share), strict=True)
    return [MonthOnTime(*row) for row in rows][::-1]


def count_open_orders(suppliers: Sequence[Supplier], user: Any, *, today: dt.date) -> dict[int, tuple[int, int]]:
    """Open order lines and the overdue ones among them, by supplier; one query."""
    orders = PendingOrder.objects.filter(sku__supplier__in=[supplier.pk for supplier in suppliers])
    by_supplier = _open(orders, user).order_by().values_list("sku__supplier_id")
    counts = by_supplier.annotate(total=Count("pk"), overdue=_count_overdue(today))
    return {supplier: (total, overdue) for supplier, total, overdue in counts}


def open_orders_of(supplier: Supplier, user: Any, *, today: dt.date, page: int = 1) -> OpenOrders:
    """By expected arrival, so that overdue ones come first and undated ones last; a page too far shows the first."""
    orders = _open(PendingOrder.objects.filter(sku__supplier=supplier), user)
    first = (page - 1) * ORDERS_A_PAGE
    # Counts ride on the page's own pass over the rows: a pass costs more than the rest for 20,000 orders.
    rows = list(
        orders.annotate(total=Window(Count("pk")), overdue=Window(_count_overdue(today)))
        .order_by(F("expected_arrival").asc(nulls_last=True), "pk")
        .values_list("pk", "total", "overdue")[first : first + ORDERS_A_PAGE]
    )
    if not rows:
        return open_orders_of(supplier, user, today=today) if page > 1 else OpenOrders([])
    shown = PendingOrder.objects.select_related("sku", "warehouse").in_bulk([pk for pk, _, _ in rows])
    return OpenOrders([shown[pk] for pk, _, _ in rows if pk in shown], page, rows[0][1], rows[0][2])


def lines_by_month(supplier: Supplier, user: Any, *, today: dt.date) -> list[MonthOfLines]:
    """The supplier's order lines of the last 12 months and later, the newest first; one query."""
    lines = OrderConfirmation.objects.visible_to(user).filter(supplier=supplier, month__gte=first_month(today))
    groups = (
        lines.order_by()
        .values_list("month", "currency")
        .annotate(
            lines=Count("pk"),
            confirmed=Count("confirmed_qty"),
            locked_lines=Count("pk", filter=Q(locked=True)),
            units=Sum("order_qty"),
            value=Sum("order_value"),
        )
    )
    months: dict[dt.date, MonthOfLines] = {}
    for month, currency, count, confirmed, locked, units, value in groups:
        of_month = months.setdefault(month, MonthOfLines(month))
        of_month.lines += count
        of_month.confirmed += confirmed
        of_month.locked += locked
        of_month.units += units or 0
        of_month.value[currency] = value or Decimal(0)
    return [months[month] for month in sorted(months, reverse=True)]


def last_shipments(supplier: Supplier, user: Any) -> list[tuple[Shipment, int | None]]:
    """Each with its days from order to receipt, the last ordered first."""
    shipments = _in_sight(Shipment.objects.filter(supplier=supplier), user).select_related("warehouse")
    return [
        (shipment, (shipment.received_date - shipment.order_date).days if shipment.received_date else None)
        for shipment in shipments.order_by("-order_date", "-pk")[:SHIPMENTS_SHOWN]
    ]


def _open(orders: "QuerySet[PendingOrder]", user: Any) -> "QuerySet[PendingOrder]":
    return _in_sight(orders.filter(status__in=PendingOrder.OPEN), user)


def _count_overdue(today: dt.date) -> Count:
    return Count("pk", filter=Q(expected_arrival__lt=today))


def _in_sight(rows: Rows, user: Any) -> Rows:
    return restrict(rows, user, warehouse="warehouse_id")


def _positions(suppliers: Sequence[Supplier]) -> dict[int, int]:
    return {supplier.pk: position for position, supplier in enumerate(suppliers)}


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def _known(values: Floats | Ints) -> list[Any]:
    return [None if value != value else value for value in values.tolist()]


def _percent(shares: Floats) -> list[int | None]:
    return [None if share is None else round(share * 100) for share in _known(shares)]
