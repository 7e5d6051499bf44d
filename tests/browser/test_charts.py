"""The charts of a line as a browser draws them: under the site's own policy, in both themes, after a swap."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_overview import keep_screenshot

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough

CHARTS = ("steps-chart", "outlook-chart", "sales-chart", "lead-times-chart")
FIND_A_LINE_WITH_ALL = """
from ordering.line_facts import read_facts
from ordering.models import OrderConfirmation
lines = OrderConfirmation.objects.filter(urgency="must_order", pending_effective__gt=0).order_by("-order_value")
print(next(line.pk for line in lines if read_facts(line).sales and read_facts(line).lead_times))
"""
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(event.violatedDirective, event.sample));
"""


@pytest.fixture
def line_page(site):
    """A line that must be ordered, with all four charts."""
    site.scratch.call("generate_recommendations")
    pk = site.scratch.python(FIND_A_LINE_WITH_ALL)

    def open_as(name, **options):
        page = site.open_as(name, **options)
        page.add_init_script(REPORT_VIOLATIONS)
        page.goto(f"/lines/{pk}/")
        return page

    return open_as


def drawing(page, chart):
    return page.locator(f'[data-figure="{chart}-figure"]')


def wait_until_drawn(page):
    for chart in CHARTS:
        drawing(page, chart).locator(".cartesianlayer .point, .cartesianlayer .js-line").first.wait_for(
            state="attached"
        )


def first_trace(page, chart):
    return json.loads(page.locator(f"#{chart}-figure").text_content())["data"][0]


def bars(page, chart):
    """The bars that one can see."""
    drawn = drawing(page, chart).locator(".bars .point path")
    return drawn.evaluate_all("bars => bars.filter((bar) => bar.getBBox().width * bar.getBBox().height > 0).length")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn_under_the_strict_policy(site, line_page, accessible, scheme):
    page = line_page("viewer", color_scheme=scheme)
    wait_until_drawn(page)
    assert bars(page, "steps-chart") == len(first_trace(page, "steps-chart")["x"]) >= 5
    assert bars(page, "sales-chart") == sum(bool(units) for units in first_trace(page, "sales-chart")["y"]) >= 6
    assert bars(page, "lead-times-chart") == sum(map(bool, first_trace(page, "lead-times-chart")["y"])) >= 2
    lines = drawing(page, "outlook-chart").locator(".legendtext").all_text_contents()
    assert lines[:4] == ["reorder point", "safety stock", "with the order", "without the order"]
    assert page.locator(".modebar").count() == 0
    for chart in CHARTS:
        drawing(page, chart).scroll_into_view_if_needed()
        drawing(page, chart).hover()
        keep_screenshot(page, f"{chart}-{scheme}")
    accessible(page)
    assert site.complaints == []


def test_the_charts_follow_the_theme_and_the_size_of_the_window(site, line_page):
    page = line_page("viewer", color_scheme="light")
    wait_until_drawn(page)
    bar = drawing(page, "sales-chart").locator(".bars path").first
    expect(bar).to_have_css("fill", "rgb(47, 117, 181)")
    page.get_by_role("button", name="Light or dark").click()
    expect(bar).to_have_css("fill", "rgb(74, 139, 212)")
    page.set_viewport_size({"width": 390, "height": 800})
    chart = drawing(page, "sales-chart")
    expect(chart.locator(".main-svg").first).to_have_attribute("width", re.compile(r"^3\d\d$"))
    assert chart.bounding_box()["height"] == 320
    chart.scroll_into_view_if_needed()
    keep_screenshot(page, "charts-narrow")
    assert site.complaints == []


def test_a_chart_that_htmx_brings_is_drawn(site, line_page):
    page = line_page("viewer")
    wait_until_drawn(page)
    page.evaluate(
        """() => {
            const figure = document.querySelector('figure:has([data-figure="sales-chart-figure"])');
            figure.id = "here";
            return htmx.ajax("GET", location.href, { target: "#here", select: "#sales ~ figure", swap: "outerHTML" });
        }"""
    )
    page.locator("#here").wait_for(state="detached")
    wait_until_drawn(page)
    assert site.complaints == []


def test_without_javascript_the_page_says_it_in_words(site, line_page):
    page = line_page("viewer", java_script_enabled=False)
    assert page.get_by_text("Without the order the stock").is_visible()
    assert page.get_by_text("units a month were sold").is_visible()
    assert page.get_by_text("days on average, 95% within").is_visible()
    assert drawing(page, "sales-chart").bounding_box()["height"] == 0  # no hole where nothing is drawn
    keep_screenshot(page, "charts-without-javascript")
