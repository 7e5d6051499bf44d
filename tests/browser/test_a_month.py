"""A month from the run to the locked order, as a buyer and a manager go through it."""

import re

import pytest

from tests.browser.test_order_lines import quantities, saved
from tests.browser.test_overview import keep_screenshot

LINES = "/months/{month}/lines/"


@pytest.fixture
def month(site):
    site.scratch.call("generate_recommendations")

    def open_lines(name, query="urgency=must_order", **options):
        page = site.open_as(name, **options)
        page.goto(f"{page.url.split('?')[0]}lines/?{query}")
        page.locator("#totals").get_by_text("units").wait_for()
        return page

    return open_lines


def bulk(page, action, percent=""):
    page.get_by_label("What to do with the ticked lines").select_option(label=action)
    page.get_by_label("Percentage").fill(percent)
    page.get_by_role("button", name="Look at it first").click()
    page.get_by_text("Nothing has been changed yet.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bulk_confirm_with_preview_and_one_undo(site, month, accessible, scheme):
    page = month("buyer", color_scheme=scheme)
    page.get_by_label("All lines of this page").check()
    bulk(page, "Confirm as suggested")
    accessible(page)
    keep_screenshot(page, f"bulk-preview-{scheme}")
    page.get_by_role("button", name=re.compile("Change .* lines?")).click()
    undo = page.get_by_role("button", name="Undo")
    undo.wait_for()
    assert quantities(page).first.input_value() == quantities(page).first.get_attribute("placeholder").replace(",", "")
    accessible(page)
    keep_screenshot(page, f"bulk-done-{scheme}")
    undo.click()
    page.get_by_text("Undone.").or_(page.get_by_text("Undo:")).first.wait_for()
    assert quantities(page).first.input_value() == ""
    assert site.complaints == []


def test_everything_that_the_filter_matches_by_a_percentage(site, month):
    page = month("buyer", "urgency=should_order")
    count = int(re.search(r"([\d,]+) lines?", page.locator("#totals").inner_text())[1].replace(",", ""))
    page.get_by_label("All lines that the filters match").check()
    bulk(page, "Multiply by a percentage", "150")
    assert page.get_by_text(f"of {count} lines will change").is_visible()
    page.get_by_role("button", name=re.compile("Change .* lines?")).click()
    page.get_by_role("button", name="Undo").wait_for()
    assert site.complaints == []


def test_a_locked_line_is_closed_to_the_buyer_and_a_manager_opens_it(site, month, accessible):
    buyer = month("buyer")
    line = buyer.locator("table.lines tbody tr").first
    ident = line.get_attribute("id")
    stale = month("manager")  # opened before the lock
    line.locator('input[name="line"]').check()
    bulk(buyer, "Confirm and lock")
    buyer.get_by_role("button", name="Change 1 line").click()
    buyer.locator(f"#{ident}").get_by_title("Locked").wait_for()
    assert buyer.locator(f'#{ident} input[name="confirmed_qty"]').count() == 0
    accessible(buyer)
    keep_screenshot(buyer, "locked")

    with saved(stale):
        stale.locator(f'#{ident} input[name="confirmed_qty"]').fill("5")
        stale.keyboard.press("Enter")
    stale.locator(f"#{ident}").get_by_title("Locked").wait_for()

    buyer.get_by_role("button", name="Undo").click()
    buyer.get_by_text("Your role does not allow this.").wait_for()

    stale.locator(f'#{ident} input[name="line"]').check()
    bulk(stale, "Unlock")
    stale.get_by_role("button", name="Change 1 line").click()
    stale.locator(f'#{ident} input[name="confirmed_qty"]').wait_for()
    assert site.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_supplier_is_filled_up_and_locked(site, month, accessible, scheme):
    site.scratch.python("from suppliers.models import Supplier; Supplier.objects.update(min_order_value=9_999_999)")
    page = month("buyer", color_scheme=scheme)
    page.locator("table.lines tbody tr").first.get_by_role("link").nth(1).click()
    page.get_by_text("missing").wait_for()
    accessible(page)
    keep_screenshot(page, f"basket-{scheme}")
    page.get_by_role("link", name="Fill up").click()
    page.get_by_role("heading", name="Fill up with what the next review would order").wait_for()
    accessible(page)
    keep_screenshot(page, f"basket-fill-{scheme}")
    if page.get_by_role("button", name="Confirm these quantities").count():
        page.get_by_role("button", name="Confirm these quantities").click()
        page.get_by_role("button", name="Undo").wait_for()
    page.get_by_role("button", name="Confirm and lock").click()
    page.get_by_role("button", name=re.compile("Change .* lines?")).click()
    page.wait_for_url("**/lines/**")
    assert page.get_by_title("Locked").count() > 0
    assert site.complaints == []


def test_columns_and_views_are_kept(site, month, accessible):
    page = month("buyer", "urgency=must_order&sort=sku")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Note", exact=True).check()
    page.get_by_label("Own lead time, days").check()
    accessible(page)
    keep_screenshot(page, "columns")
    page.get_by_role("button", name="Show these").click()
    note = page.locator('input[name="notes"]').first
    with saved(page):
        note.fill("ask for a discount")
        note.press("Enter")
    lead_time = page.locator('input[name="lead_time_override_days"]').first
    with saved(page):
        lead_time.fill("90")
        lead_time.press("Enter")
    page.reload()
    assert page.locator('input[name="notes"]').first.input_value() == "ask for a discount"
    page.get_by_text("Saved views").click()
    page.get_by_label("Name of the view").fill("Mine")
    page.get_by_role("button", name="Save this view").click()
    page.goto(page.url.split("?")[0])
    page.get_by_text("Saved views").click()
    page.get_by_role("link", name="Mine").click()
    page.wait_for_url("**sort=sku**")
    assert site.complaints == []


def test_the_list_can_be_filtered_sorted_and_paged_to_its_end(site, month, accessible):
    page = month("viewer", "rows=25")
    page.get_by_role("search").get_by_label("Urgency").select_option(label="Skip")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url("**urgency=skip**")
    page.get_by_role("link", name="SKU", exact=True).click()
    page.wait_for_url("**sort=sku**")
    page.get_by_role("link", name="Last").click()
    page.get_by_text("Page 1 from the end").wait_for()
    accessible(page)
    page.get_by_role("link", name="Previous").click()
    page.get_by_text("Page 2 from the end").wait_for()
    assert page.locator("table.lines tbody tr").count() == 25
    assert page.locator('input[name="confirmed_qty"]').count() == 0
    assert site.complaints == []


def test_a_failed_run_says_why_and_is_retried(site, accessible):
    site.scratch.python(
        "import datetime as dt; from ordering.models import GenerationRun; from ordering.months import next_month;"
        "GenerationRun.objects.create(month=next_month(dt.date.today()), as_of=dt.date.today(), status='failed',"
        "error='The disk is full.')"
    )
    page = site.open_as("manager")
    assert page.get_by_text("The disk is full.").first.is_visible()
    accessible(page)
    keep_screenshot(page, "run-failed")
    page.get_by_role("button", name="Retry").click()
    page.get_by_text("lines planned on").wait_for(timeout=30_000)
    assert site.complaints == []


def test_saving_and_bulk_changes_work_without_javascript(site):
    site.scratch.call("generate_recommendations")
    page = site.open_as("buyer", java_script_enabled=False)
    page.goto(f"{page.url}lines/?urgency=must_order")
    page.get_by_role("link", name="Totals").click()
    assert page.get_by_text("units").is_visible()
    page.go_back()
    quantities(page).first.fill("33")
    quantities(page).first.press("Enter")
    assert page.locator('input[name="confirmed_qty"][value="33"]').count() == 1
    page.locator('input[name="line"]').nth(1).check()
    bulk(page, "Set to zero")
    page.get_by_role("button", name="Change 1 line").click()
    here = page.url
    page.goto(f"{here}&state=confirmed")  # a value of 0 has moved the line to the end
    assert page.locator('input[name="confirmed_qty"][value="0"]').count() == 1
    page.get_by_role("button", name="Undo").click()
    assert page.locator('input[name="confirmed_qty"][value="0"]').count() == 0
