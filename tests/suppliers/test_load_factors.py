import csv
import gzip
import hashlib
import io
import warnings
import zipfile
from collections import Counter

import openpyxl
import pytest
import xlsxwriter
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, models
from django.urls import reverse

from core.errors import WorkbenchError
from suppliers.models import Factor, FactorSet
from suppliers.services import load_factors as service
from suppliers.services.factors.publication import Statement
from suppliers.services.load_factors import load_factors

pytestmark = pytest.mark.django_db

EPA = "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv"
DESNZ = "ghg-conversion-factors-2024-FlatFormat_v1_1.xlsx"
WHOLE = "was not loaded, for a set goes in whole or not at all: "
EPA_HEADER = (
    "2017 NAICS Code,2017 NAICS Title,GHG,Unit,Supply Chain Emission Factors without Margins,"
    "Margins of Supply Chain Emission Factors,Supply Chain Emission Factors with Margins,Reference USEEIO Code"
)
EPA_ROW = '111110,Soybean Farming,All GHGs,"kg CO2e/2022 USD, purchaser price",0.488,0.044,0.532,1111A0'
OURS = Statement(publisher="Ours", version="1")
OWN_HEADER = "code,title,region,unit,value"
OPTIONAL = "uncertainty,score,reliability,completeness,temporal,geographical,technological"


def refusal(call, *arguments, **options):
    with pytest.raises(WorkbenchError) as refused:
        call(*arguments, **options)
    assert not FactorSet.objects.filter(publisher="Ours").exists()
    return str(refused.value)


def a_csv(folder, *lines, name="factors.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load_own(path, **stated):
    return load_factors(source="csv", path=path, stated=Statement(**vars(OURS) | stated))


def content(model):
    return list(model.objects.order_by("pk").values())


# Files as they were published


@pytest.fixture
def epa_rows(emissions_data):
    with (emissions_data / EPA).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))[1:]


def test_every_factor_of_the_epa_goes_in_as_it_is_published(emissions_data, epa_rows):
    report = load_factors(source="epa", path=emissions_data / EPA)

    fields = ("code", "title", "without_margins", "margins", "value", "sector", "region", "unit", "source_row")
    stored = list(Factor.objects.filter(factor_set=report.published).order_by("source_row").values_list(*fields))
    assert (report.added, len(stored)) == (1_016, 1_016)
    for row, (code, title, *_, without, margins, value, sectors) in enumerate(epa_rows):
        several = len(sectors) > Factor._meta.get_field("sector").max_length
        expected = (f"{title} (USEEIO {sectors})", "") if several else (title, sectors)
        numbers = (float(without), float(margins), float(value))
        assert stored[row] == (code, expected[0], *numbers, expected[1], "US", "USD", row + 2)


def test_published_sums_that_do_not_add_up_are_not_corrected(emissions_data, epa_rows):
    load_factors(source="epa", path=emissions_data / EPA)

    beans = Factor.objects.get(code="111130")
    assert (beans.without_margins, beans.margins, beans.value) == (0.809, 0.04, 0.848)
    numbers = Factor.objects.values_list("code", "without_margins", "margins", "value")
    crooked = {code for code, without, margins, value in numbers if round(without + margins, 3) != value}
    assert len(crooked) == 110
    assert crooked == {row[0] for row in epa_rows if round(float(row[4]) + float(row[5]), 3) != float(row[6])}


