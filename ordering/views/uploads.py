"""Data by browser: upload import files, watch the import, fetch what was refused."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST, require_safe

from core.errors import WorkbenchError
from core.queue import describe_trouble, enqueue
from core.uploads import LimitedUploadHandler, check_size
from ordering.jobs import import_upload_job
from ordering.models import DataUpload
from ordering.services.import_data import KINDS
from ordering.services.upload_data import cancel_upload, queue_upload
from suppliers.access import scope_of

UPLOADS_SHOWN = 10
STOP_POLLING = 286  # htmx's own status for it


@csrf_exempt  # only until the limit is set: whoever looks for the token takes in the whole body, files and all
def uploads(request: HttpRequest) -> HttpResponse:
    return _upload(request) if request.method == "POST" else _page(request)


@require_safe
@permission_required("ordering.view_dataupload", raise_exception=True)
def _page(request: HttpRequest) -> HttpResponse:
    newest = list(DataUpload.objects.all()[:UPLOADS_SHOWN])
    context = {
        "uploads": newest,
        "upload": newest[0] if newest else None,
        "kinds": KINDS.values(),
        "snapshots": " and ".join(kind.name for kind in KINDS.values() if kind.snapshot),
        "limit_mb": settings.UPLOAD_LIMIT_MB,
        "is_limited": scope_of(request.user).is_limited,
        "queue_trouble": describe_trouble(),
    }
    return render(request, "ordering/uploads.html", context)


@permission_required("ordering.add_dataupload", raise_exception=True)
def _upload(request: HttpRequest) -> HttpResponse:
    limited = LimitedUploadHandler(request)
    request.upload_handlers = [limited]
    return _take_in(request, limited)


@csrf_protect
def _take_in(request: HttpRequest, limited: LimitedUploadHandler) -> HttpResponse:
    files = request.FILES.getlist("files")
    try:
        check_size(limited.received)
        upload = queue_upload(files=files, replace="replace" in request.POST, user=request.user)  # type: ignore[arg-type]  # login is required
        _enqueue_or_take_back(upload)
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("uploads")


def _enqueue_or_take_back(upload: DataUpload) -> None:
    try:
        enqueue(import_upload_job, upload.pk)
    except WorkbenchError:
        cancel_upload(upload=upload)
        raise


@require_GET
@permission_required("ordering.view_dataupload", raise_exception=True)
def upload_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The upload's box: polled while the import is alive, complete on its own without JavaScript."""
    upload = get_object_or_404(DataUpload, pk=pk)
    if not request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return redirect("uploads")
    response = render(request, "ordering/_upload.html", {"upload": upload})
    if not upload.is_open:
        response.status_code = STOP_POLLING
        response["HX-Redirect"] = reverse("uploads")
    return response


@require_POST
@permission_required("ordering.add_dataupload", raise_exception=True)
def upload_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    if cancel_upload(upload=get_object_or_404(DataUpload, pk=pk)):
        messages.success(request, "The upload was cancelled. Rows imported so far are kept.")
    return redirect("uploads")


@require_GET
@permission_required("ordering.view_dataupload", raise_exception=True)
def upload_errors(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The refused rows; their cells may be of any supplier."""
    if scope_of(request.user).is_limited:
        raise PermissionDenied
    upload = get_object_or_404(DataUpload, pk=pk)
    if not upload.has_errors_file:
        raise Http404
    name = f"upload-{upload.pk}-errors.csv"
    return FileResponse(
        upload.errors_path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )
