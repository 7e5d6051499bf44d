"""What no honest file holds, at every way in: it is refused with a reason, and the rest goes in."""

import csv
import gzip
import io
import json
import zipfile
from functools import partial

import openpyxl
import polars as pl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.errors import WorkbenchError
from core.tabular import RefusalFile
from suppliers.exports import errors_csv, results_csv, write_results_xlsx
from suppliers.models import (
    Category,
    Factor,
    FactorSet,
    ProductFootprint,
    PurchaseImport,
    PurchaseRecord,
    Rate,
    RateSet,
)
from suppliers.services.calculate_emissions import calculate_emissions
from suppliers.services.factors.publication import Statement
from suppliers.services.import_footprints import import_footprints
from suppliers.services.import_purchases import import_purchases
from suppliers.services.load_factors import load_factors
from suppliers.services.load_rates import load_rates
from suppliers.services.map_categories import load_category_codes, write_category_codes
from suppliers.services.purchases.mapping import parse_mapping
from suppliers.views import purchases as purchase_views
from tests.builders import a_user
from tests.suppliers.emission_rows import a_category, a_factor_set, the_rates
from tests.suppliers.test_import_footprints import PACT_2, changed

pytestmark = pytest.mark.django_db

MEGABYTES_10 = 10_000_000


def refusals_of(work):
    """The refused lines of an import, as its error file lists them."""

    def run(path):
        errors = path.parent / "errors.csv"
        with RefusalFile(errors) as refusals:
            report = work(path, refusals)
        if getattr(report, "refused_files", None):
            raise WorkbenchError(report.refused_files[0])
        text = errors.read_text(encoding="utf-8") if errors.exists() else ""
        return [(int(row["line"]), row["reason"]) for row in csv.DictReader(io.StringIO(text, newline=""))]

    return run


def import_all(path, refusals):
    return import_purchases(path=path, mapping=parse_mapping((), ()), refusals=refusals)


def import_own_footprints(path, refusals):
    return import_footprints(source="csv", paths=[path], refusals=refusals)


def map_all(path, refusals):
    a_category("A", "")
    return load_category_codes(path=path, refusals=refusals)


def load_own_factors(path):
    load_factors(source="csv", path=path, stated=Statement(publisher="Ours", version="1"))


def load_epa(path):
    load_factors(source="epa", path=path, stated=Statement(version="1"))


EPA_HEADER = (
    "2017 NAICS Code,2017 NAICS Title,GHG,Unit,Supply Chain Emission Factors without Margins,"
    "Margins of Supply Chain Emission Factors,Supply Chain Emission Factors with Margins,Reference USEEIO Code"
)
# A way in: the header of its files, a good row with an A in a text, what reads it, and what it stores.
SETS = {
    "currency rates": ("currency,year,usd_per_unit", "A,2020,1.2", partial(load_rates, kind="currency"), Rate),
    "price index": ("series,year,index", "A,2020,250", partial(load_rates, kind="price_index"), Rate),
    "own factors": ("title,code,region,unit,value", "A,a,GLO,kg,1", load_own_factors, Factor),
    "EPA": (EPA_HEADER, '111110,A,All GHGs,"kg CO2e/2022 USD, purchaser price",1,1,2,x', load_epa, Factor),
}
ROW_BY_ROW = {
    "purchases": ("supplier,spend,currency,year", "A,1,GBP,2020", refusals_of(import_all), PurchaseRecord),
    "footprints": (
        "product_name,id,supplier,pcf,declared_unit,period_end",
        "A,1,B,1,kg,2024-12-31",
        refusals_of(import_own_footprints),
        ProductFootprint,
    ),
    "categories": ("category,sector_code", "A,111110", refusals_of(map_all), Category),
}


def call(work, path):
    return work(path=path) if isinstance(work, partial) else work(path)


# Files that are no table at all


