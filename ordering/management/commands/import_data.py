import datetime as dt
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.table import Table

from core.console import console, parse_date, progress_bar
from core.errors import WorkbenchError
from core.tabular import RefusalFile
from ordering.services.import_data import ImportReport, import_data

EXIT_FILE_REFUSED = 1
EXIT_ROWS_REFUSED = 3


class Command(BaseCommand):
    help = "Import CSV files by their names. Exit code: 0 all went in, 3 some rows were refused, 1 a file was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
        parser.add_argument("--dry-run", action="store_true", help="check only, write nothing")
        parser.add_argument("--replace", action="store_true", help="make inventory and pending_orders equal to the file")
        parser.add_argument("--errors", type=Path, help="where refused rows are listed (CSV)")
        parser.add_argument("--as-of", type=parse_date, help="planning date for lead times measured from shipments")

    def handle(self, *args: Any, **options: Any) -> None:
        stamp = dt.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        errors = options["errors"] or settings.VAR_DIR / "import-errors" / f"{stamp}.csv"
        with RefusalFile(errors) as refusals, progress_bar("bytes") as bar:
            tasks: dict[str, Any] = {}

            def show(file: str, done: int, total: int) -> None:
                task = tasks.setdefault(file, bar.add_task(file, total=total) if file not in tasks else None)
                bar.update(task, completed=done)

            try:
                report = import_data(
                    paths=options["paths"],
                    refusals=refusals,
                    dry_run=options["dry_run"],
                    replace=options["replace"],
                    as_of=options["as_of"],
                    on_progress=show,
                )
            except WorkbenchError as error:
                raise CommandError(str(error)) from error
        self._print(report, dry_run=options["dry_run"])
        if report.refused_rows:
            console.print(f"{report.refused_rows:,} rows were refused; the reasons are in {errors}", soft_wrap=True)
            if options["replace"]:
                console.print("A file with refused rows deletes nothing; correct it and import it again.")
        if report.refused_files:
            sys.exit(EXIT_FILE_REFUSED)
        if report.refused_rows:
            sys.exit(EXIT_ROWS_REFUSED)

    def _print(self, report: ImportReport, *, dry_run: bool) -> None:
        table = Table(title="Checked, nothing written" if dry_run else "Imported")
        table.add_column("file")
        for column in ("rows", "good", "refused", "deleted"):
            table.add_column(column, justify="right")
        for file in report.files:
            table.add_row(
                file.file, f"{file.rows:,}", f"{file.accepted:,}", f"{file.refused:,}", f"{file.deleted:,}"
            )
        console.print(table)
        for sentence in report.refused_files:
            console.print(sentence, soft_wrap=True)
        if report.ignored_files:
            console.print(f"Not import files, left alone: {', '.join(report.ignored_files)}", soft_wrap=True)
        if report.measured_lead_times is not None:
            console.print(f"Lead times measured for {report.measured_lead_times} suppliers at a warehouse.")
