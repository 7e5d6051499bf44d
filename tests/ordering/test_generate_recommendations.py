import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import WorkbenchError
from core.runs import RunStatus
from ordering.models import (
    ForecastRun,
    GenerationRun,
    OrderConfirmation,
    PendingOrder,
    PlanningPolicy,
    SeasonalPattern,
    Sku,
    StockoutPattern,
)
from ordering.services.generate_recommendations import generate_recommendations
from suppliers.models import SupplierLeadTime
from tests.builders import (
    AS_OF,
    MONTH,
    a_forecast,
    a_forecast_run,
    a_shipment,
    a_sku,
    a_supplier,
    a_warehouse,
    an_open_order,
    sales,
    stock,
    the_line,
)

pytestmark = pytest.mark.django_db

# What a run may differ in without the line being different.
BOOKKEEPING = {"id", "run"}


def generate(**options):
    return generate_recommendations(**{"month": MONTH, "as_of": AS_OF} | options)


def all_lines():
    lines = OrderConfirmation.objects.order_by("month", "sku", "warehouse")
    return [{k: v for k, v in model_to_dict_whole(line).items() if k not in BOOKKEEPING} for line in lines]


def model_to_dict_whole(line):
    return {field.attname.removesuffix("_id"): getattr(line, field.attname) for field in line._meta.concrete_fields}


def a_planned_sku(code="A-1", on_hand=0, demand=310.0, **fields):
    sku = a_sku(code, **fields)
    stock(sku, on_hand)
    a_forecast(sku, demand)
    return sku


# Which pairs


def test_every_kind_of_knowledge_makes_a_pair_stocked():
    stock(a_sku("STOCK"), 0)
    a_forecast(a_sku("FORECAST"), 0)
    sales(a_sku("SALES"), 0)
    an_open_order(a_sku("ORDER"), 5)
    a_sku("NOTHING")

    generate()

    assert set(OrderConfirmation.objects.values_list("sku__sku", flat=True)) == {"STOCK", "FORECAST", "SALES", "ORDER"}


def test_discontinued_skus_inactive_warehouses_and_closed_orders_make_no_line():
    stock(a_sku("GONE", status=Sku.Status.DISCONTINUED), 5)
    kept = a_sku("KEPT", status=Sku.Status.DEATH_ROW)
    stock(kept, 5)
    stock(kept, 5, a_warehouse("closed", active=False))
    an_open_order(a_sku("RECEIVED"), 5, status=PendingOrder.Status.RECEIVED)

    generate()

    assert list(OrderConfirmation.objects.values_list("sku__sku", "warehouse__code")) == [("KEPT", "burnaby")]


# Demand


def test_the_newest_completed_forecast_counts_pair_by_pair():
    covered, left_out = a_sku("COVERED"), a_sku("LEFT-OUT")
    old = a_forecast_run("old", forecast_date=dt.date(2026, 9, 1))
    new = a_forecast_run("new", forecast_date=dt.date(2026, 10, 1))
    running = a_forecast_run("running", forecast_date=dt.date(2026, 11, 1), status=ForecastRun.Status.RUNNING)
    failed = a_forecast_run("failed", forecast_date=dt.date(2026, 11, 1), status=ForecastRun.Status.FAILED)
    for run, quantity in ((running, 999), (failed, 999), (old, 100), (new, 200)):
        a_forecast(covered, quantity, run=run)
    a_forecast(left_out, 50, run=old)

    generate()

    assert the_line(covered).forecast_monthly == 200
    assert the_line(left_out).forecast_monthly == 50


def test_of_two_forecasts_of_one_day_the_later_run_counts():
    sku = a_sku()
    for name, quantity in (("first", 1), ("second", 2)):
        a_forecast(sku, quantity, run=a_forecast_run(name))
    generate()
    assert the_line(sku).forecast_monthly == 2


def test_history_is_the_newest_month_up_to_the_order_month():
    sku = a_sku()
    for month, units in ((9, 10), (10, 30)):
        sales(sku, units, dt.date(2026, month, 1))
    sales(sku, 999, dt.date(2027, 1, 1))
    generate()
    assert the_line(sku).history_monthly == 30


def test_the_policy_says_how_many_months_of_history_count():
    sku = a_sku()
    for month, units in ((8, 10), (9, 20), (10, 60)):
        sales(sku, units, dt.date(2026, month, 1))
    PlanningPolicy(history_months=2).save()
    run = generate()
    assert the_line(sku).history_monthly == 40
    assert run.policy["history_months"] == 2


def test_history_is_corrected_for_days_without_stock():
    sku = a_sku()
    sales(sku, 30, dt.date(2026, 11, 1), stockout_days=15)
    generate()
    assert the_line(sku).history_monthly == 60


def test_a_corrected_demand_that_is_given_wins():
    sku = a_sku()
    sales(sku, 30, stockout_days=15, corrected_demand=45)
    generate()
    assert the_line(sku).history_monthly == 45


def test_a_forecast_that_is_half_trusted_is_blended_with_history():
    sku = a_sku()
    a_forecast(sku, 100, confidence=0.625)
    sales(sku, 200)
    generate()
    line = the_line(sku)
    assert (line.demand_source, line.blend_weight, line.monthly_demand) == ("blended", 0.5, 150)


# Lead time


def test_lead_time_comes_from_the_shipments_before_the_planning_date():
    sku = a_planned_sku()
    for days in (10, 20, 30):
        a_shipment(days, received=AS_OF)
    a_shipment(500, received=AS_OF + dt.timedelta(1))
    a_shipment(500, received=dt.date(2024, 11, 20))

    generate()

    line = the_line(sku)
    assert (line.lead_time_source, line.lead_time_days, line.lead_time_std_days) == ("measured", 20, 10)
    assert line.reliability == 0.5


def test_imported_statistics_count_where_shipments_are_too_few():
    sku = a_planned_sku()
    a_shipment(10)
    SupplierLeadTime.objects.create(supplier=a_supplier(), warehouse=a_warehouse(), p95_days=42)
    generate()
    line = the_line(sku)
    assert (line.lead_time_days, line.lead_time_std_days, line.reliability) == (42, 0, 0.7)


def test_statistics_measured_after_the_planning_date_are_not_known_yet():
    sku = a_planned_sku()
    SupplierLeadTime.objects.create(
        supplier=a_supplier(), warehouse=a_warehouse(), mean_days=42, measured_through=AS_OF + dt.timedelta(1)
    )
    generate()
    assert the_line(sku).lead_time_source == "policy_default"


def test_another_warehouse_then_the_supplier_then_the_policy_fill_in():
    elsewhere = a_planned_sku("ELSEWHERE", supplier=a_supplier("ELSEWHERE"))
    stated = a_planned_sku("STATED", supplier=a_supplier("STATED", default_lead_time_days=12))
    unknown = a_planned_sku("UNKNOWN", supplier=None)
    for warehouse, mean in (("kentucky", 15), ("far away", 25)):
        SupplierLeadTime.objects.create(
            supplier=elsewhere.supplier, warehouse=a_warehouse(warehouse, active=False), mean_days=mean, std_days=1
        )
    generate()
    found = {
        sku.sku: (the_line(sku).lead_time_source, the_line(sku).lead_time_days) for sku in (elsewhere, stated, unknown)
    }
    assert found == {
        "ELSEWHERE": ("other_warehouse", 25),
        "STATED": ("supplier_default", 12),
        "UNKNOWN": ("policy_default", 30),
    }


# Open orders


def test_each_open_order_is_kept_with_its_weight():
    sku = a_planned_sku()
    late, soon = AS_OF - dt.timedelta(1), AS_OF + dt.timedelta(30)
    an_open_order(sku, 10, late, reference="LATE")
    an_open_order(sku, 10, soon, reference="SOON", is_estimated=True)
    an_open_order(sku, 10, None, reference="UNDATED", order_date=AS_OF)

    generate()

    line = the_line(sku)
    assert {order["reference"]: (order["class"], order["weight"]) for order in line.pending_breakdown} == {
        "LATE": ("overdue", 0.8),
        "SOON": ("imminent", 0.85),
        "UNDATED": ("imminent", 0.85),
    }
    assert (line.pending_raw, line.pending_effective, line.overdue_count) == (30, 25, 1)
    assert line.inventory_position == 25
    assert line.pending_breakdown[0]["arrival"] == late.isoformat()


# Patterns


def test_a_strong_season_raises_the_safety_stock():
    plain, peaking = a_planned_sku("PLAIN"), a_planned_sku("PEAKING")
    SeasonalPattern.objects.create(
        sku=peaking, warehouse=a_warehouse(), strength=0.8, confidence=0.9, significant=True, peak_months="1,6"
    )
    generate()
    assert the_line(peaking).seasonal_factor == 1.3
    assert the_line(peaking).safety_stock == pytest.approx(1.3 * the_line(plain).safety_stock)


def test_seasonal_stockouts_raise_the_safety_stock_in_every_warehouse():
    sku = a_planned_sku()
    StockoutPattern.objects.create(sku=sku, pattern_type="seasonal", months="12", frequency=60, confidence="medium")
    generate()
    assert the_line(sku).seasonal_factor == 1.2


def test_chronic_stockouts_raise_the_urgency():
    usual, chronic = (a_planned_sku(code, on_hand=620) for code in ("USUAL", "CHRONIC"))
    StockoutPattern.objects.create(sku=chronic, pattern_type="chronic", frequency=80, confidence="high")
    generate()
    assert (the_line(usual).urgency, the_line(chronic).urgency) == ("should_order", "must_order")


