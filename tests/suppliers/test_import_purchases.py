import csv
import datetime as dt
import gzip
import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from core.errors import WorkbenchError
from core.tabular import RefusalFile
from suppliers.models import (
    Category,
    EmissionResult,
    EmissionRun,
    PurchaseImport,
    PurchaseMapping,
    PurchaseRecord,
    SupplierName,
)
from suppliers.services import import_purchases as service
from suppliers.services.import_purchases import import_purchases
from suppliers.services.purchases import csv_source, lines, register
from suppliers.services.purchases.mapping import parse_mapping
from tests.builders import a_supplier

pytestmark = pytest.mark.django_db

HEADER = "supplier,spend,currency,purchase_date"
COSTAIN = "Costain Ltd,1000,GBP,2021-03-04"


def load_file(path, *columns, constants=(), **options):
    """Import the file with these mappings; answer the report and the refused lines."""
    errors = path.parent / "errors.csv"
    with RefusalFile(errors) as refusals:
        report = import_purchases(path=path, mapping=parse_mapping(columns, constants), refusals=refusals, **options)
    rows = csv.DictReader(io.StringIO(errors.read_bytes().decode(), newline="")) if refusals.count else []
    return report, [(int(row["line"]), row["column"], row["value"], row["reason"]) for row in rows]


@pytest.fixture
def load(tmp_path):
    """Import rows under a header."""

    def load(header, *rows, columns=(), name="purchases.csv", **options):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return load_file(path, *columns, **options)

    return load


def the_record():
    return PurchaseRecord.objects.get()


def stored(*columns):
    return list(PurchaseRecord.objects.order_by("line").values_list(*columns))


def test_every_field_of_a_record_is_stored(load):
    report, refused = load(
        "record_id,supplier,product_name,product_code,product_category,quantity,unit,spend,currency,purchase_date,year,"
        "country,sector_code,supplier_pcf,pcf_unit,pcf_uncertainty,kind",
        "INV-7,Costain Ltd,Rail,60E1,Track,12.5,t,1000.25,gbp,2021-03-04,2021,gb,331110,2100.5,t,0.1,Credit",
    )

    record = the_record()
    assert refused == []
    assert (report.rows, report.accepted, report.refused, report.already_imported) == (1, 1, 0, False)
    assert (report.spend, report.years, report.new_names, report.new_categories) == ({"GBP": 1000.25}, {2021: 1}, 1, 1)
    assert (record.source_id, record.record_id, record.line) == (report.import_id, "INV-7", 2)
    assert (record.supplier_name.name, record.category.name) == ("Costain Ltd", "Track")
    assert (record.product_name, record.product_code, record.quantity, record.unit) == ("Rail", "60E1", 12.5, "t")
    assert (record.spend, record.currency, record.country) == (1000.25, "GBP", "GB")
    assert (record.purchase_date, record.year, record.sector_code) == (dt.date(2021, 3, 4), 2021, "331110")
    assert (record.supplier_pcf, record.pcf_unit, record.pcf_uncertainty, record.kind) == (2100.5, "t", 0.1, "credit")


def test_fields_without_a_cell_are_empty(load):
    load("supplier,spend,year,product_category,quantity,supplier_pcf,kind", "Costain Ltd,1,2021,,,,")

    record = the_record()
    assert (record.category, record.quantity, record.supplier_pcf, record.kind) == (None, None, None, "purchase")
    assert (record.product_name, record.currency, record.country, record.purchase_date) == ("", "", "", None)


def test_headers_that_are_called_like_a_field_map_by_themselves(load):
    load("Product Name,SUPPLIER,Spend,Purchase date,Notes", "Rail,Costain Ltd,1,2021-03-04,x")

    assert (the_record().product_name, the_record().supplier_name.name) == ("Rail", "Costain Ltd")


def test_other_headers_are_mapped_whatever_they_hold(load):
    load(
        "Vendor,a=b,Day,supplier",
        "Costain Ltd,7,2021-03-04,ignored",
        columns=["Vendor=supplier", "a=b=spend", "Day=purchase_date"],
    )

    assert (the_record().supplier_name.name, the_record().spend) == ("Costain Ltd", 7)


