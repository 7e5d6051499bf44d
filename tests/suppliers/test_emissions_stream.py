import asyncio
import dataclasses
import datetime as dt
import gc
import itertools
import math
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from suppliers.emissions.seen_ids import SeenIds
from suppliers.emissions.stream import process_suppliers, process_suppliers_async
from tests.suppliers.emission_records import TABLES, book_of, raw_records

BOOK = book_of(TABLES)
PURCHASE = {
    "record_id": "R-1",
    "supplier": "Acme",
    "sector_code": "336360",
    "spend": 1000.0,
    "currency": "USD",
    "purchase_date": dt.date(2022, 5, 1),
}


@dataclasses.dataclass
class Purchase:
    record_id: str
    supplier: str
    sector_code: str
    spend: float
    currency: str
    purchase_date: dt.date


def processed(records, **options):
    """All results, and all errors."""
    chunks = list(process_suppliers(records, book=BOOK, **options))
    results = pl.concat([results for _, results, _ in chunks]) if chunks else pl.DataFrame()
    return results, [error for _, _, metrics in chunks for error in metrics["errors"]]


def outcome_of(**fields):
    """The result of one purchase, or its error."""
    results, errors = processed([PURCHASE | fields])
    return errors[0] if errors else results.row(0, named=True)


# Chunks


@pytest.mark.parametrize("chunk_size", [1, 7, 20_000])
def test_the_chunk_size_changes_nothing_to_the_last_bit(chunk_size):
    count = {1: 400, 7: 4000, 20_000: 25_000}[chunk_size]

    results, errors = processed(raw_records(count, seed=4), chunk_size=chunk_size)
    expected, expected_errors = processed(raw_records(count, seed=4), chunk_size=1000)

    assert results.equals(expected)
    assert results["provenance_hash"].to_list() == expected["provenance_hash"].to_list()
    assert errors == expected_errors
    assert results.height + len(errors) == count


def test_metrics_add_up():
    records = list(raw_records(2500, seed=5))

    chunks = list(process_suppliers(iter(records), book=BOOK))

    assert [index for index, _, _ in chunks] == [0, 1, 2]
    for index, results, metrics in chunks:
        assert metrics["chunk_index"] == index
        assert metrics["successful"] == results.height
        assert metrics["unaccounted"] == results["tier"].null_count()
        assert metrics["failed"] == len(metrics["errors"]) > 0
        assert metrics["successful"] + metrics["failed"] == metrics["chunk_size"]
        assert metrics["emissions_kgco2e"] == pytest.approx(results["emissions_kgco2e"].sum(), rel=1e-12)
        assert metrics["emissions_tco2e"] == metrics["emissions_kgco2e"] / 1000
        assert metrics["time_ms"] == metrics["time_seconds"] * 1000 > 0
        assert metrics["throughput_per_second"] == metrics["chunk_size"] / metrics["time_seconds"]
        assert metrics["throughput_per_hour"] == metrics["throughput_per_second"] * 3600
    assert [metrics["chunk_size"] for _, _, metrics in chunks] == [1000, 1000, 500]


def test_results_name_the_place_in_the_stream():
    records = [PURCHASE | {"record_id": f"R-{number}", "spend": -1 if number == 4 else 1} for number in range(1, 8)]

    results, errors = processed(records, chunk_size=3)

    assert results["record"].to_list() == [1, 2, 3, 5, 6, 7]
    assert results["record_id"].to_list() == ["R-1", "R-2", "R-3", "R-5", "R-6", "R-7"]
    assert [(error["record"], error["record_id"], error["code"]) for error in errors] == [(4, "R-4", "negative_spend")]


def test_no_records_give_no_chunk():
    assert list(process_suppliers([], book=BOOK)) == []


def test_a_chunk_of_errors_alone_has_the_columns_of_any_other():
    _, results, metrics = next(process_suppliers([{}], book=BOOK))

    assert (results.height, metrics["failed"], metrics["emissions_kgco2e"]) == (0, 1, 0)
    assert results.schema == next(process_suppliers([PURCHASE], book=BOOK))[1].schema


@pytest.mark.parametrize("options", [{"chunk_size": 0}, {"chunk_size": -1}, {"category": 4}])
def test_what_cannot_be_done_is_refused_at_once(options):
    with pytest.raises(ValueError, match=r"category 4|chunk_size is"):
        process_suppliers([], book=BOOK, **options)


