import datetime as dt
import pickle

import polars as pl
import pytest

from suppliers.emissions.book import make_book
from suppliers.emissions.calculate import calculate
from suppliers.emissions.sums import factor_number
from tests.suppliers.emission_records import NAMES, ROWS, TABLES, book_of, table_rows, typed_records


def frame_of(name, *rows):
    return pl.DataFrame(list(rows), infer_schema_length=None)


def book_with(table, fields):
    """A book of one table whose first row is another."""
    first, *others = table_rows(table)
    return make_book(**{table: frame_of(table, first | fields, *others)})


def test_an_empty_book_leaves_everything_unaccounted():
    records = pl.DataFrame([{"record": 1, "record_id": "R-1", "supplier": "Acme", "year": 2022, "spend": 5.0}])

    outcome = calculate(records, make_book())

    assert (outcome.accounted, outcome.unaccounted, outcome.failed) == (0, 1, 0)
    assert outcome.results["rejected"].to_list() == ["1:no_footprint,2:no_factor,3:no_sector"]
    assert outcome.sums.emissions_kgco2e() == 0


def test_no_records_have_results_with_all_columns():
    records = pl.DataFrame(schema={"record": pl.Int64, "record_id": pl.String, "supplier": pl.String})

    outcome = calculate(records, book_of(TABLES))

    assert (outcome.results.height, outcome.errors.height, outcome.sums.by_factor()) == (0, 0, {})
    assert outcome.results.columns[:3] == ["record", "record_id", "tier"]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_column_is_refused_by_name(name):
    column = NAMES[name][-1]

    with pytest.raises(ValueError, match=f"{name}: there is no column {column}"):
        make_book(**{name: frame_of(name, *table_rows(name)).drop(column)})


@pytest.mark.parametrize(
    ("table", "fields", "sentence"),
    [
        ("spend_factors", {"unit": "EUR"}, "spend_factors: the unit is EUR; only factors per USD can be used"),
        ("spend_factors", {"value": -0.1}, "spend_factors: row 1: value is negative: -0.1"),
        ("spend_factors", {"value": float("nan")}, "row 1: value is no number that can be used: nan"),
        ("spend_factors", {"value": None}, "row 1: value is empty"),
        ("spend_factors", {"code": " "}, "row 1: code is empty"),
        ("spend_factors", {"code": "111130"}, "spend_factors: 111130 stands twice"),
        ("spend_factors", {"base_year": 22}, "row 1: base_year is no year: 22"),
        ("activity_factors", {"value": float("inf")}, "row 1: value is no number"),
        ("activity_factors", {"region": "GLO", "unit": "kg"}, "activity_factors: steel GLO kg stands twice"),
        ("activity_factors", {"score": -1.0}, "row 1: score is negative"),
        ("footprints", {"valid_from": None}, "row 1: valid_from is empty"),
        ("footprints", {"supplier": ""}, "row 1: supplier is empty"),
        ("currency_rates", {"usd_per_unit": 0.0}, "row 1: usd_per_unit is not positive: 0.0"),
        ("currency_rates", {"year": 2021}, "currency_rates: GBP 2021 stands twice"),
        ("price_index", {"index": -1.0}, "row 1: index is not positive"),
        ("categories", {"name": "Haulage"}, "categories: Haulage stands twice"),
    ],
)
def test_what_would_make_wrong_numbers_is_refused(table, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        book_with(table, fields)


def test_texts_are_trimmed_and_other_columns_ignored():
    rows = [row | {"code": f" {row['code']} ", "title": "Seats"} for row in table_rows("spend_factors")]

    book = make_book(spend_factors=frame_of("spend_factors", *rows))

    assert [book.sectors[row[3]] for row in ROWS["spend_factors"]] == [0, 1, 2, 3, 4]


def test_the_dollar_is_a_dollar_whatever_the_rates_say():
    rates = [*table_rows("currency_rates"), {"currency": "USD", "year": 2022, "usd_per_unit": 2.0}]
    book = make_book(currency_rates=frame_of("currency_rates", *rates))
    record = {"record": 1, "record_id": "R", "supplier": "S", "purchase_date": dt.date(2022, 1, 1), "currency": "usd"}

    assert calculate(pl.DataFrame([record | {"spend": 7.0}]), book).results["spend_usd"].to_list() == [7]


def test_a_book_can_be_sent_to_another_process():
    book = book_of(TABLES)
    records = pl.DataFrame(list(typed_records(500, seed=9)), infer_schema_length=None).with_row_index("record")

    again = pickle.loads(pickle.dumps(book))  # noqa: S301 - our own

    assert calculate(records, again).results.equals(calculate(records, book).results)


def test_sums_of_parts_are_the_sums_of_the_whole():
    records = pl.DataFrame(list(typed_records(3000, seed=10)), infer_schema_length=None).with_row_index("record")
    whole = calculate(records, book_of(TABLES)).sums

    for sizes in (1000, 700):
        parts = [calculate(part, book_of(TABLES)).sums for part in records.iter_slices(sizes)]
        for order in (parts, parts[::-1]):
            total = type(whole)()
            for part in order:
                total.merge(part)
            assert total.by_factor() == whole.by_factor()
            assert total.emissions_kgco2e() == whole.emissions_kgco2e()
            assert total.interval_kgco2e() == whole.interval_kgco2e()


def test_factors_are_named_in_sums_as_in_the_database():
    records = pl.DataFrame(list(typed_records(3000, seed=10)), infer_schema_length=None).with_row_index("record")

    outcome = calculate(records, book_of(TABLES))

    ids = outcome.results["factor_id"].drop_nulls().unique().to_list()
    keys = [f"factor:{number}" for number in ids] + ["footprint:30", "pcf:1.25:0.1:kg:Acme"]
    assert {factor_number(key) for key in keys} <= set(outcome.sums.by_factor())
