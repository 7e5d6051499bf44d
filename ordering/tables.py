"""The table of order lines: its columns in the buyer's words, and which of them are shown."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django_tables2.data import TableListData

from ordering.cells import Editing, render_cell
from ordering.models import OrderConfirmation

TICK_PAGE = mark_safe(
    '<input class="form-check-input" type="checkbox" id="tick-page" aria-label="All lines of this page">'
)
NUMBER = {"td": {"class": "text-end text-nowrap"}, "th": {"class": "text-end"}}


class TextColumn(tables.Column):
    def __init__(self, verbose_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(verbose_name, **{"orderable": False} | kwargs)


class NumberColumn(TextColumn):
    def __init__(self, verbose_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(verbose_name, attrs=NUMBER, **kwargs)


class OrderLineTable(tables.Table):
    selected = TextColumn(TICK_PAGE)
    sku = tables.Column("SKU", attrs={"td": {"class": "sku"}})
    warehouse = TextColumn()
    supplier = TextColumn()
    urgency = tables.Column()
    on_hand = NumberColumn("Stock")
    pending_effective = NumberColumn("Open orders")
    monthly_demand = NumberColumn("Demand a month")
    coverage_days = NumberColumn("Coverage, days")
    stockout_risk_date = tables.Column("Stockout")
    suggested_qty = NumberColumn("Suggested")
    confirmed_qty = NumberColumn("Confirmed")
    unit_cost = NumberColumn()
    order_value = NumberColumn("Value", orderable=True)
    coverage_days_ordered = NumberColumn("Coverage with order, days")
    arrival = TextColumn()
    emissions_kgco2e = NumberColumn("kg CO2e")
    locked = TextColumn()
    abc = TextColumn("ABC/XYZ")
    sku_status = TextColumn("Status")
    inventory_position = NumberColumn("Stock and open orders")
    safety_stock = NumberColumn()
    reorder_point = NumberColumn()
    lead_time_days = NumberColumn("Lead time, days")
    lead_time_override_days = TextColumn("Own lead time, days")
    arrival_override = TextColumn("Own arrival")
    notes = TextColumn("Note")

    class Meta:
        model = OrderConfirmation
        fields: tuple[str, ...] = ()
        template_name = "ordering/_order_lines_table.html"
        attrs = {"class": "table table-sm table-hover align-middle lines"}  # noqa: RUF012 - django-tables2's own form
        empty_text = "No line fits these filters. Take some of them away."

    def render_row(self, line: OrderConfirmation, editing: Editing) -> SafeString:
        """The line as a row, of the columns that are shown; see `cells` for why not by django-tables2."""
        cells = "".join(f"{start}{render_cell(name, line, editing)}</td>\n" for name, start in self._starts)
        return mark_safe(f'<tr id="line-{line.pk:d}">\n{cells}</tr>')  # noqa: S308 - every cell is escaped

    @cached_property
    def _starts(self) -> list[tuple[str, SafeString]]:
        """Name and start tag of each cell of a row."""
        return [(column.name, format_html("<td {}>", column.attrs["td"].as_html())) for column in self.columns]


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
