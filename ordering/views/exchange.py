"""Order lines out as a file and back in."""

import datetime as dt
import tempfile
from pathlib import Path

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from core.errors import WorkbenchError
from ordering.filters import OrderLineFilter
from ordering.models import OrderConfirmation
from ordering.services.export_orders import export_lines

FORMATS = ("xlsx", "csv")


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