# Streams


def test_records_are_taken_as_they_are_needed():
    source = (PURCHASE | {"record_id": f"R-{number}"} for number in itertools.count())

    chunks = process_suppliers(source, book=BOOK, chunk_size=10)

    assert [next(chunks)[2]["chunk_size"] for _ in range(3)] == [10, 10, 10]
    assert next(source)["record_id"] == "R-30"


def test_no_more_records_than_a_chunk_are_held():
    class Counted:
        alive = most = 0

        def __init__(self, number):
            self.__dict__ = PURCHASE | {"record_id": f"R-{number}"}
            Counted.alive += 1
            Counted.most = max(Counted.most, Counted.alive)

        def __del__(self):
            Counted.alive -= 1

    gc.disable()
    for _ in process_suppliers((Counted(number) for number in range(100)), book=BOOK, chunk_size=10):
        pass
    gc.enable()

    assert Counted.most <= 10 + 1  # one is on its way


def test_dataclasses_are_records_too():
    purchases = [Purchase(**PURCHASE), Purchase(**PURCHASE | {"record_id": "R-2", "currency": "GBP"})]

    results, errors = processed(purchases)

    assert results["emissions_kgco2e"].to_list() == [333, 1000 * 1.237 * 0.333]
    assert errors == []
    assert processed([PURCHASE])[0].equals(results[:1])


def test_records_of_several_kinds_may_be_mixed():
    class Row(dict):
        pass

    records = [
        PURCHASE,
        Purchase(**PURCHASE | {"record_id": "R-2"}),
        Row(PURCHASE | {"record_id": "R-3"}),
        None,
        7,
        "R-4",
    ]

    results, errors = processed(records)

    assert results["emissions_kgco2e"].to_list() == [333, 333, 333]
    assert [error["code"] for error in errors] == ["missing_field"] * 3


def test_a_record_may_have_a_field_that_the_first_one_lacks():
    records = [PURCHASE, PURCHASE | {"record_id": "R-2", "kind": "credit"}, {"record_id": "R-3", "supplier": "Acme"}]

    results, errors = processed(records)

    assert results["emissions_kgco2e"].to_list() == [333, -333]
    assert errors[0]["sentence"] == "There is no purchase date and no year."


def test_keys_that_mean_nothing_are_ignored():
    assert outcome_of(colour="red", note=object())["emissions_kgco2e"] == 333


def test_asynchronous_streams_give_the_same():
    records = list(raw_records(2500, seed=6))

    async def one_by_one():
        for record in records:
            yield record

    async def collected(source):
        return [chunk async for chunk in process_suppliers_async(source, book=BOOK, chunk_size=400)]

    expected = list(process_suppliers(records, book=BOOK, chunk_size=400))
    for source in (one_by_one(), iter(records)):
        chunks = asyncio.run(collected(source))
        assert [index for index, _, _ in chunks] == list(range(7))
        assert all(mine.equals(other) for (_, mine, _), (_, other, _) in zip(chunks, expected, strict=True))
        assert [chunk[2]["errors"] for chunk in chunks] == [chunk[2]["errors"] for chunk in expected]


def test_the_loop_goes_on_while_a_chunk_is_calculated():
    async def both():
        done = []

        async def stream():
            async for index, _, _ in process_suppliers_async(raw_records(1000, seed=8), book=BOOK, chunk_size=100):
                done.append(index)

        async def other():
            while len(done) < 9:
                done.append("other")
                await asyncio.sleep(0)

        await asyncio.gather(stream(), other())
        return done

    assert "other" in asyncio.run(both())


# Duplicates


def test_the_second_record_of_an_id_fails_in_whatever_chunk_it_comes():
    records = [PURCHASE | {"record_id": f"R-{number % 5}", "spend": number} for number in range(12)]

    for chunk_size in (1, 4, 5, 100):
        results, errors = processed(records, chunk_size=chunk_size)
        assert results["activity_amount"].to_list() == [0, 1, 2, 3, 4]
        assert {error["code"] for error in errors} == {"duplicate_record"}
        assert errors[1] == {
            "record": 7,
            "record_id": "R-1",
            "code": "duplicate_record",
            "sentence": "The record id was used before, by record 2 of the stream.",
        }


