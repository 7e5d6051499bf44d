from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.console import parse_month
from core.errors import WorkbenchError
from ordering.services.export_orders import export_orders


class Command(BaseCommand):
    help = "Write the order lines of a month to a CSV or XLSX file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", type=parse_month, required=True, help="order month, such as 2026-12")
        parser.add_argument("--supplier", nargs="+", default=[], metavar="CODE", action="extend")
        parser.add_argument("--warehouse", nargs="+", default=[], metavar="CODE", action="extend")
        parser.add_argument("--urgency", nargs="+", default=[], metavar="URGENCY", action="extend")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="FILE.csv or FILE.xlsx")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = export_orders(
                month=options["month"],
                output=options["output"],
                suppliers=options["supplier"],
                warehouses=options["warehouse"],
                urgencies=options["urgency"],
            )
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError("Cancelled. Nothing was written.", returncode=130) from interrupt
        self.stdout.write(f"{rows:,} lines written to {options['output']}")
