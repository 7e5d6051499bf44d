import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from core.columns import Choice, Date, Flag, Month, Months, Number, Text, Whole
from core.imports import KnownCodes, enumerate_some, import_file
from core.seen_keys import SeenKeys
from core.tabular import RefusalFile
from suppliers.imports import SHIPMENTS, WAREHOUSES
from suppliers.models import Shipment, Supplier, Warehouse
from tests.builders import a_supplier, a_warehouse

SHIPMENTS_WITHOUT_CHECK = replace(SHIPMENTS, checks=())


def hashes(*numbers):
    return np.array(numbers, dtype=np.uint64)


def lines(*numbers):
    return np.array(numbers, dtype=np.int64)


def test_a_key_seen_before_answers_with_its_first_line():
    seen = SeenKeys()

    assert seen.first_lines(hashes(7, 5, 7), lines(2, 3, 4)).tolist() == [0, 0, 2]
    assert seen.first_lines(hashes(5, 9, 9, 7), lines(5, 6, 7, 8)).tolist() == [3, 0, 6, 2]
    assert seen.holds(hashes(9, 1, 5)).tolist() == [True, False, True]


def test_no_keys_are_no_trouble():
    seen = SeenKeys()

    assert seen.first_lines(hashes(), lines()).tolist() == []
    assert seen.holds(hashes(1)).tolist() == [False]


def test_seen_keys_agree_with_a_plain_dictionary_over_many_chunks_of_any_size():
    random, seen, plain, line = np.random.default_rng(20261120), SeenKeys(), {}, 2
    for size in random.integers(0, 400, 60).tolist():
        keys, numbers = random.integers(0, 8_000, size), range(line, line + size)
        expected = [first if (first := plain.setdefault(*row)) != row[1] else 0 for row in zip(keys, numbers)]  # noqa: B905
        assert seen.first_lines(keys.astype(np.uint64), lines(*numbers)).tolist() == expected
        line += size
    assert seen.holds(np.arange(8_000, dtype=np.uint64)).tolist() == [key in plain for key in range(8_000)]


def check(column, *cells):
    """The values, with the reason in place of a refused one."""
    values, reasons = column.check(pl.Series(cells, dtype=pl.String), lambda model: pl.DataFrame())
    return [reason or value for value, reason in zip(values, reasons, strict=True)]


def test_numbers_are_finite_and_in_their_range():
    assert check(Number("x"), "1", "2.5", "+3", "1e3", "-0", "1e-400") == [1, 2.5, 3, 1000, 0, 0]
    no_number = ("NaN", "inf", "-inf", "1e999", "1,5", "1 000", "0x1", "1_000", "٣", "--1", "5%")
    assert check(Number("x"), *no_number) == ["is not a number"] * 11
    assert check(Number("x"), "1e308", "-1") == ["is more than 1,000,000,000,000", "is negative"]


def test_numbers_keep_the_decimals_that_the_database_keeps():
    assert check(Number("x", decimals=2), "2.345678", "3") == [2.35, 3]


def test_whole_numbers_may_have_a_zero_behind_the_point():
    assert check(Whole("x"), "12", "12.0", "1e2") == [12, 12, 100]
    assert check(Whole("x"), "12.5", "inf", "-1") == ["is not a whole number", "is not a number", "is negative"]
    assert check(Whole("x"), "2147483648", "1e308") == ["is more than 2,147,483,647"] * 2
    assert check(Whole("x", minimum=-5), "-5", "-6") == [-5, "is less than -5"]


def test_dates_stand_in_the_calendar():
    assert check(Date("x"), "2024-02-29", "2026-1-5") == [dt.date(2024, 2, 29), dt.date(2026, 1, 5)]
    no_date = ("2026-02-29", "2026-02-30", "2026-13-01", "31.12.2026", "12/31/2026", "20261231", "2026-12-31T00:00")
    assert check(Date("x"), *no_date) == ["is not a date like 2026-12-31"] * 7
    assert check(Date("x"), "1899-12-31", "26-01-01", "9999-12-31") == ["is not from 1900 to 2199"] * 3


def test_a_month_is_given_by_any_of_its_days():
    assert check(Month("x"), "2026-12", "2026-12-01", "2026-12-31") == [dt.date(2026, 12, 1)] * 3
    assert check(Month("x"), "2026-13", "2026", "Dec 26") == ["is not a month like 2026-12-01"] * 3


