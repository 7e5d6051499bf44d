import copy
import csv
import datetime as dt
import json
import warnings

import openpyxl
import pytest
import xlsxwriter
from django.core.management import call_command
from django.db import DatabaseError, models

from core.errors import WorkbenchError
from core.tabular import RefusalFile
from suppliers.emissions.units import parse_unit
from suppliers.models import ProductFootprint, SupplierName
from suppliers.services.import_footprints import import_footprints
from tests.builders import a_supplier

pytestmark = pytest.mark.django_db

CATALOGUE = "PublicTablesForCarbonCatalogueDataDescriptor_v30Oct2021.xlsx"
CSV, PACT = ProductFootprint.Source.CSV, ProductFootprint.Source.PACT
SHARES = ("Upstream", "Operations", "Downstream")
CARBON_CATALOGUE = ProductFootprint.Source.CARBON_CATALOGUE

# As in the examples of the specifications: ethanol, 1.63 kg CO2e a litre.
PACT_2 = {
    "id": "91715e5e-fd0b-4d1c-8fab-76290c46e6ed",
    "specVersion": "2.0.0",
    "precedingPfIds": ["d6985fe5-e569-5695-d47d-526dad7525d5"],
    "version": 1,
    "created": "2022-03-01T09:32:20Z",
    "status": "Active",
    "validityPeriodStart": "2022-03-01T09:32:20Z",
    "validityPeriodEnd": "2024-12-31T00:00:00Z",
    "companyName": "My Corp",
    "companyIds": ["urn:epc:id:sgln:562958.00000.4"],
    "productDescription": "Bio-Ethanol 98%, corn feedstock (bulk - no packaging)",
    "productIds": ["urn:gtin:5695872369587"],
    "productNameCompany": "Green Ethanol",
    "comment": "",
    "pcf": {
        "declaredUnit": "liter",
        "unitaryProductAmount": "12",
        "pCfExcludingBiogenic": "1.63",
        "pCfIncludingBiogenic": "1.85",
        "fossilGhgEmissions": "1.5",
        "characterizationFactors": "AR6",
        "referencePeriodStart": "2021-01-01T00:00:00Z",
        "referencePeriodEnd": "2022-01-01T00:00:00Z",
        "geographyRegionOrSubregion": "Western Europe",
        "packagingEmissionsIncluded": False,
        "primaryDataShare": 12.9,
        "dqi": {"coveragePercent": 78, "technologicalDQR": "1.6", "reliabilityDQR": "2.1"},
    },
}
PACT_3 = {
    "id": "d5cba999-6a4b-4cbe-9e0a-6d8f27d1d191",
    "specVersion": "3.0.0",
    "created": "2025-04-30T00:00:00+00:00",
    "status": "Active",
    "companyName": "My Corp",
    "companyIds": ["urn:company:example:company4"],
    "productDescription": "Bio-Ethanol in bottles of 12 litres",
    "productIds": ["urn:gtin:4712345060507", "urn:pact:my.corp:supplier-id:E%2F12", "urn:pact:your.corp:buyer-id:X-9"],
    "productNameCompany": "Bottled Ethanol",
    "pcf": {
        "declaredUnitOfMeasurement": "liter",
        "declaredUnitAmount": "12",
        "productMassPerDeclaredUnit": "9.468",
        "referencePeriodStart": "2024-01-01T00:00:00+00:00",
        "referencePeriodEnd": "2025-01-01T00:00:00+00:00",
        "geographyCountry": "DE",
        "pcfExcludingBiogenicUptake": "18",
        "pcfIncludingBiogenicUptake": "-3",
        "fossilGhgEmissions": "17",
        "ipccCharacterizationFactors": ["AR6"],
        "primaryDataShare": "80.2",
        "dqi": {"technologicalDQR": "1", "geographicalDQR": "2.2", "temporalDQR": "4"},
    },
}


