"""One supplier's order of a month: against its minimum, filled up, confirmed and locked."""

import datetime as dt
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from core.errors import WorkbenchError
from ordering.cells import EDIT
from ordering.models import BulkEdit, OrderConfirmation
from ordering.services.edit_order_lines import plan_quantities
from ordering.services.fill_basket import FillUp, propose_fill_up
from ordering.services.refresh_totals import refresh_totals
from ordering.tables import BASKET_COLUMNS, build_table
from ordering.views.bulk import apply_or_enqueue
from suppliers.models import Supplier

LINES_SHOWN = 100


@require_GET
def basket(request: HttpRequest, month: dt.date, pk: int) -> HttpResponse:
    supplier = _supplier(request, pk)
    refresh_totals(month=month)
    lines = _lines(request, month, supplier)
    totals = lines.filter(ordered=True).totals_with_emissions()
    emissions = totals.pop("emissions_kgco2e")
    ordered = list(
        lines.filter(ordered=True)
        .select_related("sku", "warehouse", "supplier")
        .order_by("-urgency_rank", "-order_value", "id")[:LINES_SHOWN]
    )
    value = _value(totals, supplier)
    context = {
        "month": month,
        "supplier": supplier,
        "totals": totals,
        "emissions_kgco2e": emissions,
        "value": value,
        "missing": max((supplier.min_order_value or Decimal(0)) - value, Decimal(0)),
        "table": build_table(ordered, BASKET_COLUMNS, may_select=False),
        "more": totals["lines"] - len(ordered),
        "fill": _fill_up(request, month, supplier, totals) if "fill" in request.GET else None,
        "query": f"supplier={supplier.pk}&state=ordered",
        "last_bulk": BulkEdit.objects.filter(user=request.user.pk, month=month)
        .select_related("undone_by")
        .defer("selection", "undone_by__selection")
        .first(),
    }
    return render(request, "ordering/basket.html", context)


@require_POST
@permission_required(EDIT, raise_exception=True)
def fill_up(request: HttpRequest, month: dt.date, pk: int) -> HttpResponse:
    """Take the quantities that were proposed, with the version of each line that the person saw."""
    wanted = {}
    for entry in request.POST.getlist("raise"):
        numbers = entry.split(":")
        if len(numbers) == 3 and all(number.isdecimal() and len(number) < 16 for number in numbers):
            line, quantity, version = map(int, numbers)
            wanted[line] = (quantity, version)
    supplier = _supplier(request, pk)
    own = set(_lines(request, month, supplier).filter(pk__in=wanted).values_list("pk", flat=True))
    try:
        edit = plan_quantities(
            month=month,
            user=request.user,  # type: ignore[arg-type]  # login is required
            wanted={line: wanted[line] for line in sorted(own)},
        )
        apply_or_enqueue(request, edit, len(own))
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("basket", month=month, pk=pk)


def _supplier(request: HttpRequest, pk: int) -> Supplier:
    return get_object_or_404(Supplier.objects.visible_to(request.user), pk=pk)


def _lines(request: HttpRequest, month: dt.date, supplier: Supplier):  # type: ignore[no-untyped-def]  # a query set
    return OrderConfirmation.objects.for_month(month).visible_to(request.user).filter(supplier=supplier)


def _value(totals: dict[str, dict[str, Decimal]], supplier: Supplier) -> Decimal:
    """What the order is worth in the supplier's currency; amounts in others cannot be added."""
    return Decimal(totals["value"].get(supplier.currency, 0))


def _fill_up(
    request: HttpRequest, month: dt.date, supplier: Supplier, totals: dict[str, dict[str, Decimal]]
) -> FillUp | None:
    value = _value(totals, supplier)
    if supplier.min_order_value is None or value >= supplier.min_order_value or not request.user.has_perm(EDIT):
        return None
    return propose_fill_up(
        lines=_lines(request, month, supplier),
        currency=supplier.currency,
        minimum=supplier.min_order_value,
        value=value,
    )