def test_a_header_that_is_mapped_to_no_field_is_left_out(load):
    load("supplier,spend,year,unit", "Costain Ltd,1,2021,team 7", columns=["unit="])

    assert the_record().unit == ""


def test_constants_are_the_same_for_every_record(load):
    load("supplier,spend", "A,1", "B,2", constants=["currency=eur", "year=2020", "product_category=Services"])

    assert stored("currency", "year", "category__name") == [("EUR", 2020, "Services")] * 2


def test_a_saved_mapping_is_used_again_and_may_be_changed_for_once(load):
    load(
        "Vendor,Net,Year",
        "A,1,2020",
        columns=["Vendor=supplier", "Net=spend"],
        constants=["currency=GBP"],
        save_as="ERP",
    )
    load("Vendor,Net,Year", "B,2,2020", saved_mapping="ERP", name="second.csv")
    load(
        "Firm,Net,Year",
        "C,3,2020",
        columns=["Firm=supplier"],
        constants=["currency=EUR"],
        saved_mapping="ERP",
        name="3.csv",
    )

    kept = PurchaseMapping.objects.get(name="ERP")
    assert (kept.columns, kept.constants) == ({"Vendor": "supplier", "Net": "spend"}, {"currency": "GBP"})
    assert set(stored("supplier_name__name", "currency")) == {("A", "GBP"), ("B", "GBP"), ("C", "EUR")}


def test_a_mapping_that_nobody_saved_is_refused_with_the_saved_ones(load):
    PurchaseMapping.objects.create(name="ERP", columns={})

    with pytest.raises(WorkbenchError, match=r"There is no mapping 'SAP'\. Saved are: 'ERP'\."):
        load(HEADER, COSTAIN, saved_mapping="SAP")


def test_the_name_of_a_mapping_has_an_end(load):
    with pytest.raises(WorkbenchError, match="at most 100 characters"):
        load(HEADER, COSTAIN, save_as="x" * 101)
    assert not PurchaseImport.objects.exists()


def test_without_ids_the_lines_are_the_ids(load):
    load(HEADER, COSTAIN, "", COSTAIN)

    assert stored("record_id", "line") == [("line 2", 2), ("line 4", 4)]


@pytest.mark.parametrize(
    "cell",
    [
        "2021-03-04",
        "04/03/2021",
        "4.3.2021",
        "04-03-2021",
        "2021-03-04T23:59:59Z",
        "04/03/2021 00:00",
        "2021-3-4",
        "44259",
    ],
)
def test_dates_may_be_iso_or_day_first_or_the_number_of_a_sheet(load, cell):
    load("supplier,spend,purchase_date", f"Costain Ltd,1,{cell}")

    assert (the_record().purchase_date, the_record().year) == (dt.date(2021, 3, 4), 2021)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ('"1,234,567.89"', 1234567.89),
        ('"-1,000"', -1000),
        ('"12,345."', 12345),
        (" 7 ", 7),
        ("1e3", 1000),
        ("-0.5", -0.5),
    ],
)
def test_numbers_may_have_commas_between_thousands(load, cell, number):
    load("supplier,spend,year", f"Costain Ltd,{cell},2021")

    assert the_record().spend == number


def test_a_negative_spend_stays_a_purchase_unless_it_is_said_to_be_a_credit(load):
    load("supplier,spend,year", "A,-5,2021")
    load("supplier,spend,year", "A,-5,2021", "A,5,2021", name="credits.csv", credits_negative=True)

    assert stored("spend", "kind") == [(-5, "purchase"), (-5, "credit"), (5, "purchase")]


def test_a_kind_that_is_given_counts_before_the_sign(load):
    load("supplier,spend,year,kind", "A,-5,2021,purchase", "A,-5,2021,", "A,5,2021,credit", credits_negative=True)

    assert stored("kind") == [("purchase",), ("credit",), ("credit",)]