@pytest.fixture
def load(tmp_path):
    """Import files; answer the report and the lines of the error file."""

    def load(source, *paths):
        errors = tmp_path / "errors.csv"
        with RefusalFile(errors) as refusals:
            report = import_footprints(source=source, paths=paths, refusals=refusals)
        with errors.open(newline="") if refusals.count else open("/dev/null") as stream:
            lines = [(int(row["line"]), row["column"], row["value"], row["reason"]) for row in csv.DictReader(stream)]
        return report, lines

    return load


@pytest.fixture
def load_json(load, tmp_path):
    def load_json(*contents):
        paths = [tmp_path / f"{number}.json" for number in range(len(contents))]
        for path, found in zip(paths, contents, strict=True):
            path.write_text(json.dumps(found))
        return load(PACT, *paths)

    return load_json


def changed(footprint, *, pcf=None, **fields):
    """A copy with other fields; None leaves one out."""
    result = copy.deepcopy(footprint)
    for target, changes in ((result, fields), (result["pcf"], pcf or {})):
        target.update(changes)
        for name in [name for name, value in changes.items() if value is None]:
            del target[name]
    return result


def content():
    return list(ProductFootprint.objects.order_by("pk").values())


def counts(report):
    file = report.files[0]
    return file.added, file.replaced, file.unchanged, file.older, file.refused


# The Carbon Catalogue


@pytest.fixture(scope="module")
def catalogue_rows(emissions_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl does not know every extension of Excel
        book = openpyxl.load_workbook(emissions_data / CATALOGUE, read_only=True, data_only=True)
        header, *rows = book["Product Level Data"].iter_rows(max_col=25, values_only=True)
        return [dict(zip(header, row, strict=True)) for row in rows]


def test_every_footprint_of_the_carbon_catalogue_goes_in(load, emissions_data, catalogue_rows):
    report, refusals = load(CARBON_CATALOGUE, emissions_data / CATALOGUE)

    assert (counts(report), refusals) == ((866, 0, 0, 0, 0), [])
    assert SupplierName.objects.count() == 145
    stored = {
        footprint.external_id: footprint for footprint in ProductFootprint.objects.select_related("supplier_name")
    }
    for row in catalogue_rows:
        footprint, year = stored[row["*PCF-ID"]], row["Year of reporting"]
        assert footprint.supplier_name.name == row["Company"].strip()
        assert (footprint.weight_kg, footprint.declared_unit) == (row["Product weight (kg)"], "each")
        assert footprint.details["published_pcf"] == row["Product's carbon footprint (PCF, kg CO2e)"]
        assert (footprint.period_start, footprint.period_end) == (dt.date(year, 1, 1), dt.date(year, 12, 31))
        assert (footprint.valid_from, footprint.valid_until) == (dt.date(year + 1, 1, 1), dt.date(year + 3, 12, 31))
        name = row["Product name (and functional unit)"].strip()
        assert footprint.product_name == name if len(name) <= 255 else footprint.details["product_name"] == name


def test_of_the_carbon_catalogue_only_what_comes_before_the_gate_counts(load, emissions_data, catalogue_rows):
    load(CARBON_CATALOGUE, emissions_data / CATALOGUE)

    stored = {footprint.external_id: footprint for footprint in ProductFootprint.objects.all()}
    split = 0
    for row in catalogue_rows:
        footprint, published = stored[row["*PCF-ID"]], row["Product's carbon footprint (PCF, kg CO2e)"]
        upstream, operations, downstream = (row[f"*{share} CO2e (fraction of total PCF)"] for share in SHARES)
        if isinstance(upstream, str):
            assert (footprint.pcf, footprint.details["boundary"]) == (published, "not stated")
        else:
            split += 1
            assert footprint.pcf == pytest.approx(published * (upstream + operations))
            assert footprint.pcf == pytest.approx(published * (1 - downstream), abs=5e-4 * published)
            assert footprint.details["boundary"] == "cradle to gate"
    assert (split, len(stored) - split) == (421, 445)
    motor = stored["20527-1-2014"]
    assert (motor.details["published_pcf"], motor.pcf) == (87_589.36467, pytest.approx(17.517873))


def test_the_carbon_catalogue_twice_changes_nothing(load, emissions_data):
    load(CARBON_CATALOGUE, emissions_data / CATALOGUE)
    once = content()

    report, refusals = load(CARBON_CATALOGUE, emissions_data / CATALOGUE)

    assert (counts(report), refusals) == ((0, 0, 866, 0, 0), [])
    assert content() == once


CATALOGUE_HEADER = (
    "*PCF-ID", "Year of reporting", "Product name (and functional unit)", "Product detail", "Company",
    "Country (where company is incorporated)", "*Company's sector", "Product weight (kg)", "*Source for product weight",
    "Product's carbon footprint (PCF, kg CO2e)", "Protocol used for PCF", "*Upstream CO2e (fraction of total PCF)",
    "*Operations CO2e (fraction of total PCF)", "*Downstream CO2e (fraction of total PCF)",
)  # fmt: skip
CATALOGUE_ROW = ("1-2-2014", 2014, "Chair", "", "KNOLL INC", "USA", "", 20.5, "", 72.5, "ISO", 0.5, 0.25, 0.25)


def a_catalogue(folder, *rows):
    path = folder / "catalogue.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Product Level Data")
        for number, row in enumerate((CATALOGUE_HEADER, *rows)):
            sheet.write_row(number, 0, row)
    return path


