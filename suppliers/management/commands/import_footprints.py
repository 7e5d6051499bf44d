import datetime as dt
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from core.console import console
from core.errors import WorkbenchError
from core.tabular import RefusalFile
from suppliers.models import ProductFootprint
from suppliers.services.import_footprints import FootprintReport, import_footprints

EXIT_FILE_REFUSED = 1
EXIT_ROWS_REFUSED = 3
SOURCES = {source.value.replace("_", "-"): source for source in ProductFootprint.Source}
COLUMNS = ("rows", "added", "replaced", "unchanged", "older", "refused")


class Command(BaseCommand):
    help = (
        "Import product carbon footprints. Exit code: 0 all went in, 3 some footprints were refused, "
        "1 a file was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", choices=SOURCES, help="what the files are: see README")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="where refused footprints are listed (CSV)")

    def handle(self, *args: Any, **options: Any) -> None:
        errors = options["errors"] or _new_error_file()
        try:
            with RefusalFile(errors) as refusals:
                report = import_footprints(source=SOURCES[options["source"]], paths=options["files"], refusals=refusals)
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        _print(report, errors)
        if report.refused_files:
            sys.exit(EXIT_FILE_REFUSED)
        if report.refused:
            sys.exit(EXIT_ROWS_REFUSED)


def _new_error_file() -> Path:
    folder: Path = settings.VAR_DIR / "import-errors"
    return folder / f"{dt.datetime.now():%Y%m%d-%H%M%S-%f}.csv"


def _print(report: FootprintReport, errors: Path) -> None:
    if report.files:
        table = Table(title="Footprints")
        table.add_column("file")
        for column in COLUMNS:
            table.add_column(column, justify="right")
        for file in report.files:
            table.add_row(file.file, *(f"{getattr(file, column):,}" for column in COLUMNS))
        console.print(table)
    for sentence in report.refused_files:
        console.print(sentence, soft_wrap=True, markup=False)
    if report.refused:
        console.print(f"Refused: {report.refused:,}. The reasons are in {errors}", soft_wrap=True, markup=False)
