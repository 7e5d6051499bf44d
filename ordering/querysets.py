"""Reads of the ordering app that have a name.

Lists of a month with a million lines stay fast on MariaDB because every filter and sort has an index: the wide one
starts with (month, order_value, id) and holds the other filters, so that walking it in order of value needs no row.
Joins only where they come last: a joined table in the WHERE makes the server sort everything before it takes fifty.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models
from django.db.models import Count, F, Max, Q, Sum

from ordering.choices import NO_URGENCY_RANK, URGENCY_OF_RANK, URGENCY_RANKS, Urgency
from suppliers.access import restrict

ModelT = TypeVar("ModelT", bound=models.Model, covariant=True)
PROBLEM = "problem"
URGENCY_NAMES: dict[int, str] = {rank: urgency.value for rank, urgency in URGENCY_OF_RANK.items()} | {
    NO_URGENCY_RANK: PROBLEM
}
LAST_CHARACTER = "\U0010ffff"
FEW_SKUS = 900  # MariaDB turns lists of 1,000 and more into a join


class SkuQuerySet(models.QuerySet[ModelT]):
    def visible_to(self, user: Any) -> "SkuQuerySet[ModelT]":
        return restrict(self, user, supplier="supplier_id")

    def starting_with(self, text: str) -> "SkuQuerySet[ModelT]":
        """SKUs whose code starts with `text`, without regard to case; a range, so an index answers it."""
        key = text.strip().lower()
        return self.filter(sku_key__gte=key, sku_key__lt=key + LAST_CHARACTER)

    def described(self, text: str) -> "SkuQuerySet[ModelT]":
        """SKUs whose code starts with `text` or whose description holds it, without regard to case."""
        key = text.strip().lower()
        by_code = Q(sku_key__gte=key, sku_key__lt=key + LAST_CHARACTER)
        return self.filter(by_code | Q(description__icontains=text.strip()))


class OrderQuerySet(models.QuerySet[ModelT]):
    def for_month(self, month: dt.date) -> "OrderQuerySet[ModelT]":
        return self.filter(month=month)

    def visible_to(self, user: Any) -> "OrderQuerySet[ModelT]":
        return restrict(self, user, supplier="supplier_id", warehouse="warehouse_id")

    def in_scope(self, *, suppliers: Iterable[str] = (), warehouses: Iterable[str] = ()) -> "OrderQuerySet[ModelT]":
        """Lines of these suppliers and warehouses, by code; no codes means all."""
        lines = self
        if supplier_keys := [code.strip().lower() for code in suppliers]:
            lines = lines.filter(supplier__code_key__in=supplier_keys)
        if warehouse_keys := [code.strip().lower() for code in warehouses]:
            lines = lines.filter(warehouse__code_key__in=warehouse_keys)
        return lines

    def with_urgency(self, *urgencies: str) -> "OrderQuerySet[ModelT]":
        return self.filter(urgency_rank__in=[URGENCY_RANKS[urgency] for urgency in urgencies])

    def with_problem(self) -> "OrderQuerySet[ModelT]":
        return self.filter(urgency_rank=NO_URGENCY_RANK)

    def matching(self, text: str, skus: "SkuQuerySet[Any]", *, for_page: bool) -> "OrderQuerySet[ModelT]":
        """Lines of the SKUs that `text` describes: by their ids where they are few, else by a subquery.

        Of many matches a page takes the first that it meets. For sums a MAX makes MariaDB look for the SKUs first;
        it would else look up the description of every line of the month.
        """
        found = skus.described(text).order_by()
        few = list(found.values_list("pk", flat=True)[: FEW_SKUS + 1])
        if len(few) <= FEW_SKUS:
            return self.filter(sku_id__in=few)
        if for_page:
            return self.filter(sku_id__in=found.values("pk"))
        return self.filter(sku_id__in=found.values("pk").annotate(found=Max("pk")).values("found"))

    def most_urgent(self) -> "OrderQuerySet[ModelT]":
        """Lines that must be ordered, the highest value first."""
        return self.with_urgency(Urgency.MUST_ORDER).order_by("-order_value", "id")

    def totals_with_emissions(self) -> "dict[str, Any]":
        """The totals and `emissions_kgco2e` of the order quantities, as far as they are known; one query."""
        rows = list(self._by_currency().annotate(emissions=Sum(F("order_qty") * F("sku__emissions_kgco2e"))))
        known = [row[-1] for row in rows if row[-1] is not None]
        return _add_up(row[:-1] for row in rows) | {"emissions_kgco2e": sum(known) if known else None}

    def totals(self) -> "dict[str, Any]":
        """Lines, units and value by currency of these lines; one query."""
        return _add_up(self._by_currency())

    def _by_currency(self) -> Any:
        return self.order_by().values_list("currency").annotate(Count("id"), Sum("order_qty"), Sum("order_value"))


class TotalQuerySet(models.QuerySet[ModelT]):
    """Groups of lines that are added up already."""

    def for_month(self, month: dt.date) -> "TotalQuerySet[ModelT]":
        return self.filter(month=month)

    def visible_to(self, user: Any) -> "TotalQuerySet[ModelT]":
        return restrict(self, user, supplier="supplier_id", warehouse="warehouse_id")

    def totals(self) -> "dict[str, Any]":
        """Lines, units and value by currency; one query."""
        groups = self.order_by().values_list("currency").annotate(Sum("lines"), Sum("units"), Sum("value"))
        return _add_up(groups)

    def by_supplier_and_urgency(self) -> "list[tuple[str, str | None, str, int, int, Any]]":
        """Urgency ("problem" without one), supplier's code, currency, lines, units and value; one query."""
        sums = self.order_by().values_list("urgency_rank", "supplier__code", "currency")
        groups = sums.annotate(Sum("lines"), Sum("units"), Sum("value"))
        return [(URGENCY_NAMES[rank], *group) for rank, *group in groups]


def cards_of(groups: "Iterable[tuple[str, str | None, str, int, int, Any]]") -> dict[str, dict[str, Any]]:
    """Lines, units and value by currency for each urgency, most urgent first and problems last."""
    cards = {name: [] for name in URGENCY_NAMES.values()}  # type: dict[str, list[Any]]
    for name, _supplier, *group in groups:
        cards[name].append(group)
    labels = dict(Urgency.choices) | {PROBLEM: "Problem"}
    return {name: {"label": labels[name]} | _add_up(found) for name, found in cards.items()}


def _add_up(groups: Iterable[Any]) -> dict[str, Any]:
    """Groups of currency, lines, units and value as one total; a currency may come several times."""
    lines, units, value = 0, 0, dict[str, Any]()
    for currency, some_lines, some_units, some_value in groups:
        lines += some_lines
        units += some_units or 0
        value[currency] = value.get(currency, 0) + (some_value or 0)
    return {"lines": lines, "units": units, "value": dict(sorted(value.items()))}