@pytest.mark.parametrize(
    ("column", "value", "refused"),
    [
        (0, "", ("*PCF-ID", "", "is empty")),
        (0, "7", ("*PCF-ID", "7", "is not a PCF-ID like 10056-1-2014")),
        (1, "last", ("Year of reporting", "last", "is not a number")),
        (4, "", ("Company", "", "is empty")),
        (7, 0, ("Product weight (kg)", "0", "is not above 0")),
        (9, "=1+1", ("Product's carbon footprint (PCF, kg CO2e)", "0", "is not above 0")),
        (9, "N/a", ("Product's carbon footprint (PCF, kg CO2e)", "N/a", "is not a number")),
    ],
)
def test_a_bad_row_of_the_catalogue_is_refused_alone(load, tmp_path, column, value, refused):
    bad = [value if place == column else cell for place, cell in enumerate(("1-3-2014", *CATALOGUE_ROW[1:]))]

    report, refusals = load(CARBON_CATALOGUE, a_catalogue(tmp_path, bad, CATALOGUE_ROW))

    assert refusals == [(2, *refused)]
    assert counts(report) == (1, 0, 0, 0, 1)
    assert ProductFootprint.objects.get().pcf == 72.5 * 0.75


# PACT


def test_version_2_of_pact_is_for_one_declared_unit(load_json):
    report, refusals = load_json({"data": [PACT_2]})

    footprint = ProductFootprint.objects.select_related("supplier_name").get()
    assert (counts(report), refusals) == ((1, 0, 0, 0, 0), [])
    assert (footprint.external_id, footprint.version, footprint.source) == (PACT_2["id"], 1, "pact")
    assert (footprint.supplier_name.name, footprint.supplier_name.key) == ("My Corp", "my")
    assert (footprint.product_name, footprint.product_code) == ("Green Ethanol", "5695872369587")
    assert (footprint.pcf, footprint.declared_unit, footprint.weight_kg) == (1.63, "liter", None)
    assert (footprint.period_start, footprint.period_end) == (dt.date(2021, 1, 1), dt.date(2021, 12, 31))
    assert (footprint.valid_from, footprint.valid_until) == (dt.date(2022, 3, 1), dt.date(2024, 12, 30))
    assert (footprint.status, footprint.geography, footprint.primary_data_share) == ("active", "Western Europe", 12.9)
    assert footprint.score is None
    assert footprint.details["dqi"] == PACT_2["pcf"]["dqi"]
    assert footprint.details["characterizationFactors"] == "AR6"
    assert footprint.details["precedingPfIds"] == PACT_2["precedingPfIds"]


