"""The month's order lines: filter, sort, page, and confirm quantities in place."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template import Context
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_tables2 import RequestConfig

from core.errors import WorkbenchError
from ordering.filters import OrderLineFilter
from ordering.forms import QuantityForm
from ordering.models import OrderConfirmation
from ordering.services.edit_order_line import edit_order_line
from ordering.tables import OrderLineTable

LINES_A_PAGE = 50


@require_GET
def order_lines(request: HttpRequest, month: dt.date) -> HttpResponse:
    selected = _filtered(request, month)
    table = OrderLineTable(selected.qs.prefetch_related("sku", "warehouse", "supplier"), order_by="-order_value")
    RequestConfig(request, paginate={"per_page": LINES_A_PAGE, "silent": True}).configure(table)
    context = {"month": month, "filter": selected, "table": table} | _totals(request, month, selected)
    return render(request, "ordering/lines.html", context)


@require_GET
def totals(request: HttpRequest, month: dt.date) -> HttpResponse:
    return render(request, "ordering/_totals.html", _totals(request, month, _filtered(request, month)))


@require_POST
@permission_required("ordering.change_orderconfirmation", raise_exception=True)
@vary_on_headers("HX-Request")
def edit_line(request: HttpRequest, pk: int) -> HttpResponse:
    line = get_object_or_404(OrderConfirmation.objects.select_related("sku", "warehouse", "supplier"), pk=pk)
    form, error = QuantityForm(request.POST), ""
    if form.is_valid():
        line.version = form.cleaned_data["version"]
        try:
            edit_order_line(line=line, user=request.user, confirmed_qty=form.cleaned_data["confirmed_qty"])  # type: ignore[arg-type]  # login is required
        except WorkbenchError as refusal:
            error = str(refusal)
            line.refresh_from_db()
    else:
        error = f"“{request.POST.get('confirmed_qty', '')}” {next(iter(form.errors.values()))[0]}"
    if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return _row(request, line, error)
    if error:
        messages.error(request, error)
    return redirect(request.META.get("HTTP_REFERER") or reverse("lines", args=[line.month]))


def _filtered(request: HttpRequest, month: dt.date) -> OrderLineFilter:
    return OrderLineFilter(request.GET, queryset=OrderConfirmation.objects.for_month(month))


def _totals(request: HttpRequest, month: dt.date, selected: OrderLineFilter) -> dict[str, Any]:
    url = f"{reverse('lines_totals', args=[month])}?{request.GET.urlencode()}"
    sums: dict[str, Any] = selected.qs.totals()
    return sums | {"totals_url": url}


def _row(request: HttpRequest, line: OrderConfirmation, error: str) -> HttpResponse:
    """The one row as the list shows it; after an error with what was typed, so that nothing is lost."""
    entered = request.POST.get("confirmed_qty") if error and not line.locked else None
    table = OrderLineTable([line])
    table.request, table.context = request, Context({"error": error, "entered": entered})
    response = render(request, "ordering/_order_row.html", {"row": table.rows[0], "table": table})
    if not error:
        response["HX-Trigger"] = "lines-changed"
    return response
