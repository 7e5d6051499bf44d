"""A railway's real purchases, from the published file to emissions: 124,059 lines of four years."""

import csv
import gzip
import math
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from django.db.models import Sum

from core.tabular import RefusalFile
from suppliers.models import (
    Category,
    EmissionRun,
    Factor,
    FactorSet,
    PurchaseImport,
    PurchaseRecord,
    Rate,
    RateSet,
    SupplierName,
)
from suppliers.services.calculate_emissions import calculate_emissions
from suppliers.services.find_duplicates import find_duplicates
from suppliers.services.import_purchases import import_purchases
from suppliers.services.load_factors import load_factors
from suppliers.services.load_rates import load_rates
from suppliers.services.map_categories import list_unmapped, load_category_codes
from suppliers.services.merge_names import propose_merges
from suppliers.services.purchases.mapping import parse_mapping
from suppliers.summaries import totals_of
from tests.suppliers.plain_emissions import Total

pytestmark = pytest.mark.django_db

COLUMNS = (
    "Supplier Name=supplier",
    "Item Description=product_name",
    "Category Family=product_category",
    "Invoice GL Date=purchase_date",
)
EPA = "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv"
MAPPING = Path(__file__).resolve().parents[2] / "docs" / "examples" / "railway-categories.csv"
LEDGER = "networkrail_2017-01_2021-04.csv.gz"
YEAR, USD_PER_GBP, INDEX, BASE_INDEX = 2019, 1.277, 255.657, 292.655  # as the files of rates say


def load(folder, errors):
    path = folder / LEDGER
    with RefusalFile(errors) as refusals:
        return import_purchases(path=path, mapping=parse_mapping(COLUMNS, ["currency=GBP"]), refusals=refusals)


@pytest.fixture(scope="module")
def ledger(emissions_data, tmp_path_factory, django_db_setup, django_db_blocker):
    """Imported once for all tests of this file: the report, and the refused lines."""
    errors = tmp_path_factory.mktemp("ledger") / "errors.csv"
    with django_db_blocker.unblock():
        report = load(emissions_data, errors)
        with errors.open(encoding="utf-8") as stream:
            yield report, list(csv.DictReader(stream))
        EmissionRun.objects.all().delete()
        PurchaseRecord.objects.all()._raw_delete("default")
        for model in (PurchaseImport, Category, SupplierName):
            model.objects.all().delete()


@pytest.fixture(scope="module")
def calculated(ledger, emissions_data, tmp_path_factory, django_db_setup, django_db_blocker):
    """The run of a year, and the report on the mapping of categories."""
    with django_db_blocker.unblock():
        load_factors(source="epa", path=emissions_data / EPA)
        for kind, name in ((RateSet.Kind.CURRENCY, "currency_rates"), (RateSet.Kind.PRICE_INDEX, "price_index")):
            load_rates(kind=kind, path=emissions_data / f"{name}.csv")
        with RefusalFile(tmp_path_factory.mktemp("mapping") / "refused.csv") as refusals:
            mapping = load_category_codes(path=MAPPING, refusals=refusals)
        run = calculate_emissions(year=YEAR)
        yield run, mapping
        run.delete()
        Factor.objects.all()._raw_delete("default")
        Rate.objects.all()._raw_delete("default")
        for model in (FactorSet, RateSet):
            model.objects.all().delete()


@pytest.fixture(scope="module")
def year_lines(emissions_data):
    """The year's lines straight from the published file; none of them is a total, for totals have no date."""
    with gzip.open(emissions_data / LEDGER, "rt", encoding="utf-8-sig", newline="") as stream:
        return [line for line in csv.DictReader(stream) if line["Invoice GL Date"].startswith(str(YEAR))]


