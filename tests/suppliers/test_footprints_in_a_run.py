"""The Carbon Catalogue's footprints as tier 1 of a run: a purchase of every product that it has."""

import hashlib
import math
import warnings

import openpyxl
import pytest

from core.tabular import RefusalFile
from suppliers.models import (
    EmissionRun,
    Factor,
    FactorSet,
    ProductFootprint,
    PurchaseImport,
    SupplierName,
)
from suppliers.services.calculate_emissions import calculate_emissions
from suppliers.services.import_footprints import import_footprints
from suppliers.services.import_purchases import import_purchases
from suppliers.services.purchases.mapping import parse_mapping
from tests.builders import a_supplier

pytestmark = pytest.mark.django_db

CATALOGUE = "PublicTablesForCarbonCatalogueDataDescriptor_v30Oct2021.xlsx"
# Row of the office chair: reported for 2013, 72.54 kg CO2e, shares before the gate 0.8063 and 0.1736.
CHAIR = "KNOLL INC,{name},{code},{quantity},each,400,USD,337121,{day}"
CHAIR_PCF = 72.54 * (0.8063 + 0.1736)
HEADER = "record_id,supplier,product_name,product_code,quantity,unit,spend,currency,sector_code,purchase_date"


@pytest.fixture(scope="module")
def catalogue(emissions_data, tmp_path_factory, django_db_setup, django_db_blocker):
    """The catalogue's footprints, and a spend-based factor to fall back on; in the database once for this file."""
    path = emissions_data / CATALOGUE
    with django_db_blocker.unblock():
        with RefusalFile(tmp_path_factory.mktemp("catalogue") / "refused.csv") as refusals:
            import_footprints(source=ProductFootprint.Source.CARBON_CATALOGUE, paths=[path], refusals=refusals)
        spend = FactorSet.objects.create(
            publisher="EPA", version="1", base_year=2017, currency="USD", file_hash="a" * 64
        )
        Factor.objects.create(factor_set=spend, code="337121", region="US", unit="USD", value=0.25, source_row=2)
        yield hashlib.sha256(path.read_bytes()).hexdigest()
        for model in (EmissionRun, PurchaseImport, ProductFootprint, SupplierName):
            model.objects.all().delete()
        Factor.objects.all()._raw_delete("default")
        FactorSet.objects.all().delete()