def test_version_3_of_pact_is_for_the_declared_amount(load_json):
    load_json(PACT_3)

    footprint = ProductFootprint.objects.get()
    assert (footprint.pcf, footprint.declared_unit, footprint.version) == (1.5, "liter", 1)
    assert (footprint.product_code, footprint.geography, footprint.primary_data_share) == ("X-9", "DE", 80.2)
    assert (footprint.period_end, footprint.valid_from) == (dt.date(2024, 12, 31), dt.date(2025, 1, 1))
    assert footprint.valid_until == dt.date(2027, 12, 31)
    assert footprint.details["pcfIncludingBiogenicUptake"] == "-3"


def test_a_piece_has_the_weight_of_one_piece(load_json):
    pieces = {"declaredUnitOfMeasurement": "piece", "declaredUnitAmount": "4", "productMassPerDeclaredUnit": "10"}
    two = {"declaredUnit": "piece", "unitaryProductAmount": "4", "productMassPerDeclaredUnit": "2.5"}

    load_json([changed(PACT_3, pcf=pieces), changed(PACT_2, pcf=two)])

    assert list(ProductFootprint.objects.order_by("pcf").values_list("pcf", "weight_kg")) == [(1.63, 2.5), (4.5, 2.5)]


@pytest.mark.parametrize(
    ("unit", "dimension"),
    [
        ("liter", "volume"), ("kilogram", "mass"), ("cubic meter", "volume"), ("kilowatt hour", "energy"),
        ("megajoule", "energy"), ("square meter", "area"), ("piece", "count"),
    ],
)  # fmt: skip
def test_the_units_of_pact_are_units_that_quantities_convert_to(load_json, unit, dimension):
    load_json(changed(PACT_2, pcf={"declaredUnit": unit}))

    assert parse_unit(ProductFootprint.objects.get().declared_unit).dimension == dimension


@pytest.mark.parametrize(
    "wrap",
    [
        lambda footprint: footprint,
        lambda footprint: [footprint],
        lambda footprint: {"data": [footprint]},
        lambda footprint: {"data": footprint},
        lambda footprint: {"type": "fulfilled", "data": {"requestEventId": "1", "pfs": [footprint]}},
    ],
)
def test_a_file_holds_one_a_list_or_the_answer_of_a_host(load_json, wrap):
    assert counts(load_json(wrap(PACT_3))[0]) == (1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("end", "period_end", "valid_from", "valid_until"),
    [
        ("2024-01-01T00:00:00Z", "2023-12-31", "2024-01-01", "2026-12-31"),
        ("2023-12-31T23:59:59Z", "2023-12-31", "2024-01-01", "2026-12-31"),
        ("2024-01-01T01:00:00+02:00", "2023-12-31", "2024-01-01", "2026-12-31"),
        ("2024-03-01T00:00:00.000Z", "2024-02-29", "2024-03-01", "2027-02-28"),
        ("2024-02-29", "2024-02-28", "2024-02-29", "2027-02-27"),
    ],
)
def test_without_a_validity_period_it_is_three_years_from_the_end(load_json, end, period_end, valid_from, valid_until):
    load_json(changed(PACT_3, pcf={"referencePeriodStart": "2023-01-01T00:00:00Z", "referencePeriodEnd": end}))

    found = ProductFootprint.objects.values_list("period_end", "valid_from", "valid_until").get()
    assert [str(day) for day in found] == [period_end, valid_from, valid_until]