BAD_CELLS = [
    ("spend", "many", "is not a number"),
    ("spend", "NaN", "is not a number"),
    ("spend", "-inf", "is not a number"),
    ("spend", "1e999", "is not a number"),
    ("spend", "1e308", "is more than 1,000,000,000,000,000"),
    ("spend", "-1e308", "is less than -1,000,000,000,000,000"),
    ("spend", '"1,5"', "is not a number"),
    ("spend", '"12,34,567"', "is not a number"),
    ("spend", '"1.234,5"', "is not a number"),
    ("spend", "£5", "is not a number"),
    ("spend", "=1+1", "is a formula; save the file with values"),
    ("spend", "#DIV/0!", "is an error of the spreadsheet and no value"),
    ("supplier", "", "is empty"),
    ("supplier", "  ", "is empty"),
    ("supplier", '"=HYPERLINK(""x"")"', "is a formula; save the file with values"),
    ("supplier", "#N/A", "is an error of the spreadsheet and no value"),
    ("supplier", "x" * 256, "has more than 255 characters"),
    ("supplier", "Grand Total", "looks like a total of other lines, which is no purchase"),
    ("supplier", "TOTAL", "looks like a total of other lines, which is no purchase"),
    ("year", "", "is empty, so the record has no year"),
    ("year", "21", "is not a year from 1900 to 2199"),
    ("year", "2021.5", "is not a year from 1900 to 2199"),
    ("year", "soon", "is not a number"),
    ("purchase_date", "2021-02-30", "is not a date like 2026-12-31 or 31/12/2026"),
    ("purchase_date", "12/31/2021", "is not a date like 2026-12-31 or 31/12/2026"),
    ("purchase_date", "04/03/21", "is not a date like 2026-12-31 or 31/12/2026"),
    ("purchase_date", "2021", "is not a date like 2026-12-31 or 31/12/2026"),
    ("purchase_date", "2020-12-31", "is not in the year of the record"),
    ("purchase_date", "0021-03-04", "is not from 1900 to 2199"),
    ("currency", "GB", "is not a currency code like GBP"),
    ("currency", "£", "is not a currency code like GBP"),
    ("country", "GBR", "is not a country code like GB"),
    ("pcf_uncertainty", "1.5", "is more than 1"),
    ("pcf_uncertainty", "-0.1", "is negative"),
    ("pcf_uncertainty", "10%", "is not a number"),
    ("supplier_pcf", "NaN", "is not a number"),
    ("kind", "refund", "is not one of purchase, credit"),
    ("record_id", "x" * 101, "has more than 100 characters"),
    ("record_id", "", "is empty"),
    ("sector_code", "1" * 17, "has more than 16 characters"),
]


# A line that all is well with; a field that is not here may be empty.
GOOD = {"supplier": "A", "spend": "1", "year": "2021"}
GOOD_CELLS = {"record_id": "INV-1", "purchase_date": "2021-03-04"}


@pytest.mark.parametrize(("field", "cell", "reason"), BAD_CELLS)
def test_a_line_with_a_bad_cell_is_refused_and_the_others_go_in(load, field, cell, reason):
    good = {field: GOOD_CELLS.get(field, "")} | GOOD

    report, refused = load(",".join(good), ",".join((good | {field: cell}).values()), ",".join(good.values()))

    assert [(line, column, why) for line, column, _value, why in refused] == [(2, field, reason)]
    assert cell.strip(' "').replace('""', '"')[:200] in refused[0][2]
    assert (report.rows, report.accepted, report.refused) == (2, 1, 1)
    assert stored("line") == [(3,)]


def test_the_error_file_names_the_column_as_the_file_does(load):
    _, refused = load("Vendor,Net,year", "A,many,2021", columns=["Vendor=supplier", "Net=spend"])

    assert refused == [(2, "Net", "many", "is not a number")]


def test_a_supplier_called_total_has_purchases_that_say_more_than_its_name(load):
    report, _ = load("supplier,product_name,spend,year", "Total,Diesel,7,2021", "Total Gas & Power Ltd,,8,2021")

    assert report.accepted == 2


def test_ten_megabytes_in_a_cell_cost_that_line_only(load):
    report, refused = load(HEADER, f"{'x' * 10_000_000},1,GBP,2021-03-04", COSTAIN)

    assert (report.accepted, report.refused) == (1, 1)
    assert "field larger than field limit" in refused[0][3]


