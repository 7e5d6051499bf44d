"""Purchases by browser: upload a file, say what its columns are, watch the import."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from core.errors import WorkbenchError
from core.queue import describe_trouble, enqueue
from core.uploads import LimitedUploadHandler, check_size
from suppliers.forms import MappingForm
from suppliers.jobs import import_purchases_job
from suppliers.models import PurchaseImport, PurchaseMapping, PurchaseRecord, PurchaseUpload
from suppliers.services.find_duplicates import find_duplicates
from suppliers.services.purchases.mapping import ColumnMapping
from suppliers.services.upload_purchases import (
    cancel_upload,
    find_upload,
    guess_columns,
    keep_purchases,
    latest_upload,
    queue_again,
    queue_purchases,
    read_preview,
    take_back,
)
from suppliers.views.guard import LOOK, UPLOAD, emission_page

IMPORTS_SHOWN = 20
DUPLICATES_SHOWN = 20
STOP_POLLING = 286  # htmx's own status for it


@csrf_exempt  # only until the limit is set: whoever looks for the token takes in the whole body, files and all
def purchases(request: HttpRequest) -> HttpResponseBase:
    return _upload(request) if request.method == "POST" else _page(request)


@require_safe
@emission_page(LOOK)
def _page(request: HttpRequest) -> HttpResponse:
    context = {
        "upload": latest_upload(),
        "imports": list(PurchaseImport.objects.all()[:IMPORTS_SHOWN]),
        "duplicates": find_duplicates(limit=DUPLICATES_SHOWN) if "duplicates" in request.GET else None,
        "has_purchases": PurchaseRecord.objects.exists(),
        "limit_mb": settings.UPLOAD_LIMIT_MB,
        "queue_trouble": describe_trouble(),
    }
    return render(request, "emissions/purchases.html", context)


@emission_page(UPLOAD)
def _upload(request: HttpRequest) -> HttpResponseBase:
    limited = LimitedUploadHandler(request)
    request.upload_handlers = [limited]
    return _take_in(request, limited)


@csrf_protect
def _take_in(request: HttpRequest, limited: LimitedUploadHandler) -> HttpResponse:
    try:
        file = request.FILES.get("file")
        check_size(limited.received)
        upload = keep_purchases(file=file, who=request.user.get_username())
    except WorkbenchError as error:
        messages.error(request, str(error))
        return redirect("emission_purchases")
    except OSError as error:  # while it comes in: the disk is full, or the name too long for it
        messages.error(request, f"The file cannot be stored: {error.strerror}. Tell your administrator.")
        return redirect("emission_purchases")
    return redirect("emission_upload", token=upload.token)


@require_http_methods(["GET", "POST"])
@emission_page(UPLOAD)
def upload(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """What the columns are, before the import."""
    found = _find(token)
    if request.method == "POST":
        return _import(request, found)
    return _mapping_page(request, found) if found.awaits_mapping else redirect("emission_purchases")


@require_GET
@emission_page(LOOK)
def upload_progress(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """The import's box: polled while it is alive, complete on its own without JavaScript."""
    found = _find(token)
    if not request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return redirect("emission_purchases")
    response = render(request, "emissions/_upload.html", {"upload": found})
    if not found.is_open:
        response.status_code = STOP_POLLING
        response["HX-Redirect"] = reverse("emission_purchases")
    return response


def _mapping_page(request: HttpRequest, found: PurchaseUpload, form: MappingForm | None = None) -> HttpResponse:
    saved = PurchaseMapping.objects.filter(name=request.GET.get("mapping", "")).first()
    preview = read_preview(upload=found)
    columns = guess_columns(preview.header, saved.columns if saved else None)
    initial: dict[str, Any] = dict(saved.constants) | {"save_as": saved.name} if saved else {}
    form = form or MappingForm(preview.header, columns=columns, initial=initial)
    examples = [[row[place] for row in preview.rows] for place in range(len(preview.header))]
    context = {
        "upload": found,
        "preview": preview,
        "form": form,
        "columns": list(zip(form.column_fields, examples, strict=True)),
        "mappings": list(PurchaseMapping.objects.values_list("name", flat=True)),
        "saved": saved,
    }
    return render(request, "emissions/mapping.html", context)


def _import(request: HttpRequest, found: PurchaseUpload) -> HttpResponse:
    try:
        form = MappingForm(read_preview(upload=found, limit=1).header, request.POST)
        if not form.is_valid():
            return _mapping_page(request, found, form)
        queue_purchases(
            upload=found,
            mapping=ColumnMapping(form.columns, form.constants),
            credits_negative=form.cleaned_data["credits_negative"],
            save_as=form.cleaned_data["save_as"],
        )
        _enqueue_or_take_back(found)
    except WorkbenchError as error:
        messages.error(request, str(error))
        if found.awaits_mapping and found.path.is_file():
            return _mapping_page(request, found, MappingForm(read_preview(upload=found).header, request.POST))
    return redirect("emission_purchases")


def _enqueue_or_take_back(found: PurchaseUpload) -> None:
    try:
        enqueue(import_purchases_job, found.pk)
    except WorkbenchError:
        take_back(upload=found)
        raise


@require_POST
@emission_page(UPLOAD)
def upload_cancel(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    if cancel_upload(upload=_find(token)):
        messages.success(request, "The import was cancelled. What went in so far stays.")
    return redirect("emission_purchases")


@require_POST
@emission_page(UPLOAD)
def upload_retry(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """Go on with an import whose process died."""
    found = _find(token)
    try:
        queue_again(upload=found)
        _enqueue_or_take_back(found)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("emission_purchases")


@require_GET
@emission_page(UPLOAD)
def upload_refused(request: HttpRequest, token: uuid.UUID) -> HttpResponseBase:
    found = _find(token)
    if not found.has_refusals:
        raise Http404
    name = f"refused-rows-of-{found.file.partition('.')[0]}.csv"
    return FileResponse(
        found.refused_path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )


def _find(token: uuid.UUID) -> PurchaseUpload:
    try:
        return find_upload(token=token)
    except WorkbenchError as error:
        raise Http404(str(error)) from error
