import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.console import console
from core.errors import WorkbenchError
from core.tabular import RefusalFile
from suppliers.services.map_categories import (
    MappingReport,
    UnmappedCategory,
    list_unmapped,
    load_category_codes,
    write_category_codes,
)

EXIT_ROWS_REFUSED = 3


class Command(BaseCommand):
    help = (
        "Say which NAICS sector each category of purchases is, with a table of the columns category, sector_code and "
        "perhaps factor_code. Exit code: 0 all went in, 3 some rows were refused, 1 the file was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="the table, as CSV, CSV.gz, XLSX or Parquet")
        parser.add_argument("--export", type=Path, metavar="FILE", help="write all categories as such a table (CSV)")
        parser.add_argument("--unmapped", type=int, metavar="N", default=10, help="how many to list; default: 10")
        parser.add_argument("--user", metavar="NAME", help="who maps")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="where refused rows are listed (CSV)")
        parser.add_argument("--json", action="store_true", help="print the report as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        errors = options["errors"] or settings.VAR_DIR / "import-errors" / "categories.csv"
        try:
            report = _load(options, errors) if options["file"] else None
            if options["export"]:
                _export(options["export"])
            unmapped = list_unmapped(limit=options["unmapped"])
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            summary = {"file": report and asdict(report), "unmapped": [asdict(category) for category in unmapped]}
            self.stdout.write(json.dumps(summary, indent=2))
        else:
            for sentence in _sentences(report, unmapped, errors):
                console.print(sentence, soft_wrap=True, markup=False)
        if report and report.refused:
            sys.exit(EXIT_ROWS_REFUSED)


def _load(options: dict[str, Any], errors: Path) -> MappingReport:
    with RefusalFile(errors) as refusals:
        return load_category_codes(path=options["file"], refusals=refusals, user=_find_user(options["user"]))


def _find_user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user


def _export(path: Path) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            write_category_codes(stream)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _sentences(report: MappingReport | None, unmapped: list[UnmappedCategory], errors: Path) -> Iterator[str]:
    if report:
        good = f"{report.accepted:,} of {report.rows:,} rows are good"
        yield f"{report.file}: {good}, {report.changed:,} categories changed."
        if report.refused:
            yield f"Refused rows: {report.refused:,}. The reasons are in {errors}"
    if not unmapped:
        yield "Every category has a code."
    for category in unmapped:
        yield f"No code: {category.name}, {category.records:,} records, {category.spend:,.2f} {category.currency}"
