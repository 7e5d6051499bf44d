from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from core.console import console, parse_date, progress_bar
from core.errors import WorkbenchError
from ordering.services.load_demo import DemoReport, NotEmpty, load_demo


class Command(BaseCommand):
    help = "Fill an empty database with an invented distributor: same arguments, same rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--skus", type=int, default=1769, metavar="N")
        parser.add_argument("--warehouses", type=int, default=2, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed gives another distributor")
        parser.add_argument("--as-of", type=parse_date, help="planning date; default: today")
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing, instead of failing, where there are SKUs"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar("SKUs") as bar:
            task = bar.add_task("Demo", total=options["skus"])
            try:
                report = load_demo(
                    skus=options["skus"],
                    warehouses=options["warehouses"],
                    seed=options["seed"],
                    as_of=options["as_of"],
                    on_progress=lambda done, total: bar.update(task, completed=done, total=total),
                )
            except NotEmpty as refusal:
                bar.remove_task(task)
                if not options["if_empty"]:
                    raise CommandError(str(refusal)) from refusal
                console.print("The database has SKUs already; no demo was loaded.")
                return
            except WorkbenchError as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt as interrupt:
                raise CommandError(
                    "Cancelled. SKUs written so far stay; load the next demo into an empty database.",
                    returncode=130,
                ) from interrupt
        _print(report)


def _print(report: DemoReport) -> None:
    table = Table(title="Demo")
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, rows in report.rows.items():
        table.add_row(name, f"{rows:,}")
    console.print(table)
    console.print(
        f"{sum(report.rows.values()):,} rows in {report.seconds:.1f} s, planned on {report.as_of}. "
        f"Lead times by supplier and warehouse, measured from shipments: {report.measured_lead_times:,}",
        soft_wrap=True,
    )
