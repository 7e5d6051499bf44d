"""The month at a glance: start a run, watch it, see what matters."""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.errors import WorkbenchError
from core.queue import describe_trouble, enqueue
from core.runs import RunStatus, cancel_run
from ordering.charts import draw_value_by_supplier
from ordering.choices import Urgency
from ordering.forms import GenerateForm
from ordering.jobs import generate_recommendations_job
from ordering.models import GenerationRun, LineChange, OrderConfirmation, OrderTotal
from ordering.months import next_month
from ordering.querysets import cards_of
from ordering.services.generate_recommendations import queue_generation
from ordering.services.refresh_totals import refresh_totals
from suppliers.access import restrict, scope_of
from suppliers.models import Supplier, Warehouse

RUNS_SHOWN = 10
CHANGES_SHOWN = 10
STOP_POLLING = 286  # htmx's own status for it
CHANGE_LABELS = {
    "new": "new",
    "gone": "no longer calculated",
    "more_urgent": "more urgent",
    "less_urgent": "less urgent",
    "quantity_up": "with a higher suggestion",
    "quantity_down": "with a lower suggestion",
}


@require_GET
def overview(request: HttpRequest, month: dt.date | None = None) -> HttpResponse:
    if month is None:
        newest = GenerationRun.objects.order_by("-month").values_list("month", flat=True).first()
        return redirect("month", month=newest or next_month(dt.date.today()))
    refresh_totals(month=month)
    months = list(GenerationRun.objects.order_by("-month").values_list("month", flat=True).distinct()[:24])
    runs = list(GenerationRun.objects.filter(month=month)[:RUNS_SHOWN])
    groups = OrderTotal.objects.for_month(month).visible_to(request.user).by_supplier_and_urgency()
    cards = cards_of(groups)
    problems = cards.pop("problem")["lines"]
    context = {
        "month": month,
        "months": sorted({*months, month, next_month(dt.date.today())}, reverse=True),
        "runs": runs,
        "run": runs[0] if runs else None,
        "changes": _describe_changes(runs[0]) if runs else [],
        "human_changes": _human_changes(request, month) if runs else [],
        "cards": cards,
        "charts": _charts(groups),
        "problems": problems,
        "reasons": _reasons(request, month) if problems else [],
        "queue_trouble": describe_trouble(),
        "is_limited": scope_of(request.user).is_limited,
    }
    return render(request, "ordering/overview.html", context)


def _describe_changes(run: GenerationRun) -> list[tuple[str, int]]:
    """What the run changed against the lines that stood there before."""
    return [(CHANGE_LABELS[name], count) for name, count in run.changes.items() if count]


def _human_changes(request: HttpRequest, month: dt.date) -> Any:
    changes = restrict(LineChange.objects.all(), request.user, supplier="line__supplier", warehouse="line__warehouse")
    return changes.filter(month=month).select_related("who", "line__sku", "line__warehouse")[:CHANGES_SHOWN]


def _reasons(request: HttpRequest, month: dt.date) -> Any:
    lines = OrderConfirmation.objects.for_month(month).visible_to(request.user).with_problem()
    return lines.order_by().values_list("problem").annotate(lines=Count("id")).order_by("-lines")


def _charts(groups: list[tuple[str, str | None, str, int, int, Any]]) -> list[tuple[str, Any]]:
    """Value by supplier and urgency, a chart for each currency in which something is ordered."""
    rows = defaultdict[str, list[Any]](list)
    for urgency, supplier, currency, _lines, _units, value in groups:
        if value and urgency in Urgency:
            rows[currency].append((supplier, urgency, float(value)))
    return [(currency, draw_value_by_supplier(rows[currency], currency)) for currency in sorted(rows)]


@require_http_methods(["GET", "POST"])
@permission_required("ordering.add_generationrun", raise_exception=True)
def generate(request: HttpRequest, month: dt.date) -> HttpResponse:
    """Start a run; the page itself offers the scope."""
    if request.method == "GET":
        return render(request, "ordering/generate.html", {"month": month, "form": GenerateForm(request)})
    form = GenerateForm(request, request.POST)
    if not form.is_valid():
        reasons = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, f"The run was not started. {reasons}")
        return redirect("month", month=month)
    chosen = {name: [row.code for row in form.cleaned_data[name]] for name in ("suppliers", "warehouses")}
    return _start(request, month=month, as_of=form.cleaned_data["as_of"], **chosen)


@require_POST
@permission_required("ordering.add_generationrun", raise_exception=True)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """The same run again, after it failed."""
    run = get_object_or_404(GenerationRun, pk=pk)
    scope = {name: run.scope.get(name, []) for name in ("suppliers", "warehouses")}
    return _start(request, month=run.month, as_of=run.as_of, **scope)


def _start(
    request: HttpRequest, *, month: dt.date, as_of: dt.date | None, suppliers: list[str], warehouses: list[str]
) -> HttpResponse:
    user = request.user
    scope = scope_of(user)
    try:
        run = queue_generation(
            month=month,
            as_of=as_of,
            suppliers=_within_limits(suppliers, Supplier.objects.visible_to(user), limited=bool(scope.supplier_ids)),
            warehouses=_within_limits(
                warehouses, Warehouse.objects.filter(active=True).visible_to(user), limited=bool(scope.warehouse_ids)
            ),
            who=user.get_username(),
        )
        _enqueue_or_take_back(run)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("month", month=month)


def _within_limits(codes: list[str], visible: "QuerySet[Any]", *, limited: bool) -> list[str]:
    """The codes that were chosen, as far as a limited person may see them; without a choice all that they may see."""
    if not limited:
        return codes
    wanted = {code.lower() for code in codes}
    allowed = [row.code for row in visible if not wanted or row.code.lower() in wanted]
    if not allowed:
        raise WorkbenchError("None of this is within your suppliers and warehouses. Ask your administrator.")
    return allowed


def _enqueue_or_take_back(run: GenerationRun) -> None:
    try:
        enqueue(generate_recommendations_job, run.pk)
    except WorkbenchError:
        cancel_run(run)
        raise


@require_GET
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The run's box: polled while the run is alive, complete on its own without JavaScript."""
    run = get_object_or_404(GenerationRun, pk=pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return redirect("month", month=run.month)
    response = render(request, "ordering/_run.html", {"run": run})
    if run.status not in (RunStatus.QUEUED, RunStatus.RUNNING):
        response.status_code = STOP_POLLING
        response["HX-Redirect"] = reverse("month", args=[run.month])
    return response


@require_POST
@permission_required("ordering.add_generationrun", raise_exception=True)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(GenerationRun, pk=pk)
    if scope_of(request.user).is_limited and run.who != request.user.get_username():
        messages.error(request, f"{run.who} started this run, also for others. Ask a manager who sees everything.")
    elif cancel_run(run):
        messages.success(request, "The run was cancelled. Lines computed so far are kept.")
    return redirect("month", month=run.month)
