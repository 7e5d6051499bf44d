"""Order lines out as a file and back in."""

import datetime as dt
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.errors import WorkbenchError
from core.uploads import LimitedUploadHandler, check_size
from ordering.filters import OrderLineFilter
from ordering.models import OrderConfirmation
from ordering.services.edit_order_lines import plan_quantities, preview_bulk_edit
from ordering.services.export_orders import export_lines
from ordering.services.keep_edited_export import (
    find_refused_rows,
    forget_edited_export,
    keep_edited_export,
    plan_kept_changes,
)
from ordering.services.read_edited_export import EditedExport, read_edited_export
from ordering.views.bulk import apply_or_enqueue

FORMATS = ("xlsx", "csv")
ROWS_SHOWN = 200
MONTH_IN_NAME = re.compile(r"orders-(\d{4}-\d{2})")  # as `export` names it


@require_GET
def export(request: HttpRequest, month: dt.date) -> HttpResponse | FileResponse:
    """The lines of the list with its filters, written to disk first and streamed from there."""
    visible = OrderConfirmation.objects.for_month(month).visible_to(request.user)
    lines = OrderLineFilter(request.GET, queryset=visible, request=request).qs
    ending = request.GET.get("format", "xlsx")
    name = f"orders-{month:%Y-%m}.{ending if ending in FORMATS else 'xlsx'}"
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        try:
            export_lines(lines=lines, month=month, output=Path(folder, name))
        except WorkbenchError as error:
            messages.error(request, str(error))
            return redirect(f"{reverse('lines', args=[month])}?{request.GET.urlencode()}")
        # Open, the file outlives its folder; the response closes it.
        return FileResponse(Path(folder, name).open("rb"), as_attachment=True, filename=name)


@csrf_exempt  # only until the limit is set: whoever looks for the token takes in the whole body, files and all
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("ordering.change_orderconfirmation", raise_exception=True)
def reimport(request: HttpRequest, month: dt.date) -> HttpResponse:
    """The form, and for an edited export what it would change."""
    if request.method != "POST":
        return render(request, "ordering/reimport.html", {"month": month})
    limited = LimitedUploadHandler(request)
    request.upload_handlers = [limited]
    try:
        return _take_in(request, month, limited)
    except OSError as error:  # while it comes in: the disk is full, or the name too long for it
        messages.error(request, f"The file cannot be stored: {error.strerror}. Tell your administrator.")
        return redirect("reimport", month=month)


@csrf_protect
def _take_in(request: HttpRequest, month: dt.date, limited: LimitedUploadHandler) -> HttpResponse:
    file = request.FILES.get("file")
    try:
        check_size(limited.received)
        if file is None:
            raise WorkbenchError("No file was chosen. Choose the export that you edited.")
        edited = read_edited_export(file=file, month=month, user=request.user)  # type: ignore[arg-type]  # login
        return _preview(request, month, file.name or "", edited)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("reimport", month=month)


def _preview(request: HttpRequest, month: dt.date, name: str, edited: EditedExport) -> HttpResponse:
    user: Any = request.user
    named = MONTH_IN_NAME.search(name)
    plan = plan_quantities(month=month, user=user, wanted=edited.wanted, notes=edited.notes)
    effect = preview_bulk_edit(edit=plan).effect
    context = {
        "month": month,
        "file": name,
        "other_month": named[1] if named and named[1] != f"{month:%Y-%m}" else "",
        "changed": edited.changed.height,
        "changes": edited.changed.head(ROWS_SHOWN).to_dicts(),
        "has_notes": bool(edited.notes),
        "unchanged": edited.unchanged,
        "refused": edited.refused.height,
        "refusals": edited.refused.head(ROWS_SHOWN).to_dicts(),
        "effect": [(currency, value, effect["after"][currency]) for currency, value in effect["before"].items()],
        "token": keep_edited_export(edited=edited, month=month, user=user),
    }
    return render(request, "ordering/reimport_preview.html", context)


@require_POST
@permission_required("ordering.change_orderconfirmation", raise_exception=True)
def reimport_apply(request: HttpRequest, month: dt.date, token: uuid.UUID) -> HttpResponse:
    """What the preview showed, as one action."""
    try:
        edit = plan_kept_changes(token=token, month=month, user=request.user)  # type: ignore[arg-type]  # login
        apply_or_enqueue(request, edit, len(edit.selection["wanted"]))
    except WorkbenchError as error:
        messages.error(request, str(error))
        return redirect("reimport", month=month)
    forget_edited_export(token=token)
    return redirect("lines", month=month)


@require_GET
@permission_required("ordering.change_orderconfirmation", raise_exception=True)
def reimport_refused(request: HttpRequest, month: dt.date, token: uuid.UUID) -> FileResponse:
    try:
        path = find_refused_rows(token=token, month=month, user=request.user)  # type: ignore[arg-type]  # login
    except WorkbenchError as error:
        raise Http404(str(error)) from error
    name = f"refused-rows-{month:%Y-%m}.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
