"""Whatever a program holds in place of a purchase record: an error of its own, and the stream goes on."""

import datetime as dt
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import numpy as np
import pytest

from suppliers.emissions.records import FIELDS
from suppliers.emissions.stream import process_suppliers
from tests.suppliers.emission_records import TABLES, book_of


def cannot(*arguments, **options):
    raise RuntimeError("this object cannot be shown")


class FailingNumber(float):
    __hash__ = __eq__ = __float__ = __repr__ = __str__ = is_integer = cannot


class FailingDay(dt.date):
    toordinal = __hash__ = __str__ = cannot


class Unprintable:
    __str__ = __repr__ = __format__ = __bytes__ = cannot


class Untrue:
    """As an array is: neither true nor false, and compared item by item."""

    __bool__ = __len__ = __iter__ = cannot


class Level(IntEnum):
    HIGH = 5


WEIRD = {
    "failing number": FailingNumber(3),
    "failing day": FailingDay(2022, 1, 1),
    "unprintable": Unprintable(),
    "unprintable error": type("Odd", (Exception,), {"__str__": cannot, "__repr__": cannot})(),
    "untrue": Untrue(),
    "bytes": b"Acme",
    "broken bytes": b"\xff\xfe",
    "bytearray": bytearray(b"1"),
    "memoryview": memoryview(b"1"),
    "huge integer": 10**5000,
    "huge negative integer": -(10**5000),
    "huge fraction": Fraction(10**5000, 3),
    "huge decimal": Decimal("1E+999999"),
    "signalling NaN": Decimal("sNaN"),
    "long double": np.longdouble("1e400"),
    "array": np.array([1.0, 2.0]),
    "no time": np.datetime64("NaT"),
    "enum": Level.HIGH,
    "last day": dt.date.max,
    "first day": dt.date.min,
    "class": Unprintable,
    "function": cannot,
    "nested": [[[{}]]],
    "set": {1},
    "million digits": "9" * 1_000_000,
    "half a character": "\ud800",
    "terminal": "\x1b[31mred",
    "right to left": "\u202egpj.exe",
}
BOOK = book_of(TABLES)
SOUND = {"supplier": "Acme", "sector_code": "336360", "spend": 1000.0, "currency": "USD", "year": 2022}
PRICED_BY_QUANTITY = {"quantity": 1, "unit": "kg", "supplier_pcf": 1, "pcf_unit": "kg"}


@pytest.mark.parametrize("kind", WEIRD)
def test_no_object_in_any_field_stops_a_chunk(kind):
    """Each stands between two sound records, which are priced; it is a result or an error that can be shown."""
    for name in FIELDS:
        weird = SOUND | PRICED_BY_QUANTITY | {"record_id": "weird", name: WEIRD[kind]}
        records = [SOUND | {"record_id": "a"}, weird, SOUND | {"record_id": "b"}]

        [(_, results, metrics)] = process_suppliers(records, book=BOOK)

        priced = dict(results.select("record_id", "emissions_kgco2e").iter_rows())
        assert (priced["a"], priced["b"]) == (333, 333), name
        assert results.height + len(metrics["errors"]) == metrics["chunk_size"] == 3, name
        for error in metrics["errors"]:
            assert error["record"] == 2, name
            assert 0 < len(error["sentence"].encode()) <= 400, name
            assert error["sentence"].isprintable(), name


@pytest.mark.parametrize("kind", [kind for kind in WEIRD if kind != "enum"])
@pytest.mark.parametrize("name", ["spend", "quantity", "supplier_pcf", "pcf_uncertainty"])
def test_no_object_is_taken_for_a_number(kind, name):
    [(_, results, metrics)] = process_suppliers([SOUND | {"record_id": "weird", name: WEIRD[kind]}], book=BOOK)

    assert results.height == 0
    assert [error["code"] for error in metrics["errors"]] == ["bad_number"]


@pytest.mark.parametrize("record", [None, 7, b"x", "x", [], Unprintable(), Unprintable, {1: 2, None: 3, (): 4}])
def test_what_is_no_record_is_an_error_of_its_own(record):
    records = [SOUND | {"record_id": "a"}, record, SOUND | {"record_id": "b"}]

    [(_, results, metrics)] = process_suppliers(records, book=BOOK)

    assert results["emissions_kgco2e"].to_list() == [333, 333]
    assert [(error["record"], error["code"]) for error in metrics["errors"]] == [(2, "missing_field")]


class Deleted:
    """A row whose supplier was deleted before anybody asked for it."""

    record_id = "weird"

    @property
    def supplier(self):
        raise LookupError("deleted")


class DeletedMapping(dict):
    def get(self, name, default=None):
        raise OSError("the file is gone")


@pytest.mark.parametrize(("record", "reason"), [(Deleted(), "LookupError"), (DeletedMapping(), "OSError")])
def test_a_record_that_fails_as_it_is_read_is_an_error_of_its_own(record, reason):
    records = [record, SOUND | {"record_id": "b"}]

    [(_, results, metrics)] = process_suppliers(records, book=BOOK)

    assert results["emissions_kgco2e"].to_list() == [333]
    [error] = metrics["errors"]
    assert (error["record"], error["code"]) == (1, "missing_field")
    assert error["sentence"] == f"The record cannot be read: {reason}."