@pytest.fixture(scope="module")
def rows(emissions_data):
    """The catalogue's own rows, read by another library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl does not know every extension of Excel
        book = openpyxl.load_workbook(emissions_data / CATALOGUE, read_only=True, data_only=True)
        header, *rows = book["Product Level Data"].iter_rows(max_col=25, values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture
def buy(catalogue, tmp_path):
    """Import purchases and calculate a year of them; answer results by record id."""

    def buy(*rows, year):
        path = tmp_path / "purchases.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
        with RefusalFile(tmp_path / "refused.csv") as refusals:
            assert import_purchases(path=path, mapping=parse_mapping((), ()), refusals=refusals).refused == 0
        run = calculate_emissions(year=year)
        return {result.record.record_id: result for result in run.results.select_related("record", "footprint")}

    return buy


def a_chair(number="1", *, name="Office Chair", code="", quantity=3, day="2015-05-01"):
    return f"{number}," + CHAIR.format(name=name, code=code, quantity=quantity, day=day)


def before_the_gate(row):
    shares = row["*Upstream CO2e (fraction of total PCF)"], row["*Operations CO2e (fraction of total PCF)"]
    published = row["Product's carbon footprint (PCF, kg CO2e)"]
    return published if isinstance(shares[0], str) else published * math.fsum(shares)


def test_every_product_of_the_catalogue_is_priced_by_its_own_footprint(buy, rows):
    """Bought in 2016, when footprints of 2013 to 2015 are valid; of several for one product the newest counts."""
    newest = {}
    for row in sorted(rows, key=lambda row: (row["Year of reporting"], f"carbon_catalogue:{row['*PCF-ID']}:0")):
        name = row["Product name (and functional unit)"].strip()
        if row["Year of reporting"] <= 2015 and len(name) <= 255:
            newest[row["Company"].strip(), " ".join(name.lower().split())] = row
    purchases = [
        f'{number},"{company}","{product.upper().replace(chr(34), chr(34) * 2)}",,{number + 1},each,,,,2016-06-30'
        for number, (company, product) in enumerate(newest)
    ]

    results = buy(*purchases, year=2016)

    assert len(results) == len(newest) > 300
    for number, row in enumerate(newest.values()):
        result = results[str(number)]
        assert (result.tier, result.method, result.rejected) == (1, "supplier_specific", "")
        assert result.footprint.external_id == row["*PCF-ID"]
        assert (result.factor_value, result.factor_unit) == (pytest.approx(before_the_gate(row), rel=1e-12), "each")
        assert (result.activity_amount, result.unit_rate) == (number + 1, 1)
        assert result.emissions_kgco2e == result.factor_value * (number + 1)


def test_a_product_code_finds_the_footprint_whatever_the_name(buy):
    result = buy(a_chair(name="seat no. 7", code="10222-1"), year=2015)["1"]

    assert (result.tier, result.footprint.external_id) == (1, "10222-1-2013")


def test_a_result_by_a_footprint_can_be_redone_by_hand(buy, catalogue):
    result = buy(a_chair(quantity="2.5"), year=2015)["1"]

    sigma = math.sqrt(math.log(1 + 0.05**2) + math.log(1 + 0.10**2))
    assert result.emissions_kgco2e == pytest.approx(2.5 * CHAIR_PCF)
    assert result.p5_kgco2e == pytest.approx(result.emissions_kgco2e * math.exp(-1.645 * sigma))
    assert result.p95_kgco2e == pytest.approx(result.emissions_kgco2e * math.exp(1.645 * sigma))
    assert (result.dqi, result.factor_id) == (90, None)
    fields = (
        "1", catalogue, "carbon_catalogue:10222-1-2013:0", "1", "supplier_specific", repr(result.factor_value), "each",
        "1", "2.5", "1.0", "1.0", "", repr(2.5 * result.factor_value),
    )  # fmt: skip
    assert result.provenance_hash == hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


@pytest.mark.parametrize(
    ("day", "tier"),
    [("2013-12-31", None), ("2014-01-01", 1), ("2016-12-31", 1), ("2017-01-01", 3)],
)
def test_a_footprint_counts_in_the_three_years_after_the_one_it_was_reported_for(buy, day, tier):
    """Outside of them the spend has to do, in 2017 at 0.25 kg/USD; 2013 has no price index, which is an error."""
    results = buy(a_chair(day=day), year=int(day[:4]))

    if tier is None:
        assert results == {}
        assert EmissionRun.objects.latest("pk").errors.get().code == "expired_footprint"
    else:
        kilograms = {1: 3 * CHAIR_PCF, 3: 100}[tier]
        assert (results["1"].tier, results["1"].emissions_kgco2e) == (tier, pytest.approx(kilograms))
        assert results["1"].rejected == ("" if tier == 1 else "1:expired_footprint,2:no_factor")


def test_another_suppliers_chair_is_another_chair(buy):
    other = a_chair(day="2017-05-01").replace("KNOLL INC", '"Knoll, Inc."')

    assert buy(other, year=2017)["1"].rejected.startswith("1:no_footprint,")


def test_a_name_that_people_linked_to_the_supplier_has_its_footprints(buy):
    knoll = a_supplier("KNOLL")
    SupplierName.objects.update_or_create(name="Knoll, Inc.", defaults={"key": "knoll", "supplier": knoll})
    SupplierName.objects.filter(name="KNOLL INC").update(supplier=knoll)

    result = buy(a_chair().replace("KNOLL INC", '"Knoll, Inc."'), year=2015)["1"]

    assert (result.tier, result.footprint.external_id) == (1, "10222-1-2013")


def test_a_line_that_has_a_footprint_is_priced_beside_lines_that_fail(buy):
    results = buy(
        a_chair("1"), a_chair("2", name="Lamp"), a_chair("3", quantity=""), a_chair("4", quantity=-1), year=2015
    )
    run = EmissionRun.objects.latest("pk")

    assert {number: result.tier for number, result in results.items()} == {"1": 1}
    assert dict(run.errors.values_list("record__record_id", "code")) == {
        "2": "no_rate", "3": "no_rate", "4": "negative_quantity",
    }  # fmt: skip
    assert (run.accounted, run.unaccounted, run.failed, run.progress_done) == (1, 0, 3, 4)
    assert run.emissions_kgco2e == results["1"].emissions_kgco2e