WHOLE_FILES = {
    "UTF-16 without its mark": (lambda text: text.encode("utf-16-le"), "is a binary file and no text"),
    "UTF-32": (lambda text: text.encode("utf-32"), "is not a text file in UTF-8"),
    "a NUL": (lambda text: f"{text}\0".encode(), "is a binary file and no text"),
    "latin-1 header": (lambda text: f"Ä,{text}".encode("latin-1"), "is not a text file in UTF-8"),
    "10 MB in the header": (lambda text: ("x" * MEGABYTES_10 + text).encode(), "its first line cannot be read"),
    "1,000 columns": (
        lambda text: "\n".join(line + ",x" * 1000 for line in text.splitlines()).encode(),
        ("columns; 300 is the most", "unknown columns 'x'"),
    ),
    "an old Excel file": (lambda text: b"\xd0\xcf\x11\xe0" + text.encode(), "is an Excel or zip file"),
    "gzip": (lambda text: gzip.compress(text.encode()), "is packed with gzip"),
}


@pytest.mark.parametrize("kind", WHOLE_FILES)
@pytest.mark.parametrize("way_in", [*SETS, *ROW_BY_ROW])
def test_a_file_that_is_no_table_is_refused_whole_and_a_good_one_goes_in_after_it(tmp_path, way_in, kind):
    header, row, work, model = (SETS | ROW_BY_ROW)[way_in]
    spoil, sentences = WHOLE_FILES[kind]
    path = tmp_path / "file.csv"
    path.write_bytes(spoil(f"{header}\n{row}\n"))

    with pytest.raises(WorkbenchError) as refused:
        call(work, path)

    sentences = (sentences,) if isinstance(sentences, str) else sentences
    assert any(sentence in str(refused.value) for sentence in sentences)
    assert len(str(refused.value)) < 1_000
    assert [kept.objects.count() for kept in (FactorSet, RateSet, PurchaseImport, ProductFootprint)] == [0] * 4
    assert not Category.objects.exclude(sector_code="").exists()
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    if way_in == "currency rates":
        path.write_text(f"{header}\nGBP,2020,1.2\n", encoding="utf-8")
    call(work, path)
    assert model.objects.count() == 1


@pytest.mark.parametrize("way_in", [*SETS, *ROW_BY_ROW])
def test_a_file_that_unpacks_to_a_flood_is_refused(tmp_path, way_in):
    header, _, work, _ = (SETS | ROW_BY_ROW)[way_in]
    path = tmp_path / "file.csv.gz"
    path.write_bytes(gzip.compress(header.encode() + b"\n" + b"0" * 30_000_000))

    with pytest.raises(WorkbenchError, match="unpacks to more than 10 MB, too much for its size"):
        call(work, path)


# Rows that are none