def test_a_set_says_where_it_came_from(emissions_data):
    path = emissions_data / EPA

    load_factors(source="epa", path=path)

    loaded = FactorSet.objects.get()
    assert (str(loaded), loaded.base_year, loaded.currency) == ("US EPA v1.3.0", 2022, "USD")
    assert (loaded.price_basis, loaded.gwp_basis) == ("purchaser price", "")
    assert (loaded.file_name, loaded.file_hash) == (EPA, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(scope="module")
def desnz_rows(emissions_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl does not know every extension of Excel
        book = openpyxl.load_workbook(emissions_data / DESNZ, read_only=True, data_only=True)
        return list(book["Factors by Category"].iter_rows(min_row=7, max_col=10, values_only=True))


def test_every_total_of_the_uk_government_goes_in_and_nothing_else(emissions_data, desnz_rows):
    report = load_factors(source="desnz", path=emissions_data / DESNZ)

    published = {row[0]: row[9] for row in desnz_rows if row[8] == "kg CO2e" and row[9] is not None}
    stored = dict(Factor.objects.values_list("code", "value"))
    assert len(desnz_rows) == 8_742
    assert (report.added, len(stored)) == (2_616, 2_616)
    assert stored == published
    assert report.left_out == {
        "kWh (Net CV)": 438,
        "kWh (net)": 76,
        "kg CO2e of CH4 per unit": 1_581,
        "kg CO2e of CO2 per unit": 1_639,
        "kg CO2e of N2O per unit": 1_581,
        "no factor": 2,
        "no value published": 809,
    }
    assert report.added + sum(report.left_out.values()) == 8_742
    assert str(FactorSet.objects.get()) == "UK DESNZ 2024 v1.1"


def test_units_of_the_uk_government_are_spelled_so_that_quantities_convert(emissions_data, desnz_rows):
    report = load_factors(source="desnz", path=emissions_data / DESNZ)

    factor = Factor.objects.get(code="19_500_5000_15_1")
    assert (factor.title, factor.unit, factor.region, factor.value) == (
        "Scope 3: Material use > Construction > Aggregates > Primary material production [tonnes]",
        "tonne", "GB", 7.75127,
    )  # fmt: skip
    published = Counter(row[7] for row in desnz_rows if row[8] == "kg CO2e" and row[9] is not None)
    stored = Counter(Factor.objects.values_list("unit", flat=True))
    assert stored["kWh"] == published["kWh"] + published["kWh (Net CV)"] + published["kWh (Gross CV)"]
    assert (stored["tonne"], stored["mile"]) == (published["tonnes"], published["miles"])
    assert report.unusable == {"tonne.km": 266, "passenger.km": 82, "Room per night": 39, "per FTE Working Hour": 3}
    for title in Factor.objects.filter(unit="kWh").values_list("title", flat=True):
        assert title.endswith(("[kWh]", "[kWh (Net CV)]", "[kWh (Gross CV)]"))


# Twice, changed, all or nothing


@pytest.mark.parametrize(("source", "name"), [("epa", EPA), ("desnz", DESNZ)])
def test_the_same_file_again_adds_nothing_and_says_so(emissions_data, source, name):
    load_factors(source=source, path=emissions_data / name)
    once = content(FactorSet), content(Factor)

    report = load_factors(source=source, path=emissions_data / name)

    assert (report.added, report.published) == (0, FactorSet.objects.get())
    assert (content(FactorSet), content(Factor)) == once


def test_a_changed_file_under_the_same_version_is_refused(emissions_data, tmp_path):
    load_factors(source="epa", path=emissions_data / EPA)
    once = content(Factor)
    changed = tmp_path / EPA
    changed.write_text((emissions_data / EPA).read_text().replace("0.532", "0.432"))

    sentence = refusal(load_factors, source="epa", path=changed)

    assert sentence.startswith(f"{EPA} was not loaded: US EPA v1.3.0 came from another file, {EPA}, on 20")
    assert sentence.endswith("a published set never changes. Load this one under another version.")
    assert content(Factor) == once


def test_the_same_file_with_other_words_about_it_is_refused(tmp_path):
    path = a_csv(tmp_path, OWN_HEADER, "a,,,EUR,1")
    load_own(path, currency="EUR", base_year=2020)

    with pytest.raises(WorkbenchError, match="was loaded as Ours 1 with another base year, and a published set never"):
        load_own(path, currency="EUR", base_year=2021)

    assert FactorSet.objects.get().base_year == 2020


def test_another_version_is_another_set(tmp_path):
    path = a_csv(tmp_path, OWN_HEADER, "a,,,kg,1")

    load_own(path)
    load_own(path, version="2")

    assert FactorSet.objects.count() == Factor.objects.count() == 2


def test_a_failure_of_the_database_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise DatabaseError("disk full")

    monkeypatch.setattr(models.QuerySet, "bulk_create", fail)

    assert "disk full" in refusal(load_own, a_csv(tmp_path, OWN_HEADER, "a,,,kg,1"))


def test_of_two_who_load_at_the_same_time_one_is_told(tmp_path, monkeypatch):
    path = a_csv(tmp_path, OWN_HEADER, "a,,,kg,1")
    load_own(path)
    monkeypatch.setattr(service, "find_published", lambda *arguments, **options: None)

    with pytest.raises(WorkbenchError, match="somebody else is loading Ours 1, or the database"):
        load_own(path)

    assert Factor.objects.count() == 1


# Rows that are no factors


BAD_ROWS = [
    (",t,GLO,kg,1", "column code: '' is empty"),
    (f"{'x' * 65},t,GLO,kg,1", f"column code: '{'x' * 40}' has more than 64 characters"),
    ("a,t,Germany,kg,1", "column region: 'Germany' is not a country code like DE, or GLO"),
    ("a,t,GLO,,1", "column unit: '' is empty"),
    ("a,t,GLO,kg,", "column value: '' is empty"),
    ("a,t,GLO,kg,much", "column value: 'much' is not a number"),
    ("a,t,GLO,kg,NaN", "column value: 'NaN' is not a number"),
    ("a,t,GLO,kg,inf", "column value: 'inf' is not a number"),
    ("a,t,GLO,kg,1e308", "column value: '1e308' is more than 1,000,000,000,000"),
    ("a,t,GLO,kg,-0.1", "column value: '-0.1' is negative"),
    ("a,t,GLO,kg,=1+1", "column value: '=1+1' is not a number"),
    ("good,t,glo,kg,2", "column code, region, unit: 'good, GLO, kg' stands on row 2 already"),
    ("a,t,GLO,kg", "The row and the header differ in their number of cells: 4 and 5"),
    ('a,t,GLO,kg,"1', "The row cannot be read"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_refuses_the_whole_file(tmp_path, row, reason):
    path = a_csv(tmp_path, OWN_HEADER, "good,t,GLO,kg,1", row)

    assert refusal(load_own, path).startswith(f"factors.csv {WHOLE}row 3{': ' if reason[0] == 'T' else ', '}{reason}")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("uncertainty", "1.5", "is more than 1"),
        ("score", "101", "is more than 100"),
        ("reliability", "6", "is more than 5"),
        ("technological", "0", "is less than 1"),
        ("temporal", "2.5", "is not a whole number"),
    ],
)
def test_a_bad_note_on_quality_refuses_the_whole_file(tmp_path, column, value, reason):
    path = a_csv(tmp_path, f"{OWN_HEADER},{column}", f"a,t,GLO,kg,1,{value}")

    assert refusal(load_own, path).endswith(f"row 2, column {column}: '{value}' {reason}.")


def test_the_first_bad_cells_are_shown_and_the_others_counted(tmp_path):
    path = a_csv(tmp_path, OWN_HEADER, *[f"{number},t,GLO,kg,x" for number in range(9)])

    sentence = refusal(load_own, path)

    assert [f"row {row}, column value" in sentence for row in range(2, 7)] == [True, True, True, False, False]
    assert sentence.endswith("; and 6 more.")


def test_text_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "factors.csv"
    path.write_bytes(f"{OWN_HEADER}\na,Stahl für Träger,GLO,kg,1\n".encode("latin-1"))

    assert "row 2, column title" in (sentence := refusal(load_own, path))
    assert sentence.endswith("is not UTF-8 text; save the file as CSV (UTF-8).")


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            ["code,title,region,unit"],
            "missing columns 'value'. Its columns have to be code, title, region, unit, value,",
        ),
        ([OWN_HEADER + ",colour"], "unknown columns 'colour'"),
        ([OWN_HEADER + ",code"], "repeated columns 'code'"),
        ([OWN_HEADER], "it has no rows"),
    ],
)
def test_wrong_columns_and_no_rows_are_refused(tmp_path, lines, complaint):
    assert complaint in refusal(load_own, a_csv(tmp_path, *lines))


