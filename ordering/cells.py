"""The cells of an order line, each a function of the line.

django-tables2 inspects the signature of a column's render method and computes its attributes again for every cell,
0.2 ms each; a page has a thousand cells.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from ordering.models import OrderConfirmation

EDIT = "ordering.change_orderconfirmation"
NOTHING = "—"


@dataclass(frozen=True)
class Editing:
    """Who edits: the token of the forms, none for those who only read, and what was refused, by field."""

    csrf_token: str | None
    errors: Mapping[str, str] = field(default_factory=dict)
    entered: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def by(cls, request: HttpRequest, **refused: Mapping[str, Any]) -> "Editing":
        return cls(get_token(request) if request.user.has_perm(EDIT) else None, **refused)

    def allows(self, line: OrderConfirmation) -> bool:
        return self.csrf_token is not None and not line.locked


Cell = Callable[[OrderConfirmation, Editing], str]


def render_cell(name: str, line: OrderConfirmation, editing: Editing) -> str:
    """HTML of one cell, escaped."""
    return conditional_escape(CELLS[name](line, editing))


def _whole(name: str) -> Cell:
    return lambda line, _: _rounded(getattr(line, name))


def _rounded(value: float | Decimal | None) -> str:
    return NOTHING if value is None else intcomma(round(value))


def _day(name: str) -> Cell:
    return lambda line, _: _short(getattr(line, name))


def _short(day: date | None) -> str:
    return NOTHING if day is None else date_format(day, "SHORT_DATE_FORMAT")


def _selected(line: OrderConfirmation, _: Editing) -> SafeString:
    return format_html(
        '<input class="form-check-input" type="checkbox" form="bulk" name="line" value="{}" aria-label="{} in {}">',
        line.pk,
        line.sku,
        line.warehouse,
    )


def _sku(line: OrderConfirmation, _: Editing) -> SafeString:
    return _stacked(_link(reverse("line", args=[line.pk]), line.sku.sku), line.sku.description)


def _supplier(line: OrderConfirmation, _: Editing) -> str:
    if line.supplier is None:
        return NOTHING
    return _link(reverse("basket", args=[line.month, line.supplier_id]), line.supplier.code)


def _urgency(line: OrderConfirmation, _: Editing) -> SafeString:
    if line.urgency is None:
        return format_html('<span class="badge text-bg-danger">Problem</span><br>{}', line.problem)
    return format_html('<span class="urgency urgency-{}">{}</span>', line.urgency, line.get_urgency_display())


def _demand(line: OrderConfirmation, _: Editing) -> str:
    if line.monthly_demand is None:
        return NOTHING
    return _stacked(_rounded(line.monthly_demand), line.get_demand_source_display())


def _unit_cost(line: OrderConfirmation, _: Editing) -> str:
    return NOTHING if line.unit_cost is None else f"{line.unit_cost:,.2f} {line.currency}".strip()


def _value(line: OrderConfirmation, _: Editing) -> str:
    return NOTHING if line.order_value is None else f"{line.order_value:,.2f}"


def _emissions(line: OrderConfirmation, _: Editing) -> str:
    if line.emissions_kgco2e is None:
        return NOTHING
    return _stacked(_rounded(line.emissions_kgco2e), f"tier {line.sku.emissions_tier}")


def _confirmed(line: OrderConfirmation, editing: Editing) -> str:
    if line.locked:
        quantity = "" if line.order_qty is None else intcomma(line.order_qty)
        return format_html('<span title="Locked">🔒 {}</span>', quantity)
    if not editing.allows(line):
        return "" if line.confirmed_qty is None else intcomma(line.confirmed_qty)
    return _form("ordering/_quantity.html", "confirmed_qty", line, editing)


def _editable(name: str, label: str, kind: str) -> Cell:
    def render(line: OrderConfirmation, editing: Editing) -> str:
        value = getattr(line, name)
        if editing.allows(line):
            return _form("ordering/_cell.html", name, line, editing, value=value, label=label, kind=kind)
        return _short(value) if kind == "date" else NOTHING if value in (None, "") else str(value)

    return render


def _form(template: str, name: str, line: OrderConfirmation, editing: Editing, **context: Any) -> str:
    refused = {"error": editing.errors.get(name), "entered": editing.entered.get(name)}
    return get_template(template).render(
        {"line": line, "name": name, "csrf_token": editing.csrf_token} | refused | context
    )


def _link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)


def _stacked(value: str, below: str) -> SafeString:
    return format_html('{}<br><span class="small">{}</span>', value, below)


CELLS: dict[str, Cell] = {
    "selected": _selected,
    "sku": _sku,
    "warehouse": lambda line, _: str(line.warehouse),
    "supplier": _supplier,
    "urgency": _urgency,
    "on_hand": _whole("on_hand"),
    "pending_effective": _whole("pending_effective"),
    "monthly_demand": _demand,
    "coverage_days": _whole("coverage_days"),
    "stockout_risk_date": _day("stockout_risk_date"),
    "suggested_qty": _whole("suggested_qty"),
    "confirmed_qty": _confirmed,
    "unit_cost": _unit_cost,
    "order_value": _value,
    "coverage_days_ordered": _whole("coverage_days_ordered"),
    "arrival": _day("arrival"),
    "emissions_kgco2e": _emissions,
    "locked": lambda line, _: "Locked" if line.locked else "",
    "abc": lambda line, _: f"{line.abc or '–'}/{line.xyz or '–'}",
    "sku_status": lambda line, _: line.get_sku_status_display() or NOTHING,
    "inventory_position": _whole("inventory_position"),
    "safety_stock": _whole("safety_stock"),
    "reorder_point": _whole("reorder_point"),
    "lead_time_days": _whole("lead_time_days"),
    "lead_time_override_days": _editable("lead_time_override_days", "Own lead time, days", "number"),
    "arrival_override": _editable("arrival_override", "Own arrival", "date"),
    "notes": _editable("notes", "Note", "text"),
}
