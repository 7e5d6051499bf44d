from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.console import console
from core.errors import WorkbenchError
from ordering.services.refresh_sku_emissions import refresh_sku_emissions


class Command(BaseCommand):
    help = "Work out what one unit of each SKU emits, from footprints and factors; order lines show it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            priced = refresh_sku_emissions()
        except WorkbenchError as error:
            raise CommandError(str(error)) from error
        console.print(f"{priced:,} SKUs have emissions a unit.")
