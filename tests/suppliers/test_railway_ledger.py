"""A railway's real purchases, from the published file to records: 124,059 lines of four years."""

import csv

import pytest

from core.tabular import RefusalFile
from suppliers.models import Category, PurchaseImport, PurchaseRecord, SupplierName
from suppliers.services.find_duplicates import find_duplicates
from suppliers.services.import_purchases import import_purchases
from suppliers.services.map_categories import list_unmapped
from suppliers.services.merge_names import propose_merges
from suppliers.services.purchases.mapping import parse_mapping

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = (
    "Supplier Name=supplier",
    "Item Description=product_name",
    "Category Family=product_category",
    "Invoice GL Date=purchase_date",
)


@pytest.fixture
def load(emissions_data, tmp_path):
    def load():
        path = emissions_data / "networkrail_2017-01_2021-04.csv.gz"
        with RefusalFile(tmp_path / "errors.csv") as refusals:
            mapping = parse_mapping(COLUMNS, ["currency=GBP"])
            return import_purchases(path=path, mapping=mapping, refusals=refusals)

    return load


def test_the_ledger_goes_in_without_the_totals_that_would_double_it(load, tmp_path):
    report = load()
    once = PurchaseRecord.objects.order_by("-pk").values_list("pk", flat=True)[0]
    again = load()

    with (tmp_path / "errors.csv").open() as stream:
        refused = list(csv.DictReader(stream))
    ...
