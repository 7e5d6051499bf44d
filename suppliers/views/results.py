"""What a run found: all results, one result in every number, and files of them."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from core.errors import WorkbenchError
from core.runs import RunStatus
from suppliers.exports import errors_csv, results_csv, write_results_xlsx
from suppliers.forms import NO_TIER, ResultFilter
from suppliers.models import Category, EmissionResult, EmissionRun, SupplierName
from suppliers.paging import parse_page, read_page
from suppliers.tables import build_results
from suppliers.views.guard import LOOK, emission_page
from suppliers.workings import provenance_of, quality_of, rejected_tiers, steps_of, uncertainty_of

PAGE_SIZES = (50, 25, 100, 200)
RUN = ("run__spend_factors", "run__activity_factors", "run__currency_rates", "run__price_index")
OF_RESULT = ("record__source", "supplier_name", "category", "factor__factor_set", "footprint", *RUN)


@require_GET
@emission_page(LOOK)
def result_list(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(EmissionRun, pk=pk)
    form = ResultFilter(request.GET)
    results = EmissionResult.objects.filter(run=run)
    if form.is_valid():
        results = _narrowed(results, form.cleaned_data)
    size = parse_page(request.GET.get("rows", ""))
    page = read_page(
        results.order_by("-emissions_kgco2e", "-id"),
        parse_page(request.GET.get("page", "")),
        size if size in PAGE_SIZES else PAGE_SIZES[0],
        related=("record", "supplier_name", "category"),
    )
    context = {
        "run": run,
        "form": form,
        "table": build_results(page.rows),
        "page": page,
        "page_sizes": sorted(PAGE_SIZES),
    }
    return render(request, "emissions/results.html", context)


def _narrowed(results: "QuerySet[EmissionResult]", chosen: dict[str, Any]) -> "QuerySet[EmissionResult]":
    """By ids of names and not by a join, so that the index of the run still sorts."""
    if tier := chosen["tier"]:  # no tier, no emissions: those stand together at one end of the index
        results = results.filter(**{"emissions_kgco2e": None} if tier == NO_TIER else {"tier": int(tier)})
    if text := chosen["supplier"]:
        names = SupplierName.objects.order_by().values_list("pk", "name", "supplier__name")
        results = results.filter(supplier_name_id__in=_holding(text, names))
    if text := chosen["category"]:
        results = results.filter(category_id__in=_holding(text, Category.objects.order_by().values_list("pk", "name")))
    bounds = {"dqi__gte": chosen["dqi_min"], "dqi__lte": chosen["dqi_max"]}
    return results.filter(**{name: value for name, value in bounds.items() if value is not None})


def _holding(text: str, rows: Iterable[tuple[Any, ...]]) -> list[int]:
    """Keys of the rows that hold the text, without regard to case: names are stored as exact text, which minds it."""
    wanted = text.casefold()
    return [pk for pk, *names in rows if any(wanted in name.casefold() for name in names if name)]


@require_GET
@emission_page(LOOK)
def result_detail(request: HttpRequest, pk: int) -> HttpResponse:
    result = get_object_or_404(EmissionResult.objects.select_related(*OF_RESULT), pk=pk)
    context = {
        "result": result,
        "record": result.record,
        "run": result.run,
        "steps": steps_of(result),
        "uncertainty": uncertainty_of(result),
        "quality": quality_of(result),
        "rejected": rejected_tiers(result),
        "provenance": provenance_of(result),
    }
    return render(request, "emissions/result.html", context)


@require_GET
@emission_page(LOOK)
def export_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Written while it is read, however many results there are."""
    run = _completed(pk)
    return _as_file(results_csv(run), f"emissions-{run.year}-run-{run.pk}.csv")


@require_GET
@emission_page(LOOK)
def export_errors(request: HttpRequest, pk: int) -> HttpResponseBase:
    run = _completed(pk)
    return _as_file(errors_csv(run), f"emissions-{run.year}-run-{run.pk}-errors.csv")


@require_GET
@emission_page(LOOK)
def export_xlsx(request: HttpRequest, pk: int) -> HttpResponseBase:
    run = _completed(pk)
    name = f"emissions-{run.year}-run-{run.pk}.xlsx"
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        try:
            write_results_xlsx(run, Path(folder, name))
        except WorkbenchError as error:
            messages.error(request, str(error))
            return redirect("emission_run", pk=pk)
        # Open, the file outlives its folder; the response closes it.
        return FileResponse(Path(folder, name).open("rb"), as_attachment=True, filename=name)


def _completed(pk: int) -> EmissionRun:
    return get_object_or_404(EmissionRun, pk=pk, status=RunStatus.COMPLETED)


def _as_file(lines: Any, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
