"""The month's order lines: filter, sort, page, and change them in place."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from core.errors import WorkbenchError
from ordering.cells import EDIT, Editing
from ordering.filters import OrderLineFilter
from ordering.forms import BULK_ACTIONS, LineForm
from ordering.models import BulkEdit, ListPreference, OrderConfirmation
from ordering.paging import DEFAULT_SORT, parse_page, read_page, sort_lines
from ordering.services.edit_order_line import edit_order_line
from ordering.services.refresh_totals import refresh_totals
from ordering.tables import BASKET_COLUMNS, CHOICES, SHOWN_FIRST, build_table

PAGE_SIZES = (50, 25, 100, 200)


@require_GET
def order_lines(request: HttpRequest, month: dt.date) -> HttpResponse:
    selected = _filtered(request, month, for_page=True)
    lines, sort = sort_lines(selected.qs, request.GET.get("sort", DEFAULT_SORT))
    page = read_page(lines, parse_page(request.GET.get("page", "")), _page_size(request))
    preference = _preference(request)
    context = {
        "month": month,
        "filter": selected,
        "table": build_table(page.lines, preference.columns, may_select=request.user.has_perm(EDIT), sort=sort),
        "page": page,
        "page_sizes": sorted(PAGE_SIZES),
        "query": _query(request),
        "kept": {name: request.GET[name] for name in ("sort", "rows") if name in request.GET},
        "columns": [(name, label, name in preference.columns) for name, label in CHOICES],
        "views": sorted(preference.views.items()),
        "actions": BULK_ACTIONS,
        "last_bulk": BulkEdit.objects.filter(user=request.user.pk, month=month)
        .select_related("undone_by")
        .defer("selection", "undone_by__selection")
        .first(),
        "totals_url": f"{reverse('lines_totals', args=[month])}?{_query(request)}",
    }
    return render(request, "ordering/lines.html", context)


@require_GET
def totals(request: HttpRequest, month: dt.date) -> HttpResponse:
    """A request of its own: adding up may take longer than showing a page of lines."""
    refresh_totals(month=month)
    sums = _filtered(request, month).totals(request.user, month)
    url = f"{reverse('lines_totals', args=[month])}?{_query(request)}"
    page = "ordering/_totals.html" if request.htmx else "ordering/totals.html"  # type: ignore[attr-defined]
    return render(request, page, sums | {"totals_url": url, "month": month, "query": _query(request)})


@require_POST
@permission_required(EDIT, raise_exception=True)
@vary_on_headers("HX-Request")
def edit_line(request: HttpRequest, pk: int) -> HttpResponse:
    visible = OrderConfirmation.objects.visible_to(request.user)
    line = get_object_or_404(visible.select_related("sku", "warehouse", "supplier"), pk=pk)
    form, errors = LineForm(request.POST), dict[str, str]()
    if form.is_valid():
        line.version = form.cleaned_data["version"]
        try:
            edit_order_line(line=line, user=request.user, **form.changes)  # type: ignore[arg-type]  # login is required
        except WorkbenchError as refusal:
            errors = dict.fromkeys(form.changes, str(refusal))
            line.refresh_from_db()
    else:
        errors = form.refusals
    if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return _row(request, line, errors)
    for error in {*errors.values()}:
        messages.error(request, error)
    return redirect(request.META.get("HTTP_REFERER") or reverse("lines", args=[line.month]))


def _filtered(request: HttpRequest, month: dt.date, *, for_page: bool = False) -> OrderLineFilter:
    lines = OrderConfirmation.objects.for_month(month).visible_to(request.user)
    return OrderLineFilter(request.GET, queryset=lines, request=request, for_page=for_page)


def _query(request: HttpRequest) -> str:
    """What is filtered and how it is sorted, without the page."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


def _page_size(request: HttpRequest) -> int:
    wanted = parse_page(request.GET.get("rows", ""))
    return wanted if wanted in PAGE_SIZES else PAGE_SIZES[0]


def _preference(request: HttpRequest) -> ListPreference:
    stored = ListPreference.objects.filter(user=request.user.pk).first()
    return stored or ListPreference(columns=[*SHOWN_FIRST])


def _row(request: HttpRequest, line: OrderConfirmation, errors: dict[str, str]) -> HttpResponse:
    """The one row as the list shows it; after an error with what was typed, so that nothing is lost."""
    entered: dict[str, Any] = {} if line.locked else {name: request.POST.get(name) for name in errors}
    in_basket = request.POST.get("page") == "basket"
    columns = BASKET_COLUMNS if in_basket else _preference(request).columns
    table = build_table([], columns, may_select=not in_basket)
    response = HttpResponse(table.render_row(line, Editing.by(request, errors=errors, entered=entered)))
    if not errors:
        response["HX-Trigger"] = "lines-changed"
    return response