# People's decisions


def test_a_confirmed_quantity_survives_and_the_line_is_marked_as_drifted():
    sku = a_planned_sku()
    generate()
    seen = the_line(sku).suggested_qty
    OrderConfirmation.objects.update(
        confirmed_qty=7, suggested_when_confirmed=seen, notes="call first", arrival_override=dt.date(2027, 1, 5)
    )
    sku.inventory_set.update(on_hand=300)

    generate()

    line = the_line(sku)
    assert (line.confirmed_qty, line.notes, line.arrival_override) == (7, "call first", dt.date(2027, 1, 5))
    assert (line.order_qty, line.order_value) == (7, 17.5)
    assert line.suggested_qty == seen - 300
    assert line.suggested_when_confirmed == seen
    assert line.drifted


def test_a_confirmed_line_whose_suggestion_stays_has_not_drifted():
    sku = a_planned_sku()
    generate()
    OrderConfirmation.objects.update(confirmed_qty=7, suggested_when_confirmed=the_line(sku).suggested_qty)
    generate()
    assert not the_line(sku).drifted


def test_a_locked_line_is_not_touched_at_all():
    sku = a_planned_sku()
    generate()
    OrderConfirmation.objects.update(locked=True)
    before = all_lines()
    sku.inventory_set.update(on_hand=300)
    Sku.objects.update(unit_cost=99)

    run = generate()

    assert all_lines() == before
    assert (run.line_count, run.locked_lines) == (0, 1)


def test_a_pair_that_drops_out_leaves_only_what_people_decided():
    skus = [a_planned_sku(code) for code in ("PLAIN", "CONFIRMED", "NOTED", "LOCKED")]
    generate()
    OrderConfirmation.objects.filter(sku__sku="CONFIRMED").update(confirmed_qty=7)
    OrderConfirmation.objects.filter(sku__sku="NOTED").update(notes="ask")
    OrderConfirmation.objects.filter(sku__sku="LOCKED").update(locked=True)
    Sku.objects.update(status=Sku.Status.DISCONTINUED)
    other = a_planned_sku("OTHER")

    generate()

    stale = dict(OrderConfirmation.objects.exclude(sku=other).values_list("sku__sku", "stale"))
    assert stale == {"CONFIRMED": True, "NOTED": True, "LOCKED": False}
    assert len(skus) == 4


def test_a_stale_line_that_comes_back_is_no_longer_stale():
    sku = a_planned_sku()
    a_planned_sku("OTHER")
    generate()
    OrderConfirmation.objects.update(confirmed_qty=7)
    for status in (Sku.Status.DISCONTINUED, Sku.Status.ACTIVE):
        Sku.objects.filter(pk=sku.pk).update(status=status)
        generate()
    assert not the_line(sku).stale


def test_other_months_are_left_alone():
    sku = a_planned_sku()
    generate()
    sku.inventory_set.update(on_hand=300)
    generate(month=dt.date(2027, 1, 1))
    assert the_line(sku).on_hand == 0
    assert the_line(sku, dt.date(2027, 1, 1)).on_hand == 300


# Scope


def test_a_scope_limits_what_is_computed_and_what_drops_out():
    mine, theirs = a_planned_sku("MINE", supplier=a_supplier("ME")), a_planned_sku("THEIRS", supplier=a_supplier("YOU"))
    generate()
    for sku in (mine, theirs):
        sku.inventory_set.update(on_hand=300)
    Sku.objects.create(sku="MINE-GONE", supplier=mine.supplier)

    run = generate(suppliers=["me"])

    assert (the_line(mine).on_hand, the_line(theirs).on_hand) == (300, 0)
    assert run.line_count == 1


