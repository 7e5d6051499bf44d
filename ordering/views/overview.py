"""The month at a glance: start a run, watch it, see what matters."""

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core.errors import WorkbenchError
from core.queue import describe_trouble, enqueue
from core.runs import RunStatus, cancel_run
from ordering.forms import GenerateForm
from ordering.jobs import generate_recommendations_job
from ordering.models import GenerationRun, OrderConfirmation
from ordering.months import next_month
from ordering.services.generate_recommendations import queue_generation

RUNS_SHOWN = 10
STOP_POLLING = 286  # htmx's own status for it


@require_GET
def overview(request: HttpRequest, month: dt.date | None = None) -> HttpResponse:
    if month is None:
        newest = GenerationRun.objects.order_by("-month").values_list("month", flat=True).first()
        return redirect("month", month=newest or next_month(dt.date.today()))
    months = list(GenerationRun.objects.order_by("-month").values_list("month", flat=True).distinct()[:24])
    runs = list(GenerationRun.objects.filter(month=month)[:RUNS_SHOWN])
    context = {
        "month": month,
        "months": sorted({*months, month, next_month(dt.date.today())}, reverse=True),
        "runs": runs,
        "run": runs[0] if runs else None,
        "cards": OrderConfirmation.objects.for_month(month).totals_by_urgency(),
        "problems": OrderConfirmation.objects.for_month(month).filter(urgency=None).count(),
        "form": GenerateForm(),
        "queue_trouble": describe_trouble(),
    }
    return render(request, "ordering/overview.html", context)


@require_POST
@permission_required("ordering.add_generationrun", raise_exception=True)
def generate(request: HttpRequest, month: dt.date) -> HttpResponse:
    form = GenerateForm(request.POST)
    if not form.is_valid():
        reasons = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, f"The run was not started. {reasons}")
        return redirect("month", month=month)
    try:
        run = queue_generation(
            month=month,
            as_of=form.cleaned_data["as_of"],
            suppliers=[supplier.code for supplier in form.cleaned_data["suppliers"]],
            warehouses=[warehouse.code for warehouse in form.cleaned_data["warehouses"]],
            who=request.user.get_username(),
        )
        _enqueue_or_take_back(run)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("month", month=month)


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
    if cancel_run(run):
        messages.success(request, "The run was cancelled. Lines computed so far are kept.")
    return redirect("month", month=run.month)
