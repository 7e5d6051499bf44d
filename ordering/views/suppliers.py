"""Suppliers: how long they take, how often they are on time, and what is ordered from them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET
from django_tables2 import RequestConfig

from ordering.supplier_facts import (
    NEWEST_PLAN,
    deliveries_of,
    describe,
    facts_of,
    last_shipments,
    lead_times_of,
    lines_by_month,
    newest_plan,
    on_time_by_month,
    open_orders_of,
    planning_date,
    suppliers_starting_with,
)
from ordering.supplier_tables import SupplierTable
from suppliers.models import Supplier

SUPPLIERS_A_PAGE = 50


@require_GET
def supplier_list(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    table = SupplierTable(suppliers_starting_with(text, request.user), order_by="code")
    RequestConfig(request, paginate={"per_page": SUPPLIERS_A_PAGE, "silent": True}).configure(table)
    describe([row.record for row in table.page.object_list], request.user, today=planning_date(newest_plan()))
    return render(request, "suppliers/list.html", {"table": table, "text": text})


@require_GET
def supplier_detail(request: HttpRequest, pk: int) -> HttpResponse:
    user = request.user
    supplier = get_object_or_404(Supplier.objects.visible_to(user).annotate(planned_on=NEWEST_PLAN), pk=pk)
    today = planning_date(supplier.planned_on)  # type: ignore[attr-defined]  # annotated
    lead_times, deliveries = lead_times_of([supplier], user), deliveries_of([supplier], user, today=today)
    facts = facts_of([supplier], lead_times, deliveries)[0]
    context = {
        "today": today,
        "supplier": supplier,
        "lead_times": lead_times,
        "facts": facts,
        "on_time": on_time_by_month(deliveries, facts.limit_days, today=today),
        "open_orders": open_orders_of(supplier, user, today=today, page=_page_number(request)),
        "months": lines_by_month(supplier, user, today=today),
        "shipments": last_shipments(supplier, user),
    }
    return render(request, "suppliers/supplier.html", context)


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(int(text), 1) if text.isdecimal() and len(text) < 7 else 1