def bomb(folder):
    path = folder / "factors.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(40):
            stream.write(b"0" * 1024 * 1024)
    return path


HOSTILE_CSV = {
    "missing": (lambda folder: folder / "factors.csv", "cannot be opened: No such file or directory."),
    "folder": (lambda folder: folder, "cannot be opened: Is a directory."),
    "empty": (lambda folder: a_csv(folder, ""), "is empty. It needs a first line with the column names."),
    "binary": (lambda folder: a_csv(folder, "a\0b"), "is a binary file and no text."),
    "workbook": (lambda folder: a_csv(folder, "PK\x03\x04"), "is an Excel or zip file with the name of a CSV file."),
    "bomb": (bomb, "unpacks to more than 10 MB, too much for its size."),
}


@pytest.mark.parametrize("kind", HOSTILE_CSV)
def test_what_is_no_csv_file_is_refused_with_a_sentence(tmp_path, kind):
    make, sentence = HOSTILE_CSV[kind]

    assert sentence in refusal(load_own, make(tmp_path))


def test_a_packed_file_is_as_good_as_a_plain_one(tmp_path):
    path = tmp_path / "factors.csv.gz"
    path.write_bytes(gzip.compress(f"{OWN_HEADER}\na,,,kg,1\n".encode()))

    assert load_own(path).added == 1


