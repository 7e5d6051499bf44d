import datetime as dt
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.console import command_line_user, console, progress_bar
from core.errors import WorkbenchError
from core.imports import enumerate_some
from core.tabular import RefusalFile
from suppliers.services.find_duplicates import Duplicates, find_duplicates
from suppliers.services.import_purchases import PurchaseReport, import_purchases
from suppliers.services.merge_names import Proposal, propose_merges
from suppliers.services.purchases.fields import FIELDS
from suppliers.services.purchases.mapping import parse_mapping

EXIT_LINES_REFUSED = 3
SHOWN = 3


class Command(BaseCommand):
    help = (
        "Import purchases from a CSV, CSV.gz, XLSX or Parquet file, whatever its headers. "
        "Exit code: 0 all went in, 3 some lines were refused, 1 the file was refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        fields = f"HEADER= leaves a column out. Fields: {', '.join(FIELDS)}"
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--map", action="append", default=[], metavar="HEADER=FIELD", help=f"which column is which field; {fields}"
        )
        parser.add_argument(
            "--constant", action="append", default=[], metavar="FIELD=VALUE", help="what all records have alike"
        )
        parser.add_argument("--mapping", default="", metavar="NAME", help="a saved mapping, below --map and --constant")
        parser.add_argument("--save-mapping", default="", metavar="NAME", help="keep the mapping under this name")
        parser.add_argument("--credits-negative", action="store_true", help="a negative spend is a credit")
        parser.add_argument("--replaces", type=int, metavar="IMPORT", help="an earlier import to delete first")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="where refused lines are listed (CSV)")
        parser.add_argument("--json", action="store_true", help="print the report as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        errors = options["errors"] or _new_error_file()
        try:
            report = _import(options, errors)
            alike = propose_merges(limit=sys.maxsize)
            duplicates = _find_duplicates(report)
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError("Cancelled. Import the file again to go on.", returncode=130) from interrupt
        if options["json"]:
            self.stdout.write(json.dumps(_summary(report, duplicates, alike), indent=2, default=str))
        else:
            for sentence in _sentences(report, duplicates, alike, errors):
                console.print(sentence, soft_wrap=True, markup=False)
        if report.refused:
            sys.exit(EXIT_LINES_REFUSED)


def _import(options: dict[str, Any], errors: Path) -> PurchaseReport:
    with RefusalFile(errors) as refusals, progress_bar("", disable=options["json"]) as bar:
        task = bar.add_task(options["file"].name, total=None)
        return import_purchases(
            path=options["file"],
            mapping=parse_mapping(options["map"], options["constant"]),
            refusals=refusals,
            saved_mapping=options["mapping"],
            save_as=options["save_mapping"],
            credits_negative=options["credits_negative"],
            replaces=options["replaces"],
            who=command_line_user(),
            on_progress=lambda done, total: bar.update(task, completed=done, total=total or None),
        )


def _find_duplicates(report: PurchaseReport) -> Duplicates | None:
    if report.import_id is None:
        return None
    return find_duplicates(import_id=report.import_id, years=report.years, limit=SHOWN)


def _new_error_file() -> Path:
    folder: Path = settings.VAR_DIR / "import-errors"
    return folder / f"{dt.datetime.now():%Y%m%d-%H%M%S-%f}.csv"


def _summary(report: PurchaseReport, duplicates: Duplicates | None, alike: list[Proposal]) -> dict[str, Any]:
    groups = [[name.name for name in proposal.names] for proposal in alike]
    return asdict(report) | {"names_alike": groups, "duplicates": duplicates and asdict(duplicates)}


def _sentences(
    report: PurchaseReport, duplicates: Duplicates | None, alike: list[Proposal], errors: Path
) -> Iterator[str]:
    if report.already_imported:
        yield f"{report.file} went in before, as import {report.import_id}. Nothing was changed."
    kept = f" as import {report.import_id}" if report.import_id else ""
    yield f"{report.file}: {report.accepted:,} of {report.rows:,} lines are records{kept}. {report.seconds:.1f} s"
    yield from (f"Spend: {spend:,.2f} {currency}" for currency, spend in sorted(report.spend.items()))
    yield from (f"{year}: {records:,} records" for year, records in sorted(report.years.items()))
    if report.new_names:
        yield f"New supplier names: {report.new_names:,}, of which {report.linked_names:,} are a supplier in the books."
    if report.new_categories:
        yield f"New categories: {report.new_categories:,}. Map them to sectors with map_categories."
    if alike:
        largest = enumerate_some([name.name for name in alike[0].names])
        yield f"Groups of names that look like one supplier: {len(alike):,}, first {largest}. Nothing was merged."
    if duplicates and duplicates.group_count:
        surplus = ", ".join(f"{spend:,.2f} {currency}" for currency, spend in sorted(duplicates.surplus_spend.items()))
        yield (
            f"Records that look like one bought twice: {duplicates.surplus_records:,} more than there are purchases, "
            f"in {duplicates.group_count:,} groups, of {surplus}. Nothing was deleted."
        )
    if report.refused and not report.already_imported:
        yield f"Refused lines: {report.refused:,}. The reasons are in {errors}"
