"""Reads of the ordering app that have a name."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models
from django.db.models import Count, Sum

from ordering.choices import Urgency
from suppliers.access import restrict

ModelT = TypeVar("ModelT", bound=models.Model, covariant=True)
LAST_CHARACTER = "\U0010ffff"


class SkuQuerySet(models.QuerySet[ModelT]):
    def visible_to(self, user: Any) -> "SkuQuerySet[ModelT]":
        return restrict(self, user, supplier="supplier_id")

    def starting_with(self, text: str) -> "SkuQuerySet[ModelT]":
        """SKUs whose code starts with `text`, without regard to case; a range, so an index answers it."""
        key = text.strip().lower()
        return self.filter(sku_key__gte=key, sku_key__lt=key + LAST_CHARACTER)


class OrderQuerySet(models.QuerySet[ModelT]):
    def visible_to(self, user: Any) -> "OrderQuerySet[ModelT]":
        return restrict(self, user, supplier="supplier_id", warehouse="warehouse_id")

    def for_month(self, month: dt.date) -> "OrderQuerySet[ModelT]":
        return self.filter(month=month)

    def in_scope(self, *, suppliers: Iterable[str] = (), warehouses: Iterable[str] = ()) -> "OrderQuerySet[ModelT]":
        """Lines of these suppliers and warehouses, by code; no codes means all."""
        lines = self
        if supplier_keys := [code.strip().lower() for code in suppliers]:
            lines = lines.filter(supplier__code_key__in=supplier_keys)
        if warehouse_keys := [code.strip().lower() for code in warehouses]:
            lines = lines.filter(warehouse__code_key__in=warehouse_keys)
        return lines

    def most_urgent(self) -> "OrderQuerySet[ModelT]":
        """Lines that must be ordered, the highest value first."""
        return self.filter(urgency=Urgency.MUST_ORDER).order_by("-order_value", "id")

    def totals(self) -> "dict[str, Any]":
        """Lines, units and value by currency of these lines; one query."""
        groups = list(
            self.order_by().values_list("currency").annotate(Count("id"), Sum("order_qty"), Sum("order_value"))
        )
        return {
            "lines": sum(lines for _currency, lines, _units, _value in groups),
            "units": sum(units or 0 for _currency, _lines, units, _value in groups),
            "value": {currency: value or 0 for currency, _lines, _units, value in groups},
        }

    def totals_by_urgency(self) -> "dict[str, dict[str, Any]]":
        """Lines, units and value by currency for each urgency, most urgent first; one query."""
        totals: dict[str, dict[str, Any]] = {
            urgency.value: {"label": urgency.label, "lines": 0, "units": 0, "value": {}} for urgency in Urgency
        }
        groups = (
            self.order_by()
            .values_list("urgency", "currency")
            .annotate(Count("id"), Sum("order_qty"), Sum("order_value"))
        )
        for urgency, currency, lines, units, value in groups:
            if urgency in totals:
                total = totals[urgency]
                total["lines"] += lines
                total["units"] += units or 0
                total["value"][currency] = value or 0
        return totals
