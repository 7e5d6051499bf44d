import datetime as dt
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.progress import Progress, TaskID
from rich.table import Table

from core.console import console, parse_date, progress_bar
from core.errors import WorkbenchError
from core.imports import enumerate_some
from core.tabular import RefusalFile
from ordering.services.import_data import ImportReport, import_data

EXIT_FILE_REFUSED = 1
EXIT_ROWS_REFUSED = 3


class Command(BaseCommand):
    help = "Import CSV files by their names. Exit code: 0 all went in, 3 some rows were refused, 1 a file was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
        parser.add_argument("--dry-run", action="store_true", help="check only, write nothing")
        parser.add_argument(
            "--replace", action="store_true", help="make inventory and pending_orders equal to the file"
        )
        parser.add_argument("--errors", type=Path, metavar="FILE", help="where refused rows are listed (CSV)")
        parser.add_argument("--as-of", type=parse_date, help="planning date for lead times measured from shipments")

    def handle(self, *args: Any, **options: Any) -> None:
        errors = options["errors"] or _new_error_file()
        try:
            with RefusalFile(errors) as refusals, progress_bar("bytes") as bar:
                report = import_data(
                    paths=options["paths"],
                    refusals=refusals,
                    dry_run=options["dry_run"],
                    replace=options["replace"],
                    as_of=options["as_of"],
                    on_progress=_FileBars(bar),
                )
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError("Cancelled. What went in so far stays; import again.", returncode=130) from interrupt
        _print(report, errors, dry_run=options["dry_run"])
        if report.refused_files:
            sys.exit(EXIT_FILE_REFUSED)
        if report.refused_rows:
            sys.exit(EXIT_ROWS_REFUSED)


class _FileBars:
    """A bar for each file, from its first chunk on."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, file: str, done: int, total: int) -> None:
        if file not in self._tasks:
            self._tasks[file] = self._bar.add_task(file, total=total)
        self._bar.update(self._tasks[file], completed=done)


def _new_error_file() -> Path:
    folder: Path = settings.VAR_DIR / "import-errors"
    return folder / f"{dt.datetime.now():%Y%m%d-%H%M%S-%f}.csv"


def _print(report: ImportReport, errors: Path, *, dry_run: bool) -> None:
    if report.files:
        console.print(_table(report, "Checked, nothing written" if dry_run else "Imported"))
    for sentence in _sentences(report, errors):
        console.print(sentence, soft_wrap=True, markup=False)


def _table(report: ImportReport, title: str) -> Table:
    table = Table(title=title)
    table.add_column("file")
    for column in ("rows", "good", "refused", "deleted"):
        table.add_column(column, justify="right")
    for file in report.files:
        table.add_row(file.file, f"{file.rows:,}", f"{file.accepted:,}", f"{file.refused:,}", f"{file.deleted:,}")
    return table


def _sentences(report: ImportReport, errors: Path) -> Iterator[str]:
    yield from report.refused_files
    if report.ignored_files:
        yield f"Left alone, no import file by name: {enumerate_some(report.ignored_files)}."
    if report.lead_times_as_of:
        yield (
            f"Lead times by supplier and warehouse, measured from shipments up to {report.lead_times_as_of}: "
            f"{report.measured_lead_times:,}"
        )
    if report.refused_rows:
        yield f"Refused rows: {report.refused_rows:,}. The reasons are in {errors}"
    for file in report.files:
        if file.kept_back:
            yield f"{file.file} deleted nothing, because rows were refused. Correct it and import it again."