def test_our_own_format_keeps_all_that_is_said(tmp_path):
    header = f"{OWN_HEADER},without_margins,margins,sector,{OPTIONAL}"
    load_own(a_csv(tmp_path, header, "Ä-1,Stahl,de,kg,1.5,1.25,0.25,S1,0.2,80,1,2,3,4,5", f"b,,,each,0{',' * 10}"))

    steel, other = Factor.objects.order_by("source_row")
    assert (steel.code, steel.title, steel.region, steel.unit, steel.value) == ("Ä-1", "Stahl", "DE", "kg", 1.5)
    assert (steel.without_margins, steel.margins, steel.sector) == (1.25, 0.25, "S1")
    assert [getattr(steel, name) for name in OPTIONAL.split(",")] == [0.2, 80, 1, 2, 3, 4, 5]
    assert (other.title, other.region, other.value, other.margins, other.score) == ("", "GLO", 0, None, None)


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({"publisher": ""}, "Give --publisher and --version."),
        ({"currency": "USD"}, "need both --currency and --base-year"),
        ({"base_year": 2022}, "need both --currency and --base-year"),
        ({"currency": "Euro", "base_year": 2022}, "'Euro' is not a currency code like USD."),
        ({"currency": "EUR", "base_year": 22}, "22 is not a year from 1900 to 2199."),
        ({"price_basis": "x" * 41}, "The price basis has more than 40 characters."),
    ],
)
def test_what_is_said_about_a_set_has_to_make_sense(tmp_path, stated, sentence):
    path = a_csv(tmp_path, OWN_HEADER, "a,,,kg,1")

    with pytest.raises(WorkbenchError, match=sentence):
        load_own(path, **stated)


# Files that call themselves the EPA's


@pytest.mark.parametrize(
    ("name", "row", "sentence"),
    [
        ("factors.csv", EPA_ROW, "factors.csv does not say its version, as _v1.3.0_ does. Give it with --version."),
        ("a_v1.3.0_NAICS_USD2021.csv", EPA_ROW, "The base year is given as 2022, but the file says 2021."),
        (EPA, EPA_ROW.replace("All GHGs", "Methane"), "column GHG: 'Methane' is not one of All GHGs"),
        (EPA, EPA_ROW.replace("111110", "1111"), "'1111' is not a NAICS code of six digits"),
        (EPA, EPA_ROW.replace("kg", "lb"), "is not like kg CO2e/2022 USD, purchaser price"),
        (EPA, EPA_ROW.replace("2022", "2021") + "\n" + EPA_ROW.replace("111110", "111120"), "rows in different units"),
        (EPA, EPA_ROW + "\n" + EPA_ROW, "column 2017 NAICS Code: '111110' stands on row 2 already"),
    ],
)
def test_a_file_that_is_not_what_the_epa_publishes_is_refused(tmp_path, name, row, sentence):
    assert sentence in refusal(load_factors, source="epa", path=a_csv(tmp_path, EPA_HEADER, row, name=name))
    assert not FactorSet.objects.exists()


