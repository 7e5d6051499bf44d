import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ordering.models import MonthlySales, OrderConfirmation, PlanningPolicy, Sku
from ordering.services.edit_order_line import edit_order_line
from ordering.services.generate_recommendations import generate_recommendations
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, sales, stock

pytestmark = pytest.mark.django_db

LINES = "admin:ordering_orderconfirmation_changelist"


@pytest.fixture
def lines():
    for number in range(3):
        sku = a_sku(f"A-{number}")
        stock(sku, 0)
        a_forecast(sku, 310)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    return list(OrderConfirmation.objects.order_by("sku__sku"))


def form_data(page):
    """What a browser would send back unchanged: every input of the list."""
    html = page.content.decode()
    fields = re.findall(r'<input type="(?:hidden|number|text)" name="([^"]+)"(?: value="([^"]*)")?', html)
    return dict(fields) | {"_save": "Save"}


def confirmed(line):
    return OrderConfirmation.objects.get(pk=line.pk).confirmed_qty


def row_of(page, line):
    html = page.content.decode()
    prefix = re.search(rf'name="(form-\d+)-id" value="{line.pk}"', html)
    return prefix.group(1)


def test_a_quantity_edited_in_the_list_is_confirmed_by_that_person(admin_client, lines):
    page = admin_client.get(reverse(LINES))
    field = f"{row_of(page, lines[0])}-confirmed_qty"
    admin_client.post(reverse(LINES), form_data(page) | {field: "12"})
    line = OrderConfirmation.objects.get(pk=lines[0].pk)
    assert (line.confirmed_qty, line.confirmed_by.username, line.version) == (12, "admin", 1)
    assert line.suggested_when_confirmed == lines[0].suggested_qty
    assert line.order_value == 30
    assert [confirmed(other) for other in lines[1:]] == [None, None]


def test_an_emptied_quantity_takes_the_confirmation_back(admin_client, lines):
    OrderConfirmation.objects.filter(pk=lines[0].pk).update(confirmed_qty=5, suggested_when_confirmed=1)
    page = admin_client.get(reverse(LINES))
    admin_client.post(reverse(LINES), form_data(page) | {f"{row_of(page, lines[0])}-confirmed_qty": ""})
    line = OrderConfirmation.objects.get(pk=lines[0].pk)
    assert (line.confirmed_qty, line.confirmed_by, line.drifted) == (None, None, False)


def test_saving_the_list_does_not_take_back_what_somebody_else_set_meanwhile(admin_client, lines):
    page = admin_client.get(reverse(LINES))
    OrderConfirmation.objects.filter(pk=lines[1].pk).update(confirmed_qty=50, version=1)
    admin_client.post(reverse(LINES), form_data(page) | {f"{row_of(page, lines[0])}-confirmed_qty": "12"})
    assert [confirmed(line) for line in lines] == [12, 50, None]


def test_two_people_on_one_line_the_second_is_told_what_the_first_set(admin_client, lines):
    page = admin_client.get(reverse(LINES))
    edit_order_line(line=lines[0], user=User.objects.create(username="anna"), confirmed_qty=50)
    answer = admin_client.post(reverse(LINES), form_data(page) | {f"{row_of(page, lines[0])}-confirmed_qty": "12"})
    assert "A-0 was changed by anna while you were editing; it has 50 now" in answer.content.decode()
    assert confirmed(lines[0]) == 50


@pytest.mark.parametrize("quantity", ["-1", "1.5", "many"])
def test_a_quantity_that_is_no_whole_number_of_units_is_refused(admin_client, lines, quantity):
    page = admin_client.get(reverse(LINES))
    answer = admin_client.post(reverse(LINES), form_data(page) | {f"{row_of(page, lines[0])}-confirmed_qty": quantity})
    assert answer.status_code == 200
    assert confirmed(lines[0]) is None


def test_a_locked_row_is_read_only_in_the_list_even_for_a_forged_request(admin_client, lines):
    OrderConfirmation.objects.filter(pk=lines[0].pk).update(locked=True)
    page = admin_client.get(reverse(LINES))
    field = f"{row_of(page, lines[0])}-confirmed_qty"
    assert re.search(rf'name="{field}"[^>]*disabled', page.content.decode())
    admin_client.post(reverse(LINES), form_data(page) | {field: "12", f"initial-{field}": ""})
    assert confirmed(lines[0]) is None


