"""The table of order lines."""

from typing import Any

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ordering.models import OrderConfirmation

NUMBER = {"td": {"class": "text-end text-nowrap"}, "th": {"class": "text-end"}}


class WholeColumn(tables.Column):
    """A whole number with its thousands apart."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"attrs": NUMBER, "orderable": False} | kwargs)

    def render(self, value: Any) -> str:
        return intcomma(round(value))


class OrderLineTable(tables.Table):
    sku = tables.Column(verbose_name="SKU", orderable=False)
    warehouse = tables.Column(orderable=False)
    supplier = tables.Column(verbose_name="Supplier", orderable=False, accessor="supplier__code")
    urgency = tables.Column(orderable=False, empty_values=())
    on_hand = WholeColumn(verbose_name="Stock")
    pending_effective = WholeColumn(verbose_name="Open orders")
    monthly_demand = WholeColumn(verbose_name="Demand a month")
    coverage_days = WholeColumn(verbose_name="Coverage, days")
    stockout_risk_date = tables.DateColumn(verbose_name="Stockout", short=True, orderable=False)
    suggested_qty = WholeColumn(verbose_name="Suggested")
    confirmed_qty = tables.TemplateColumn(
        template_name="ordering/_quantity.html", verbose_name="Confirmed", orderable=False, attrs=NUMBER
    )
    unit_cost = tables.Column(orderable=False, attrs=NUMBER)
    order_value = tables.Column(verbose_name="Value", attrs=NUMBER)
    expected_arrival = tables.DateColumn(verbose_name="Arrival", short=True, orderable=False)

    class Meta:
        model = OrderConfirmation
        fields: tuple[str, ...] = ()
        template_name = "ordering/_lines_table.html"
        attrs = {"class": "table table-sm table-hover align-middle lines"}  # noqa: RUF012 - django-tables2's own form
        row_attrs = {"id": lambda record: f"line-{record.pk}"}  # noqa: RUF012 - the same
        empty_text = "No line fits these filters. Take some of them away."

    def render_sku(self, record: OrderConfirmation) -> SafeString:
        sku, url = record.sku, reverse("line", args=[record.pk])
        return format_html('<a href="{}">{}</a><br><span class="small">{}</span>', url, sku.sku, sku.description)

    def render_urgency(self, record: OrderConfirmation) -> SafeString:
        if record.urgency is None:
            return format_html('<span class="badge text-bg-danger">Problem</span><br>{}', record.problem)
        return format_html('<span class="urgency urgency-{}">{}</span>', record.urgency, record.get_urgency_display())

    def render_unit_cost(self, value: Any, record: OrderConfirmation) -> str:
        return f"{value:,.2f} {record.currency}".strip()

    def render_order_value(self, value: Any, record: OrderConfirmation) -> str:
        return f"{value:,.2f}"