ROWS = {
    "latin-1": (lambda row: row.replace("A", "Société", 1).encode("latin-1"), "is not UTF-8 text"),
    "half a character": (lambda row: row.replace("A", "A\udcc3", 1).encode(errors="surrogateescape"), "is not UTF-8"),
    "10 MB in a cell": (lambda row: row.replace("A", "x" * MEGABYTES_10, 1).encode(), "field larger than field limit"),
    "1,000 cells": (lambda row: ("1" + ",1" * 999).encode(), "differ in their number of cells: 1000 and"),
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("way_in", SETS)
def test_a_hostile_row_refuses_the_whole_set_by_its_number(tmp_path, way_in, kind):
    header, row, work, model = SETS[way_in]
    spoil, reason = ROWS[kind]
    path = tmp_path / "file.csv"
    path.write_bytes(b"\n".join([header.encode(), spoil(row), b""]))

    with pytest.raises(WorkbenchError) as refused:
        call(work, path)

    assert "a set goes in whole or not at all: row 2" in str(refused.value)
    assert reason in str(refused.value)
    assert str(refused.value).encode()
    assert not model.objects.exists()


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("way_in", ROW_BY_ROW)
def test_a_hostile_row_is_refused_alone_and_the_next_goes_in(tmp_path, way_in, kind):
    header, row, work, model = ROW_BY_ROW[way_in]
    spoil, reason = ROWS[kind]
    path = tmp_path / "file.csv"
    path.write_bytes(b"\n".join([header.encode(), spoil(row), row.encode(), b""]))

    [(line, why)] = call(work, path)

    assert line == 2
    assert reason in why
    assert model.objects.count() == 1
    assert way_in != "categories" or Category.objects.get().sector_code == "111110"


def with_a_cell_of(path, text, rows):
    """A workbook whose cells BIG hold this text, which is longer than any that a spreadsheet writes."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.active.title = "Product Level Data"
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).replace(b"BIG", text) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return path


def test_ten_megabytes_in_a_cell_of_a_sheet_cost_that_row_only(tmp_path):
    rows = [("supplier", "spend", "year"), ("BIG", 1, 2020), ("A", 1, 2020)]
    path = with_a_cell_of(tmp_path / "p.xlsx", b"x" * MEGABYTES_10, rows)

    assert refusals_of(import_all)(path) == [(2, "has more than 255 characters")]
    assert PurchaseRecord.objects.get().supplier_name.name == "A"


CATALOGUE_HEADER = (
    "*PCF-ID", "Year of reporting", "Product name (and functional unit)", "Product detail", "Company",
    "Country (where company is incorporated)", "*Company's sector", "Product weight (kg)", "*Source for product weight",
    "Product's carbon footprint (PCF, kg CO2e)", "Protocol used for PCF", "*Upstream CO2e (fraction of total PCF)",
    "*Operations CO2e (fraction of total PCF)", "*Downstream CO2e (fraction of total PCF)",
)  # fmt: skip


def import_catalogue(path, refusals):
    return import_footprints(source="carbon_catalogue", paths=[path], refusals=refusals)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (4, "BIG", "has more than 255 characters"),
        (9, 1e308, "is more than 1,000,000,000,000"),
        (9, "NaN", "is not a number"),
        (9, "inf", "is not a number"),
    ],
)
def test_a_hostile_cell_of_the_catalogue_costs_its_row_only(tmp_path, column, value, reason):
    good = ("1-2-2014", 2014, "Chair", "", "KNOLL INC", "USA", "", 20.5, "", 72.5, "ISO", 0.5, 0.25, 0.25)
    bad = [value if place == column else cell for place, cell in enumerate(("1-3-2014", *good[1:]))]
    path = with_a_cell_of(tmp_path / "c.xlsx", b"x" * MEGABYTES_10, [CATALOGUE_HEADER, bad, good])

    assert refusals_of(import_catalogue)(path) == [(2, reason)]
    assert ProductFootprint.objects.get().external_id == "1-2-2014"


def test_a_catalogue_that_is_a_zip_bomb_is_refused(tmp_path):
    path = with_a_cell_of(tmp_path / "c.xlsx", b"x", [CATALOGUE_HEADER])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.xml", bytes(40_000_000))

    with pytest.raises(WorkbenchError, match="unpacks to far more than a workbook of its size holds"):
        refusals_of(import_catalogue)(path)


def test_ten_megabytes_in_a_cell_of_a_parquet_file_cost_that_row_only(tmp_path):
    path = tmp_path / "p.parquet"
    pl.DataFrame({"supplier": ["x" * MEGABYTES_10, "A"], "spend": [1, 1], "year": 2020}).write_parquet(path)

    assert refusals_of(import_all)(path) == [(2, "has more than 255 characters")]
    assert PurchaseRecord.objects.get().supplier_name.name == "A"


def import_pact(path, refusals):
    return import_footprints(source="pact", paths=[path], refusals=refusals)


HOSTILE_FOOTPRINTS = {
    "no object": (7, "is not an object"),
    "nothing": (None, "is not an object"),
    "empty": ({}, "is missing"),
    "10 MB": (changed(PACT_2, companyName="x" * MEGABYTES_10), "has more than 255 characters"),
    "half a character": (changed(PACT_2, companyName="\ud800"), "has characters that are no text"),
    "a NUL": (changed(PACT_2, companyName="a\0b"), "has characters that are no text"),
    "a list for a name": (changed(PACT_2, companyName=["A"]), "is not a text"),
    "1e308": (changed(PACT_2, pcf={"pCfExcludingBiogenic": 1e308}), "is more than 1,000,000,000,000"),
    "400 digits": (changed(PACT_2, pcf={"pCfExcludingBiogenic": 10**400}), "is not a number"),
    "Infinity": (changed(PACT_2, pcf={"pCfExcludingBiogenic": "Infinity"}), "is not a number"),
    "true": (changed(PACT_2, pcf={"pCfExcludingBiogenic": True}), "is not a number"),
    "a formula": (changed(PACT_2, pcf={"pCfExcludingBiogenic": "=1+1"}), "is not a number"),
    "no such day": (changed(PACT_2, validityPeriodStart="9999-99-99"), "is not a time like 2026-12-31T00:00:00Z"),
    "version of 30 digits": (changed(PACT_2, version=10**30), "is more than 1,000,000,000,000"),
}


@pytest.mark.parametrize("kind", HOSTILE_FOOTPRINTS)
def test_a_hostile_footprint_of_a_data_exchange_is_refused_alone(tmp_path, kind):
    hostile, reason = HOSTILE_FOOTPRINTS[kind]
    path = tmp_path / "footprints.json"
    good = changed(PACT_2, id="00000000-0000-4000-8000-000000000001")
    path.write_text(json.dumps([hostile, good]))

    [(line, why)] = refusals_of(import_pact)(path)

    assert line == 1
    assert why.startswith(reason)
    assert ProductFootprint.objects.get().external_id == good["id"]


# From a hostile ledger to a run and its files


LEDGER = """record_id,supplier,product_name,product_category,quantity,unit,spend,currency,year,supplier_pcf,pcf_unit
-2+3,+44 Ltd,@SUM(A1),-Metal,,,1000,USD,2022,,
"\t1","-cmd|' /C calc'!A0","<r>=1</r>",-Metal,,,1000,USD,2022,,
huge,Acme,,-Metal,1e15,tonne,,,2022,1000,kg
rate,Acme,@bad,-Metal,,,1,XXX,2022,,
none,Acme,,,,,,,2022,,
a,Acme,,-Metal,,,1e308,USD,2022,,
b,Acme,,-Metal,,,NaN,USD,2022,,
c,Acme,,-Metal,,,-inf,USD,2022,,
d,Acme,,-Metal,,,1,USD,2022,inf,kg
=1+1,Acme,,-Metal,,,1,USD,2022,,
e,=cmd(),,-Metal,,,1,USD,2022,,
f,Acme,=HYPERLINK("x"),-Metal,,,1,USD,2022,,
"""


@pytest.fixture
def ledger_run(tmp_path):
    """A run over what the hostile ledger leaves, and the lines that it does not."""
    the_rates()
    a_factor_set(n331110=0.5)
    path = tmp_path / "ledger.csv"
    path.write_text(LEDGER, encoding="utf-8", newline="")
    refused = refusals_of(import_all)(path)
    Category.objects.update(sector_code="331110")
    return calculate_emissions(year=2022), refused


def test_a_hostile_ledger_is_calculated_as_far_as_it_holds_purchases(ledger_run):
    run, refused = ledger_run
    formula, none = "is a formula; save the file with values", "is not a number"

    assert refused == [
        (7, "is more than 1,000,000,000,000,000"), (8, none), (9, none), (10, none), (11, formula), (12, formula),
        (13, formula),
    ]  # fmt: skip
    assert (run.accounted, run.unaccounted, run.failed, run.progress_done) == (2, 1, 2, 5)
    assert dict(run.errors.values_list("record__record_id", "code")) == {
        "huge": "bad_number", "rate": "unknown_currency",
    }  # fmt: skip
    assert run.emissions_kgco2e == 1000


STARTS = ("=", "+", "-", "@", "\t", "\r")


def test_text_that_looks_like_a_formula_comes_out_as_text_everywhere(ledger_run, tmp_path):
    run, _ = ledger_run
    results = list(csv.DictReader(io.StringIO("".join(results_csv(run)), newline="")))
    errors = list(csv.DictReader(io.StringIO("".join(errors_csv(run)), newline="")))
    categories = io.StringIO()
    write_category_codes(categories)
    write_results_xlsx(run, tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx").active

    assert [results[0][name] for name in ("record_id", "supplier", "product_name", "category")] == [
        "'-2+3", "'+44 Ltd", "'@SUM(A1)", "'-Metal",
    ]  # fmt: skip
    assert results[1]["supplier"] == "'-cmd|' /C calc'!A0"
    assert [error["product_name"] for error in errors] == ["", "'@bad"]
    assert "'-Metal,331110" in categories.getvalue()
    texts = [cell for row in (*results, *errors) for cell in row.values() if cell and not is_number(cell)]
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None]
    assert len(texts) > 20
    assert not [text for text in texts if text.startswith(STARTS)]
    assert not [cell.value for cell in cells if cell.data_type == "f" or str(cell.value).startswith(STARTS)]
    assert {"'-2+3", "'+44 Ltd", "'@SUM(A1)", " <r>=1</r>"} <= {cell.value for cell in cells}


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


# The page that takes files


@pytest.fixture
def upload(client, monkeypatch, settings, tmp_path):
    """Upload a file; answer the page after it and its address. The worker works at once."""
    settings.UPLOADS_DIR = tmp_path / "uploads"
    monkeypatch.setattr(purchase_views, "enqueue", lambda job, *arguments: job(*arguments))
    monkeypatch.setattr(purchase_views, "describe_trouble", lambda: "")
    client.force_login(a_user("manager"))

    def upload(name, content):
        answer = client.post("/emissions/purchases/", {"file": SimpleUploadedFile(name, content)}, follow=True)
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split()), answer.redirect_chain[-1][0]

    return upload


def a_bomb():
    packed = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(("supplier", "spend", "year"))
    book.save(packed)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.xml", bytes(40_000_000))
    return packed.getvalue()


TEXT = "supplier,spend,currency,year\nAcme,1,GBP,2020\n"
REFUSED_UPLOADS = {
    "a zip bomb": ("book.xlsx", a_bomb, "unpacks to far more than a workbook of its size holds"),
    "a gzip bomb": ("book.csv.gz", lambda: gzip.compress(b"0" * 30_000_000), "unpacks to more than 10 MB"),
    "UTF-16 without its mark": ("book.csv", lambda: TEXT.encode("utf-16-le"), "is a binary file and no text"),
    "a latin-1 header": ("book.csv", lambda: f"Prix,Société\n{TEXT}".encode("latin-1"), "is not a text file in UTF-8"),
    "1,000 columns": ("book.csv", lambda: ",".join(f"c{n}" for n in range(1000)).encode(), "has 1,000 columns"),
    "10 MB in the header": ("book.csv", lambda: b"x" * MEGABYTES_10, "its first line cannot be read"),
    "no Parquet": ("book.parquet", lambda: TEXT.encode(), "Parquet"),
}


@pytest.mark.parametrize("kind", REFUSED_UPLOADS)
def test_a_hostile_upload_is_refused_with_a_sentence_and_not_kept(upload, settings, kind):
    name, content, sentence = REFUSED_UPLOADS[kind]

    page, address = upload(name, content())

    assert sentence in page
    assert address == "/emissions/purchases/"
    assert not list(settings.UPLOADS_DIR.glob("purchases-*"))


HOSTILE_LINES = {
    "10 MB in a cell": b"x" * MEGABYTES_10 + b",1,GBP,2020",
    "1,000 cells": b",".join([b"1"] * 1000),
    "latin-1": "Société,1,GBP,2020".encode("latin-1"),
    "half a character": b"A\xc3,1,GBP,2020",
    "1e308": b"Acme,1e308,GBP,2020",
    "NaN": b"Acme,NaN,GBP,2020",
    "a formula": b'"=HYPERLINK(""http://evil"",""x"")",1,GBP,2020',
    "a script": b"<script>alert(1)</script>,many,GBP,2020",
}


@pytest.mark.parametrize("kind", HOSTILE_LINES)
def test_a_hostile_line_of_an_upload_is_shown_and_refused_alone(upload, client, kind):
    header, good = TEXT.splitlines()
    page, address = upload("book.csv", b"\n".join([header.encode(), HOSTILE_LINES[kind], good.encode(), b""]))
    columns = {"column_0": "supplier", "column_1": "spend", "column_2": "currency", "column_3": "year"}

    client.post(address, columns)

    after = " ".join(client.get("/emissions/purchases/").content.decode().split())
    refused = b"".join(client.get(f"{address}refused/")).decode()
    assert "Acme" in page
    assert "<script>alert" not in page
    assert "1 of 2 purchases went in, 1 was refused." in after
    assert PurchaseRecord.objects.get().supplier_name.name == "Acme"
    assert len(refused) < 1_000
    assert not [cell for row in csv.reader(io.StringIO(refused)) for cell in row if cell.startswith(STARTS)]
