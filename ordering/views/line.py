"""One line: why this number, and who changed it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from ordering.explain import explain, waterfall
from ordering.models import OrderConfirmation


@require_GET
def line_detail(request: HttpRequest, pk: int) -> HttpResponse:
    lines = OrderConfirmation.objects.select_related("sku", "warehouse", "supplier", "confirmed_by")
    line = get_object_or_404(lines, pk=pk)
    elsewhere = OrderConfirmation.objects.filter(month=line.month, sku=line.sku_id).exclude(pk=pk)
    context = {
        "line": line,
        "why": explain(line),
        "steps": waterfall(line),
        "elsewhere": elsewhere.select_related("warehouse"),
        "changes": line.changes.select_related("who")[:100],
    }
    return render(request, "ordering/line.html", context)