BAD_PACT = [
    (PACT_2, {"specVersion": None}, "specVersion", "", "is missing"),
    (PACT_2, {"specVersion": "1.0.1"}, "specVersion", "1.0.1", "is not 2.x or 3.x"),
    (PACT_2, {"version": -1}, "version", "'-1", "is not a whole number from 0 to 2,147,483,647"),
    (PACT_2, {"version": 2**31}, "version", "2147483648", "is not a whole number from 0 to 2,147,483,647"),
    (PACT_2, {"status": "Draft"}, "status", "Draft", "is not Active or Deprecated"),
    (PACT_2, {"companyName": " "}, "companyName", " ", "is not a text"),
    (PACT_2, {"companyName": ["My Corp"]}, "companyName", "['My Corp']", "is not a text"),
    (PACT_2, {"companyName": "x" * 256}, "companyName", "x" * 200, "has more than 255 characters"),
    (PACT_2, {"productNameCompany": None}, "productNameCompany", "", "is missing"),
    (PACT_2, {"pcf": {"declaredUnit": None}}, "pcf.declaredUnit", "", "is missing"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": None}}, "pcf.pCfExcludingBiogenic", "", "is missing"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": "0"}}, "pcf.pCfExcludingBiogenic", "0", "is not above 0"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": "-1.5"}}, "pcf.pCfExcludingBiogenic", "'-1.5", "is not above 0"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": "1,5"}}, "pcf.pCfExcludingBiogenic", "1,5", "is not a number"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": "NaN"}}, "pcf.pCfExcludingBiogenic", "NaN", "is not a number"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": "1_0"}}, "pcf.pCfExcludingBiogenic", "1_0", "is not a number"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": True}}, "pcf.pCfExcludingBiogenic", "True", "is not a number"),
    (PACT_2, {"pcf": {"pCfExcludingBiogenic": [1]}}, "pcf.pCfExcludingBiogenic", "[1]", "is not a number"),
    (
        PACT_2, {"pcf": {"pCfExcludingBiogenic": "1e308"}}, "pcf.pCfExcludingBiogenic", "1e308",
        "is more than 1,000,000,000,000",
    ),
    (PACT_2, {"pcf": {"referencePeriodEnd": None}}, "pcf.referencePeriodEnd", "", "is missing"),
    (
        PACT_2, {"pcf": {"referencePeriodEnd": "soon"}}, "pcf.referencePeriodEnd", "soon",
        "is not a time like 2026-12-31T00:00:00Z",
    ),
    (
        PACT_2, {"pcf": {"referencePeriodEnd": "9999-12-31T23:59:59-23:00"}}, "pcf.referencePeriodEnd",
        "9999-12-31T23:59:59-23:00", "is not from 1900 to 2199",
    ),
    (
        PACT_2, {"pcf": {"referencePeriodEnd": "2021-01-01T00:00:00Z"}}, "pcf.referencePeriodEnd",
        "2021-01-01T00:00:00Z", "is not after the start of the period",
    ),
    (
        PACT_2, {"validityPeriodEnd": "2022-01-02T00:00:00Z"}, "valid_until", "2022-01-01",
        "is before 2022-03-01, the first day on which it may be used",
    ),
    (PACT_2, {"pcf": {"primaryDataShare": 101}}, "pcf.primaryDataShare", "101", "is not from 0 to 100"),
    (PACT_3, {"pcf": {"declaredUnitAmount": None}}, "pcf.declaredUnitAmount", "", "is missing"),
    (PACT_3, {"pcf": {"declaredUnitAmount": "0"}}, "pcf.declaredUnitAmount", "0", "is not above 0"),
    (
        changed(PACT_2, specVersion="3.0.0"), {}, "pcf.declaredUnitOfMeasurement", "", "is missing",
    ),
    (PACT_2, {"productNameCompany": "\ud800"}, "", "", "has characters that are no text"),
    (PACT_2, {"comment": "\0"}, "", "", "has characters that are no text"),
]  # fmt: skip


@pytest.mark.parametrize(("footprint", "changes", "column", "value", "reason"), BAD_PACT)
def test_a_bad_footprint_is_refused_alone_with_its_place_and_id(load_json, footprint, changes, column, value, reason):
    bad = changed(footprint, **changes)
    good = changed(PACT_2, id="good")

    report, refusals = load_json([bad, good])

    assert refusals == [(1, column, value, f"{reason} (footprint {bad['id']})")]
    assert counts(report) == (1, 0, 0, 0, 1)
    assert ProductFootprint.objects.get().external_id == "good"