def test_records_without_an_id_are_no_duplicates():
    assert [error["code"] for error in processed([{}, {"record_id": " "}])[1]] == ["missing_field"] * 2


def test_ids_are_remembered_over_hundreds_of_thousands_of_records():
    seen = SeenIds()
    for start in range(0, 160_000, 1000):
        assert seen.repeated([f"R-{number}" for number in range(start, start + 1000)], start + 1) == []

    assert seen.repeated(["fresh", "R-70000"], 160_001) == [(1, 70_001)]
    assert seen.repeated(["fresh"], 160_003) == [(0, 160_001)]
    assert seen.repeated(["new", "R-5", "R-159999", "R-70000", "new"], 160_004) == [
        (1, 6),
        (2, 160_000),
        (3, 70_001),
        (4, 160_004),
    ]


# Values that files and people bring


@pytest.mark.parametrize(
    ("value", "kilograms"),
    [
        ("1000", 333),
        (" 1e3 ", 333),
        ("+1000.0", 333),
        (1000, 333),
        (Decimal("1000"), 333),
        (np.float32(1000), 333),
        (np.int64(1000), 333),
        ("0", 0),
        (-0.0, 0),
        (5e-324, 0),
        (1e15, 3.33e14),
    ],
)
def test_numbers_come_in_many_types(value, kilograms):
    result = outcome_of(spend=value)

    assert result["emissions_kgco2e"] == pytest.approx(kilograms)
    assert math.copysign(1, result["emissions_kgco2e"]) == 1


