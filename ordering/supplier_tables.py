"""The table of suppliers."""

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import floatformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ordering.tables import NumberColumn, TextColumn
from suppliers.models import Supplier


def _stacked(value: str, below: str) -> SafeString:
    """A cell of two lines, as the one with code and name is."""
    return format_html('{}<br><span class="small">{}</span>', value, below)


class SupplierTable(tables.Table):  # type: ignore[misc]  # django-tables2 has no types
    """Of suppliers that `supplier_facts.describe` has been given."""

    code = tables.Column(verbose_name="Supplier", order_by="code_key")
    country = TextColumn()
    stated = NumberColumn("Stated, days", accessor="default_lead_time_days")
    measured = NumberColumn("Measured, days", accessor="facts__measured_days")
    reliability = NumberColumn("Reliability", accessor="facts__reliability")
    on_time = NumberColumn("On time, %", accessor="facts__on_time_percent")
    open_orders = NumberColumn("Open orders, lines")
    min_order_value = NumberColumn("Minimum order")

    class Meta:
        template_name = "ordering/_lines_table.html"
        attrs = {"class": "table table-sm table-hover lines"}  # noqa: RUF012 - django-tables2's own form

    def render_code(self, record: Supplier) -> SafeString:
        link = format_html('<a href="{}">{}</a>', reverse("supplier", args=[record.pk]), record.code)
        return _stacked(link, record.name)

    def render_stated(self, value: float) -> str:
        return floatformat(value, "-1g")

    def render_measured(self, value: float, record: Any) -> SafeString:
        return _stacked(floatformat(value, "1g"), f"{intcomma(record.facts.measured_shipments)} shipments")

    def render_reliability(self, value: float) -> str:
        return floatformat(value, 2)

    def render_on_time(self, value: int, record: Any) -> SafeString:
        return _stacked(str(value), f"of {intcomma(record.facts.deliveries)}")

    def render_open_orders(self, value: int, record: Any) -> SafeString | str:
        return _stacked(intcomma(value), f"{intcomma(record.overdue)} overdue") if record.overdue else intcomma(value)

    def render_min_order_value(self, value: Decimal, record: Supplier) -> str:
        return f"{value:,.2f} {record.currency}".strip()
