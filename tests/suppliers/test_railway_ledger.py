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

pytestmark = pytest.mark.django_db

COLUMNS = (
    "Supplier Name=supplier",
    "Item Description=product_name",
    "Category Family=product_category",
    "Invoice GL Date=purchase_date",
)


def load(folder, errors):
    path = folder / "networkrail_2017-01_2021-04.csv.gz"
    with RefusalFile(errors) as refusals:
        return import_purchases(path=path, mapping=parse_mapping(COLUMNS, ["currency=GBP"]), refusals=refusals)


@pytest.fixture(scope="module")
def ledger(emissions_data, tmp_path_factory, django_db_setup, django_db_blocker):
    """Imported once for all tests of this file: the report, and the refused lines."""
    errors = tmp_path_factory.mktemp("ledger") / "errors.csv"
    with django_db_blocker.unblock():
        report = load(emissions_data, errors)
        with errors.open(encoding="utf-8") as stream:
            yield report, list(csv.DictReader(stream))
        for model in (PurchaseRecord, PurchaseImport, Category, SupplierName):
            model.objects.all()._raw_delete("default")


def test_every_line_is_a_record_or_refused(ledger):
    report, refused = ledger

    assert (report.rows, report.accepted, report.refused) == (124_059, 124_003, 56)
    assert PurchaseRecord.objects.count() == 124_003
    assert report.years == {2017: 24_869, 2018: 25_670, 2019: 30_015, 2020: 32_066, 2021: 11_383}
    assert len(refused) == 56


def test_the_months_totals_are_no_purchases(ledger):
    """They stand among the lines, so that the column of the file adds up to about twice what was bought."""
    report, refused = ledger
    totals = [line for line in refused if line["reason"].startswith("looks like a total")]
    others = [line for line in refused if line not in totals]

    assert {line["value"] for line in totals} == {"Grand Total", "Total"}
    assert len(totals) == 51  # one for each month but 2020-07
    assert report.spend["GBP"] == pytest.approx(29_331_251_452.69)
    assert [(line["column"], line["reason"]) for line in others] == [("Supplier Name", "is empty")] * 5


def test_names_and_categories_are_as_the_file_spells_them(ledger):
    report, _ = ledger

    assert (report.new_names, SupplierName.objects.count()) == (2_264, 2_264)
    assert (report.new_categories, Category.objects.count()) == (38, 38)
    assert not SupplierName.objects.filter(name__icontains="grand total").exists()
    assert PurchaseRecord.objects.filter(category=None).count() == 793


def test_names_that_share_a_key_are_proposed_as_one(ledger):
    proposals = propose_merges()
    largest = {name.name: name.records for name in proposals[0].names}

    assert len(proposals) == 37
    assert largest == {"EDF Energy Customers Ltd": 196, "EDF Energy Customers Plc": 50}
    assert {"Siemens Mobility Limited", "Siemens Mobility Ltd"} in [{n.name for n in p.names} for p in proposals]


def test_records_that_look_alike_are_found(ledger):
    found = find_duplicates(limit=1)

    assert (found.group_count, found.surplus_records) == (1_801, 2_342)
    assert found.surplus_spend == {"GBP": pytest.approx(267_287_184.65)}
    assert (found.groups[0].supplier, found.groups[0].copies, found.groups[0].spend) == (
        "Computacenter (UK) Ltd",
        8,
        590_362.15,
    )


def test_categories_are_listed_for_mapping_by_what_they_cost(ledger):
    unmapped = list_unmapped()

    assert [category.name for category in unmapped[:2]] == ["General Civils", "Electrification and Fixed Plant"]
    assert sum(category.records for category in unmapped) == 124_003 - 793


def test_the_ledger_again_adds_nothing(ledger, emissions_data, tmp_path):
    report, _ = ledger
    again = load(emissions_data, tmp_path / "errors.csv")

    assert (again.already_imported, again.import_id, again.accepted) == (True, report.import_id, 124_003)
    assert PurchaseRecord.objects.count() == 124_003
