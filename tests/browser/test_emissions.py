"""From a file of purchases to the arithmetic of one result and two runs compared, as a manager goes through it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_overview import keep_screenshot

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough

FACTORS = "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv"
CATEGORIES = {
    "Buildings": "236220",
    "Rail and track": "331110",
    "Signalling": "334290",
    "Electricity": "221100",
    "Consultancy": "",
    "Vehicles": "336999",
}
PRICED_CATEGORIES = 4  # one has no code, and that of electricity is not in the factor set
SUPPLIERS = ("Costain Ltd", "COSTAIN LIMITED", "Siemens", "Tata Steel Europe", "Atkins", "Npower", "Balfour Beatty plc")


@pytest.fixture(autouse=True)
def _own_uploads(monkeypatch, tmp_path):
    monkeypatch.setenv("UPLOADS_DIR", str(tmp_path / "uploads"))


@pytest.fixture
def ledger(tmp_path):
    """Two years of purchases, with one row that nobody can read."""
    lines = ["Supplier Name,Item,Category Family,Date,Spend"]
    for number in range(140):
        supplier, category = SUPPLIERS[number % 7], list(CATEGORIES)[number // 2 % 6]
        day = f"{2019 + number % 2}-0{1 + number % 9}-1{number % 9}"
        lines.append(f"{supplier},Item {number},{category},{day},{1000 + 7919 * number % 90_000}")
    path = tmp_path / "ledger.csv"
    path.write_text("\n".join([*lines, "Costain Ltd,Odd,Buildings,2020-01-01,much", ""]))
    return path


@pytest.fixture
def emission_site(site, emissions_data):
    site.scratch.call("load_factors", "epa", str(emissions_data / FACTORS))
    site.scratch.call("load_rates", "currency", str(emissions_data / "currency_rates.csv"))
    site.scratch.call("load_rates", "index", str(emissions_data / "price_index.csv"))
    return site


def looked_at(page, accessible, name):
    accessible(page)
    keep_screenshot(page, name)
    page.set_viewport_size({"width": 768, "height": 1024})
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{name} is {width} pixels wider than a tablet"
    page.set_viewport_size({"width": 1280, "height": 720})


def import_ledger(page, ledger, accessible=None, scheme=""):
    page.goto("/emissions/purchases/")
    page.get_by_label("CSV, plain or packed").set_input_files(ledger)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("Nothing has been stored yet.").wait_for()
    for column, field in (
        ("Supplier Name", "supplier"),
        ("Item", "product_name"),
        ("Category Family", "product_category"),
        ("Date", "purchase_date"),
    ):
        page.get_by_label(column, exact=True).select_option(field)
    page.get_by_label("Currency, such as GBP").fill("GBP")
    if accessible:
        looked_at(page, accessible, f"emissions-mapping-{scheme}")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("140 of 141 purchases went in").wait_for(timeout=30_000)


def calculate(page, year):
    page.goto("/emissions/")
    page.get_by_label("Year").select_option(str(year))
    page.get_by_role("button", name="Calculate", exact=True).click()
    page.get_by_text(re.compile(f"Emissions of {year}, run .*: Completed")).wait_for(timeout=30_000)


def map_categories(page):
    page.goto("/emissions/categories/")
    for category, code in CATEGORIES.items():
        if code:
            with page.expect_response("**/emissions/categories/*/") as saved:
                cell = page.get_by_label(f"Sector code of {category}")
                cell.fill(code)
                cell.press("Enter")
            assert saved.value.ok
    page.reload()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_manager_goes_from_a_file_to_two_runs_compared(emission_site, ledger, accessible, scheme):
    site = emission_site
    page = site.open_as("manager", color_scheme=scheme)
    page.goto("/emissions/")
    page.get_by_text("There are no purchases yet.").wait_for()
    looked_at(page, accessible, f"emissions-empty-{scheme}")

    import_ledger(page, ledger, accessible, scheme)
    page.goto("/emissions/purchases/?duplicates=1")
    looked_at(page, accessible, f"emissions-purchases-{scheme}")

    page.goto("/emissions/suppliers/")
    looked_at(page, accessible, f"emissions-names-{scheme}")
    proposal = page.get_by_role("form", name=re.compile("Link costain", re.IGNORECASE)).first
    proposal.get_by_label("Supplier code").fill("COST")
    proposal.get_by_label("new supplier").check()
    proposal.get_by_role("button", name="Link").click()
    page.get_by_text("2 names linked to COST").wait_for()

    calculate(page, 2019)
    map_categories(page)
    looked_at(page, accessible, f"emissions-categories-{scheme}")
    for year in (2019, 2020):
        calculate(page, year)
    looked_at(page, accessible, f"emissions-runs-{scheme}")

    page.get_by_role("link", name="Look at the results").click()
    drawn = page.locator(
        '[data-figure="categories-chart-figure"] .slice, [data-figure="suppliers-chart-figure"] .point'
    )
    expect(drawn).not_to_have_count(0)
    page.locator('[data-figure="suppliers-chart-figure"] .point').first.wait_for(state="attached")
    assert page.locator('[data-figure="categories-chart-figure"] .slice').count() == 1 + PRICED_CATEGORIES
    accessible(page)
    keep_full(page, f"emissions-run-{scheme}")

    page.get_by_role("link", name="Report for print").click()
    page.get_by_role("heading", name="Published sets").wait_for()
    accessible(page)
    keep_full(page, f"emissions-report-{scheme}")
    page.go_back()

    page.get_by_role("link", name="All results").click()
    looked_at(page, accessible, f"emissions-results-{scheme}")
    page.locator("table.lines tbody tr").first.get_by_role("link").click()
    page.get_by_text("Calculated again just now, it is the same.").wait_for()
    accessible(page)
    keep_full(page, f"emissions-result-{scheme}")

    page.goto("/emissions/")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="Where it changed most").wait_for()
    looked_at(page, accessible, f"emissions-compare-{scheme}")
    assert site.complaints == []


def keep_full(page, name):
    page.set_viewport_size({"width": 1280, "height": page.evaluate("document.documentElement.scrollHeight")})
    keep_screenshot(page, name)
    page.set_viewport_size({"width": 1280, "height": 720})


def test_it_works_without_javascript(emission_site, ledger):
    page = emission_site.open_as("manager", java_script_enabled=False)
    page.goto("/emissions/purchases/")
    page.get_by_label("CSV, plain or packed").set_input_files(ledger)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_label("Supplier Name", exact=True).select_option("supplier")
    page.get_by_label("Category Family", exact=True).select_option("product_category")
    page.get_by_label("Date", exact=True).select_option("purchase_date")
    page.get_by_label("Currency, such as GBP").fill("GBP")
    page.get_by_role("button", name="Import", exact=True).click()
    until(page, "140 of 141 purchases went in")
    page.goto("/emissions/categories/")
    page.get_by_label("Sector code of Buildings").fill("236220")
    page.get_by_label("Sector code of Buildings").press("Enter")
    assert page.get_by_label("Sector code of Buildings").input_value() == "236220"
    page.goto("/emissions/")
    page.get_by_role("button", name="Calculate", exact=True).click()
    until(page, "Look at the results")


def until(page, text):
    for _ in range(40):
        if page.get_by_text(text).count():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert page.get_by_text(text).first.is_visible()
