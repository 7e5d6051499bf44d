import pytest

from tests.browser.test_overview import keep_screenshot

MONTH_LINES = "/months/{month}/lines/?urgency=must_order"


@pytest.fixture
def lines_page(site):
    site.scratch.call("generate_recommendations")

    def open_as(name, **options):
        page = site.open_as(name, **options)
        page.get_by_role("link", name="Must order").click()
        page.wait_for_url("**/lines/**")
        return page

    return open_as


def quantities(page):
    return page.locator('input[name="confirmed_qty"]')


def saved(page):
    """The answer to the next save."""
    return page.expect_response(lambda answer: answer.request.method == "POST")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_buyer_confirms_by_keyboard_and_finds_it_kept_after_a_reload(site, lines_page, accessible, scheme):
    page = lines_page("buyer", color_scheme=scheme)
    accessible(page)
    quantities(page).nth(0).fill("7")
    with saved(page):
        quantities(page).nth(0).press("Enter")
    assert quantities(page).nth(1).evaluate("input => input === document.activeElement")
    page.keyboard.type("9")
    with saved(page):
        page.keyboard.press("ArrowUp")
    assert quantities(page).nth(0).evaluate("input => input === document.activeElement")
    page.keyboard.type("123")
    page.keyboard.press("Escape")
    assert quantities(page).nth(0).input_value() == "7"
    keep_screenshot(page, f"lines-{scheme}")

    ids = [page.locator("table.lines tbody tr").nth(row).get_attribute("id") for row in (0, 1)]
    page.goto(page.url.replace("urgency=must_order", "state=confirmed"))  # a lower value has moved the lines down
    kept = [page.locator(f'#{line} input[name="confirmed_qty"]').input_value() for line in ids]
    assert kept == ["7", "9"]
    assert site.complaints == []


def test_two_browsers_on_one_line_the_second_is_told(site, lines_page):
    first, second = lines_page("buyer"), lines_page("manager")
    line = first.locator("table.lines tbody tr").nth(0).get_attribute("id")
    with saved(first):
        first.locator(f'#{line} input[name="confirmed_qty"]').fill("50")
        first.keyboard.press("Enter")
    with saved(second):
        second.locator(f'#{line} input[name="confirmed_qty"]').fill("60")
        second.keyboard.press("Enter")
    warning = second.locator(f"#{line} [role=alert]")
    warning.wait_for()
    assert "was changed by buyer while you were editing; it has 50 now" in warning.inner_text()
    keep_screenshot(second, "lines-conflict")
    assert site.complaints == []


def test_a_line_explains_itself(site, lines_page, accessible):
    page = lines_page("viewer")
    page.locator("table.lines tbody a").first.click()
    page.get_by_text("How the suggestion comes about").wait_for()
    assert page.get_by_text("an order placed now must last").is_visible()
    accessible(page)
    keep_screenshot(page, "line")
    assert site.complaints == []