def test_a_warehouse_scope_leaves_other_warehouses_alone():
    sku = a_planned_sku()
    stock(sku, 1, a_warehouse("kentucky"))
    generate()
    sku.inventory_set.all().delete()
    sku.forecastdetail_set.all().delete()
    a_planned_sku("OTHER")

    generate(warehouses=["Kentucky"])

    assert [line.warehouse.code for line in OrderConfirmation.objects.filter(sku=sku)] == ["burnaby"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"suppliers": ["NOBODY"]}, "There is no supplier with the code NOBODY"),
        ({"warehouses": ["nowhere"]}, "There is no active warehouse with the code nowhere"),
        ({"month": dt.date(2026, 12, 2)}, "must be the first day"),
        ({"chunk_size": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_a_sentence(options, sentence):
    a_planned_sku()
    with pytest.raises(WorkbenchError, match=sentence):
        generate(**options)
    assert not GenerationRun.objects.exclude(active_key=None).exists()


def test_nothing_to_plan_is_a_failed_run_with_a_sentence():
    a_warehouse()
    with pytest.raises(WorkbenchError, match="no active SKUs"):
        generate()
    run = GenerationRun.objects.get()
    assert (run.status, run.active_key) == (RunStatus.FAILED, None)
    assert "Import SKUs first" in run.error


# Bad data


def test_a_pair_with_bad_data_gets_a_reason_and_the_others_a_quantity():
    bad, good = a_planned_sku("BAD", order_multiple=0), a_planned_sku("GOOD")
    run = generate()
    line = the_line(bad)
    assert (line.suggested_qty, line.urgency, line.order_value) == (None, None, None)
    assert line.problem == "The order multiple is 0"
    assert run.problems == 1
    assert the_line(good).suggested_qty > 0


def test_a_demand_too_large_to_order_is_a_problem_and_no_crash():
    huge = a_planned_sku("HUGE", demand=1e11)
    good = a_planned_sku("GOOD")
    generate()
    assert the_line(huge).problem == "The quantity is too large to order"
    assert the_line(good).problem == ""


def test_a_lead_time_of_a_century_is_a_problem():
    sku = a_planned_sku(supplier=a_supplier("SLOW", default_lead_time_days=36_500))
    generate()
    assert "lead time" in the_line(sku).problem


# The run


def test_running_twice_changes_nothing():
    for number in range(5):
        a_planned_sku(f"A-{number}", on_hand=number * 100)
    first = generate()
    before = all_lines()
    second = generate()
    assert all_lines() == before
    assert first.lines_by_urgency == second.lines_by_urgency


@pytest.mark.parametrize("chunk_size", [1, 3, 7, 100])
def test_the_chunk_size_changes_nothing(chunk_size):
    for number in range(7):
        sku = a_planned_sku(f"A-{number}", on_hand=number * 100)
        an_open_order(sku, 10, AS_OF + dt.timedelta(number * 10))
    whole = generate()
    before = all_lines()
    OrderConfirmation.objects.all().delete()
    pieces = generate(chunk_size=chunk_size)
    assert all_lines() == before
    assert pieces.lines_by_urgency == whole.lines_by_urgency
    assert (pieces.progress_done, pieces.progress_total) == (7, 7)


def test_the_run_counts_lines_units_and_value_by_urgency():
    a_planned_sku("MUST", currency="USD")
    a_planned_sku("SKIP", on_hand=100_000, currency="EUR")
    run = generate()
    quantity = OrderConfirmation.objects.get(sku__sku="MUST").order_qty
    assert run.lines_by_urgency == {
        "must_order": {"lines": 1, "units": quantity, "value": {"USD": quantity * 2.5}},
        "should_order": {"lines": 0, "units": 0, "value": {}},
        "optional": {"lines": 0, "units": 0, "value": {}},
        "skip": {"lines": 1, "units": 0, "value": {"EUR": 0}},
    }
    stored = GenerationRun.objects.get()
    for name in ("lines_by_urgency", "problems", "progress_done", "progress_total", "statements", "timings", "status"):
        assert getattr(stored, name) == getattr(run, name)


def test_a_dry_run_counts_and_writes_nothing():
    a_planned_sku()
    run = generate(dry_run=True)
    assert (run.pk, run.line_count, run.status) == (None, 1, RunStatus.COMPLETED)
    assert not OrderConfirmation.objects.exists()
    assert not GenerationRun.objects.exists()


def test_statements_do_not_grow_with_the_skus_of_a_chunk():
    counts = []
    for number in range(12):
        a_planned_sku(f"A-{number}")
        if number in (0, 11):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                generate()
            counts.append(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))
    assert counts[0] == counts[1]


def test_a_run_stays_within_its_budget_of_statements():
    sku = a_planned_sku()
    an_open_order(sku, 5)
    sales(sku, 5)
    for days in (10, 20, 30):
        a_shipment(days)
    with CaptureQueriesContext(connection) as queries:
        run = generate()
    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert len(selects) == run.statements["select"] <= 16
    assert run.statements["other"] <= 8


def test_the_example_of_the_readme_comes_out_as_written():
    sku = a_planned_sku(on_hand=45, demand=310, abc="A", xyz="X", order_multiple=12)
    SupplierLeadTime.objects.create(supplier=sku.supplier, warehouse=a_warehouse(), mean_days=20, std_days=5)
    an_open_order(sku, 100, AS_OF + dt.timedelta(10))
    generate()
    line = the_line(sku)
    assert (round(line.safety_stock, 2), round(line.order_up_to, 2), round(line.need, 2)) == (472.48, 972.48, 827.48)
    assert (line.inventory_position, line.suggested_qty, line.urgency) == (145, 828, "must_order")
