"""A run at a glance, as a report for print, and beside another."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from core.runs import RunStatus
from suppliers import summaries
from suppliers.charts import draw_categories, draw_suppliers
from suppliers.models import EmissionRun
from suppliers.services.keep_comparison import keep_comparison
from suppliers.views.guard import LOOK, emission_page

SUPPLIERS_SHOWN = 15
CATEGORIES_SHOWN = 30
LARGEST_REPORTED = 10
SETS = ("spend_factors", "activity_factors", "currency_rates", "price_index")


@require_GET
@emission_page(LOOK)
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(EmissionRun.objects.select_related(*SETS), pk=pk)
    if run.status != RunStatus.COMPLETED:
        messages.error(request, f"Run {pk} has no totals, because it did not end.")
        return redirect("emission_runs")
    categories, suppliers = summaries.shares_of(run)
    context = _facts(run) | {
        "categories": categories[:CATEGORIES_SHOWN],
        "suppliers": suppliers[:SUPPLIERS_SHOWN],
        "category_count": len(categories),
        "supplier_count": len(suppliers),
        "hot_spots": summaries.hot_spots(run),
        "charts": {
            "categories": draw_categories(categories),
            "suppliers": draw_suppliers(suppliers[:SUPPLIERS_SHOWN]),
        }
        if run.accounted
        else {},
    }
    return render(request, "emissions/run.html", context)


@require_GET
@emission_page(LOOK)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(EmissionRun.objects.select_related(*SETS), pk=pk, status=RunStatus.COMPLETED)
    categories, suppliers = summaries.shares_of(run)
    context = _facts(run) | {
        "sets": [found for name in SETS if (found := getattr(run, name))],
        "categories": categories[:LARGEST_REPORTED],
        "suppliers": suppliers[:LARGEST_REPORTED],
    }
    return render(request, "emissions/report.html", context)


def _facts(run: EmissionRun) -> dict[str, Any]:
    return {
        "run": run,
        "totals": summaries.totals_of(run),
        "errors": summaries.count_errors(run),
        "without_dollars": summaries.count_without_dollars(run),
    }


@require_GET
@emission_page(LOOK)
def compare(request: HttpRequest) -> HttpResponse:
    completed = EmissionRun.objects.select_related(*SETS).filter(status=RunStatus.COMPLETED)
    first, second = (completed.filter(pk=_number(request.GET.get(name, ""))).first() for name in ("a", "b"))
    if first is None or second is None:
        messages.error(request, "Choose two calculations that ended.")
        return redirect("emission_runs")
    context = {"first": first, "second": second, "comparison": keep_comparison(first=first, second=second)}
    return render(request, "emissions/compare.html", context)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0