def test_lists_of_months_are_stored_in_one_way():
    assert check(Months("x"), "4,5,12", "4 , 05,12", "1", "10") == ["4,5,12", "4,5,12", "1", "10"]
    no_months = ("0", "13", "4,", ",4", "1 2", "4;5", "00", "x", ",".join(["1"] * 13))
    assert check(Months("x"), *no_months) == ["is not a list of months like 4,5,12"] * 9


def test_flags_and_choices_are_read_without_regard_to_case():
    assert check(Flag("x"), "TRUE", "0", "Yes", "maybe") == [True, False, True, "is not true or false"]
    status = Choice("x", choices=("", "Active", "Death Row"))
    assert check(status, "death row", "dead") == ["Death Row", "is not one of Active, Death Row"]


def test_an_empty_cell_is_the_default_or_a_reason():
    assert check(Whole("x", blank=True, default=1), "", "2") == [1, 2]
    assert check(Whole("x"), "", "2") == ["is empty", 2]
    assert check(Whole("x")) == []


def test_text_is_measured_in_characters_and_not_in_bytes():
    assert check(Text("x", max_length=3), "数量数", "abcd") == ["数量数", "has more than 3 characters"]


def test_names_from_a_file_are_shown_few_short_and_harmless():
    assert enumerate_some(["a", "[/b]", "\x1b[2J", "\udcfc", "x" * 100, "f", "g"]) == (
        f"'a', '[/b]', '\\x1b[2J', '\\udcfc', '{'x' * 40}' and 2 more"
    )


def run_import(kind, folder, *rows, **options):
    path = folder / f"{kind.name}.csv"
    path.write_text("\n".join([",".join(column.name for column in kind.columns), *rows]))
    with RefusalFile(folder / "errors.csv") as refusals:
        return import_file(kind, path, refusals=refusals, **{"codes": KnownCodes()} | options)


def errors(folder):
    return (folder / "errors.csv").read_text().splitlines()[1:]


@pytest.mark.django_db(transaction=True)
def test_what_only_the_database_refuses_is_found_among_the_good_rows(tmp_path):
    a_supplier(), a_warehouse()
    rows = [f"PO-{number},ACME,burnaby,2026-05-01,2026-05-20" for number in range(50)]
    for bad in (0, 17, 18, 49):
        rows[bad] = f"PO-{bad},ACME,burnaby,2026-05-01,2026-04-20"

    report = run_import(SHIPMENTS_WITHOUT_CHECK, tmp_path, *rows)

    assert (report.rows, report.accepted, report.refused) == (50, 46, 4)
    assert Shipment.objects.count() == 46
    assert [line.split(",")[1] for line in errors(tmp_path)] == ["2", "19", "20", "51"]
    assert 'PO-17, ACME, burnaby, 2026-05-01, 2026-04-20",The database refuses the row' in errors(tmp_path)[1]


@pytest.mark.django_db(transaction=True)
def test_a_row_whose_parent_was_deleted_meanwhile_is_refused(tmp_path):
    acme, codes = a_supplier(), KnownCodes()
    a_supplier("BETA"), a_warehouse()
    codes.ids_of(Supplier)
    acme.delete()
    rows = ["PO-1,ACME,burnaby,2026-05-01,", "PO-2,BETA,burnaby,2026-05-01,"]

    report = run_import(SHIPMENTS, tmp_path, *rows, codes=codes)

    assert (report.accepted, report.refused) == (1, 1)
    assert '"PO-1, ACME, burnaby, 2026-05-01, "' in errors(tmp_path)[0]
    assert "The database refuses the row" in errors(tmp_path)[0]


@pytest.mark.django_db
def test_progress_counts_the_bytes_of_the_file(tmp_path):
    calls = []

    run_import(WAREHOUSES, tmp_path, "uk,UK", on_progress=lambda *call: calls.append(call))

    size = (tmp_path / "warehouses.csv").stat().st_size
    assert calls == [(size, size)]


@pytest.mark.django_db(transaction=True)
def test_a_key_is_found_again_chunks_later(tmp_path):
    rows = [f"w{number},name {number}" for number in range(20_500)]
    rows += ["W7,again", "w20499,again"]

    report = run_import(WAREHOUSES, tmp_path, *rows)

    assert (report.rows, report.accepted, report.refused) == (20_502, 20_500, 2)
    assert Warehouse.objects.count() == 20_500
    assert errors(tmp_path) == [
        "warehouses.csv,20502,code,W7,stands on line 9 already",
        "warehouses.csv,20503,code,w20499,stands on line 20501 already",
    ]
