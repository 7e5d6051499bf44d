"""The table of order lines: its columns in the buyer's words, and which of them are shown."""

from collections.abc import Iterable
from typing import Any

import django_tables2 as tables
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django_tables2.data import TableListData

from ordering.models import OrderConfirmation

TICK_PAGE = mark_safe(
    '<input class="form-check-input" type="checkbox" id="tick-page" aria-label="All lines of this page">'
)
NUMBER = {"td": {"class": "text-end text-nowrap"}, "th": {"class": "text-end"}}


class WholeColumn(tables.Column):
    """A whole number with its thousands apart."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"attrs": NUMBER, "orderable": False} | kwargs)

    def render(self, value: Any) -> str:
        return intcomma(round(value))


class EditColumn(tables.TemplateColumn):
    """A cell that saves itself when it is left."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        context = {"kind": kind}
        super().__init__(
            template_name="ordering/_cell.html", orderable=False, extra_context=context, empty_values=(), **kwargs
        )


class OrderLineTable(tables.Table):
    selected = tables.Column(verbose_name=TICK_PAGE, orderable=False, empty_values=())
    sku = tables.Column(verbose_name="SKU", attrs={"td": {"class": "sku"}})
    warehouse = tables.Column(orderable=False)
    supplier = tables.Column(orderable=False, accessor="supplier__code")
    urgency = tables.Column(empty_values=())
    on_hand = WholeColumn(verbose_name="Stock")
    pending_effective = WholeColumn(verbose_name="Open orders")
    monthly_demand = WholeColumn(verbose_name="Demand a month")
    coverage_days = WholeColumn(verbose_name="Coverage, days")
    stockout_risk_date = tables.DateColumn(verbose_name="Stockout", short=True)
    suggested_qty = WholeColumn(verbose_name="Suggested")
    confirmed_qty = tables.TemplateColumn(
        template_name="ordering/_quantity.html", verbose_name="Confirmed", orderable=False, attrs=NUMBER
    )
    unit_cost = tables.Column(orderable=False, attrs=NUMBER)
    order_value = tables.Column(verbose_name="Value", attrs=NUMBER)
    coverage_days_ordered = WholeColumn(verbose_name="Coverage with order, days")
    arrival = tables.DateColumn(short=True, orderable=False)
    emissions_kgco2e = WholeColumn(verbose_name="kg CO2e")
    locked = tables.Column(orderable=False)
    abc = tables.Column(verbose_name="ABC/XYZ", orderable=False, empty_values=())
    sku_status = tables.Column(verbose_name="Status", orderable=False, accessor="get_sku_status_display")
    inventory_position = WholeColumn(verbose_name="Stock and open orders")
    safety_stock = WholeColumn()
    reorder_point = WholeColumn()
    lead_time_days = WholeColumn(verbose_name="Lead time, days")
    lead_time_override_days = EditColumn("number", verbose_name="Own lead time, days")
    arrival_override = EditColumn("date", verbose_name="Own arrival")
    notes = EditColumn("text", verbose_name="Note")

    class Meta:
        model = OrderConfirmation
        fields: tuple[str, ...] = ()
        template_name = "ordering/_lines_table.html"
        attrs = {"class": "table table-sm table-hover align-middle lines"}  # noqa: RUF012 - django-tables2's own form
        row_attrs = {"id": lambda record: f"line-{record.pk}"}  # noqa: RUF012 - the same
        empty_text = "No line fits these filters. Take some of them away."

    def render_selected(self, record: OrderConfirmation) -> SafeString:
        return format_html(
            '<input class="form-check-input" type="checkbox" form="bulk" name="line" value="{}" aria-label="{} in {}">',
            record.pk,
            record.sku,
            record.warehouse,
        )

    def render_sku(self, record: OrderConfirmation) -> SafeString:
        sku, url = record.sku, reverse("line", args=[record.pk])
        return format_html('<a href="{}">{}</a><br><span class="small">{}</span>', url, sku.sku, sku.description)

    def render_supplier(self, value: str, record: OrderConfirmation) -> SafeString:
        url = reverse("basket", args=[record.month, record.supplier_id])
        return format_html('<a href="{}">{}</a>', url, value)

    def render_urgency(self, record: OrderConfirmation) -> SafeString:
        if record.urgency is None:
            return format_html('<span class="badge text-bg-danger">Problem</span><br>{}', record.problem)
        return format_html('<span class="urgency urgency-{}">{}</span>', record.urgency, record.get_urgency_display())

    def render_monthly_demand(self, value: Any, record: OrderConfirmation) -> SafeString:
        source = record.get_demand_source_display()
        return format_html('{}<br><span class="small">{}</span>', intcomma(round(value)), source)

    def render_emissions_kgco2e(self, value: float, record: OrderConfirmation) -> SafeString:
        return format_html(
            '{}<br><span class="small">tier {}</span>', intcomma(round(value)), record.sku.emissions_tier
        )

    def render_unit_cost(self, value: Any, record: OrderConfirmation) -> str:
        return f"{value:,.2f} {record.currency}".strip()

    def render_order_value(self, value: Any, record: OrderConfirmation) -> str:
        return f"{value:,.2f}"

    def render_locked(self, value: bool) -> str:
        return "Locked" if value else ""

    def render_abc(self, record: OrderConfirmation) -> str:
        return f"{record.abc or '–'}/{record.xyz or '–'}"


FIXED = ("sku", "confirmed_qty")
SHOWN_FIRST = (
    "warehouse",
    "supplier",
    "urgency",
    "on_hand",
    "pending_effective",
    "monthly_demand",
    "coverage_days",
    "stockout_risk_date",
    "suggested_qty",
    "unit_cost",
    "order_value",
    "arrival",
    "emissions_kgco2e",
    "locked",
)
BASKET_COLUMNS = tuple(name for name in SHOWN_FIRST if name not in ("supplier", "monthly_demand"))
CHOICES = [
    (name, str(column.verbose_name or name.replace("_", " ").capitalize()))
    for name, column in OrderLineTable.base_columns.items()
    if name not in (*FIXED, "selected")
]


class PageData(TableListData):
    """Rows that the database has sorted already."""

    def order_by(self, aliases: Any) -> None:
        return


def build_table(
    lines: list[OrderConfirmation], columns: Iterable[str], *, may_select: bool, sort: str = ""
) -> OrderLineTable:
    """The lines with the chosen columns, and the ones that are always there."""
    shown = {*FIXED, *columns, *(["selected"] if may_select else [])}
    hidden = [name for name in OrderLineTable.base_columns if name not in shown]
    return OrderLineTable(PageData(lines), exclude=hidden, order_by=sort or None)
