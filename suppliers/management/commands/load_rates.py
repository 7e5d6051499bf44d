from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.console import console
from core.errors import WorkbenchError
from suppliers.models import RateSet
from suppliers.services.load_rates import load_rates

KINDS = {"currency": RateSet.Kind.CURRENCY, "index": RateSet.Kind.PRICE_INDEX}


class Command(BaseCommand):
    help = "Load yearly currency rates or a price index. The same file again adds nothing; a bad row refuses the file."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="currency|index")
        for name, what in (("currency", "US dollars for one unit of a currency"), ("index", "a price index")):
            kind = kinds.add_parser(name, help=f"{what}, by year, CSV (see README)")
            kind.add_argument("file", type=Path, metavar="FILE")
            kind.add_argument("--publisher", default="", help="default: the name of the file")
            kind.add_argument("--version", default="", help="default: the years that the file covers")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = load_rates(
                kind=KINDS[options["kind"]],
                path=options["file"],
                publisher=options["publisher"],
                version=options["version"],
            )
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        added = f"{report.added:,} rates loaded as {report.published}."
        known = f"This file was loaded as {report.published} before; nothing was added."
        console.print(added if report.added else known, soft_wrap=True, markup=False)
