"""The figures as Plotly will get them."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pytest

from ordering.charts import draw_lead_times, draw_projected_stock, draw_sales, draw_value_by_supplier, draw_waterfall
from ordering.explain import Step
from ordering.kernels.projection import project_stock
from ordering.line_facts import Arrival, Outlook

START = dt.date(2026, 11, 20)
STEPS = [Step("Demand", 500.0), Step("In stock", -45.5), Step("Need", 454.5, True), Step("Suggested", 454.5, True)]


def an_outlook(*, order_quantity=50.0, daily_demand=10.0, arrivals=((10, 20.0),)):
    """45 in stock and 10 a day for 60 days, the order after 30."""
    projection = project_stock(
        on_hand=45,
        daily_demand=daily_demand,
        arrival_day=np.array([day for day, _ in arrivals], dtype=np.int64),
        arrival_quantity=np.array([quantity for _, quantity in arrivals], dtype=np.float64),
        order_day=30,
        order_quantity=order_quantity,
        horizon=60,
    )
    coming = [Arrival(f"PO-{day}", START + dt.timedelta(day), quantity) for day, quantity in arrivals]
    order = Arrival("This order", START + dt.timedelta(30), order_quantity)
    return Outlook(START, daily_demand, coming, order, 200.0, 100.0, projection)


def traces(figure):
    return {trace["name"]: trace for trace in figure["data"]}


FIGURES = {
    "waterfall": lambda: draw_waterfall(STEPS),
    "stock": lambda: draw_projected_stock(an_outlook()),
    "sales": lambda: draw_sales([dt.date(2026, 10, 1)], [3.0], [4.0], 5.0, dt.date(2026, 12, 1)),
    "lead times": lambda: draw_lead_times([20, 31], 25.5, 30.4),
    "value": lambda: draw_value_by_supplier([("ACME", "must_order", Decimal("10.5"))], "USD"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_json_without_a_template_and_without_colours_of_its_own(name):
    figure = FIGURES[name]()
    text = json.dumps(figure)
    assert len(text) < 5_000
    assert "template" not in figure["layout"]
    assert "#" not in text
    assert "rgb" not in text
    assert figure["layout"]["height"] > 100


def test_the_waterfall_has_a_bar_for_each_step_and_says_its_number():
    (bars,) = draw_waterfall(STEPS)["data"]
    assert bars["x"] == [500.0, -45.5, 454.5, 454.5]
    assert bars["measure"] == ["relative", "relative", "total", "total"]
    assert bars["text"] == ["+500.0", "-45.5", "454.5", "454.5"]


def test_long_labels_take_two_lines_and_what_people_typed_is_no_markup():
    label = "Open order <b>PO</b> & a reference that goes on for much longer than anybody reads, imminent"
    labels = draw_waterfall([Step(label, 1.0)])["layout"]["yaxis"]["ticktext"]
    assert labels == ["Open order &lt;b&gt;PO&lt;/b&gt; &amp; a<br>reference that goes on for …"]


def test_the_projected_stock_marks_arrivals_and_where_it_runs_out():
    found = traces(draw_projected_stock(an_outlook()))
    assert list(found) == [
        "reorder point",
        "safety stock",
        "with the order",
        "without the order",
        "arrivals",
        "stock runs out",
    ]
    assert found["with the order"]["x0"] == "2026-11-20"
    assert found["with the order"]["y"][28:32] == [0.0, 0.0, 50.0, 40.0]
    assert found["without the order"]["y"][28:32] == [0.0, 0.0, 0.0, 0.0]
    assert found["arrivals"]["x"] == ["2026-11-30", "2026-12-20"]
    assert found["arrivals"]["text"] == ["PO-10: 20 units", "This order: 50 units"]
    assert found["stock runs out"]["x"] == ["2026-11-24"]
    assert found["safety stock"]["y"] == [100.0, 100.0]


def test_what_is_overdue_is_marked_on_the_first_day_and_what_is_too_late_not_at_all():
    found = traces(draw_projected_stock(an_outlook(arrivals=[(-5, 15.0), (400, 1.0)])))
    assert found["arrivals"]["x"] == ["2026-11-20", "2026-12-20"]
    assert found["arrivals"]["y"][0] == 60


def test_without_an_order_there_is_one_line_and_without_demand_no_stockout():
    outlook = an_outlook(order_quantity=0.0, daily_demand=0.0, arrivals=())
    assert list(traces(draw_projected_stock(outlook))) == ["reorder point", "safety stock", "stock"]


def test_months_without_sales_are_gaps_and_the_forecast_runs_on_for_three_months():
    months = [dt.date(2026, 8, 1), dt.date(2026, 10, 1)]
    found = traces(draw_sales(months, [10.0, 12.0], [10.0, 15.123], 14.0, dt.date(2026, 12, 1)))
    assert found["units sold"]["x"] == ["2026-08-01", "2026-09-01", "2026-10-01"]
    assert found["units sold"]["y"] == [10.0, None, 12.0]
    assert found["corrected demand"]["y"] == [10.0, None, 15.12]
    assert found["forecast"]["x"] == ["2026-12-01", "2027-01-01", "2027-02-01"]
    assert found["forecast"]["y"] == [14.0] * 3


def test_sales_without_a_forecast_and_a_forecast_without_sales():
    assert "forecast" not in traces(draw_sales([dt.date(2026, 8, 1)], [10.0], [10.0], None, dt.date(2026, 12, 1)))
    assert traces(draw_sales([], [], [], 14.0, dt.date(2026, 12, 1)))["units sold"]["x"] == []


def test_a_few_lead_times_have_a_bar_for_each_day():
    found = traces(draw_lead_times([20, 20, 22], 20.7, 21.8))
    assert found["shipments"]["x"] == [20.0, 21.0, 22.0]
    assert found["shipments"]["y"] == [2, 0, 1]
    assert found["mean 20.7 days"]["x"] == [20.7, 20.7]
    assert found["95% within 21.8 days"]["x"] == [21.8, 21.8]


@pytest.mark.parametrize("seed", range(20))
def test_many_lead_times_are_counted_completely_in_at_most_twenty_bars(seed):
    days = np.random.default_rng(seed).integers(0, 50 * seed + 1, 300).tolist()
    bars = draw_lead_times(days, float(np.mean(days)), float(np.percentile(days, 95)))["data"][0]
    assert sum(bars["y"]) == 300
    assert 1 <= len(bars["y"]) <= 20
    for centre, count in zip(bars["x"], bars["y"], strict=True):
        assert count == sum(abs(day - centre) < bars["width"] / 2 for day in days)


def test_the_value_by_supplier_is_stacked_by_urgency_the_highest_on_top():
    rows = [("LOW", "skip", 1), ("HIGH", "must_order", Decimal("2.5")), ("HIGH", "skip", 3), (None, "must_order", 4)]
    figure = draw_value_by_supplier(rows, "CAD")
    assert figure["layout"]["yaxis"]["ticktext"] == ["HIGH", "no supplier", "LOW"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "CAD"
    assert {name: trace["x"] for name, trace in traces(figure).items()} == {
        "Must order": [2.5, 4.0, 0.0],
        "Skip": [3.0, 0.0, 1.0],
    }


def test_the_suppliers_behind_the_first_fifteen_are_one_bar():
    rows = [(f"S{number:02}", "must_order", 100 - number) for number in range(20)]
    figure = draw_value_by_supplier(rows)
    (bars,) = figure["data"]
    assert figure["layout"]["yaxis"]["ticktext"] == [*(f"S{number:02}" for number in range(15)), "other suppliers"]
    assert bars["x"][-1] == 85 + 84 + 83 + 82 + 81
    assert sum(bars["x"]) == sum(value for _, _, value in rows)


def test_no_value_at_all_is_an_empty_figure():
    assert draw_value_by_supplier([])["data"] == []