def test_what_is_no_object_is_refused_among_those_that_are(load_json):
    _, refusals = load_json([7, changed(PACT_2, pcf={}), dict(PACT_2, id="x", pcf="1.5"), {}])

    assert refusals == [
        (1, "", "7", "is not an object"),
        (3, "pcf", "1.5", "is not an object (footprint x)"),
        (4, "specVersion", "", "is missing"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "is not a JSON file in UTF-8 that can be read."),
        (b"id,version\n", "is not a JSON file in UTF-8 that can be read."),
        (b'{"a": NaN}', "is not a JSON file in UTF-8 that can be read."),
        ('{"a": "ü"}'.encode("latin-1"), "is not a JSON file in UTF-8 that can be read."),
        (b"[" * 200_000, "is not a JSON file in UTF-8 that can be read."),
        (b'{"a": ' + b"9" * 5_000 + b"}", "is not a JSON file in UTF-8 that can be read."),
        (b"[]", "holds no footprints: neither one, nor a list, nor a list under 'data'."),
        (b"[1, 2]", "holds no footprints: neither one, nor a list, nor a list under 'data'."),
    ],
    ids=["empty", "csv", "NaN", "latin-1", "deep", "long", "no items", "numbers"],
)
def test_what_is_no_json_of_footprints_is_refused_with_a_sentence(load, tmp_path, text, sentence):
    path = tmp_path / "pact.json"
    path.write_bytes(text)

    report, _ = load(PACT, path)

    assert report.refused_files == [f"pact.json {sentence}"]


def test_what_a_publisher_says_at_length_or_in_depth_is_left_out_of_the_details(load_json):
    deep = {"a": {"b": {"c": 1}}}

    load_json(changed(PACT_2, productDescription="x" * 5_000, pcf={"dqi": deep}))

    assert {"dqi", "productDescription"} & set(ProductFootprint.objects.get().details) == set()


# Versions


def test_doing_it_twice_changes_nothing(load_json):
    load_json([PACT_2, PACT_3])
    once = content()

    report, refusals = load_json([PACT_3, PACT_2])

    assert (counts(report), refusals) == ((0, 0, 2, 0, 0), [])
    assert content() == once


def test_a_higher_version_replaces_the_stored_one_in_its_place(load_json):
    load_json(PACT_2)
    before = ProductFootprint.objects.get()

    report, _ = load_json(changed(PACT_2, version=2, companyName="My New Corp", pcf={"pCfExcludingBiogenic": "1.5"}))

    after = ProductFootprint.objects.select_related("supplier_name").get()
    assert counts(report) == (0, 1, 0, 0, 0)
    assert (after.pk, after.version, after.pcf, after.supplier_name.name) == (before.pk, 2, 1.5, "My New Corp")
    assert after.file_hash != before.file_hash
    assert after.details["pCfExcludingBiogenic"] == "1.5"


def test_a_lower_version_leaves_the_stored_one_alone(load_json):
    load_json(changed(PACT_2, version=2))
    once = content()

    report, refusals = load_json(changed(PACT_2, pcf={"pCfExcludingBiogenic": "9"}))

    assert (counts(report), refusals) == ((0, 0, 0, 1, 0), [])
    assert content() == once


def test_of_several_versions_in_one_file_the_highest_goes_in(load_json):
    report, _ = load_json([changed(PACT_2, version=version) for version in (1, 3, 2)])

    assert counts(report) == (1, 0, 0, 2, 0)
    assert ProductFootprint.objects.get().version == 3


def test_the_second_of_one_id_and_version_is_refused(load_json):
    _, refusals = load_json([PACT_2, changed(PACT_2, pcf={"pCfExcludingBiogenic": "9"})])

    assert refusals == [(2, "id", PACT_2["id"], "stands at 1 already, with the same version")]
    assert ProductFootprint.objects.get().pcf == 1.63


def test_a_change_without_a_higher_version_is_refused(load_json):
    load_json(PACT_2)
    once = content()

    _, refusals = load_json(changed(PACT_2, companyName="Other", pcf={"pCfExcludingBiogenic": "9"}))

    reason = "is stored with this version and another supplier_name, pcf, details; a change needs a higher version"
    assert refusals == [(1, "id", PACT_2["id"], reason)]
    assert content() == once


def test_a_footprint_can_be_withdrawn_and_stays_so(load_json):
    load_json(PACT_3)

    withdrawn, _ = load_json(changed(PACT_3, status="Deprecated"))
    _, refusals = load_json(PACT_3)

    assert counts(withdrawn) == (0, 1, 0, 0, 0)
    assert [reason for *_, reason in refusals] == [
        "is stored with this version and another status; a change needs a higher version"
    ]
    assert ProductFootprint.objects.get().status == "deprecated"


