"""The table of results: its columns in a buyer's words."""

from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tables2.data import TableListData

from suppliers.models import EmissionResult
from suppliers.summaries import rating_of
from suppliers.templatetags.emissions import tonnes

NUMBER = {"td": {"class": "text-end text-nowrap"}, "th": {"class": "text-end"}}


class ResultTable(tables.Table):  # type: ignore[misc]  # django-tables2 has no types
    record = tables.Column(verbose_name="Purchase")
    supplier_name = tables.Column(verbose_name="Supplier")
    category = tables.Column()
    method = tables.Column()
    spend_usd = tables.Column(verbose_name="Spend, USD", attrs=NUMBER)
    activity_amount = tables.Column(verbose_name="Activity", attrs=NUMBER)
    emissions_kgco2e = tables.Column(verbose_name="t CO2e", attrs=NUMBER)
    dqi = tables.Column(verbose_name="Data quality", attrs=NUMBER)

    class Meta:
        model = EmissionResult
        fields: tuple[str, ...] = ()
        orderable = False
        template_name = "emissions/_results_table.html"
        attrs = {"class": "table table-sm table-hover align-middle lines"}  # noqa: RUF012 - django-tables2's own form
        empty_text = "No result fits these filters. Take some of them away."

    def render_record(self, record: EmissionResult) -> SafeString:
        purchase = record.record
        url = reverse("emission_result", args=[record.pk])
        return format_html('<a href="{}">{}</a><br><span class="small">{}</span>', url, purchase, purchase.product_name)

    def render_method(self, record: EmissionResult) -> str:
        return str(record.get_method_display())

    def render_spend_usd(self, value: float) -> str:
        return f"{value:,.2f}"

    def render_activity_amount(self, value: float, record: EmissionResult) -> str:
        return f"{value:,.2f} {record.factor_unit}"

    def render_emissions_kgco2e(self, value: float) -> str:
        return tonnes(value)

    def render_dqi(self, value: float) -> str:
        return f"{value:.0f} {rating_of(value)}"


class PageData(TableListData):  # type: ignore[misc]  # django-tables2 has no types
    """Rows that the database has sorted already."""

    def order_by(self, aliases: Any) -> None:
        return


def build_results(rows: list[EmissionResult]) -> ResultTable:
    return ResultTable(PageData(rows))