@pytest.fixture(scope="module")
def plain(year_lines, emissions_data):
    """The year's spend by family in pounds, and each family's factor."""
    with (emissions_data / EPA).open(encoding="utf-8-sig", newline="") as stream:
        factors = {
            row["2017 NAICS Code"]: float(row["Supply Chain Emission Factors with Margins"])
            for row in csv.DictReader(stream)
        }
    with MAPPING.open(encoding="utf-8", newline="") as stream:
        sectors = {row["category"]: row["sector_code"] for row in csv.DictReader(stream)}
    spend = defaultdict(list)
    for line in year_lines:
        spend[line["Category Family"]].append(float(line["Spend"]))
    return spend, {family: factors[code] for family, code in sectors.items() if code}


def test_every_line_is_a_record_or_refused(ledger):
    report, refused = ledger

    assert (report.rows, report.accepted, report.refused) == (124_059, 124_003, 56)
    assert PurchaseRecord.objects.count() == 124_003
    assert report.years == {2017: 24_869, 2018: 25_670, 2019: 30_015, 2020: 32_066, 2021: 11_383}
    assert len(refused) == 56


def test_the_months_totals_are_no_purchases(ledger):
    """They stand among the lines, so that the column of the file adds up to about twice what was bought."""
    report, refused = ledger
    totals = [line for line in refused if line["reason"].startswith("looks like a total")]
    others = [line for line in refused if line not in totals]

    assert {line["value"] for line in totals} == {"Grand Total", "Total"}
    assert len(totals) == 51  # one for each month but 2020-07
    assert report.spend["GBP"] == pytest.approx(29_331_251_452.69)
    assert [(line["column"], line["reason"]) for line in others] == [("Supplier Name", "is empty")] * 5


def test_names_and_categories_are_as_the_file_spells_them(ledger):
    report, _ = ledger

    assert (report.new_names, SupplierName.objects.count()) == (2_264, 2_264)
    assert (report.new_categories, Category.objects.count()) == (38, 38)
    assert not SupplierName.objects.filter(name__icontains="grand total").exists()
    assert PurchaseRecord.objects.filter(category=None).count() == 793


def test_names_that_share_a_key_are_proposed_as_one(ledger):
    proposals = propose_merges()
    largest = {name.name: name.records for name in proposals[0].names}

    assert len(proposals) == 37
    assert largest == {"EDF Energy Customers Ltd": 196, "EDF Energy Customers Plc": 50}
    assert {"Siemens Mobility Limited", "Siemens Mobility Ltd"} in [{n.name for n in p.names} for p in proposals]


def test_records_that_look_alike_are_found(ledger):
    found = find_duplicates(limit=1)

    assert (found.group_count, found.surplus_records) == (1_801, 2_342)
    assert found.surplus_spend == {"GBP": pytest.approx(267_287_184.65)}
    assert (found.groups[0].supplier, found.groups[0].copies, found.groups[0].spend) == (
        "Computacenter (UK) Ltd",
        8,
        590_362.15,
    )


def test_categories_are_listed_for_mapping_by_what_they_cost(ledger):
    Category.objects.update(sector_code="")  # whatever was mapped before

    unmapped = list_unmapped()

    assert [category.name for category in unmapped[:2]] == ["General Civils", "Electrification and Fixed Plant"]
    assert sum(category.records for category in unmapped) == 124_003 - 793


def test_the_ledger_again_adds_nothing(ledger, emissions_data, tmp_path):
    report, _ = ledger
    again = load(emissions_data, tmp_path / "errors.csv")

    assert (again.already_imported, again.import_id, again.accepted) == (True, report.import_id, 124_003)
    assert PurchaseRecord.objects.count() == 124_003


def test_the_example_maps_every_category_and_nine_tenths_of_the_spend(calculated, plain):
    _, mapping = calculated
    spend, factors = plain
    everything = math.fsum(map(math.fsum, spend.values()))

    assert (mapping.accepted, mapping.refused) == (38, 0)
    assert not [category for category in Category.objects.exclude(sector_code="") if category.name not in factors]
    assert math.fsum(math.fsum(spend[family]) for family in spend.keys() & factors.keys()) / everything > 0.92


