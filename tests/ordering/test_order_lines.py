import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import WorkbenchError
from ordering.models import LineChange, OrderConfirmation, Sku
from ordering.services.edit_order_line import edit_order_line
from ordering.services.generate_recommendations import generate_recommendations
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_supplier, a_warehouse, stock

pytestmark = pytest.mark.django_db

PAGE = "/months/2026-12/lines/"


def a_user(role):
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def lines():
    for code, on_hand, fields in (
        ("PAN-1", 0, {"description": "Copper saucepan", "abc": "A"}),
        ("PAN-2", 5_000, {"description": "Iron pan", "supplier": a_supplier("OTHER")}),
        ("CUP-1", 0, {"description": "=cmd()", "order_multiple": 0}),
    ):
        sku = a_sku(code, **fields)
        stock(sku, on_hand)
        a_forecast(sku, 310)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    return {line.sku.sku: line for line in OrderConfirmation.objects.select_related("sku")}


@pytest.fixture
def buyer(client):
    client.force_login(a_user("buyer"))
    return client


def shown(client, **query):
    return [row.record.sku.sku for row in client.get(PAGE, query).context["table"].rows]


def edit(client, line, quantity, *, htmx=True, version=None):
    data = {"confirmed_qty": quantity, "version": line.version if version is None else version}
    return client.post(f"/lines/{line.pk}/edit/", data, headers={"hx-request": "true"} if htmx else {})


def test_the_lines_are_listed_the_highest_value_first(buyer, lines):
    assert shown(buyer)[0] == "PAN-1"
    assert len(shown(buyer)) == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"urgency": "must_order"}, ["PAN-1"]),
        ({"q": "pan-"}, ["PAN-1", "PAN-2"]),
        ({"q": "saucepan"}, ["PAN-1"]),
        ({"abc": "A"}, ["PAN-1"]),
        ({"state": "problem"}, ["CUP-1"]),
        ({"state": "confirmed"}, []),
        ({"demand_source": "forecast", "urgency": "skip"}, ["PAN-2"]),
        ({"value_min": "1"}, ["PAN-1"]),
        ({"status": "Death Row"}, []),
    ],
)
def test_filters_narrow_the_list_down(buyer, lines, query, found):
    assert sorted(shown(buyer, **query)) == found


def test_supplier_and_warehouse_filters(buyer, lines):
    assert shown(buyer, supplier=a_supplier("OTHER").pk) == ["PAN-2"]
    assert shown(buyer, warehouse=a_warehouse("elsewhere").pk) == []


def test_a_filter_that_makes_no_sense_says_so_and_shows_no_error_page(buyer, lines):
    answer = buyer.get(PAGE, {"value_min": "much", "supplier": "nobody", "page": "x", "sort": "nonsense"})
    assert answer.status_code == 200
    assert "Enter a number" in answer.content.decode()


def test_totals_are_those_of_the_filtered_lines(buyer, lines):
    line = lines["PAN-1"]
    answer = buyer.get(f"{PAGE}totals/", {"urgency": "must_order"}, headers={"hx-request": "true"})
    assert (answer.context["lines"], answer.context["units"]) == (1, line.order_qty)
    assert answer.context["value"] == {"USD": line.order_value}
    fragment = answer.content.decode()
    assert "1 line," in fragment
    assert "<html" not in fragment


def test_a_quantity_is_saved_and_one_row_comes_back(buyer, lines):
    answer = edit(buyer, lines["PAN-1"], "12")
    html = answer.content.decode()
    assert html.lstrip().startswith(f'<tr class="even" id="line-{lines["PAN-1"].pk}"') or "<tr" in html[:20]
    assert html.count("<tr") == 1
    assert 'value="12"' in html
    assert "30.00" in html
    assert answer["HX-Trigger"] == "lines-changed"
    line = OrderConfirmation.objects.get(pk=lines["PAN-1"].pk)
    assert (line.confirmed_qty, line.confirmed_by.username, line.version) == (12, "buyer", 1)


@pytest.mark.parametrize("quantity", ["0", "12"])
def test_the_list_shows_what_was_confirmed(buyer, lines, quantity):
    edit(buyer, lines["PAN-1"], quantity)
    assert f'value="{quantity}"' in buyer.get(PAGE, {"state": "confirmed"}).content.decode()


