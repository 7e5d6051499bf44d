import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ordering.explain import explain, waterfall
from ordering.line_facts import project_line, read_facts, read_lead_times, read_sales
from ordering.models import OrderConfirmation, StockoutPattern
from ordering.services.edit_order_line import edit_order_line
from ordering.services.generate_recommendations import generate_recommendations
from suppliers.models import Restriction, SupplierLeadTime
from tests.builders import (
    AS_OF,
    MONTH,
    a_forecast,
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


def a_line(on_hand=45, **fields):
    sku = a_sku(abc="A", xyz="X", order_multiple=12, **fields)
    SupplierLeadTime.objects.create(supplier=sku.supplier, warehouse=a_warehouse(), mean_days=20, std_days=5)
    stock(sku, on_hand)
    a_forecast(sku, 310)
    an_open_order(sku, 100, AS_OF + dt.timedelta(10), reference="PO-7")
    generate_recommendations(month=MONTH, as_of=AS_OF)
    return the_line(sku)


def test_the_sentence_names_what_there_is_and_what_it_must_last():
    assert explain(a_line(46)) == (
        "146 units in stock and on order last 15 days, but an order placed now must last 50 days: 20 until it arrives "
        "and 30 until the next chance to order. The need of 826 becomes 828 because of full packs."
    )


@pytest.mark.parametrize(
    ("on_hand", "words"),
    [(500, "but not the safety stock of 472"), (1_000, "the next review will order"), (9_000, "more than enough")],
)
def test_each_urgency_has_its_reason(on_hand, words):
    assert words in explain(a_line(on_hand))


def test_a_line_without_demand_or_with_bad_data_says_so():
    idle, bad = a_sku("IDLE"), a_sku("BAD", order_multiple=0)
    for sku in (idle, bad):
        stock(sku, 5)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    assert explain(the_line(idle)) == "There is no demand, so nothing is ordered."
    assert "The order multiple is 0" in explain(the_line(bad))
    assert waterfall(the_line(bad)) == []


@pytest.mark.parametrize("chronic", [False, True])
def test_the_steps_add_up_to_the_suggestion(chronic):
    if chronic:
        a_line()
        StockoutPattern.objects.create(
            sku=OrderConfirmation.objects.get().sku, pattern_type="chronic", frequency=90, confidence="high"
        )
        generate_recommendations(month=MONTH, as_of=AS_OF)
        line = OrderConfirmation.objects.get()
    else:
        line = a_line()
    steps = waterfall(line)
    so_far = 0.0
    for step in steps:
        if step.is_total:
            assert so_far == pytest.approx(step.value)
        else:
            so_far += step.value
    assert steps[-1].value == line.suggested_qty
    assert any("chronic" in step.label for step in steps) is chronic


def test_the_page_shows_steps_orders_other_warehouses_and_history(client):
    line = a_line()
    stock(line.sku, 7, a_warehouse("kentucky"))
    generate_recommendations(month=MONTH, as_of=AS_OF)
    line.refresh_from_db()
    anna = User.objects.create_user("anna")
    edit_order_line(line=line, user=anna, confirmed_qty=24, why="promotion")
    client.force_login(anna)
    page = client.get(f"/lines/{line.pk}/").content.decode()
    for words in ("must last 50 days", "PO-7", "kentucky", "anna", "promotion", "Safety stock"):
        assert words in page


def test_a_line_that_does_not_exist_is_not_found(client, admin_user):
    client.force_login(admin_user)
    assert client.get("/lines/1/").status_code == 404


def a_bad_line():
    sku = a_sku("BAD", order_multiple=0)
    stock(sku, 5)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    return the_line(sku)


def test_the_outlook_says_when_the_stock_runs_out_without_and_with_the_order():
    assert str(project_line(a_line(45))) == (
        "Without the order the stock runs out on Nov. 24, 2026 and is short on 48 of 62 days; with the order of 828, "
        "which arrives on Dec. 21, 2026, it runs out on Nov. 24, 2026 and is short on 17 of 62 days."
    )


def test_the_outlook_of_a_line_that_orders_nothing_or_sells_nothing():
    assert str(project_line(a_line(9_000))) == "Nothing is ordered; the stock lasts all 62 days shown."
    idle = a_sku("IDLE")
    stock(idle, 5)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    assert str(project_line(the_line(idle))) == "There is no demand, so the stock does not run out."


def test_an_order_in_time_lets_the_stock_last():
    assert str(project_line(a_line(400))).endswith("it lasts all 62 days shown.")


def test_the_outlook_takes_what_a_person_decided(admin_client, admin_user):
    line = a_line()
    edit_order_line(line=line, user=admin_user, confirmed_qty=24, arrival_override=AS_OF + dt.timedelta(40))
    line.refresh_from_db()
    assert "with the order of 24, which arrives on Dec. 30, 2026" in str(project_line(line))
    assert "12/21/2026, changed to 12/30/2026" in admin_client.get(f"/lines/{line.pk}/").content.decode()
    line.arrival_override, line.lead_time_override_days = None, 5
    assert project_line(line).order.day == MONTH + dt.timedelta(5)
    line.arrival_override = AS_OF
    assert project_line(line).order.day == AS_OF


def test_an_open_order_counts_with_its_weight_on_its_day():
    (arrival,) = project_line(a_line()).arrivals
    assert (arrival.reference, arrival.day, arrival.quantity) == ("PO-7", AS_OF + dt.timedelta(10), 100)


def test_the_sales_are_those_of_two_years_up_to_the_month_of_the_line():
    line = a_line()
    sales(line.sku, 30, dt.date(2026, 11, 1), stockout_days=15)
    sales(line.sku, 62, dt.date(2026, 10, 1), corrected_demand=70)
    sales(line.sku, 10, dt.date(2025, 1, 1))
    for other in (
        {"month": dt.date(2024, 12, 1)},
        {"month": dt.date(2027, 1, 1)},
        {"warehouse": a_warehouse("kentucky")},
    ):
        sales(line.sku, 999, **other)
    found = read_sales(line)
    assert found.months == [dt.date(2025, 1, 1), dt.date(2026, 10, 1), dt.date(2026, 11, 1)]
    assert found.units_sold == [10, 62, 30]
    assert found.corrected_demand == [10, 70, 60]
    assert str(found) == (
        "34.0 units a month were sold in 3 months; with stock on every day it would have been 46.7. "
        "The forecast is 310.0 a month."
    )


def test_the_lead_times_are_those_the_run_measured():
    line = a_line()
    for days in (10, 20, 60):
        a_shipment(days, received=AS_OF)
    a_shipment(500, received=AS_OF + dt.timedelta(1))
    a_shipment(500, received=dt.date(2024, 11, 20))
    a_shipment(500, supplier=a_supplier("OTHER"))
    a_shipment(500, warehouse=a_warehouse("kentucky"))
    assert str(read_lead_times(line)) == (
        "3 shipments arrived in the 24 months up to Nov. 20, 2026: 30.0 days on average, 95% within 56.0."
    )
    line.lead_time_source = OrderConfirmation.LeadTimeSource.POLICY_DEFAULT
    assert str(read_lead_times(line)).endswith(" The line itself counts with 20.0 days (policy's default).")


def test_a_line_whose_run_is_gone_still_has_its_facts():
    line = a_line()
    line.run = None
    sales(line.sku, 30)
    a_shipment(10)
    assert str(read_facts(line).sales).startswith("30.0 units a month were sold in 1 month;")
    assert str(read_facts(line).lead_times).startswith("1 shipment arrived in the 24 months up to Dec. 1, 2026:")
    assert read_facts(line).outlook.start == MONTH


@pytest.mark.parametrize("make", [a_line, a_bad_line])
def test_a_page_without_data_says_so_and_draws_no_empty_chart(admin_client, make):
    line = make()
    SupplierLeadTime.objects.all().delete()
    page = admin_client.get(f"/lines/{line.pk}/").content.decode()
    assert "No sales are recorded in the 24 months up to December 2026." in page
    assert "No shipment of this supplier to this warehouse is recorded" in page
    assert ("None, because the data behind this line are wrong." in page) is (make is a_bad_line)
    assert page.count('class="chart"') == (0 if make is a_bad_line else 2)


def test_the_page_says_in_words_what_the_charts_show(admin_client):
    line = a_line()
    sales(line.sku, 30)
    a_shipment(10)
    page = admin_client.get(f"/lines/{line.pk}/").content.decode()
    assert page.count('class="chart"') == page.count("<figcaption") == 4
    for fact in (read_facts(line).outlook, read_facts(line).sales, read_facts(line).lead_times):
        assert str(fact) in page


def test_the_number_of_queries_does_not_grow_with_the_line(admin_client):
    line = a_line()

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert admin_client.get(f"/lines/{line.pk}/").status_code == 200
        return len(captured)

    few = queries()
    for number in range(20):
        sales(line.sku, 30, dt.date(2025 + number // 12, number % 12 + 1, 1))
        a_shipment(10 + number)
        an_open_order(line.sku, 5, AS_OF + dt.timedelta(number), reference=f"PO-{100 + number}")
        stock(line.sku, 1, a_warehouse(f"w{number}"))
        edit_order_line(line=line, user=User.objects.get(), confirmed_qty=number)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    assert queries() == few
    assert few <= 9


def test_who_is_limited_sees_the_lines_of_the_limit_only(client):
    line = a_line()
    stock(line.sku, 7, a_warehouse("kentucky"))
    generate_recommendations(month=MONTH, as_of=AS_OF)
    anna = User.objects.create_user("anna")
    Restriction.objects.create(user=anna, warehouse=a_warehouse())
    client.force_login(anna)
    assert "kentucky" not in client.get(f"/lines/{line.pk}/").content.decode()
    there = the_line(line.sku, warehouse=a_warehouse("kentucky"))
    assert client.get(f"/lines/{there.pk}/").status_code == 404
