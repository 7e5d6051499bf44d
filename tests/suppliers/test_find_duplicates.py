import datetime as dt

import pytest

from suppliers.models import PurchaseImport, PurchaseRecord, SupplierName
from suppliers.names import name_key
from suppliers.services.find_duplicates import find_duplicates

pytestmark = pytest.mark.django_db

DAY = dt.date(2021, 3, 4)


def a_purchase(supplier="Costain Ltd", file="march", **fields):
    source = PurchaseImport.objects.get_or_create(file_hash=file, defaults={"file_name": f"{file}.csv"})[0]
    name = SupplierName.objects.get_or_create(name=supplier, defaults={"key": name_key(supplier)})[0]
    number = PurchaseRecord.objects.count()
    defaults = {"product_name": "Rail", "spend": 100, "currency": "GBP", "purchase_date": DAY, "year": 2021}
    return PurchaseRecord.objects.create(
        source=source, supplier_name=name, record_id=f"line {number}", line=number, **defaults | fields
    )


def test_records_that_differ_in_nothing_but_the_spelling_are_a_group():
    first = a_purchase("Costain Ltd")
    a_purchase("COSTAIN Limited"), a_purchase("Costain Ltd"), a_purchase("Other Ltd")

    found = find_duplicates()

    [group] = found.groups
    assert (group.supplier, group.product_name, group.purchase_date, group.year) == (
        "COSTAIN Limited",
        "Rail",
        DAY,
        2021,
    )
    assert (group.copies, group.imports, group.first_id, group.spend) == (3, 1, first.pk, 100)
    assert (found.group_count, found.surplus_records, found.surplus_spend) == (1, 2, {"GBP": 200})


@pytest.mark.parametrize(
    "other",
    [
        {"spend": 100.01},
        {"spend": None},
        {"currency": "EUR"},
        {"product_name": "rail"},
        {"product_name": "Raíl"},
        {"purchase_date": dt.date(2021, 3, 5)},
        {"purchase_date": None},
        {"year": 2020},
        {"quantity": 5},
        {"kind": "credit"},
        {"supplier": "Costaïn Ltd"},
    ],
)
def test_records_that_differ_are_no_group(other):
    a_purchase(), a_purchase(**other)

    assert find_duplicates().groups == []


def test_records_without_spend_are_alike_by_their_quantity():
    a_purchase(spend=None, quantity=5), a_purchase(spend=None, quantity=5)

    found = find_duplicates()
    assert (found.groups[0].spend, found.surplus_records, found.surplus_spend) == (None, 1, {})


def test_the_largest_surplus_comes_first_and_the_rest_is_counted():
    for spend, copies in ((10, 2), (-90, 2), (30, 4), (None, 2)):
        for _ in range(copies):
            a_purchase(spend=spend, quantity=1)

    found = find_duplicates(limit=3)

    assert [group.spend for group in found.groups] == [-90, 30, 10]
    assert (found.group_count, found.surplus_records, found.surplus_spend) == (4, 6, {"GBP": 10})


def test_money_of_two_currencies_is_not_added():
    for currency in ("GBP", "EUR"):
        a_purchase(currency=currency), a_purchase(currency=currency)

    assert find_duplicates().surplus_spend == {"EUR": 100, "GBP": 100}


def test_a_purchase_in_two_files_is_found_from_either():
    march, april = a_purchase(file="march"), a_purchase(file="april")
    a_purchase("Other", file="march"), a_purchase("Other", file="march")

    of_april = find_duplicates(import_id=april.source_id)

    assert [(group.supplier, group.imports) for group in of_april.groups] == [("Costain Ltd", 2)]
    assert find_duplicates(import_id=march.source_id).group_count == 2


def test_years_may_be_chosen():
    for year in (2020, 2021):
        a_purchase(year=year), a_purchase(year=year)

    assert [group.year for group in find_duplicates(years=[2020]).groups] == [2020]


def test_without_records_there_is_nothing():
    found = find_duplicates()

    assert (found.groups, found.group_count, found.surplus_records, found.surplus_spend) == ([], 0, 0, {})


def test_it_takes_two_statements(django_assert_num_queries):
    a_purchase(), a_purchase()

    with django_assert_num_queries(2):
        find_duplicates()