def test_a_version_that_is_stated_stands_in_for_one_in_the_name(tmp_path):
    path = a_csv(tmp_path, EPA_HEADER, EPA_ROW)

    load_factors(source="epa", path=path, stated=Statement(version="v1.3.0", gwp_basis="AR4"))

    assert (FactorSet.objects.get().version, FactorSet.objects.get().gwp_basis) == ("v1.3.0", "AR4")


# Workbooks that call themselves the UK government's

DESNZ_HEADER = (
    "ID", "Scope", "Level 1", "Level 2", "Level 3", "Level 4", "Column Text", "UOM", "GHG/Unit",
    "GHG Conversion Factor 2024",
)  # fmt: skip
DESNZ_ROW = ("1_2_3", "Scope 3", "Material use", "Metal", "Steel", "", "Primary", "tonnes", "kg CO2e", 2.5)


def a_workbook(folder, *rows, front=("Version:", 1.1, "Year:", 2024), header=DESNZ_HEADER, name="factors.xlsx"):
    path = folder / name
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Front page").write_row(3, 1, front)
        sheet = book.add_worksheet("Factors by Category")
        sheet.write_row(5, 0, header)
        for number, row in enumerate(rows, start=6):
            sheet.write_row(number, 0, row)
    return path


def test_a_small_workbook_of_the_same_form_goes_in(tmp_path):
    report = load_factors(source="desnz", path=a_workbook(tmp_path, DESNZ_ROW))

    assert (report.added, str(report.published), Factor.objects.get().source_row) == (1, "UK DESNZ 2024 v1.1", 7)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({9: "n/a"}, "row 8, column GHG Conversion Factor 2024: 'n/a' is not a number"),
        ({9: "NaN"}, "'NaN' is not a number"),
        ({9: 1e308}, "is more than 1,000,000,000,000"),
        ({9: -1}, "'-1' is negative"),
        ({0: ""}, "row 8, column ID: '' is empty"),
        ({0: "=HYPERLINK()"}, "column ID: '0' is not an ID like 1_100_1000_15_1"),
        ({0: "1_2_3"}, "row 8, column ID: '1_2_3' stands on row 7 already"),
        ({7: ""}, "row 8, column UOM: '' is empty"),
    ],
)
def test_a_bad_cell_refuses_the_whole_workbook(tmp_path, change, sentence):
    row = [change.get(column, "1_2_4" if column == 0 else cell) for column, cell in enumerate(DESNZ_ROW)]

    said = refusal(load_factors, source="desnz", path=a_workbook(tmp_path, DESNZ_ROW, row))

    assert said.startswith(f"factors.xlsx {WHOLE}")
    assert sentence in said
    assert not FactorSet.objects.exists()


def repack(path, change=lambda part, content: content, more=()):
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in {**parts, **dict(more)}.items():
            archive.writestr(part, change(part, text))
    return path


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(b'" t="e"><v>#N/A</v>', "#N/A"), (b'"><f>1/0</f>', "a formula without a result")],
)
def test_a_cell_that_shows_no_number_is_not_taken_for_an_empty_one(tmp_path, cell, shown):
    path = a_workbook(tmp_path, (*DESNZ_ROW[:9], 123.25))
    repack(path, lambda part, text: text.replace(b'"><v>123.25</v>', cell))

    assert f"'{shown}' is not a number" in refusal(load_factors, source="desnz", path=path)


