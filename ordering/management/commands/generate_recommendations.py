import datetime as dt
import json
from textwrap import shorten
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich import box
from rich.table import Table

from core.console import command_line_user, console, parse_date, parse_month, progress_bar
from core.errors import WorkbenchError
from core.runs import AbstractRun
from ordering.models import GenerationRun, OrderConfirmation, Urgency
from ordering.months import next_month
from ordering.services.generate_recommendations import CHUNK_SIZE, generate_recommendations


class Command(BaseCommand):
    help = "Compute one order line per stocked SKU and warehouse for an order month."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", type=parse_month, help="order month, such as 2026-12; default: next month")
        parser.add_argument("--as-of", type=parse_date, help="planning date; default: today")
        parser.add_argument("--supplier", nargs="+", default=[], metavar="CODE", action="extend")
        parser.add_argument("--warehouse", nargs="+", default=[], metavar="CODE", action="extend")
        parser.add_argument("--chunk-size", type=int, default=CHUNK_SIZE, metavar="N", help="SKUs a chunk")
        parser.add_argument("--dry-run", action="store_true", help="compute and count, write nothing")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        month = options["month"] or next_month(dt.date.today())
        with progress_bar("SKUs", disable=options["json"]) as bar:
            task = bar.add_task(f"Order lines for {month:%Y-%m}", total=None)

            def show(run: AbstractRun) -> None:
                bar.update(task, completed=run.progress_done, total=run.progress_total)

            try:
                run = generate_recommendations(
                    month=month,
                    as_of=options["as_of"],
                    suppliers=options["supplier"],
                    warehouses=options["warehouse"],
                    chunk_size=options["chunk_size"],
                    dry_run=options["dry_run"],
                    who=command_line_user(),
                    on_progress=show,
                )
            except WorkbenchError as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt as interrupt:
                raise CommandError("Cancelled. Lines written so far are kept.", returncode=130) from interrupt
        urgent = [] if options["dry_run"] else _most_urgent(run)
        if options["json"]:
            self.stdout.write(json.dumps(_summary(run, urgent), indent=2))
        else:
            _print(run, urgent)


def _most_urgent(run: GenerationRun) -> list[OrderConfirmation]:
    lines = OrderConfirmation.objects.for_month(run.month).in_scope(
        suppliers=run.scope["suppliers"], warehouses=run.scope["warehouses"]
    )
    return list(lines.select_related("sku", "warehouse", "supplier").most_urgent()[:10])


def _summary(run: GenerationRun, urgent: list[OrderConfirmation]) -> dict[str, Any]:
    return {
        "run": run.pk,
        "status": run.status,
        "month": f"{run.month:%Y-%m}",
        "as_of": run.as_of.isoformat(),
        "scope": run.scope,
        "skus": run.progress_total,
        "lines": run.line_count,
        "by_urgency": run.lines_by_urgency,
        "problems": run.problems,
        "locked": run.locked_lines,
        "seconds": run.timings["total"],
        "rows_per_second": run.rows_per_second,
        "timings": run.timings,
        "statements": run.statements,
        "most_urgent": [
            {
                "sku": line.sku.sku,
                "warehouse": line.warehouse.code,
                "supplier": line.supplier.code if line.supplier else "",
                "urgency": line.urgency,
                "order_qty": line.order_qty,
                "order_value": float(line.order_value),
                "stockout_risk_date": line.stockout_risk_date and line.stockout_risk_date.isoformat(),
            }
            for line in urgent
        ],
    }


def _print(run: GenerationRun, urgent: list[OrderConfirmation]) -> None:
    by_urgency = Table(title=f"Order lines for {run.month:%Y-%m}, planned on {run.as_of}")
    for column in ("urgency", "lines", "units", "order value"):
        by_urgency.add_column(column, justify="left" if column == "urgency" else "right")
    for urgency in Urgency:
        count = run.lines_by_urgency[urgency]
        amounts = (f"{amount:,.2f} {currency}".strip() for currency, amount in count["value"].items() if amount)
        value = ", ".join(amounts)
        by_urgency.add_row(urgency.label, f"{count['lines']:,}", f"{count['units']:,}", value or "0")
    console.print(by_urgency)
    if urgent:
        console.print(_urgent_table(urgent))
    if run.problems:
        console.print(f"{run.problems:,} lines have no quantity because of bad data; each line says why.")
    if run.locked_lines:
        console.print(f"{run.locked_lines:,} locked lines were left as they are.")
    console.print(
        f"{run.line_count:,} lines in {run.timings['total']:.2f} s ({run.rows_per_second:,.0f} rows per second), "
        f"{run.statements.get('select', 0)} SELECT and {run.statements.get('other', 0)} other statements."
        + (" Nothing was written." if run.pk is None else ""),
        soft_wrap=True,
    )


def _urgent_table(urgent: list[OrderConfirmation]) -> Table:
    table = Table(title="The most urgent lines", box=box.SIMPLE)
    for column in ("SKU", "description", "warehouse", "supplier"):
        table.add_column(column, no_wrap=True)
    for column in ("order", "value", "stockout"):
        table.add_column(column, justify="right", no_wrap=True)
    for line in urgent:
        table.add_row(
            line.sku.sku,
            shorten(line.sku.description, 20, placeholder="…"),
            line.warehouse.code,
            line.supplier.code if line.supplier else "",
            f"{line.order_qty:,}",
            f"{line.order_value:,.2f}",
            str(line.stockout_risk_date or ""),
        )
    return table