def test_every_change_leaves_a_row_of_history(buyer, lines):
    line = lines["PAN-1"]
    edit(buyer, line, "12")
    edit(buyer, line, "", version=1)
    changes = LineChange.objects.order_by("pk").values_list("who__username", "field", "old", "new")
    assert list(changes) == [("buyer", "confirmed_qty", "", "12"), ("buyer", "confirmed_qty", "12", "")]


def test_a_line_with_history_stays_when_its_pair_drops_out(buyer, lines):
    edit(buyer, lines["PAN-1"], "12")
    edit(buyer, lines["PAN-1"], "", version=1)
    Sku.objects.filter(sku="PAN-1").update(status=Sku.Status.DISCONTINUED)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    assert OrderConfirmation.objects.get(pk=lines["PAN-1"].pk).stale
    assert LineChange.objects.count() == 2


def test_setting_what_is_set_already_is_no_change(buyer, lines):
    line = lines["PAN-1"]
    for version in (0, 1):
        edit(buyer, line, "12", version=version)
    assert LineChange.objects.count() == 1
    assert OrderConfirmation.objects.get(pk=line.pk).version == 1


def test_the_second_of_two_people_is_told_what_the_first_set(buyer, lines):
    line = lines["PAN-1"]
    edit_order_line(line=OrderConfirmation.objects.get(pk=line.pk), user=a_user("manager"), confirmed_qty=50)
    html = edit(buyer, line, "12").content.decode()
    assert "PAN-1 was changed by manager while you were editing; it has 50 now." in html
    assert OrderConfirmation.objects.get(pk=line.pk).confirmed_qty == 50
    assert 'value="12"' in html
    assert 'name="version" value="1"' in html


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("-1", "is negative"),
        ("1.5", "is not a whole number"),
        ("many", "is not a whole number"),
        ("9" * 12, "is too large"),
    ],
)
def test_a_quantity_that_cannot_be_is_refused_with_its_reason(buyer, lines, quantity, reason):
    html = edit(buyer, lines["PAN-1"], quantity).content.decode()
    assert f"“{quantity}” {reason}" in html
    assert OrderConfirmation.objects.get(pk=lines["PAN-1"].pk).confirmed_qty is None


def test_a_page_without_the_version_that_it_showed_is_told_to_be_loaded_again(buyer, lines):
    line = lines["PAN-1"]
    sent = {"confirmed_qty": "12", "version": "?"}
    answer = buyer.post(f"/lines/{line.pk}/edit/", sent, headers={"HX-Request": "true"})
    assert "This page is out of date." in answer.content.decode()
    assert OrderConfirmation.objects.get(pk=line.pk).confirmed_qty is None


def test_a_locked_line_cannot_be_changed(buyer, lines):
    line = lines["PAN-1"]
    OrderConfirmation.objects.filter(pk=line.pk).update(locked=True)
    assert "PAN-1 is locked" in edit(buyer, line, "12", htmx=False).wsgi_request._messages._queued_messages[0].message
    assert OrderConfirmation.objects.get(pk=line.pk).confirmed_qty is None
    with pytest.raises(WorkbenchError, match="is locked"):
        edit_order_line(line=line, user=a_user("manager"), confirmed_qty=1)


def test_saving_works_without_javascript(buyer, lines):
    answer = edit(buyer, lines["PAN-1"], "12", htmx=False)
    assert (answer.status_code, answer.url) == (302, PAGE)
    assert OrderConfirmation.objects.get(pk=lines["PAN-1"].pk).confirmed_qty == 12


def test_a_viewer_reads_and_cannot_edit(client, lines):
    client.force_login(a_user("viewer"))
    assert b'name="confirmed_qty"' not in client.get(PAGE).content
    assert edit(client, lines["PAN-1"], "12").status_code == 403


def test_text_of_the_data_is_never_markup(buyer, lines):
    Sku.objects.filter(sku="PAN-1").update(description="<script>alert(1)</script>")
    assert b"<script>alert(1)" not in buyer.get(PAGE).content


def test_the_list_asks_as_much_for_3_rows_as_for_40(buyer, lines):
    counts = []
    for total in (3, 40):
        for number in range(Sku.objects.count(), total):
            sku = a_sku(f"MORE-{number}")
            stock(sku, 0)
            a_forecast(sku, 310)
        generate_recommendations(month=MONTH, as_of=AS_OF)
        with CaptureQueriesContext(connection) as queries:
            buyer.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_a_month_without_lines_says_what_to_do(buyer):
    page = buyer.get(PAGE)
    assert page.status_code == 200
    assert b"No line fits these filters" in page.content
