import os
from pathlib import Path

import pytest


def keep_screenshot(page, name):
    """For the eye: where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_manager_generates_a_month_and_sees_it_done(site, accessible, scheme):
    page = site.open_as("manager", color_scheme=scheme)
    accessible(page)
    keep_screenshot(page, f"overview-empty-{scheme}")

    page.get_by_role("button", name="Generate").click()
    page.get_by_text("lines planned on").wait_for(timeout=30_000)

    assert page.locator(".urgency-must_order").is_visible()
    assert page.locator("html").get_attribute("data-bs-theme") == scheme
    accessible(page)
    keep_screenshot(page, f"overview-{scheme}")
    assert site.complaints == []


def test_a_viewer_sees_the_month_and_cannot_generate(site, accessible):
    page = site.open_as("viewer")
    assert page.get_by_text("A manager can generate them.").is_visible()
    assert page.get_by_role("button", name="Generate").count() == 0
    accessible(page)
    assert site.complaints == []


def test_the_pages_work_without_javascript(site):
    page = site.open_as("manager", java_script_enabled=False)
    page.get_by_role("button", name="Generate").click()
    for _ in range(30):
        page.wait_for_timeout(500)
        page.reload()
        if page.get_by_text("lines planned on").count():
            break
    assert page.get_by_text("lines planned on").is_visible()