def test_bytes_that_are_no_utf_8_cost_their_line_only(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(f"{HEADER}\nSociété,1,EUR,2021-03-04\n{COSTAIN}\n".encode("latin-1"))

    report, refused = load_file(path)

    assert (report.accepted, refused[0][:2]) == (1, (2, "supplier"))
    assert refused[0][3] == "is not UTF-8 text; save the file as CSV (UTF-8)"


def test_utf_16_with_its_mark_is_read(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_bytes(f"{HEADER}\nSociété,1,EUR,2021-03-04\n".encode("utf-16"))

    load_file(path)

    assert the_record().supplier_name.name == "Société"


def test_a_record_id_that_stands_twice_is_refused_with_the_line_of_the_first(load, monkeypatch):
    monkeypatch.setattr(lines, "ROWS", 2)
    monkeypatch.setattr(csv_source, "PIECE", 2)

    report, refused = load(
        "record_id,supplier,spend,year", *(f"{key},A,1,2021" for key in ("a", "b", "A", "c", "b", "a"))
    )

    assert refused == [
        (6, "record_id", "b", "stands on line 3 already"),
        (7, "record_id", "a", "stands on line 2 already"),
    ]
    assert report.accepted == 4


def test_a_new_name_keeps_its_spelling_and_has_a_key(load):
    load("supplier,spend,year", "COSTAIN  Limited,1,2021", "Costain Ltd,1,2021", "Costain Ltd,1,2021")

    assert list(SupplierName.objects.values_list("name", "key", "supplier")) == [
        ("COSTAIN  Limited", "costain", None),
        ("Costain Ltd", "costain", None),
    ]


def test_names_that_differ_in_an_accent_or_in_case_are_two(load):
    load("supplier,spend,year,product_category", "Société,1,2021,Café", "Societe,1,2021,Cafe", "SOCIETE,1,2021,CAFE")

    assert SupplierName.objects.count() == Category.objects.count() == 3


def test_a_new_name_is_linked_to_the_one_supplier_that_is_called_so(load):
    by_name, by_code = a_supplier("C1", name="Costain"), a_supplier("SIEMENS", name="")
    a_supplier("X", name="Amey"), a_supplier("Y", name="AMEY Ltd")

    report, _ = load("supplier,spend,year", "Costain Ltd,1,2021", "Siemens plc,1,2021", "Amey,1,2021", "Other,1,2021")

    linked = dict(SupplierName.objects.values_list("name", "supplier"))
    assert linked == {"Costain Ltd": by_name.pk, "Siemens plc": by_code.pk, "Amey": None, "Other": None}
    assert (report.new_names, report.linked_names) == (4, 2)


def test_a_name_that_people_unlinked_stays_unlinked(load):
    a_supplier("C1", name="Costain")
    SupplierName.objects.create(name="Costain Ltd", key="costain")

    report, _ = load(HEADER, COSTAIN)

    assert (SupplierName.objects.get().supplier, report.new_names) == (None, 0)


def test_the_same_file_again_adds_nothing(load):
    first, _ = load(HEADER, COSTAIN, "A,many,GBP,2021-03-04", who="Ann")
    before = stored("pk", "source", "spend")
    second, refused = load(HEADER, COSTAIN, "A,many,GBP,2021-03-04", name="renamed.csv", who="Bob")

    kept = PurchaseImport.objects.get()
    assert stored("pk", "source", "spend") == before
    assert (second.already_imported, second.import_id, refused) == (True, first.import_id, [])
    assert (second.rows, second.accepted, second.refused, second.spend) == (2, 1, 1, {"GBP": 1000})
    assert (kept.file_name, kept.who, kept.rows, kept.complete) == ("purchases.csv", "Ann", 2, True)
    assert kept.mapping == {
        "columns": {name: name for name in HEADER.split(",")},
        "constants": {},
        "credits_negative": False,
    }


@pytest.fixture
def dying(monkeypatch):
    """Chunks of two lines, and a database that fails at the second."""
    monkeypatch.setattr(lines, "ROWS", 2)
    monkeypatch.setattr(csv_source, "PIECE", 2)
    write, calls = service._write, []

    def fail_once(records):
        calls.append(records)
        if len(calls) == 2:
            raise DatabaseError("gone")
        write(records)

    monkeypatch.setattr(service, "_write", fail_once)


def test_an_import_that_died_is_done_again_and_doubles_nothing(load, dying):
    rows = [f"S{number},{number},GBP,2021-03-04" for number in range(5)]
    with pytest.raises(WorkbenchError, match="The database refused the work: gone"):
        load(HEADER, *rows)
    left, complete = stored("pk"), PurchaseImport.objects.get().complete

    report, _ = load(HEADER, *rows)

    assert (len(left), complete) == (2, False)
    assert (report.rows, report.accepted, PurchaseImport.objects.get().complete) == (5, 5, True)
    assert stored("pk")[:2] == left
    assert stored("spend") == [(0,), (1,), (2,), (3,), (4,)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", [1213, 1205, 2006, 2013])
def test_lines_that_the_database_did_not_take_are_written_again(load, monkeypatch, code):
    """A deadlock, a lock that is waited for too long, a connection that is lost: after the lines, before the commit."""
    monkeypatch.setattr(lines, "ROWS", 2)
    monkeypatch.setattr(csv_source, "PIECE", 2)
    write, sizes = service.upsert, []

    def fail_once(model, rows, **options):
        write(model, rows, **options)
        sizes.append(rows.height)
        if len(sizes) == 2:
            raise OperationalError(code, "Not taken")

    monkeypatch.setattr(service, "upsert", fail_once)

    report, refused = load(HEADER, *(f"S{number},{number},GBP,2021-03-04" for number in range(5)))

    assert sizes == [2, 2, 2, 1]
    assert (report.rows, report.accepted, refused) == (5, 5, [])
    assert stored("spend") == [(0,), (1,), (2,), (3,), (4,)]


def test_an_import_that_died_may_be_done_again_with_another_mapping(load, dying):
    rows = [f"id-{number},S,{number},2021" for number in range(5)]
    with pytest.raises(WorkbenchError):
        load("key,supplier,spend,year", *rows)
    load("key,supplier,spend,year", *rows, columns=["key=record_id"])

    assert stored("record_id") == [(f"id-{number}",) for number in range(5)]


def test_a_finished_import_stays_as_it_is_under_another_mapping(load):
    report, _ = load("supplier,spend,net,year", "A,1,2,2021")

    with pytest.raises(WorkbenchError, match=f"went in before as import {report.import_id}, with another mapping"):
        load("supplier,spend,net,year", "A,1,2,2021", columns=["net=spend"])
    assert the_record().spend == 1


def test_an_import_may_take_the_place_of_another(load, monkeypatch):
    monkeypatch.setattr(register, "DELETED_AT_ONCE", 1)
    first, _ = load("supplier,spend,year", "A,1,2021", "B,many,2021", "C,3,2021")
    load("supplier,spend,year", "A,1,2021", "B,2,2021", "C,3,2021", replaces=first.import_id)

    assert stored("spend") == [(1,), (2,), (3,)]
    assert PurchaseImport.objects.count() == 1


def test_an_import_that_a_run_calculated_with_stays(load):
    first, _ = load(HEADER, COSTAIN)
    run = EmissionRun.objects.create(year=2021)
    EmissionResult.objects.create(
        run=run,
        record=the_record(),
        supplier_name=the_record().supplier_name,
        method="unaccounted",
        provenance_hash="x",
    )

    with pytest.raises(
        WorkbenchError, match=f"Import {first.import_id} stays, because run {run.pk} calculated with it"
    ):
        load(HEADER, COSTAIN, COSTAIN, replaces=first.import_id)
    assert PurchaseRecord.objects.count() == 1


def test_an_import_that_is_not_there_cannot_be_replaced(load):
    with pytest.raises(WorkbenchError, match="There is no import 99"):
        load(HEADER, COSTAIN, replaces=99)


def test_of_a_file_without_a_good_line_nothing_is_kept(load):
    report, refused = load(HEADER, "A,many,GBP,2021-03-04")

    assert (report.import_id, report.refused, len(refused)) == (None, 1, 1)
    assert not PurchaseImport.objects.exists()


@pytest.mark.parametrize("rows", [[], [""], ["too,short"], ["A,1,2021,,,", "x"]])
def test_a_file_without_lines_that_can_be_read_is_no_trouble(load, rows):
    report, refused = load("record_id,supplier,product_category,spend,year", *rows)

    assert (report.import_id, report.accepted, report.rows) == (None, 0, len(refused))


@pytest.mark.parametrize(
    ("header", "columns", "constants", "sentence"),
    [
        ("spend,year", [], [], "no column is mapped to supplier. Its columns are 'spend', 'year'."),
        ("supplier,spend", [], [], "no column is mapped to purchase_date or year."),
        ("supplier,year", [], [], "no column is mapped to spend or quantity."),
        ("supplier;spend;year", [], [], "no column is mapped to supplier. Its columns are 'supplier;spend;year'."),
        (HEADER, ["Vendor=supplier"], [], "it has no column 'Vendor'. Its columns are 'supplier', 'spend'"),
        (f"{HEADER},spend", [], [], "spend could be 'spend', 'spend'."),
        (f"{HEADER},Net,Net", ["Net=spend"], [], "it has more than one column 'Net'."),
        (f"{HEADER},Product Name,product_name", [], [], "product_name could be 'Product Name', 'product_name'."),
        (HEADER, [], ["currency=GBP"], "currency could be 'currency', 'currency=GBP'."),
        (HEADER, ["x=colour"], [], "There is no field 'colour'. The fields are record_id, supplier,"),
        (HEADER, ["a=spend", "b=spend"], [], "spend is mapped twice."),
        (HEADER, ["a=spend"], ["spend=1"], "spend is mapped twice."),
        (HEADER, ["spend"], [], "'spend' is not of the form HEADER=FIELD."),
        (HEADER, [], ["=GBP"], "'=GBP' is not of the form FIELD=VALUE."),
        (HEADER, [], ["record_id=1"], "record_id cannot be the same for every record."),
        ("supplier,spend", [], ["year=soon"], "The constant year=soon cannot be used: it is not a number."),
        (",".join(f"c{number}" for number in range(1_000)), [], [], "has 1,000 columns; 300 is the most."),
        ("", [], [], "is empty. It needs a first line with the column names."),
    ],
)
def test_a_file_that_cannot_be_read_as_purchases_is_refused_whole(load, header, columns, constants, sentence):
    with pytest.raises(WorkbenchError) as refused:
        load(header, ",".join("1" * (header.count(",") + 1)), columns=columns, constants=constants)

    assert sentence in str(refused.value)
    assert not PurchaseImport.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "purchases.txt",
            b"x",
            "purchases.txt is no file of purchases by its name, which ends in .csv, .csv.gz, .xlsx",
        ),
        ("purchases.csv", b"PK\x03\x04", "is an Excel or zip file with the name of a CSV file"),
        ("purchases.csv", b"a\0b", "is a binary file and no text"),
        ("purchases.csv", "Société,spend".encode("latin-1"), "is not a text file in UTF-8"),
        ("purchases.csv.gz", b"supplier", "is not packed with gzip"),
        ("purchases.csv.gz", gzip.compress(b"a" * 11_000_000), "unpacks to more than 10 MB, too much for its size"),
    ],
)
def test_a_hostile_file_is_refused_whole(tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(WorkbenchError) as refused:
        load_file(path)
    assert sentence in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WorkbenchError, match=r"gone\.csv cannot be opened: No such file or directory"):
        load_file(tmp_path / "gone.csv")


