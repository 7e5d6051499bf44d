"""One action on many lines: look at what it would do, do it, undo it."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core.errors import WorkbenchError
from core.queue import enqueue
from core.runs import cancel_run
from ordering.forms import BulkForm
from ordering.jobs import apply_bulk_edit_job
from ordering.models import BulkEdit, OrderConfirmation
from ordering.services.edit_order_lines import (
    LINES_AT_ONCE,
    apply_bulk_edit,
    plan_bulk_edit,
    plan_undo,
    preview_bulk_edit,
    queue_bulk_edit,
)

STOP_POLLING = 286  # htmx's own status for it


@require_POST
@permission_required("ordering.change_orderconfirmation", raise_exception=True)
def bulk_edit(request: HttpRequest, month: dt.date) -> HttpResponse:
    """The preview first; with `apply` the action itself."""
    form = BulkForm(request.POST)
    back = f"{reverse('lines', args=[month])}?{request.POST.get('query', '')}"
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(back)
    chosen = form.cleaned_data
    try:
        edit = plan_bulk_edit(
            month=month,
            user=request.user,  # type: ignore[arg-type]  # login is required
            action=chosen["action"],
            query=chosen["query"],
            ids=[] if chosen["everything"] else chosen["line"],
            percent=chosen["percent"],
        )
        if "apply" not in request.POST:
            return _preview(request, edit, chosen, back)
        apply_or_enqueue(request, edit, chosen["expected"] or 0)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect(back)


@require_POST
@permission_required("ordering.change_orderconfirmation", raise_exception=True)
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    bulk = get_object_or_404(BulkEdit, pk=pk, user_id=request.user.pk)
    try:
        edit = plan_undo(bulk=bulk, user=request.user)  # type: ignore[arg-type]  # login is required
        apply_or_enqueue(request, edit, bulk.changed)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect(request.META.get("HTTP_REFERER") or reverse("lines", args=[bulk.month]))


@require_GET
def bulk_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The action's box: polled while it is at work, complete on its own without JavaScript."""
    bulk = get_object_or_404(
        BulkEdit.objects.select_related("undone_by").defer("selection", "undone_by__selection"),
        pk=pk,
        user_id=request.user.pk,
    )
    if not request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return redirect("lines", month=bulk.month)
    response = render(request, "ordering/_bulk.html", {"bulk": bulk})
    if not bulk.is_open:
        response.status_code = STOP_POLLING
        response["HX-Refresh"] = "true"
    return response


@require_GET
def left_out(request: HttpRequest, pk: int) -> HttpResponse:
    """The lines that an action left alone, and why."""
    bulk = get_object_or_404(BulkEdit, pk=pk, user_id=request.user.pk)
    reasons = dict(bulk.left_out.get("lines", []))
    lines = OrderConfirmation.objects.visible_to(request.user).select_related("sku", "warehouse").in_bulk([*reasons])
    rows = [(line, reasons[pk]) for pk, line in sorted(lines.items())]
    return render(request, "ordering/left_out.html", {"bulk": bulk, "rows": rows})


def apply_or_enqueue(request: HttpRequest, edit: BulkEdit, expected: int) -> None:
    """At once while a person can wait for it; a worker takes what is longer."""
    bulk = queue_bulk_edit(edit=edit)
    if expected > LINES_AT_ONCE:
        try:
            enqueue(apply_bulk_edit_job, bulk.pk)
        except WorkbenchError:
            cancel_run(bulk)
            raise
        return
    apply_bulk_edit(bulk_id=bulk.pk)


def _preview(request: HttpRequest, edit: BulkEdit, chosen: dict[str, Any], back: str) -> HttpResponse:
    preview = preview_bulk_edit(edit=edit)
    context = {
        "edit": preview,
        "month": edit.month,
        "chosen": chosen,
        "back": back,
        "counts": preview.left_out.get("counts", {}),
        "unchanged": preview.progress_total - preview.changed - sum(preview.left_out.get("counts", {}).values()),
        "effect": [
            (currency, before, preview.effect["after"].get(currency, 0))
            for currency, before in preview.effect.get("before", {}).items()
        ],
    }
    return render(request, "ordering/bulk.html", context)
