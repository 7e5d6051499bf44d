"""Runs of the emissions calculation: start one, watch it, end it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core.errors import WorkbenchError
from core.queue import describe_trouble, enqueue
from core.runs import RunStatus, cancel_run
from suppliers.forms import CalculateForm
from suppliers.jobs import calculate_emissions_job
from suppliers.models import EmissionRun, FactorSet
from suppliers.services.calculate_emissions import queue_calculation
from suppliers.summaries import totals_of, years_with_purchases
from suppliers.views.guard import CALCULATE, LOOK, emission_page

RUNS_SHOWN = 20
STOP_POLLING = 286  # htmx's own status for it
SETS = ("spend_factors", "activity_factors")


@require_GET
@emission_page(LOOK)
def run_list(request: HttpRequest) -> HttpResponse:
    runs = list(EmissionRun.objects.select_related(*SETS)[:RUNS_SHOWN])
    years = years_with_purchases()
    completed = [run for run in runs if run.status == RunStatus.COMPLETED]
    context = {
        "runs": [(run, totals_of(run)) for run in runs],
        "run": runs[0] if runs else None,
        "years": years,
        "has_factors": FactorSet.objects.exists(),
        "form": CalculateForm(years),
        "completed": completed,
        "queue_trouble": describe_trouble(),
    }
    return render(request, "emissions/runs.html", context)


@require_POST
@emission_page(CALCULATE)
def calculate(request: HttpRequest) -> HttpResponse:
    form = CalculateForm(years_with_purchases(), request.POST)
    if not form.is_valid():
        reasons = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, f"The calculation was not started. {reasons}")
        return redirect("emission_runs")
    names = {name: str(form.cleaned_data[name] or "") for name in SETS}
    return _start(request, year=form.cleaned_data["year"], **names)


@require_POST
@emission_page(CALCULATE)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """The same calculation again, after it failed."""
    run = get_object_or_404(EmissionRun.objects.select_related(*SETS), pk=pk)
    return _start(request, year=run.year, **{name: str(getattr(run, name) or "") for name in SETS})


def _start(request: HttpRequest, **wanted: Any) -> HttpResponse:
    try:
        run = queue_calculation(who=request.user.get_username(), **wanted)
        _enqueue_or_take_back(run)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("emission_runs")


def _enqueue_or_take_back(run: EmissionRun) -> None:
    try:
        enqueue(calculate_emissions_job, run.pk)
    except WorkbenchError:
        cancel_run(run)
        raise


@require_GET
@emission_page(LOOK)
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The run's box: polled while the run is alive, complete on its own without JavaScript."""
    run = get_object_or_404(EmissionRun, pk=pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return redirect("emission_runs")
    response = render(request, "emissions/_run.html", {"run": run})
    if not run.is_open:
        response.status_code = STOP_POLLING
        response["HX-Redirect"] = reverse("emission_runs")
    return response


@require_POST
@emission_page(CALCULATE)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    if cancel_run(get_object_or_404(EmissionRun, pk=pk)):
        messages.success(request, "The calculation was cancelled. Its results so far are kept, but count for nothing.")
    return redirect("emission_runs")
