"""One line: why this number, what is to come, and who changed it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from core.charts import Figure
from ordering.charts import draw_lead_times, draw_projected_stock, draw_sales, draw_waterfall
from ordering.explain import Step, explain, waterfall
from ordering.line_facts import LineFacts, read_facts
from ordering.models import OrderConfirmation


@require_GET
def line_detail(request: HttpRequest, pk: int) -> HttpResponse:
    visible = OrderConfirmation.objects.visible_to(request.user)
    line = get_object_or_404(visible.select_related("sku", "warehouse", "supplier", "confirmed_by", "run"), pk=pk)
    elsewhere = visible.filter(month=line.month, sku=line.sku_id).exclude(pk=pk)
    steps, facts = waterfall(line), read_facts(line)
    context = {
        "line": line,
        "why": explain(line),
        "steps": steps,
        "facts": facts,
        "charts": _draw(line, steps, facts),
        "elsewhere": elsewhere.select_related("warehouse"),
        "changes": line.changes.select_related("who")[:100],
    }
    return render(request, "ordering/line.html", context)


def _draw(line: OrderConfirmation, steps: list[Step], facts: LineFacts) -> dict[str, Figure]:
    """A figure for each of the facts that there are."""
    figures: dict[str, Figure] = {}
    if steps:
        figures["steps"] = draw_waterfall(steps)
    if facts.outlook:
        figures["outlook"] = draw_projected_stock(facts.outlook)
    if facts.sales:
        sold = facts.sales
        figures["sales"] = draw_sales(
            sold.months, sold.units_sold, sold.corrected_demand, sold.forecast_monthly, line.month
        )
    if facts.lead_times:
        figures["lead_times"] = draw_lead_times(facts.lead_times.days, facts.lead_times.mean, facts.lead_times.p95)
    return figures
