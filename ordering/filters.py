"""What buyers narrow the month's lines down by; every filter is a parameter of the URL."""

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from ordering.choices import Urgency
from ordering.models import OrderConfirmation, Sku
from suppliers.models import Supplier, Warehouse

STATES = {
    "open": ("Not confirmed", Q(confirmed_qty=None)),
    "confirmed": ("Confirmed", Q(confirmed_qty__isnull=False)),
    "drifted": ("Drifted", Q(drifted=True)),
    "locked": ("Locked", Q(locked=True)),
    "stale": ("Stale", Q(stale=True)),
    "problem": ("Problem", Q(urgency=None)),
}


def _select(**attributes: Any) -> forms.Select:
    return forms.Select(attrs={"class": "form-select form-select-sm"} | attributes)


def _input(kind: type[forms.Widget] = forms.TextInput) -> forms.Widget:
    return kind(attrs={"class": "form-control form-control-sm"})


class OrderLineFilter(filters.FilterSet):
    q = filters.CharFilter(label="SKU or description", method="search", widget=_input())
    urgency = filters.ChoiceFilter(choices=Urgency.choices, widget=_select(), empty_label="All")
    supplier = filters.ModelChoiceFilter(queryset=Supplier.objects.all(), widget=_select(), empty_label="All")
    warehouse = filters.ModelChoiceFilter(queryset=Warehouse.objects.all(), widget=_select(), empty_label="All")
    abc = filters.ChoiceFilter("sku__abc", label="ABC", choices=Sku.Abc.choices, widget=_select(), empty_label="All")
    xyz = filters.ChoiceFilter("sku__xyz", label="XYZ", choices=Sku.Xyz.choices, widget=_select(), empty_label="All")
    status = filters.ChoiceFilter("sku__status", choices=Sku.Status.choices, widget=_select(), empty_label="All")
    demand_source = filters.ChoiceFilter(
        choices=OrderConfirmation.DemandSource.choices, widget=_select(), empty_label="All"
    )
    state = filters.ChoiceFilter(
        label="State",
        choices=[(name, label) for name, (label, _) in STATES.items()],
        method="in_state",
        widget=_select(),
        empty_label="All",
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

    def search(self, lines: "QuerySet[OrderConfirmation]", name: str, text: str) -> "QuerySet[OrderConfirmation]":
        matches = Sku.objects.starting_with(text).order_by().values("pk")
        described = Sku.objects.filter(description__icontains=text.strip()).order_by().values("pk")
        return lines.filter(Q(sku_id__in=matches) | Q(sku_id__in=described))

    def in_state(self, lines: "QuerySet[OrderConfirmation]", name: str, state: str) -> "QuerySet[OrderConfirmation]":
        return lines.filter(STATES[state][1])