def test_a_locked_line_has_no_form(admin_client, lines):
    OrderConfirmation.objects.filter(pk=lines[0].pk).update(locked=True)
    url = reverse("admin:ordering_orderconfirmation_change", args=[lines[0].pk])
    assert b'name="confirmed_qty"' not in admin_client.get(url).content
    assert admin_client.post(url, {"confirmed_qty": "12", "notes": ""}).status_code == 403
    assert confirmed(lines[0]) is None


def test_notes_are_edited_on_the_line_itself(admin_client, lines):
    url = reverse("admin:ordering_orderconfirmation_change", args=[lines[0].pk])
    page = admin_client.get(url)
    admin_client.post(url, form_data(page) | {"notes": "ask for a discount", "initial-notes": ""})
    line = OrderConfirmation.objects.get(pk=lines[0].pk)
    assert (line.notes, line.confirmed_qty, line.suggested_qty) == ("ask for a discount", None, lines[0].suggested_qty)


def test_a_user_without_the_permission_cannot_edit(client, lines):
    user = User.objects.create_user("viewer", password="secret", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_orderconfirmation"))
    client.force_login(user)
    page = client.get(reverse(LINES))
    assert page.status_code == 200
    assert b"confirmed_qty" not in page.content or b'type="number"' not in page.content
    client.post(
        reverse(LINES), {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": lines[0].pk, "_save": "1"}
    )
    assert confirmed(lines[0]) is None


def test_lines_and_runs_cannot_be_added_or_deleted_by_hand(admin_client, lines):
    for name in ("orderconfirmation_add", "generationrun_add"):
        assert admin_client.get(reverse(f"admin:ordering_{name}")).status_code == 403
    url = reverse("admin:ordering_orderconfirmation_delete", args=[lines[0].pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 403


def test_there_is_one_policy(admin_client):
    url = reverse("admin:ordering_planningpolicy_add")
    assert admin_client.get(url).status_code == 200
    PlanningPolicy().save()
    assert admin_client.get(url).status_code == 403


def test_a_policy_whose_confidences_cross_is_refused(admin_client):
    url = reverse("admin:ordering_planningpolicy_add")
    fields = {field.name: field.get_default() for field in PlanningPolicy._meta.fields if field.editable}
    answer = admin_client.post(url, fields | {"confidence_full": 0.5})
    assert "Full confidence must be above the confidence floor" in answer.content.decode()
    assert not PlanningPolicy.objects.exists()


@pytest.mark.parametrize("model", [m for m in admin.site._registry if m._meta.app_label in {"ordering", "suppliers"}])
def test_every_list_opens_searches_and_offers_a_form(admin_client, lines, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"{name}_changelist"), {"q": "a-1"}).status_code == 200
    first = model._default_manager.first()
    if first:
        assert admin_client.get(reverse(f"{name}_change", args=[first.pk])).status_code == 200


def test_a_search_finds_skus_by_the_start_of_their_code_whatever_the_case(admin_client, lines):
    page = admin_client.get(reverse(LINES), {"q": "a-1"})
    assert [line.sku.sku for line in page.context["cl"].result_list] == ["A-1"]


def test_autocomplete_offers_skus_by_the_start_of_their_code(admin_client, lines):
    query = {"app_label": "ordering", "model_name": "inventory", "field_name": "sku", "term": "a-"}
    answer = admin_client.get(reverse("admin:autocomplete"), query).json()
    assert [result["text"] for result in answer["results"]] == ["A-0", "A-1", "A-2"]


@pytest.mark.parametrize("name", ["orderconfirmation", "monthlysales", "sku"])
def test_a_list_asks_as_much_for_3_rows_as_for_30(admin_client, lines, name):
    url = reverse(f"admin:ordering_{name}_changelist")
    counts = []
    for total in (3, 30):
        for number in range(MonthlySales.objects.count(), total):
            sku = Sku.objects.filter(sku=f"A-{number}").first() or a_sku(f"A-{number}")
            sales(sku, 5)
        generate_recommendations(month=MONTH, as_of=AS_OF)
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_list_never_counts_all_its_rows(admin_client, lines):
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(reverse(LINES))
    counting = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counting
    assert all("LIMIT 10000" in sql for sql in counting)
