import pytest

from tests.browser.test_overview import keep_screenshot

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough

TABLET = {"width": 820, "height": 1180}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_buyer_finds_a_supplier_and_reads_its_page(site, accessible, scheme):
    site.scratch.call("generate_recommendations")
    page = site.open_as("buyer", color_scheme=scheme)
    page.goto("/suppliers/")
    accessible(page)
    keep_screenshot(page, f"suppliers-{scheme}")

    name = page.locator("table.lines tbody a").first.inner_text()
    page.get_by_label("Start of code or name").fill(name.lower())
    page.get_by_role("button", name="Search").click()
    page.get_by_text("1 supplier", exact=True).wait_for()
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name="Lead times, stated and measured").wait_for()
    assert page.locator("meter").count() > 0
    accessible(page)
    keep_screenshot(page, f"supplier-{scheme}")

    page.locator("section[aria-labelledby=history] tbody a").first.click()
    page.wait_for_url("**/lines/?supplier=*")
    assert name in page.locator("table.lines tbody").inner_text()
    assert site.complaints == []


def test_the_pages_fit_a_tablet(site, accessible):
    page = site.open_as("viewer", viewport=TABLET)
    for address in ("/suppliers/", "/suppliers/1/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= TABLET["width"]
        accessible(page)
        keep_screenshot(page, f"tablet{address.replace('/', '-')}")
    assert site.complaints == []


def test_a_search_without_a_find_and_a_supplier_that_is_not_there(site, accessible):
    page = site.open_as("viewer")
    page.goto("/suppliers/?q=nobody")
    assert page.get_by_text("No supplier's code or name starts with").is_visible()
    accessible(page)
    assert page.goto("/suppliers/999999/").status == 404
