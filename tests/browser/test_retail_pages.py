"""Every page on a distributor's real books; SCREENSHOTS=docs/screenshots makes the pictures of the README."""

import pytest

from tests.browser.test_overview import keep_screenshot

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough

WIDE = {"width": 1500, "height": 950}


def pages_of(page):
    """The name of each page, and how a person gets there from the month."""
    month = "/months/2011-12/"
    page.goto(f"{month}lines/?urgency=must_order")
    line = page.locator("td.sku a").first.get_attribute("href")
    basket = page.locator('td a[href*="/suppliers/"]').first.get_attribute("href")
    return {
        "overview": month,
        "lines": f"{month}lines/?urgency=must_order",
        "line": line,
        "basket": basket,
        "suppliers": "/suppliers/",
        "supplier": f"/suppliers/{basket.rstrip('/').split('/')[-1]}/",
        "data": "/data/",
        "reimport": f"{month}reimport/",
        "generate": f"{month}generate/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_shows_the_real_books_without_a_complaint(retail_site, accessible, scheme):
    page = retail_site.open_as("manager", color_scheme=scheme, viewport=WIDE)
    for name, address in pages_of(page).items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert page.locator("h1").count() == 1, name
        accessible(page)
        keep_screenshot(page, f"{name}-{scheme}")
    assert retail_site.complaints == []


def test_every_page_fits_a_tablet(retail_site):
    page = retail_site.open_as("manager", viewport={"width": 820, "height": 1180})
    for name, address in pages_of(page).items():
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 820, name
        keep_screenshot(page, f"tablet-{name}")
    assert retail_site.complaints == []


def test_the_list_is_light_and_loads_no_chart_script(retail_site):
    page = retail_site.open_as("buyer")
    loaded = []
    page.on("response", lambda response: loaded.append((response.url, len(response.body()))))
    page.goto("/months/2011-12/lines/")
    page.wait_for_load_state("networkidle")
    assert not [url for url, _size in loaded if "plotly" in url]
    assert [url for url, _size in loaded if "bootstrap" in url]
