"""What buyers narrow the month's lines down by; every filter is a parameter of the URL."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import django_filters as filters
from django import forms
from django.forms.utils import flatatt
from django.http import HttpRequest, QueryDict
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from ordering.choices import NO_URGENCY_RANK, URGENCY_RANKS, Urgency
from ordering.models import OrderConfirmation, OrderTotal, Sku
from suppliers.models import Supplier, Warehouse

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from ordering.querysets import OrderQuerySet

    Lines = OrderQuerySet[OrderConfirmation]

STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "open": ("Not confirmed", {"confirmed": False}),
    "confirmed": ("Confirmed", {"confirmed": True}),
    "drifted": ("Drifted", {"drifted": True}),
    "locked": ("Locked", {"locked": True}),
    "unlocked": ("Not locked", {"locked": False}),
    "stale": ("No longer calculated", {"stale": True}),
    "problem": ("Problem", {"urgency_rank": NO_URGENCY_RANK}),
    "ordered": ("To order", {"ordered": True}),
}
# The filters whose sums are kept ready in OrderTotal.
ADDED_UP = {"urgency", "supplier", "warehouse", "state"}


class QuickSelect(forms.Select):
    """Django's own renders a template for each option, 40 ms for 600 suppliers; this one takes 1 ms."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = {str(item) for item in (value if isinstance(value, list) else [value])}
        attributes = self.build_attrs(self.attrs, {"name": name} | (attrs or {}))
        options = "".join(self._option("" if pk is None else str(pk), label, chosen) for pk, label in self.choices)
        return format_html("<select{}>{}</select>", flatatt(attributes), mark_safe(options))  # noqa: S308 - escaped below

    @staticmethod
    def _option(pk: str, label: Any, chosen: set[str]) -> str:
        selected = " selected" if pk in chosen else ""
        return f'<option value="{escape(pk)}"{selected}>{escape(label)}</option>'


def _select(**attributes: Any) -> forms.Select:
    return QuickSelect(attrs={"class": "form-select form-select-sm"} | attributes)


def _input(kind: type[forms.Widget] = forms.TextInput) -> forms.Widget:
    return kind(attrs={"class": "form-control form-control-sm"})


def _suppliers(request: HttpRequest | None) -> "QuerySet[Supplier]":
    suppliers = Supplier.objects.only("code", "name")
    return suppliers.visible_to(request.user) if request else suppliers


def _warehouses(request: HttpRequest | None) -> "QuerySet[Warehouse]":
    return Warehouse.objects.visible_to(request.user) if request else Warehouse.objects.all()


class OrderLineFilter(filters.FilterSet):
    q = filters.CharFilter(label="SKU or description", method="search", widget=_input())
    urgency = filters.ChoiceFilter(choices=Urgency.choices, method="of_urgency", widget=_select(), empty_label="All")
    supplier = filters.ModelChoiceFilter(queryset=_suppliers, widget=_select(), empty_label="All")
    warehouse = filters.ModelChoiceFilter(queryset=_warehouses, widget=_select(), empty_label="All")
    state = filters.ChoiceFilter(
        label="State",
        choices=[(name, label) for name, (label, _) in STATES.items()],
        method="in_state",
        widget=_select(),
        empty_label="All",
    )
    abc = filters.ChoiceFilter(label="ABC", choices=Sku.Abc.choices, widget=_select(), empty_label="All")
    xyz = filters.ChoiceFilter(label="XYZ", choices=Sku.Xyz.choices, widget=_select(), empty_label="All")
    status = filters.ChoiceFilter("sku_status", choices=Sku.Status.choices, widget=_select(), empty_label="All")
    demand_source = filters.ChoiceFilter(
        choices=OrderConfirmation.DemandSource.choices, widget=_select(), empty_label="All"
    )
    value_min = filters.NumberFilter(
        "order_value", lookup_expr="gte", label="Value from", widget=_input(forms.NumberInput)
    )
    value_max = filters.NumberFilter(
        "order_value", lookup_expr="lte", label="Value to", widget=_input(forms.NumberInput)
    )

    class Meta:
        model = OrderConfirmation
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, for_page: bool = False, **kwargs: Any) -> None:
        """With `for_page` the lines are meant for the first rows of an order, else for all of them."""
        self.for_page = for_page
        super().__init__(*args, **kwargs)

    @classmethod
    def of_query(cls, query: str, lines: "Lines") -> "OrderLineFilter":
        """The filters of a query string, such as a saved view or a bulk action holds."""
        return cls(QueryDict(query), queryset=lines)

    @property
    def used(self) -> set[str]:
        return {name for name, value in self.form.cleaned_data.items() if value not in (None, "")}

    def totals(self, user: Any, month: dt.date) -> dict[str, Any]:
        """Lines, units and value of what is shown; from the sums that are kept ready where these filters allow it."""
        if not self.is_valid() or not self.used <= ADDED_UP:
            return self.qs.totals()  # type: ignore[no-any-return]
        chosen = {name: self.form.cleaned_data[name] for name in self.used}
        sums = OrderTotal.objects.for_month(month).visible_to(user)
        if urgency := chosen.get("urgency"):
            sums = sums.filter(urgency_rank=URGENCY_RANKS[urgency])
        if state := chosen.get("state"):
            sums = sums.filter(**STATES[state][1])
        return sums.filter(**{name: chosen[name] for name in ("supplier", "warehouse") if name in chosen}).totals()

    def search(self, lines: "Lines", name: str, text: str) -> "Lines":
        return lines.matching(text, Sku.objects.all(), for_page=self.for_page) if text.strip() else lines

    def of_urgency(self, lines: "Lines", name: str, urgency: str) -> "Lines":
        return lines.with_urgency(urgency)

    def in_state(self, lines: "Lines", name: str, state: str) -> "Lines":
        wanted = dict(STATES[state][1])
        if "confirmed" in wanted:
            wanted = {"confirmed_qty__isnull": not wanted["confirmed"]}
        return lines.filter(**wanted)
