import dataclasses
import datetime as dt
import hashlib
import math
import random
import struct

import numpy as np
import polars as pl
import pytest

from suppliers.emissions.calculate import calculate
from suppliers.emissions.provenance import FIELDS, number_texts
from tests.suppliers.emission_records import CSV, EPA, TABLES, book_of

RECORD = {"record": 7, "record_id": "INV-1", "supplier": "Acme", "year": 2022}


def result_of(**fields):
    return calculate(pl.DataFrame([RECORD | fields]), book_of(TABLES)).results.row(0, named=True)


def hash_of(*fields):
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def test_the_hash_of_a_spend_based_result_redone_by_hand():
    result = result_of(sector_code="336360", spend=1000.0, currency="GBP", year=2021)
    ratio, usd = 292.655 / 270.97, 1000.0 * 1.376
    activity = usd * ratio

    assert (result["emissions_kgco2e"], result["spend_usd"]) == (activity * 0.333, 1376)
    assert result["provenance_hash"] == hash_of(
        "1",
        EPA,
        "336360/US/USD",
        "3",
        "spend_based",
        "0.333",
        "USD",
        "INV-1",
        repr(activity),
        "",
        "1.376",
        repr(ratio),
        repr(activity * 0.333),
    )


def test_the_hash_of_a_footprint_redone_by_hand():
    result = result_of(
        product_code="C-1", quantity=2.0, unit="lb", purchase_date=dt.date(2022, 6, 1), spend=5.0, currency="USD"
    )
    fields = (
        "1",
        CSV,
        "csv:4:0",
        "1",
        "supplier_specific",
        "1.6",
        "kg",
        "INV-1",
        "0.90718474",
        "0.45359237",
        "1.0",
        "",
    )

    assert result["footprint_id"] == 30
    assert result["provenance_hash"] == hash_of(*fields, repr(0.90718474 * 1.6))


def test_the_hash_of_a_pcf_on_the_record_redone_by_hand():
    result = result_of(supplier_pcf=1.25, pcf_unit="kg", quantity=3.0, unit="tonne")
    fields = ("1", "", "", "1", "supplier_specific", "1.25", "kg", "INV-1", "3000.0", "1000.0", "", "", "3750.0")

    assert result["provenance_hash"] == hash_of(*fields)


def test_the_hash_of_what_is_unaccounted_redone_by_hand():
    result = result_of(spend=8.0, currency="USD")

    assert result["method"] == "unaccounted"
    assert result["provenance_hash"] == hash_of("1", "", "", "", "unaccounted", "", "", "INV-1", "", "", "1.0", "", "")


def test_every_field_of_the_hash_is_listed():
    assert len(FIELDS) == 13
    assert FIELDS[:2] == ("method_version", "set_hash")


def test_primary_keys_do_not_change_the_hash():
    spend = {"sector_code": "336360", "spend": 10.0, "currency": "USD"}

    assert result_of(**spend, record=99)["provenance_hash"] == result_of(**spend)["provenance_hash"]


@pytest.mark.parametrize(
    "other", [{"record_id": "INV-2"}, {"spend": 10.000000000000002}, {"currency": "GBP"}, {"sector_code": "111130"}]
)
def test_whatever_forms_a_result_changes_its_hash(other):
    spend = {"sector_code": "336360", "spend": 10.0, "currency": "USD"}

    assert result_of(**spend | other)["provenance_hash"] != result_of(**spend)["provenance_hash"]


def test_another_file_of_factors_changes_the_hash():
    spend = pl.DataFrame([RECORD | {"sector_code": "336360", "spend": 10.0, "currency": "USD"}])
    other_file = [row | {"set_hash": "f" * 64} for row in TABLES.spend_factors]
    tables = dataclasses.replace(TABLES, spend_factors=other_file)

    hashes = {calculate(spend, book_of(of)).results["provenance_hash"][0] for of in (TABLES, tables)}

    assert len(hashes) == 2


def random_bits(generator):
    while True:
        (number,) = struct.unpack("<d", struct.pack("<Q", generator.getrandbits(64)))
        if math.isfinite(number):
            return number


def test_numbers_are_written_as_python_writes_them():
    generator = random.Random(11)
    numbers = [random_bits(generator) for _ in range(50_000)]
    numbers += [generator.lognormvariate(0, 8) * generator.choice([-1, 1]) for _ in range(50_000)]
    numbers += [round(generator.uniform(0, 1e6), 2) for _ in range(20_000)]
    numbers += [10.0**power * factor for power in range(-307, 308) for factor in (1, 1.5, -0.3, 9.999999999999999)]
    numbers += [2.0**power for power in range(-1074, 1024)] + [
        math.nextafter(1e-4, 0),
        1e-4,
        1e16,
        math.nextafter(1e16, 0),
    ]
    numbers += [
        0.0,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        2.2250738585072014e-308,
        float(2**53),
        1e15,
        123456789012345680.0,
    ]

    assert number_texts(np.array(numbers)).to_list() == [repr(number) for number in numbers]


def test_a_number_that_there_is_not_is_written_as_nothing():
    assert number_texts(np.array([np.nan, 1e-5, np.nan, 2.5])).to_list() == ["", "1e-05", "", "2.5"]
    assert number_texts(np.array([])).to_list() == []
