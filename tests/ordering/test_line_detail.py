import datetime as dt

import pytest
from django.contrib.auth.models import User

from ordering.explain import explain, waterfall
from ordering.models import OrderConfirmation, StockoutPattern
from ordering.services.edit_order_line import edit_order_line
from ordering.services.generate_recommendations import generate_recommendations
from suppliers.models import SupplierLeadTime
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_warehouse, an_open_order, stock, the_line

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
