import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from core.console import command_line_user, console, progress_bar
from core.errors import WorkbenchError
from core.runs import AbstractRun
from suppliers.models import EmissionRun
from suppliers.services.calculate_emissions import CHUNK_SIZE, calculate_emissions


class Command(BaseCommand):
    help = "Calculate the greenhouse-gas emissions of a year's purchases."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--year", type=int, required=True)
        parser.add_argument("--factor-set", default="", metavar="NAME", help="spend-based factors; default: newest")
        parser.add_argument("--activity-set", default="", metavar="NAME", help="average-data factors; default: newest")
        parser.add_argument("--chunk-size", type=int, default=CHUNK_SIZE, metavar="N", help="records a transaction")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        with progress_bar("records", disable=options["json"]) as bar:
            task = bar.add_task(f"Emissions of {options['year']}", total=None)

            def show(run: AbstractRun) -> None:
                bar.update(task, completed=run.progress_done, total=run.progress_total)

            try:
                run = calculate_emissions(
                    year=options["year"],
                    spend_factors=options["factor_set"],
                    activity_factors=options["activity_set"],
                    chunk_size=options["chunk_size"],
                    who=command_line_user(),
                    on_progress=show,
                )
            except WorkbenchError as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt as interrupt:
                raise CommandError("Cancelled. Results written so far are kept.", returncode=130) from interrupt
        if options["json"]:
            self.stdout.write(json.dumps(_summary(run), indent=2))
        else:
            _print(run)


def _summary(run: EmissionRun) -> dict[str, Any]:
    names = ("year", "accounted", "unaccounted", "failed", "emissions_kgco2e", "p5_kgco2e", "p95_kgco2e", "timings")
    counts = {"run": run.pk, "records": run.progress_done, "statements": run.statements}
    return counts | {name: getattr(run, name) for name in names} | {"by_tier": run.totals["by_tier"]}


def _print(run: EmissionRun) -> None:
    table = Table("method", "records", "t CO2e", "spend in USD", "data quality", title=f"Emissions of {run.year}")
    for column in table.columns[1:]:
        column.justify = "right"
    for tier in run.totals["by_tier"]:
        table.add_row(
            tier["method"],
            f"{tier['records']:,}",
            f"{tier['kgco2e'] / 1000:,.1f}",
            f"{tier['spend_usd']:,.0f}",
            "" if tier["dqi"] is None else f"{tier['dqi']:.0f}",
        )
    console.print(table)
    low, high = (run.p5_kgco2e or 0) / 1000, (run.p95_kgco2e or 0) / 1000
    console.print(
        f"{run.emissions_kgco2e / 1000:,.1f} t CO2e, with 90 % confidence between {low:,.1f} and {high:,.1f}."
    )
    seconds = run.timings["total"]
    console.print(
        f"{run.progress_done:,} records: {run.accounted:,} accounted, {run.unaccounted:,} unaccounted, "
        f"{run.failed:,} failed; {seconds:.1f} s, {run.progress_done / seconds:,.0f} a second."
    )