HOSTILE_WORKBOOKS = {
    "csv": (lambda folder: a_csv(folder, OWN_HEADER, name="a.xlsx"), "is not an Excel workbook, though its name says"),
    "ending": (lambda folder: a_csv(folder, OWN_HEADER), "is not an XLSX file."),
    "macro": (lambda folder: repack(a_workbook(folder), more={"xl/vbaProject.bin": b"x"}), "holds macros."),
    "bomb": (
        lambda folder: repack(a_workbook(folder), more={"xl/media/image1.png": bytes(40 * 1024 * 1024)}),
        "unpacks to far more than a workbook of its size holds.",
    ),
    "damaged": (
        lambda folder: repack(a_workbook(folder), lambda part, text: text[:200] if "sheet2" in part else text),
        "is damaged. Open it in a spreadsheet program and save it again.",
    ),
    "sheet": (
        lambda folder: repack(a_workbook(folder), lambda part, text: text.replace(b"Factors by", b"Factors of")),
        "has no sheet 'Factors by Category'. Load the workbook as it was published.",
    ),
    "column": (
        lambda folder: a_workbook(folder, header=DESNZ_HEADER[:9]),
        "missing columns 'GHG Conversion Factor 2024'",
    ),
    "year": (
        lambda folder: a_workbook(folder, front=("Version:", 1.1, "Year:", 2025)),
        "missing columns 'GHG Conversion Factor 2025'",
    ),
    "front": (lambda folder: a_workbook(folder, front=("Hello",)), "does not say a version and a year."),
    "nothing": (lambda folder: a_workbook(folder), "has no row with a total in kg CO2e."),
}


@pytest.mark.parametrize("kind", HOSTILE_WORKBOOKS)
def test_what_is_no_such_workbook_is_refused_with_a_sentence(tmp_path, kind):
    make, sentence = HOSTILE_WORKBOOKS[kind]

    assert sentence in refusal(load_factors, source="desnz", path=make(tmp_path))


# The command and the lists


@pytest.fixture
def run(capsys):
    def run(*arguments):
        call_command("load_factors", *map(str, arguments))
        return capsys.readouterr().out

    return run


def test_the_command_says_what_it_loaded_and_what_not(run, emissions_data):
    first, second = (run("desnz", emissions_data / DESNZ) for _ in range(2))

    assert "2,616 factors loaded as UK DESNZ 2024 v1.1." in first
    assert "no value published 809" in first
    assert "a unit that no quantity converts to: tonne.km 266" in first
    assert second == "This file was loaded as UK DESNZ 2024 v1.1 before; nothing was added.\n"


def test_the_command_takes_what_a_file_of_our_own_does_not_say(run, tmp_path):
    path = a_csv(tmp_path, OWN_HEADER, "111110,,,USD,1")
    options = (
        "--publisher",
        "Me",
        "--version",
        "1 [b]",
        "--base-year",
        2021,
        "--currency",
        "USD",
        "--gwp-basis",
        "AR6",
    )

    assert run("csv", path, *options) == "1 factors loaded as Me 1 [b].\n"
    loaded = FactorSet.objects.get()
    assert (loaded.base_year, loaded.currency, loaded.gwp_basis) == (2021, "USD", "AR6")


def test_the_command_fails_with_the_sentence(tmp_path):
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("load_factors", "epa", str(tmp_path / "none.csv"), stderr=io.StringIO())


@pytest.mark.parametrize("model", ["factorset", "factor", "rateset", "rate", "productfootprint"])
def test_nobody_changes_what_was_published(admin_client, tmp_path, model):
    load_own(a_csv(tmp_path, OWN_HEADER, "a,,,kg,1"))
    pk = Factor.objects.get().pk if model == "factor" else FactorSet.objects.get().pk

    assert admin_client.get(reverse(f"admin:suppliers_{model}_changelist")).status_code == 200
    assert admin_client.post(reverse(f"admin:suppliers_{model}_add"), {"value": 9}).status_code == 403
    for action in ("change", "delete"):
        assert (
            admin_client.post(reverse(f"admin:suppliers_{model}_{action}", args=[pk]), {"value": 9}).status_code == 403
        )
    assert Factor.objects.get().value == 1
