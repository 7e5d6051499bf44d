import datetime as dt

import polars as pl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import WorkbenchError
from suppliers.models import Category, Factor, FactorSet, ProductFootprint, Rate, RateSet, SupplierName
from suppliers.names import name_key
from suppliers.services import read_book as service
from suppliers.services.load_factors import load_factors
from suppliers.services.load_rates import load_rates
from suppliers.services.read_book import read_book, read_same_suppliers
from tests.builders import a_supplier

pytestmark = pytest.mark.django_db

COLUMNS = ("code", "region", "unit", "value")


def a_set(*rows, publisher="Ours", base_year=2022, currency="USD"):
    factor_set = FactorSet.objects.create(
        publisher=publisher, version="1", file_hash="f" * 64, base_year=base_year, currency=currency
    )
    Factor.objects.bulk_create(
        Factor(factor_set=factor_set, source_row=number, uncertainty=0.2, score=70, **row)
        for number, row in enumerate((dict(zip(COLUMNS, row, strict=True)) for row in rows), start=2)
    )
    return factor_set


def rates(kind, *rows):
    rate_set = RateSet.objects.create(kind=kind, publisher="Ours", version="1", file_hash="r" * 64)
    for number, (year, currency, value) in enumerate(rows, start=2):
        Rate.objects.create(rate_set=rate_set, year=year, currency=currency, value=value, source_row=number)
    return rate_set


def a_name(name, supplier=None):
    return SupplierName.objects.create(name=name, key=name_key(name), supplier=supplier)


def a_footprint(name, external_id="P-1", **fields):
    defaults = {
        "product_name": "Chair",
        "product_code": "C-1",
        "pcf": 2.5,
        "declared_unit": "each",
        "valid_from": dt.date(2024, 1, 1),
        "valid_until": dt.date(2026, 12, 31),
        "file_hash": "p" * 64,
    }
    return ProductFootprint.objects.create(
        source="csv", external_id=external_id, supplier_name=name, version=3, **defaults | fields
    )


@pytest.fixture
def frames(monkeypatch):
    """What the book is made of; the calculation has its own tests."""
    seen = {}
    monkeypatch.setattr(service, "make_book", seen.update)
    return seen


def test_a_book_holds_what_the_sets_the_footprints_and_the_categories_say(frames):
    spend, activity = a_set(("111110", "US", "USD", 0.532)), a_set(("steel", "GB", "tonne", 9.5), publisher="Others")
    a_set(("111120", "US", "USD", 9.9), publisher="Unused")
    footprint = a_footprint(a_name("Knoll Inc"))
    Category.objects.create(name="Soy", sector_code="111110")
    pounds, index = rates("currency", (2021, "GBP", 1.376)), rates("price_index", (2021, "", 270.97))

    read_book(spend_factors=spend, activity_factors=activity, currency_rates=pounds, price_index=index)

    found = {name: frame.row(0, named=True) for name, frame in frames.items()}
    assert {name: frame.height for name, frame in frames.items()} == dict.fromkeys(found, 1)
    assert found["spend_factors"] == {
        "id": spend.factors.get().pk, "code": "111110", "region": "US", "unit": "USD", "value": 0.532,
        "uncertainty": 0.2, "set_hash": "f" * 64, "base_year": 2022,
    }  # fmt: skip
    assert found["activity_factors"]["unit"] == "tonne"
    assert (found["activity_factors"]["score"], found["activity_factors"]["value"]) == (70, 9.5)
    assert found["footprints"] | {"id": footprint.pk} == found["footprints"]
    assert (found["footprints"]["reference"], found["footprints"]["supplier"]) == ("csv:P-1:3", "Knoll Inc")
    assert (found["footprints"]["set_hash"], found["footprints"]["pcf"]) == ("p" * 64, 2.5)
    assert (found["footprints"]["valid_from"], found["footprints"]["status"]) == (dt.date(2024, 1, 1), "active")
    assert found["currency_rates"] == {"currency": "GBP", "year": 2021, "usd_per_unit": 1.376}
    assert found["price_index"] == {"year": 2021, "index": 270.97}
    assert found["categories"] == {"name": "Soy", "sector_code": "111110", "factor_code": ""}