def test_a_years_emissions_are_those_of_each_familys_spend(calculated, plain):
    """Spend in dollars of 2022 x the published factor with margins, added up from the file in plain Python."""
    run, _ = calculated
    spend, factors = plain
    results = run.results.exclude(tier=None).order_by().values_list("category__name")
    found = dict(results.annotate(Sum("emissions_kgco2e")))

    in_base_money = USD_PER_GBP * BASE_INDEX / INDEX
    expected = {
        family: math.fsum(pounds) * in_base_money * factors[family]
        for family, pounds in spend.items()
        if family in factors
    }

    assert len(found) > 25
    assert found == pytest.approx(expected, rel=1e-9)
    assert run.emissions_kgco2e == pytest.approx(math.fsum(expected.values()), rel=1e-12)


def test_a_years_interval_knows_which_lines_share_a_factor(calculated, plain):
    run, _ = calculated
    spend, factors = plain
    sectors = dict(Category.objects.values_list("name", "sector_code"))
    total = Total()
    for family, pounds in spend.items():
        if family in factors:
            for amount in pounds:
                kilograms = amount * USD_PER_GBP * BASE_INDEX / INDEX * factors[family]
                total.add(kilograms, 3, ("factor", sectors[family]), None)

    assert (run.p5_kgco2e, run.p95_kgco2e) == pytest.approx(total.interval(), rel=1e-9)
    assert run.p5_kgco2e < 0.8 * run.emissions_kgco2e < 1.25 * run.emissions_kgco2e < run.p95_kgco2e


def test_every_line_of_the_year_is_accounted_unaccounted_or_failed(calculated, plain):
    run, _ = calculated
    spend, factors = plain
    unmapped = sum(len(pounds) for family, pounds in spend.items() if family not in factors)

    assert run.progress_done == sum(map(len, spend.values())) == 30_015
    assert (run.accounted, run.unaccounted, run.failed) == (30_015 - unmapped, unmapped, 0)
    assert run.accounted == run.results.exclude(tier=None).count()
    assert Counter(run.results.values_list("rejected", flat=True)) == {
        "1:no_footprint,2:no_factor": run.accounted,
        "1:no_footprint,2:no_factor,3:no_sector": run.unaccounted,
    }
    assert run.results.order_by().values("provenance_hash").distinct().count() == 30_015


def test_what_no_sector_prices_is_a_share_of_the_spend(calculated, plain):
    run, _ = calculated
    spend, factors = plain
    everything = math.fsum(map(math.fsum, spend.values()))
    left_out = math.fsum(math.fsum(pounds) for family, pounds in spend.items() if family not in factors)

    totals = totals_of(run)

    assert totals.spend_usd == pytest.approx(everything * USD_PER_GBP, rel=1e-9)
    assert totals.unaccounted_percent == pytest.approx(100 * left_out / everything, rel=1e-9)
    assert 0 < totals.unaccounted_percent < 10
    assert [category.name for category in list_unmapped()] == [
        "Regulatory Charges", "Land & Property Acquisitions (incl. Business Consultancy)", "Unspecified",
    ]  # fmt: skip


def test_what_looks_bought_twice_in_the_year_is_reported_and_still_counted(calculated, year_lines):
    keys = dict(SupplierName.objects.values_list("name", "key"))
    alike = Counter(
        (keys[line["Supplier Name"].strip()], line["Item Description"].strip(), line["Invoice GL Date"], line["Spend"])
        for line in year_lines
    )
    copies = {what: count for what, count in alike.items() if count > 1}

    found = find_duplicates(years=[YEAR], limit=1)

    assert found.group_count == len(copies) > 100
    assert found.surplus_records == sum(copies.values()) - len(copies)
    surplus = math.fsum((count - 1) * float(spend) for (*_, spend), count in copies.items())
    assert found.surplus_spend == {"GBP": pytest.approx(surplus)}
    assert calculated[0].progress_done == len(year_lines)
