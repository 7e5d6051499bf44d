from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.console import console
from core.errors import WorkbenchError
from suppliers.services.factors.publication import Statement
from suppliers.services.load_factors import load_factors
from suppliers.services.loading.publish import LoadReport

STATED = ("publisher", "version", "base_year", "currency", "price_basis", "gwp_basis")


class Command(BaseCommand):
    help = "Load a published set of emission factors. The same file again adds nothing; a bad row refuses the file."

    def add_arguments(self, parser: CommandParser) -> None:
        sources = parser.add_subparsers(dest="source", required=True, metavar="epa|desnz|csv")
        epa = sources.add_parser("epa", help="US EPA Supply Chain GHG Emission Factors, CSV by NAICS code")
        desnz = sources.add_parser("desnz", help="UK government conversion factors, flat file, XLSX")
        own = sources.add_parser("csv", help="any other publisher, CSV in our own format (see README)")
        for source in (epa, desnz, own):
            source.add_argument("file", type=Path, metavar="FILE")
            source.add_argument("--version", default="", help="where neither the file nor its name says it")
            source.add_argument("--gwp-basis", default="", help="such as AR5, where the publisher states it")
        own.add_argument("--publisher", required=True)
        own.add_argument("--base-year", type=int, help="of the money in spend-based factors")
        own.add_argument("--currency", default="", help="of spend-based factors, such as USD")
        own.add_argument("--price-basis", default="", help="of spend-based factors, such as purchaser price")

    def handle(self, *args: Any, **options: Any) -> None:
        stated = Statement(**{name: options[name] for name in STATED if name in options})
        try:
            report = load_factors(source=options["source"], path=options["file"], stated=stated)
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        for sentence in _sentences(report):
            console.print(sentence, soft_wrap=True, markup=False)


def _sentences(report: LoadReport) -> Iterator[str]:
    if not report.added:
        yield f"This file was loaded as {report.published} before; nothing was added."
        return
    yield f"{report.added:,} factors loaded as {report.published}."
    if report.left_out:
        yield f"Rows that are no factors and were left out: {_list(report.left_out)}."
    if report.unusable:
        yield f"Factors with a unit that no quantity converts to: {_list(report.unusable)}."


def _list(counts: dict[str, int]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.items())