def test_a_book_of_nothing_is_a_book():
    assert read_book().factors.factor_id.drop_nulls().is_empty()


def test_the_published_sets_become_a_book(emissions_data):
    spend = load_factors(source="epa", path=next(emissions_data.glob("Supply*.csv"))).published
    activity = load_factors(source="desnz", path=next(emissions_data.glob("ghg*.xlsx"))).published
    pounds = load_rates(kind="currency", path=emissions_data / "currency_rates.csv").published
    index = load_rates(kind="price_index", path=emissions_data / "price_index.csv").published

    book = read_book(spend_factors=spend, activity_factors=activity, currency_rates=pounds, price_index=index)

    beans = book.factors.factor_id.index_of(Factor.objects.get(code="111130").pk)
    assert (book.factors.value[beans], book.factors.base_year[beans]) == (0.848, 2022)
    assert book.factors.factor_id.drop_nulls().len() == 1_016 + 2_616


def test_names_of_one_supplier_are_one_supplier_to_the_book(frames):
    knoll = a_supplier("KNOLL")
    a_name("Knoll", knoll), a_name("KNOLL INC", knoll), a_name("Alone")
    a_footprint(SupplierName.objects.get(name="Knoll"))
    a_footprint(SupplierName.objects.get(name="Alone"), "P-2")

    read_book()

    assert list(read_same_suppliers().items()) == [("KNOLL INC", "KNOLL INC"), ("Knoll", "KNOLL INC")]
    assert frames["footprints"]["supplier"].to_list() == ["KNOLL INC", "Alone"]


def test_factors_come_in_the_order_of_their_file(frames):
    activity = a_set(("steel", "GB", "tonne", 1.0), ("steel", "GB", "kg", 2.0), ("iron", "GB", "kg", 3.0))
    Factor.objects.filter(unit="tonne").update(source_row=9)

    read_book(activity_factors=activity)

    assert frames["activity_factors"]["value"].to_list() == [2.0, 3.0, 1.0]


@pytest.mark.parametrize("count", [1, 30])
def test_seven_statements_read_a_book_of_any_size(count):
    spend = a_set(*[(f"{number:06}", "US", "USD", 1.0) for number in range(count)])
    activity = a_set(*[(f"{number}", "GB", "kg", 1.0) for number in range(count)], publisher="Others")
    pounds = rates("currency", *[(2000 + number, "GBP", 1.0) for number in range(count)])
    index = rates("price_index", *[(2000 + number, "", 1.0) for number in range(count)])
    for number in range(count):
        a_footprint(a_name(f"Name {number}", a_supplier(f"S{number}")), f"P-{number}")
        Category.objects.create(name=f"Category {number}")

    with CaptureQueriesContext(connection) as queries:
        read_book(spend_factors=spend, activity_factors=activity, currency_rates=pounds, price_index=index)

    assert len(queries) == 7


@pytest.mark.parametrize(
    ("rows", "stated", "reason"),
    [
        ([("1", "GLO", "EUR", 1.0)], {"currency": "EUR"}, "only factors per USD can be used"),
        ([("1", "GB", "USD", 1.0), ("1", "US", "USD", 1.0)], {}, "1 stands twice"),
        ([("1", "US", "USD", 1.0)], {"base_year": None}, "base_year is empty"),
    ],
)
def test_a_set_that_cannot_be_used_is_told_in_a_sentence(rows, stated, reason):
    with pytest.raises(WorkbenchError, match="These factors cannot be used together") as refused:
        read_book(spend_factors=a_set(*rows, **stated))

    assert reason in str(refused.value)


def test_frames_have_their_types_when_they_are_empty(frames):
    read_book()

    assert frames["footprints"].schema["valid_from"] == pl.Date
    assert frames["spend_factors"].schema["base_year"] == pl.Int64