def test_sources_do_not_mind_each_others_ids(load, load_json, tmp_path):
    load_json(PACT_2)

    load(CSV, a_csv(tmp_path, f"{PACT_2['id']},A,p,1,kg,2024-12-31"))

    assert ProductFootprint.objects.count() == 2


# Our own format


HEADER = "id,supplier,product_name,pcf,declared_unit,period_end"


def a_csv(folder, *rows, header=HEADER):
    path = folder / "footprints.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_our_own_format_keeps_all_that_is_said(load, tmp_path):
    a_supplier("V1", name="Stahlwerk")
    header = (
        f"{HEADER},product_code,version,weight_kg,period_start,valid_from,valid_until,status,geography,"
        "primary_data_share,score,uncertainty"
    )
    row = "1,Stahlwerk AG,Träger,2.5,kg,2024-06-30,T-1,3,7.5,2023-07-01,2024-08-01,2025-07-31,Deprecated,DE,60,80,0.1"

    _, refusals = load(CSV, a_csv(tmp_path, row, header=header))

    footprint = ProductFootprint.objects.select_related("supplier_name__supplier").get()
    assert refusals == []
    assert (footprint.supplier_name.name, footprint.supplier_name.supplier.code) == ("Stahlwerk AG", "V1")
    assert (footprint.product_name, footprint.product_code, footprint.version) == ("Träger", "T-1", 3)
    assert (footprint.pcf, footprint.declared_unit, footprint.weight_kg) == (2.5, "kg", 7.5)
    assert (footprint.period_start, footprint.period_end) == (dt.date(2023, 7, 1), dt.date(2024, 6, 30))
    assert (footprint.valid_from, footprint.valid_until) == (dt.date(2024, 8, 1), dt.date(2025, 7, 31))
    assert (footprint.status, footprint.geography) == ("deprecated", "DE")
    assert (footprint.primary_data_share, footprint.score, footprint.uncertainty) == (60, 80, 0.1)


def test_validity_is_three_years_from_the_end_of_the_period(load, tmp_path):
    load(CSV, a_csv(tmp_path, "1,A,p,1,kg,2024-02-28", "2,A,q,1,kg,2023-12-31"))

    assert list(ProductFootprint.objects.order_by("product_name").values_list("valid_from", "valid_until")) == [
        (dt.date(2024, 2, 29), dt.date(2027, 2, 27)),
        (dt.date(2024, 1, 1), dt.date(2026, 12, 31)),
    ]


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        (",A,p,1,kg,2024-12-31", "id", "", "is empty"),
        ("2,,p,1,kg,2024-12-31", "supplier", "", "is empty"),
        ("2,A,p,0,kg,2024-12-31", "pcf", "0", "is not above 0"),
        ("2,A,p,-1,kg,2024-12-31", "pcf", "'-1", "is not above 0"),
        ("2,A,p,=2,kg,2024-12-31", "pcf", "'=2", "is not a number"),
        ("2,A,p,1e308,kg,2024-12-31", "pcf", "1e308", "is more than 1,000,000,000,000"),
        ("2,A,p,x,ton,2024-12-31", "pcf", "x", "is not a number"),
        ("2,A,p,1,ton,2024-12-31", "declared_unit", "ton", "is not a known unit, such as kg, litre, kWh, m2 or each"),
        (f"2,A,p,1,{'k' * 41},2024-12-31", "declared_unit", "k" * 41, "has more than 40 characters"),
        ("2,A,p,1,kg,31.12.2024", "period_end", "31.12.2024", "is not a date like 2026-12-31"),
        ("2,A,p,1,kg,", "period_end", "", "is empty, and so are valid_from and valid_until; one is needed"),
        ("1,A,p,2,kg,2024-12-31", "id", "1", "stands at 2 already, with the same version"),
        ("2,A,p,1,kg", "", "2,A,p,1,kg", "The row and the header differ in their number of cells: 5 and 6"),
    ],
)
def test_a_bad_row_is_refused_alone(load, tmp_path, row, column, value, reason):
    report, refusals = load(CSV, a_csv(tmp_path, "1,A,p,1,kg,2024-12-31", row, "3,A,r,1,kg,2024-12-31"))

    assert refusals == [(3, column, value, reason)]
    assert counts(report) == (2, 0, 0, 0, 1)