@pytest.mark.parametrize("field", ["quantity", "spend", "supplier_pcf", "pcf_uncertainty"])
@pytest.mark.parametrize(
    "value",
    [
        *("abc", "1,000", "1_000", "12.5 kg", "1e999", "nan", "inf", "--1", "٣", "1" * 5000, "x" * 1_000_000),
        *(math.nan, math.inf, -math.inf, 1e308, -1e308, 1.0000001e15, 10**400, -(10**5000)),
        *(
            True,
            [],
            {},
            (1,),
            object(),
            b"1",
            1j,
            np.array([1.0, 2.0]),
            Decimal("NaN"),
            Decimal("sNaN"),
            Decimal("1E+400"),
        ),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_what_is_no_number_is_an_error_of_its_record_alone(field, value):
    results, errors = processed([PURCHASE, PURCHASE | {"record_id": "R-2", field: value}])

    assert results["emissions_kgco2e"].to_list() == [333]
    assert [(error["record_id"], error["code"]) for error in errors] == [("R-2", "bad_number")]
    assert len(errors[0]["sentence"]) < 200


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_number_that_is_not_given_is_no_error(value):
    assert outcome_of(quantity=value, supplier_pcf=value)["emissions_kgco2e"] == 333


@pytest.mark.parametrize(("field", "value"), [("pcf_uncertainty", 1.5), ("pcf_uncertainty", "-0.1"), ("year", 0)])
def test_a_number_out_of_range_is_a_bad_number(field, value):
    assert outcome_of(**{field: value})["code"] == "bad_number"


def test_emissions_beyond_the_worlds_are_a_bad_number():
    error = outcome_of(quantity=1e14, unit="tonne", supplier_pcf=1e3, pcf_unit="kg")

    assert error["code"] == "bad_number"
    assert error["sentence"] == "The emissions would be 1e+20 kg, more than the world's; check quantity and unit."


@pytest.mark.parametrize("name", ["record_id", "supplier"])
@pytest.mark.parametrize("value", [None, "", " \t", math.nan])
def test_a_record_says_what_it_is_and_who_sold_it(name, value):
    error = outcome_of(**{name: value})

    assert (error["code"], error["sentence"]) == ("missing_field", f"There is no {name.replace('_', ' ')}.")


HOSTILE = [
    "\ud800",
    "\x00",
    "'; DROP TABLE",
    "\x1f\x1f",
    "🧾" * 40,
    "x" * 1_000_000,
    b"\xff",
    [],
    {"a": 1},
    10**5000,
    object(),
]


@pytest.mark.parametrize(
    "name", [*PURCHASE, "unit", "country", "product_code", "product_category", "kind", "pcf_unit", "year"]
)
def test_no_value_of_any_field_stops_a_chunk(name):
    """Each hostile value stands between two sound records; those have their results."""
    for number, value in enumerate(HOSTILE):
        records = [
            PURCHASE | {"record_id": "a"},
            PURCHASE | {name: value, "quantity": 1, "supplier_pcf": 1},
            PURCHASE | {"record_id": "b"},
        ]

        results, errors = processed(records)

        assert results.height + len(errors) == 3, (number, name)
        assert {"a", "b"} <= set(results["record_id"]), (number, name)
        assert all(len(error["sentence"]) <= 255 for error in errors)
        assert [error["sentence"].encode() for error in errors] or results.height == 3


def test_a_damaged_record_id_is_an_error_that_can_be_shown():
    error = outcome_of(record_id="R\ud800")

    assert (error["record_id"], error["code"]) == ("R?", "missing_field")


@pytest.mark.parametrize(
    "day",
    [
        dt.date(2021, 3, 1),
        dt.datetime(2021, 3, 1, 12, tzinfo=dt.UTC),
        "2021-03-01",
        " 2021-03-01T10:00:00Z ",
        2021,
        "2021",
        2021.0,
    ],
)
def test_dates_and_years_come_in_many_types(day):
    assert outcome_of(purchase_date=day)["price_index_ratio"] == 292.655 / 270.97


@pytest.mark.parametrize(
    "day", ["01.03.2021", "2021-02-30", "03/01/2021", "20210301", 20210301, 1.5, [], "yesterday", "1899-01-01"]
)
def test_a_date_that_cannot_be_read_is_told(day):
    error = outcome_of(purchase_date=day)

    assert error["code"] == "missing_field"
    assert "write it as 2024-01-31" in error["sentence"]


def test_a_year_that_is_given_says_whose_money_it_is():
    """A financial year is not the year of the date."""
    assert outcome_of(purchase_date=dt.date(2022, 1, 31), year=2021)["price_index_ratio"] == 292.655 / 270.97


@pytest.mark.parametrize("kind", ["credit", "Credit", " CREDIT "])
@pytest.mark.parametrize("spend", [1000, -1000])
def test_a_credit_lowers_the_total_whatever_its_sign(kind, spend):
    result = outcome_of(kind=kind, spend=spend)

    assert (result["emissions_kgco2e"], result["spend_usd"]) == (-333, -1000)
    assert result["p5_kgco2e"] < -333 < result["p95_kgco2e"]


# What the waterfall decides, one by one


def test_the_records_own_pcf_goes_before_everything():
    result = outcome_of(quantity=2, unit="tonne", supplier_pcf=1.25, pcf_unit="kg", product_code="C-1")

    assert (result["tier"], result["emissions_kgco2e"], result["rejected"], result["dqi"]) == (1, 2500, "", 90)
    assert (result["factor_id"], result["footprint_id"]) == (None, None)
    assert (result["factor_value"], result["factor_unit"], result["unit_rate"]) == (1.25, "kg", 1000)


@pytest.mark.parametrize(
    ("fields", "footprint", "reason"),
    [
        ({"product_code": "C-1", "purchase_date": "2022-06-01"}, 30, ""),
        ({"product_code": "C-1", "purchase_date": "2021-06-01"}, 21, ""),
        ({"product_code": "C-1", "purchase_date": "2022-01-01"}, 30, ""),
        ({"product_code": "C-1", "purchase_date": "2024-12-31"}, 30, ""),
        ({"product_code": "C-1", "purchase_date": "2025-01-01", "year": 2022}, None, "1:expired_footprint"),
        ({"product_code": "C-1", "purchase_date": 2021}, 21, ""),
        ({"product_name": "PAINT, red", "unit": "litre", "purchase_date": 2021}, 23, ""),
        ({"product_name": "paint, RED", "unit": "litre", "purchase_date": 2022}, None, "1:expired_footprint"),
        ({"product_name": "paint, red", "unit": "litre", "product_code": "P9", "purchase_date": 2021}, 23, ""),
        ({"product_name": "steel coil", "product_code": "P9"}, None, "1:no_footprint"),
        ({"product_name": "steel  COIL"}, 30, ""),
        ({"product_code": "c-1"}, None, "1:no_footprint"),
        ({"product_code": "C-1", "supplier": "ACME"}, None, "1:no_footprint"),
        ({"product_code": "C-3", "supplier": "Böll & Co"}, None, "1:inactive_footprint"),
        ({"product_code": "C-4", "supplier": "Böll & Co"}, None, "1:inactive_footprint"),
        ({"product_code": "C-6", "supplier": "Böll & Co"}, None, "1:expired_footprint"),
        ({"product_code": "C-1", "supplier_pcf": -1, "pcf_unit": "kg"}, 30, ""),
        ({"supplier_pcf": 0, "pcf_unit": "kg"}, None, "1:pcf_not_positive"),
    ],
)
def test_a_footprint_is_of_the_supplier_and_product_and_valid_on_the_day(fields, footprint, reason):
    result = outcome_of(**{"quantity": 3, "unit": "kg"} | fields)

    assert (result["footprint_id"], result["rejected"].split(",")[0]) == (footprint, reason)


@pytest.mark.parametrize(
    ("fields", "factor", "dqi"),
    [
        ({"product_category": "Metals", "country": "gb"}, 11, 75),
        ({"product_category": "Metals", "country": "FR"}, 12, 70),
        ({"product_category": "Metals"}, 12, 70),
        ({"product_category": "Unmapped", "product_code": "steel"}, 12, 70),
        ({"product_category": "Metals", "product_code": "C-7"}, 14, 65),
        ({"product_category": "Metals", "product_code": "C-7", "unit": "litre"}, 13, 50.5),
        ({"product_category": "wood", "unit": "m3"}, 18, 85),
    ],
)
def test_an_average_is_of_the_product_then_the_category_then_the_country(fields, factor, dqi):
    result = outcome_of(**{"quantity": 3, "unit": "kg"} | fields)

    assert (result["tier"], result["factor_id"], result["dqi"]) == (2, factor, dqi)
    assert result["rejected"] == "1:no_footprint"


def test_a_factor_of_poor_quality_is_rejected():
    result = outcome_of(quantity=3, unit="kg", product_category="poor")

    assert (result["tier"], result["rejected"]) == (3, "1:no_footprint,2:low_quality")


def test_kilograms_do_not_become_litres():
    result = outcome_of(quantity=3, unit="litre", product_category="Metals")

    assert (result["tier"], result["rejected"]) == (3, "1:no_footprint,2:unit_mismatch")


def test_a_quantity_of_nothing_that_cost_money_prices_no_tier():
    result = outcome_of(quantity=0, unit="kg", supplier_pcf=2, pcf_unit="kg", product_category="Metals")

    assert (result["tier"], result["rejected"]) == (3, "1:zero_quantity,2:zero_quantity")
    assert outcome_of(quantity=0, unit="kg", spend=None, supplier_pcf=2, pcf_unit="kg")["emissions_kgco2e"] == 0


def test_a_category_brings_the_sector_where_the_record_has_none():
    assert outcome_of(sector_code="", product_category="Metals")["factor_id"] == 1
    assert outcome_of(sector_code="111130", product_category="Metals")["factor_id"] == 2
    assert outcome_of(sector_code=336360.0)["factor_id"] == 1


def test_a_wrong_sector_code_is_no_guess_at_another():
    error = outcome_of(sector_code="33636", product_category="Metals")

    assert (error["code"], error["sentence"]) == ("unknown_sector", "The sector code '33636' is not in the factor set.")


@pytest.mark.parametrize(
    ("fields", "code", "sentence"),
    [
        (
            {"sector_code": None, "product_category": "Mistyped"},
            "unknown_sector",
            "The sector code '999999' of the category 'Mistyped' is not in the factor set.",
        ),
        ({"currency": "XXX"}, "unknown_currency", "There are no rates for the currency 'XXX'; write it as EUR or GBP."),
        ({"currency": "gbp", "year": 2019}, "no_rate", "There is no rate for 'GBP' in 2019."),
        ({"year": 1999}, "no_rate", "There is no price index for 1999 or for the base year of the factors."),
        (
            {"spend": None, "quantity": 1, "unit": "sack", "supplier_pcf": 1, "pcf_unit": "kg"},
            "unknown_unit",
            "The unit 'sack' is not known; write it as kg, tonne, litre, kWh, m, m2 or each.",
        ),
        (
            {"spend": None, "quantity": 1, "unit": "kg", "product_category": "odd"},
            "unknown_unit",
            "The unit 'bale' of the emission factor is not known; write it as kg, tonne, litre, kWh, m, m2 or each.",
        ),
        (
            {"spend": None, "quantity": 1, "unit": "m", "supplier_pcf": 1, "pcf_unit": "kg"},
            "unit_mismatch",
            "The unit 'm' does not convert to 'kg', the unit of the emission factor.",
        ),
        (
            {"spend": None, "quantity": 1, "unit": "m", "product_category": "wood"},
            "unit_mismatch",
            "The unit 'm' does not convert to 'm3', the unit of the emission factor.",
        ),
        (
            {"spend": None, "quantity": 1, "unit": "kg", "product_code": "C-1", "purchase_date": "2030-01-01"},
            "expired_footprint",
            "No footprint of 'C-1' by 'Acme' is valid on 2030-01-01.",
        ),
        (
            {"spend": None, "product_name": "Steel coil", "purchase_date": None, "year": 2030},
            "expired_footprint",
            "No footprint of 'Steel coil' by 'Acme' is valid throughout 2030.",
        ),
        ({"spend": "-5"}, "negative_spend", "The spend is negative: -5.0. Only a credit may be."),
        ({"quantity": -1}, "negative_quantity", "The quantity is negative: -1.0. Only a credit may be."),
        ({"kind": "refund"}, "missing_field", "The kind is 'refund'; write purchase or credit."),
        ({"spend": "12 apples"}, "bad_number", "The spend is '12 apples', which is no number that can be used."),
        ({"year": "22"}, "bad_number", "The year is '22'; write it as 2024."),
    ],
)
def test_errors_say_what_is_wrong_in_words_a_buyer_understands(fields, code, sentence):
    error = outcome_of(**fields)

    assert (error["code"], error["sentence"]) == (code, sentence)


@pytest.mark.parametrize(
    "fields",
    [{"spend": None}, {"sector_code": ""}, {"sector_code": "", "product_category": "Unmapped"}, {"currency": None}],
)
def test_what_is_only_missing_makes_a_record_unaccounted_and_not_an_error(fields):
    result = outcome_of(**fields)

    assert (result["tier"], result["method"], result["factor_unit"]) == (None, "unaccounted", "")
    assert result["rejected"].startswith("1:no_footprint,2:no_factor,3:no_")
    assert result["emissions_kgco2e"] is result["p5_kgco2e"] is result["dqi"] is None


def test_the_spend_of_what_is_unaccounted_is_known_in_dollars():
    result = outcome_of(sector_code="", currency="GBP")

    assert (result["spend_usd"], result["currency_rate"]) == (1237, 1.237)


# The examples of suppliers/README.md


def rounded(result, digits):
    return [round(result[name], digits) for name in ("emissions_kgco2e", "p5_kgco2e", "p95_kgco2e")]


def test_the_readme_example_of_a_supplier_specific_result():
    result = outcome_of(product_code="C-1", quantity=2, unit="lb", purchase_date="2022-06-01")

    assert (result["tier"], result["activity_amount"], result["dqi"]) == (1, 0.90718474, 50)
    assert rounded(result, 4) == [1.4515, 1.2081, 1.7439]


def test_the_readme_example_of_average_data():
    result = outcome_of(quantity=3, unit="kg", product_category="Metals", country="GB")

    assert (result["tier"], result["unit_rate"], result["dqi"]) == (2, 0.001, 75)
    assert rounded(result, 4) == [8.574, 5.1485, 14.2786]


def test_the_readme_example_of_a_spend_based_result():
    tables = dataclasses.replace(TABLES, price_index=[{"year": 2022, "index": 292.655}, {"year": 2023, "index": 320.0}])
    record = PURCHASE | {"spend": 1_000_000, "year": 2023}

    result = next(process_suppliers([record], book=book_of(tables)))[1].row(0, named=True)

    assert (result["tier"], round(result["activity_amount"])) == (3, 914_547)
    assert rounded(result, 0) == [304_544, 134_818, 687_942]