def test_the_number_of_statements_does_not_grow_with_the_lines(load):
    def count(name, size):
        with CaptureQueriesContext(connection) as queries:
            load(HEADER, *(f"S{number % 10},{number},GBP,2021-03-04" for number in range(size)), name=name)
        return len(queries)

    count("warm.csv", 10)
    assert count("small.csv", 20) == count("large.csv", 2_000)


@pytest.fixture
def run(capsys, settings, tmp_path):
    """Run the command; answer its exit code and what it printed."""
    settings.VAR_DIR = tmp_path / "var"

    def run(*arguments):
        code = 0
        try:
            call_command("import_purchases", *map(str, arguments))
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr().out

    return run


def put(folder, *rows):
    path = folder / "ledger.csv"
    path.write_text("\n".join(["Vendor,Net,Day", *rows]) + "\n")
    return path, "--map", "Vendor=supplier", "--map", "Net=spend", "--map", "Day=purchase_date"


def test_the_command_says_what_went_in_and_what_looks_wrong(run, tmp_path):
    rows = ["Costain Ltd,5,2021-03-04", "COSTAIN Limited,5,04/03/2021", "Other,7.5,2020-01-01"]

    code, output = run(*put(tmp_path, *rows), "--constant", "currency=GBP", "--constant", "product_category=Track")

    number = PurchaseImport.objects.get().pk
    assert code == 0
    assert f"ledger.csv: 3 of 3 lines are records as import {number}." in output
    assert "Spend: 17.50 GBP\n2020: 1 records\n2021: 2 records\n" in output
    assert "New supplier names: 3, of which 0 are a supplier in the books." in output
    assert "New categories: 1." in output
    assert "look like one supplier: 1, first 'COSTAIN Limited', 'Costain Ltd'. Nothing was merged." in output
    assert "bought twice: 1 more than there are purchases, in 1 groups, of 5.00 GBP. Nothing was deleted." in output