PERIODS = "id,supplier,product_name,pcf,declared_unit,period_start,period_end,valid_from,valid_until"


@pytest.mark.parametrize(
    ("days", "column", "reason"),
    [
        ("2024-06-30,2024-06-01,,", "period_end", "is before the start of the period"),
        (",2024-06-30,,2024-06-30", "valid_until", "is before 2024-07-01, the first day on which it may be used"),
        (",,2025-01-01,2024-12-31", "valid_until", "is before 2025-01-01, the first day on which it may be used"),
    ],
)
def test_an_end_before_its_beginning_is_refused(load, tmp_path, days, column, reason):
    _, refusals = load(CSV, a_csv(tmp_path, f"1,A,p,1,kg,{days}", header=PERIODS))

    assert [(found, why) for _, found, _, why in refusals] == [(column, reason)]


def test_what_is_not_stated_of_the_validity_comes_from_the_period_or_the_first_day(load, tmp_path):
    rows = ["1,A,p,1,kg,,2024-06-30,2024-09-01,", "2,A,q,1,kg,,,2024-09-01,", "3,A,r,1,kg,,2024-06-30,,2024-12-31"]

    load(CSV, a_csv(tmp_path, *rows, header=PERIODS))

    found = ProductFootprint.objects.order_by("product_name").values_list("valid_from", "valid_until")
    assert [f"{first} {last}" for first, last in found] == [
        "2024-09-01 2027-06-30", "2024-09-01 2027-08-31", "2024-07-01 2024-12-31",
    ]  # fmt: skip


def test_wrong_columns_refuse_the_file_and_the_others_go_in(load, tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("id,supplier\n")

    report, _ = load(CSV, wrong, tmp_path / "none.csv", a_csv(tmp_path, "1,A,p,1,kg,2024-12-31"))

    assert [file.file for file in report.files] == ["footprints.csv"]
    assert report.refused_files[0].startswith("wrong.csv was not loaded: missing columns 'product_name', 'pcf',")
    assert report.refused_files[1].endswith("none.csv cannot be opened: No such file or directory.")


def test_a_failure_of_the_database_leaves_nothing_of_the_file_behind(load, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise DatabaseError("disk full")

    monkeypatch.setattr(models.QuerySet, "bulk_update", fail)

    with pytest.raises(WorkbenchError, match="disk full"):
        load(CSV, a_csv(tmp_path, "1,A,p,1,kg,2024-12-31"))

    assert not ProductFootprint.objects.exists()


# The command


@pytest.fixture
def run(capsys, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"

    def run(*arguments):
        code = 0
        try:
            call_command("import_footprints", *map(str, arguments))
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr().out

    return run


def test_the_command_says_what_became_of_the_footprints(run, emissions_data):
    code, output = run("carbon-catalogue", emissions_data / CATALOGUE)

    assert code == 0
    assert "866" in output
    assert "Refused" not in output


def test_when_a_footprint_is_refused_the_exit_code_is_3_and_the_error_file_is_named(run, tmp_path):
    code, output = run("csv", a_csv(tmp_path, "1,A,p,1,kg,2024-12-31", "2,A,p,x,kg,2024-12-31"))

    [errors] = (tmp_path / "var" / "import-errors").iterdir()
    assert code == 3
    assert f"Refused: 1. The reasons are in {errors}" in output
    assert errors.read_text().splitlines()[1] == "footprints.csv,3,pcf,x,is not a number"


def test_when_a_file_is_refused_the_exit_code_is_1(run, tmp_path):
    code, output = run("pact", a_csv(tmp_path))

    assert code == 1
    assert "footprints.csv is not a JSON file in UTF-8 that can be read." in output