def test_when_lines_are_refused_the_exit_code_is_3_and_the_error_file_is_named(run, tmp_path):
    code, output = run(*put(tmp_path, "A,1,2021-03-04", "B,many,2021-03-04"))

    [errors] = (tmp_path / "var" / "import-errors").iterdir()
    assert code == 3
    assert f"Refused lines: 1. The reasons are in {errors}" in output
    assert errors.read_text().endswith("ledger.csv,3,Net,many,is not a number\n")


def test_where_nothing_goes_in_nothing_is_said_of_other_imports(run, tmp_path):
    run(*put(tmp_path, "A,1,2021-03-04", "A,1,2021-03-04"))

    code, output = run(*put(tmp_path, "A,many,2021-03-04"))

    assert code == 3
    assert "ledger.csv: 0 of 1 lines are records." in output
    assert "bought twice" not in output


def test_the_file_again_says_that_nothing_was_changed(run, tmp_path):
    arguments = put(tmp_path, "A,1,2021-03-04", "B,many,2021-03-04")
    run(*arguments)

    code, output = run(*arguments)

    assert code == 3
    assert "ledger.csv went in before, as import" in output
    assert "The reasons are in" not in output


def test_a_mapping_is_saved_and_used_by_its_name(run, tmp_path):
    run(*put(tmp_path, "A,1,2021-03-04"), "--constant", "currency=GBP", "--save-mapping", "ERP")
    path, *_ = put(tmp_path, "B,-2,2021-03-04")

    assert run(path, "--mapping", "ERP", "--credits-negative")[0] == 0
    assert set(stored("spend", "currency", "kind")) == {(1, "GBP", "purchase"), (-2, "GBP", "credit")}


def test_the_report_as_json_is_all_that_is_printed(run, tmp_path):
    code, output = run(*put(tmp_path, "A,1,2021-03-04", "A,1,2021-03-04"), "--constant", "currency=GBP", "--json")

    report = json.loads(output)
    assert code == 0
    assert (report["accepted"], report["spend"], report["years"]) == (2, {"GBP": 2.0}, {"2021": 2})
    assert report["duplicates"]["groups"][0]["purchase_date"] == "2021-03-04"
    assert report["names_alike"] == []


def test_a_refused_file_is_an_error_of_the_command(run, tmp_path):
    with pytest.raises(CommandError, match="no column is mapped to supplier"):
        run(put(tmp_path, "A,1,2021-03-04")[0])


def test_an_interrupt_says_how_to_go_on(run, tmp_path, monkeypatch):
    def interrupt(**arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("suppliers.management.commands.import_purchases.import_purchases", interrupt)

    with pytest.raises(CommandError, match="Import the file again to go on") as stopped:
        run(*put(tmp_path, "A,1,2021-03-04"))
    assert stopped.value.returncode == 130
