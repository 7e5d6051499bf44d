"""Who may open what, and whose lines a person who is limited to some of them gets to see."""

import contextlib
import csv
import io
import itertools
import re
import uuid
from decimal import Decimal

import openpyxl
import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from core.runs import RunStatus
from ordering.models import (
    BulkEdit,
    DataUpload,
    DemandStats,
    GenerationRun,
    Inventory,
    LineChange,
    OrderConfirmation,
    OrderTotal,
    SeasonalPattern,
    StockoutPattern,
)
from ordering.services.edit_order_line import edit_order_line
from ordering.services.edit_order_lines import apply_bulk_edit, plan_bulk_edit, queue_bulk_edit
from ordering.services.generate_recommendations import continue_generation, generate_recommendations
from ordering.urls import urlpatterns
from suppliers.models import Restriction, Supplier, SupplierLeadTime, Warehouse
from tests.builders import (
    AS_OF,
    MONTH,
    a_forecast,
    a_shipment,
    a_sku,
    a_supplier,
    a_user,
    a_warehouse,
    an_open_order,
    an_order_line,
    sales,
    stock,
)

pytestmark = pytest.mark.django_db

ROLES = ("viewer", "buyer", "manager")
LINES = "/months/2026-12/lines/"

ALL_SEE, ALL_ACT, NONE = (200, 200, 200), (302, 302, 302), (405, 405, 405)
BUYERS_ACT, MANAGERS_ACT = (403, 302, 302), (403, 403, 302)
# What viewer, buyer and manager are answered to GET and to POST; 302 leads to a page, never to the login.
ANSWERS = {
    "overview": (ALL_ACT, NONE),
    "month": (ALL_SEE, NONE),
    "generate": ((403, 403, 200), MANAGERS_ACT),
    "run_progress": (ALL_ACT, NONE),
    "run_cancel": (NONE, MANAGERS_ACT),
    "run_retry": (NONE, MANAGERS_ACT),
    "lines": (ALL_SEE, NONE),
    "lines_totals": (ALL_SEE, NONE),
    "line": (ALL_SEE, NONE),
    "edit_line": (NONE, BUYERS_ACT),
    "bulk": (NONE, (403, 200, 200)),
    "bulk_progress": (ALL_ACT, NONE),
    "bulk_undo": (NONE, BUYERS_ACT),
    "left_out": (ALL_SEE, NONE),
    "export": (ALL_SEE, NONE),
    "reimport": ((403, 200, 200), BUYERS_ACT),
    "reimport_apply": (NONE, BUYERS_ACT),
    "reimport_refused": ((403, 404, 404), NONE),
    "columns": (NONE, ALL_ACT),
    "save_view": (NONE, ALL_ACT),
    "delete_view": (NONE, ALL_ACT),
    "basket": (ALL_SEE, NONE),
    "basket_fill": (NONE, BUYERS_ACT),
    "suppliers": (ALL_SEE, NONE),
    "supplier": (ALL_SEE, NONE),
    "uploads": ((403, 403, 200), MANAGERS_ACT),
    "upload_progress": ((403, 403, 302), NONE),
    "upload_cancel": (NONE, MANAGERS_ACT),
    "upload_errors": ((403, 403, 200), NONE),
}
SENT = {
    "edit_line": {"confirmed_qty": "7", "version": "0"},
    "bulk": {"action": "zero", "everything": "on"},
    "columns": {"columns": "abc"},
    "save_view": {"name": "Mine"},
    "delete_view": {"name": "Mine"},
}
ABOUT = {"edit_line": "line", "left_out": "bulk", "basket": "supplier", "basket_fill": "supplier"}
OF_SOMEBODY_ELSE = ("bulk_progress", "bulk_undo", "left_out")


@pytest.fixture(autouse=True)
def queued(monkeypatch, settings, tmp_path):
    """What was put into the queue, without a queue; uploads in a folder of their own."""
    calls = []
    for module in ("overview", "bulk", "uploads"):
        monkeypatch.setattr(f"ordering.views.{module}.enqueue", lambda job, pk: calls.append(pk))
    monkeypatch.setattr("ordering.views.overview.describe_trouble", lambda: "")
    monkeypatch.setattr("ordering.views.uploads.describe_trouble", lambda: "")
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return calls


def logged_in(user):
    client = Client()
    client.force_login(user)
    return client


def limited(role="buyer", *, to, **fields):
    user = a_user(role, f"limited {role}", **fields)
    kind = "warehouse" if isinstance(to, Warehouse) else "supplier"
    Restriction.objects.create(user=user, **{kind: to})
    return user


def body_of(answer):
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(errors="replace")


# Roles


def rows_for(user):
    """Something for every address: a run, a line, an action of this user, a supplier, an upload with refused rows."""
    line = an_order_line(a_sku(f"A-{user}"), 10)
    upload = DataUpload.objects.create(files=["skus.csv"])
    upload.folder.mkdir(parents=True)
    upload.errors_path.write_text("row\n")
    run = GenerationRun.objects.create(month=MONTH, as_of=AS_OF, status=RunStatus.FAILED)
    bulk = BulkEdit.objects.create(month=MONTH, user=user, action="zero", status=RunStatus.COMPLETED)
    return {"run": run, "bulk": bulk, "upload": upload, "supplier": line.supplier, "line": line}


def route(name):
    return str(next(pattern for pattern in urlpatterns if pattern.name == name).pattern)


def address(name, pk=0):
    known = {"month": MONTH, "token": uuid.UUID(int=7), "pk": pk}
    return reverse(name, kwargs={key: known[key] for key in re.findall(r"<\w+:(\w+)>", route(name))})


def address_of(name, rows):
    """The address with this name, of the row that it is about."""
    row = rows.get(ABOUT.get(name, name.split("_")[0]))
    return address(name, row.pk if row else 0)


def status_of(answer):
    body_of(answer)
    assert "/login/" not in answer.get("Location", "")
    return answer.status_code


def asked_both_ways(client, url):
    return {status_of(client.get(url)), status_of(client.post(url))}


def test_every_address_is_in_the_table():
    assert {pattern.name for pattern in urlpatterns} == set(ANSWERS)
    assert len(urlpatterns) == len(ANSWERS)


@pytest.mark.parametrize("name", ANSWERS)
def test_each_role_is_answered_as_it_may(name):
    found = {}
    for method in ("get", "post"):
        for role in ROLES:
            user = a_user(role, f"{role} who {method}s")
            answer = getattr(logged_in(user), method)(address_of(name, rows_for(user)), SENT.get(name, {}))
            found[method, role] = status_of(answer)
    expected = itertools.product(("get", "post"), ROLES)
    assert found == dict(zip(expected, itertools.chain(*ANSWERS[name]), strict=True))


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_no_address_answers_to_another_method(method):
    user = a_user("manager")
    client, rows = logged_in(user), rows_for(user)
    ask = getattr(client, method)
    assert {name for name in ANSWERS if status_of(ask(address_of(name, rows))) != 405} == set()


def test_what_a_role_may_not_do_it_does_not_do(queued):
    viewer = a_user("viewer")
    client, rows = logged_in(viewer), rows_for(viewer)
    for name in ANSWERS:
        client.post(address_of(name, rows), SENT.get(name, {}) | {"apply": "1"})
    assert list(OrderConfirmation.objects.values_list("confirmed_qty", "version", "locked")) == [(None, 0, False)]
    assert (GenerationRun.objects.count(), BulkEdit.objects.count(), DataUpload.objects.count()) == (1, 1, 1)
    assert queued == []


def test_what_is_not_there_is_not_found():
    user = a_user("manager")
    client, rows = logged_in(user), {name: type(row)(pk=10**6) for name, row in rows_for(user).items()}
    numbered = [name for name in ANSWERS if "<int:pk>" in route(name)]
    assert len(numbered) > 10
    found = {name: asked_both_ways(client, address_of(name, rows)) for name in numbered}
    assert found == {name: {404, 405} for name in numbered}


@pytest.mark.parametrize("month", ["0001-01", "0999-12", "9999-12"])
def test_a_month_of_another_age_is_answered(month):
    client = logged_in(a_user("manager"))
    months = [name for name in ANSWERS if route(name).startswith("months/<month:month>/") and "pk" not in route(name)]
    assert len(months) > 5
    for name in months:
        assert status_of(client.get(address(name).replace("2026-12", month), follow=True)) in (200, 404, 405), name


def test_the_first_months_are_no_months():
    assert logged_in(a_user("manager")).get("/months/0000-01/").status_code == 404


def test_somebody_elses_action_is_not_there_even_for_a_manager():
    rows = rows_for(a_user("buyer"))
    client = logged_in(a_user("manager"))
    for name in OF_SOMEBODY_ELSE:
        assert asked_both_ways(client, address_of(name, rows)) == {404, 405}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_without_staff_stays_out_of_the_admin(role):
    answer = logged_in(a_user(role)).get("/admin/ordering/orderconfirmation/")
    assert answer.status_code == 302
    assert "/admin/login/" in answer.url


# People limited to suppliers or warehouses


@pytest.fixture
def books():
    """Supplier ACME with OWN-1, supplier RIVAL with SECRET-9, and FAR-5 of ACME in kentucky alone; all of it planned,
    decided about and with everything behind it that a page can show."""
    own, secret = a_sku("OWN-1"), a_sku("SECRET-9", supplier=a_supplier("RIVAL", min_order_value="9999999"))
    far, kentucky = a_sku("FAR-5"), a_warehouse("kentucky")
    for sku, warehouse in ((own, a_warehouse()), (secret, a_warehouse()), (far, kentucky)):
        stock(sku, 0, warehouse)
        a_forecast(sku, 310, warehouse=warehouse)
        sales(sku, 300, warehouse=warehouse)
        an_open_order(sku, 5, reference=f"PO-{sku}", warehouse=warehouse)
        for number in range(3):
            a_shipment(20 + number, po_number=f"SHIP-{sku}-{number}", supplier=sku.supplier, warehouse=warehouse)
        DemandStats.objects.create(sku=sku, warehouse=warehouse, cv=0.5)
        SeasonalPattern.objects.create(sku=sku, warehouse=warehouse, strength=0.8, confidence=0.9, peak_months="1")
        StockoutPattern.objects.create(sku=sku, pattern_type="chronic", frequency=1, confidence="low")
        SupplierLeadTime.objects.create(supplier=sku.supplier, warehouse=warehouse, mean_days=20)
    generate_recommendations(month=MONTH, as_of=AS_OF, who="planner")
    boss = a_user("manager", "boss")
    for line in OrderConfirmation.objects.all():
        edit_order_line(line=line, user=boss, confirmed_qty=500, why=f"about {line.sku}")


def the(code):
    return OrderConfirmation.objects.get(sku__sku=code)


def quantities():
    return dict(OrderConfirmation.objects.values_list("sku__sku", "confirmed_qty"))


def do(user, action, **selection):
    edit = plan_bulk_edit(month=MONTH, user=User.objects.get(pk=user.pk), action=action, **selection)
    return apply_bulk_edit(bulk_id=queue_bulk_edit(edit=edit).pk)


def every_page():
    """Every address with each number that any row has, and with what else can be asked of it."""
    models = (OrderConfirmation, GenerationRun, BulkEdit, DataUpload, Warehouse, Supplier)
    numbers = sorted({pk for model in models for pk in model.objects.values_list("pk", flat=True)})
    places = [f"?{model._meta.model_name}={row.pk}" for model in (Supplier, Warehouse) for row in model.objects.all()]
    more = {
        "lines": ["?sort=sku&rows=200", "?q=s", "?state=confirmed&page=-1", "?value_min=x", *places],
        "lines_totals": ["?state=confirmed", "?abc=&q=s", *places],
        "export": ["?format=csv", "?format=csv&state=confirmed", *(f"{place}&format=csv" for place in places)],
        "basket": ["?fill=1"],
        "suppliers": ["?q=r", "?sort=-code"],
    }
    for pattern in urlpatterns:
        for pk in numbers if "<int:pk>" in str(pattern.pattern) else [0]:
            queries = ["", *more.get(pattern.name, [])]
            yield from ((pattern.name, address(pattern.name, pk) + query) for query in queries)


def every_admin_page():
    """Lists, their searches and filters, and the page, history and deletion of each row."""
    for model in admin.site._registry:
        if model._meta.app_label in ("ordering", "suppliers"):
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            for query in ("", "?q=s", "?q=p", "?q=r", "?o=1", "?all="):
                yield name, reverse(f"admin:{name}_changelist") + query
            for pk in model._default_manager.values_list("pk", flat=True):
                for page in ("change", "history", "delete"):
                    yield name, reverse(f"admin:{name}_{page}", args=[pk])
    for model, field in (
        ("inventory", "sku"),
        ("sku", "supplier"),
        ("shipment", "supplier"),
        ("inventory", "warehouse"),
    ):
        app = "suppliers" if model == "shipment" else "ordering"
        query = f"?app_label={app}&model_name={model}&field_name={field}&term="
        yield "autocomplete", reverse("admin:autocomplete") + query


def names_that_show(client, pages, *texts):
    """For each text the names of the pages that hold it."""
    shown = {text: set() for text in texts}
    for name, url in pages:
        answer = client.get(url)
        assert answer.status_code < 500, url
        body = body_of(answer)
        for text in texts:
            if text in body:
                shown[text].add(name)
    return shown


def a_past_of(user):
    """Actions from before the limits: one that changed every line, one that left every line out."""
    return do(user, "percent", percent=Decimal(50)), do(user, "confirm")


PAGES_WITH_SKUS = {"month", "lines", "line", "left_out", "export", "basket", "supplier"}


def test_without_limits_the_pages_show_every_sku(books):
    user = a_user("buyer")
    a_past_of(user)
    assert names_that_show(logged_in(user), every_page(), "OWN-1", "SECRET", "FAR-5", "RIVAL") == {
        "OWN-1": PAGES_WITH_SKUS,
        "SECRET": PAGES_WITH_SKUS,
        "FAR-5": PAGES_WITH_SKUS,
        "RIVAL": PAGES_WITH_SKUS - {"left_out", "line"} | {"suppliers"},
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_person_limited_to_a_supplier_never_sees_anothers_skus(books, role):
    user = a_user("buyer")
    a_past_of(user)
    user.groups.set(a_user(role, "example").groups.all())
    Restriction.objects.create(user=user, supplier=a_supplier())
    shown = names_that_show(logged_in(user), every_page(), "OWN-1", "SECRET", "RIVAL")
    assert shown == {"OWN-1": PAGES_WITH_SKUS, "SECRET": set(), "RIVAL": set()}


def test_a_person_limited_to_a_warehouse_never_sees_what_is_elsewhere(books):
    user = a_user("buyer")
    a_past_of(user)
    Restriction.objects.create(user=user, warehouse=a_warehouse())
    shown = names_that_show(logged_in(user), every_page(), "OWN-1", "FAR-5", "kentucky")
    assert shown == {"OWN-1": PAGES_WITH_SKUS, "FAR-5": set(), "kentucky": set()}


def test_limits_to_suppliers_and_warehouses_hold_together(books):
    user = limited(to=a_supplier())
    Restriction.objects.create(user=user, warehouse=a_warehouse())
    client = logged_in(user)
    assert [row.record.sku.sku for row in client.get(LINES).context["table"].rows] == ["OWN-1"]
    assert names_that_show(client, every_page(), "FAR-5", "SECRET") == {"FAR-5": set(), "SECRET": set()}


def test_the_numbers_are_those_of_the_own_lines(books):
    client = logged_in(limited(to=a_supplier("RIVAL")))
    line = the("SECRET-9")
    totals = client.get(f"{LINES}totals/").context
    assert (totals["lines"], totals["units"], totals["value"]) == (1, 500, {"USD": line.order_value})
    filtered = client.get(f"{LINES}totals/", {"value_min": "0"}).context
    assert (filtered["lines"], filtered["units"]) == (1, 500)
    cards = client.get("/months/2026-12/").context["cards"]
    assert sum(card["lines"] for card in cards.values()) == 1
    assert OrderTotal.objects.count() == 3


def test_the_workbook_has_the_own_lines_only(books):
    answer = logged_in(limited(to=a_supplier())).get("/months/2026-12/export/")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    cells = " ".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)
    assert "OWN-1" in cells
    assert "SECRET" not in cells
    assert "RIVAL" not in cells


# In the admin


def a_member_of_staff(**restriction):
    """One who may open every list, those that no role has included."""
    user = a_user("buyer", "staff", is_staff=True)
    labels = ("ordering", "suppliers")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label__in=labels))
    if restriction:
        Restriction.objects.create(user=user, **restriction)
    return User.objects.get(pk=user.pk)


OF_A_SKU = {
    f"ordering_{name}"
    for name in (
        "sku",
        "inventory",
        "pendingorder",
        "forecastdetail",
        "monthlysales",
        "demandstats",
        "seasonalpattern",
        "stockoutpattern",
        "orderconfirmation",
        "linechange",
    )
}
OF_A_SUPPLIER = {"suppliers_supplier", "suppliers_shipment", "suppliers_supplierleadtime"}


def test_without_limits_the_admin_shows_every_sku(books):
    shown = names_that_show(logged_in(a_member_of_staff()), every_admin_page(), "SECRET", "RIVAL")
    assert shown["SECRET"] == OF_A_SKU | {"suppliers_shipment", "autocomplete"}
    assert shown["RIVAL"] >= OF_A_SUPPLIER


def test_staff_limited_to_a_supplier_never_see_anothers_skus_in_the_admin(books):
    client = logged_in(a_member_of_staff(supplier=a_supplier()))
    shown = names_that_show(client, every_admin_page(), "OWN-1", "SECRET", "RIVAL")
    assert shown["OWN-1"] == OF_A_SKU | {"suppliers_shipment", "autocomplete"}
    assert (shown["SECRET"], shown["RIVAL"]) == (set(), set())


def test_staff_limited_to_a_warehouse_never_see_what_is_elsewhere_in_the_admin(books):
    client = logged_in(a_member_of_staff(warehouse=a_warehouse()))
    shown = names_that_show(client, every_admin_page(), "OWN-1", "FAR-5")
    assert shown["OWN-1"] == OF_A_SKU | {"suppliers_shipment", "autocomplete"}
    # A SKU itself is in no warehouse.
    assert shown["FAR-5"] == {"ordering_sku", "ordering_stockoutpattern", "autocomplete"}


def test_a_forged_change_of_anothers_line_in_the_admin_changes_nothing(books):
    client = logged_in(a_member_of_staff(supplier=a_supplier()))
    secret, page = the("SECRET-9"), reverse("admin:ordering_orderconfirmation_changelist")
    client.post(reverse("admin:ordering_orderconfirmation_change", args=[secret.pk]), {"confirmed_qty": "7"})
    forged = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": secret.pk,
        "form-0-confirmed_qty": "7",
        "initial-form-0-confirmed_qty": "500",
        "_save": "Save",
    }
    assert "This line is not there any more." in body_of(client.post(page, forged))
    assert quantities() == {"OWN-1": 500, "SECRET-9": 500, "FAR-5": 500}


# Forged requests


@pytest.fixture
def buyer(books):
    return limited(to=a_supplier())


def test_a_forged_edit_of_anothers_line_finds_nothing(buyer):
    secret = the("SECRET-9")
    for headers in ({}, {"hx-request": "true"}):
        sent = {"confirmed_qty": "7", "notes": "mine", "version": secret.version}
        answer = logged_in(buyer).post(f"/lines/{secret.pk}/edit/", sent, headers=headers)
        assert answer.status_code == 404
    assert (the("SECRET-9").confirmed_qty, the("SECRET-9").notes) == (500, "")


@pytest.mark.parametrize("chosen", ["by ids", "everything", "by its supplier"])
def test_a_forged_bulk_action_reaches_the_own_lines_only(buyer, chosen):
    sent = {
        "by ids": {"line": [line.pk for line in OrderConfirmation.objects.all()]},
        "everything": {"everything": "on"},
        "by its supplier": {"everything": "on", "query": f"supplier={a_supplier('RIVAL').pk}"},
    }[chosen] | {"action": "zero"}
    client, own = logged_in(buyer), 0 if chosen == "by its supplier" else 2
    assert f"{own} of {own} lines will change" in body_of(client.post(f"{LINES}bulk/", sent))
    client.post(f"{LINES}bulk/", sent | {"apply": "1"})
    assert BulkEdit.objects.get().changed == own
    assert the("SECRET-9").confirmed_qty == 500
    assert not LineChange.objects.filter(line=the("SECRET-9"), who=buyer).exists()


@pytest.mark.parametrize("forged", [{"line": "9" * 30}, {"line": "x"}, {"expected": "many"}, {"percent": "NaN"}])
def test_a_bulk_form_with_nonsense_in_it_is_answered_with_a_sentence(buyer, forged):
    sent = {"action": "percent", "percent": "50", "line": the("OWN-1").pk, "apply": "1"} | forged
    assert "alert-danger" in body_of(logged_in(buyer).post(f"{LINES}bulk/", sent, follow=True))
    assert set(quantities().values()) == {500}


def test_a_forged_order_of_another_supplier_is_not_filled_up(buyer):
    secret, client = the("SECRET-9"), logged_in(buyer)
    forged = {"raise": f"{secret.pk}:7:{secret.version}"}
    assert client.post(f"/months/2026-12/suppliers/{secret.supplier_id}/fill/", forged).status_code == 404
    assert client.post(f"/months/2026-12/suppliers/{a_supplier().pk}/fill/", forged).status_code == 302
    assert the("SECRET-9").confirmed_qty == 500


def test_an_undo_leaves_lines_alone_that_went_out_of_sight(books):
    user = a_user("buyer")
    bulk, _ = a_past_of(user)
    Restriction.objects.create(user=user, supplier=a_supplier())
    logged_in(user).post(f"/bulk/{bulk.pk}/undo/")
    assert quantities() == {"OWN-1": 500, "SECRET-9": 250, "FAR-5": 500}


def test_a_person_limited_to_a_warehouse_changes_nothing_elsewhere(books):
    client, far = logged_in(limited(to=a_warehouse())), the("FAR-5")
    assert client.post(f"/lines/{far.pk}/edit/", {"confirmed_qty": "7", "version": far.version}).status_code == 404
    everything = {"action": "zero", "everything": "on", "apply": "1"}
    client.post(f"{LINES}bulk/", everything)
    client.post(f"{LINES}bulk/", {"action": "zero", "line": [far.pk], "apply": "1"})
    client.post(f"/months/2026-12/suppliers/{far.supplier_id}/fill/", {"raise": f"{far.pk}:7:{far.version}"})
    assert quantities() == {"OWN-1": 0, "SECRET-9": 0, "FAR-5": 500}


def test_an_edited_export_with_anothers_lines_changes_the_own_ones(buyer):
    exported = logged_in(a_user("manager")).get("/months/2026-12/export/?format=csv")
    rows = list(csv.DictReader(io.StringIO(body_of(exported))))
    assert {row["sku"] for row in rows} == {"OWN-1", "SECRET-9", "FAR-5"}
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(row | {"confirmed_qty": "7"} for row in rows)
    sent, client = io.BytesIO(file.getvalue().encode()), logged_in(buyer)
    sent.name = "orders-2026-12.csv"
    preview = client.post("/months/2026-12/reimport/", {"file": sent})
    assert preview.context["changed"] == 2
    assert "RIVAL" not in body_of(preview)
    client.post(f"/months/2026-12/reimport/{preview.context['token']}/")
    assert quantities() == {"OWN-1": 7, "SECRET-9": 500, "FAR-5": 7}


def test_a_kept_preview_is_nobody_elses(buyer):
    exported = body_of(logged_in(buyer).get("/months/2026-12/export/?format=csv"))
    sent = io.BytesIO(exported.replace(",500,", ",7,").encode())
    sent.name = "orders-2026-12.csv"
    token = logged_in(buyer).post("/months/2026-12/reimport/", {"file": sent}).context["token"]
    other = logged_in(a_user("manager"))
    other.post(f"/months/2026-12/reimport/{token}/")
    assert other.get(f"/months/2026-12/reimport/{token}/refused/").status_code == 404
    assert set(quantities().values()) == {500}


# Generating


@pytest.fixture
def manager(books):
    Inventory.objects.update(on_hand=77)
    return limited("manager", to=a_supplier())


def generated():
    """The SKUs whose lines the newest run computed."""
    run = continue_generation(run_id=GenerationRun.objects.latest("pk").pk)
    return {line.sku.sku for line in run.lines.select_related("sku")}


@pytest.mark.parametrize("chosen", ["nothing", "all of the own", "a warehouse"])
def test_a_manager_limited_to_a_supplier_generates_only_its_lines(manager, queued, chosen):
    sent = {
        "nothing": {},
        "all of the own": {"suppliers": [a_supplier().pk]},
        "a warehouse": {"warehouses": [a_warehouse().pk]},
    }[chosen]
    logged_in(manager).post("/months/2026-12/generate/", {"as_of": "2026-11-20"} | sent)
    assert queued == [GenerationRun.objects.latest("pk").pk]
    assert generated() == ({"OWN-1"} if chosen == "a warehouse" else {"OWN-1", "FAR-5"})
    assert the("SECRET-9").on_hand == 0


def test_a_manager_limited_to_a_warehouse_generates_only_its_lines(books):
    logged_in(limited("manager", to=a_warehouse())).post("/months/2026-12/generate/", {"as_of": "2026-11-20"})
    assert generated() == {"OWN-1", "SECRET-9"}


def test_a_manager_is_offered_and_may_choose_only_what_is_in_sight(manager, queued):
    client = logged_in(manager)
    page = body_of(client.get("/months/2026-12/generate/"))
    assert "ACME" in page
    assert "RIVAL" not in page
    forged = {"suppliers": [a_supplier("RIVAL").pk]}
    assert "The run was not started." in body_of(client.post("/months/2026-12/generate/", forged, follow=True))
    assert queued == []


def test_a_retry_keeps_to_the_limits_of_who_asks_for_it(manager):
    everything = GenerationRun.objects.create(month=MONTH, as_of=AS_OF, status=RunStatus.FAILED, error="Killed.")
    logged_in(manager).post(f"/runs/{everything.pk}/retry/")
    waiting = GenerationRun.objects.exclude(active_key=None)
    assert not waiting.exists() or generated() <= {"OWN-1", "FAR-5"}
    assert the("SECRET-9").on_hand == 0


def test_a_manager_whose_warehouse_is_closed_generates_nothing(books, queued):
    manager = limited("manager", to=a_warehouse("closed", active=False))
    logged_in(manager).post("/months/2026-12/generate/", {"as_of": "2026-11-20"})
    assert queued == []
    assert not GenerationRun.objects.exclude(active_key=None).exists()


def test_a_supplier_that_is_deleted_does_not_lift_a_limit():
    short_lived = a_supplier("SHORT")
    user = limited(to=short_lived)
    an_order_line(a_sku("SECRET-9", supplier=a_supplier("RIVAL")), 10)
    client = logged_in(user)
    assert "SECRET-9" not in body_of(client.get(LINES))
    with contextlib.suppress(ProtectedError):
        short_lived.delete()
    assert "SECRET-9" not in body_of(client.get(LINES))


def test_a_limited_person_does_not_read_the_scope_of_others_runs(books):
    GenerationRun.objects.create(month=MONTH, as_of=AS_OF, status=RunStatus.FAILED, scope={"suppliers": ["RIVAL"]})
    page = body_of(logged_in(limited("buyer", to=a_supplier("OWN"))).get("/months/2026-12/"))
    assert "RIVAL" not in page


def test_a_limited_manager_cancels_only_what_they_started(books):
    manager = limited("manager", to=a_supplier("OWN"))
    run = GenerationRun.objects.create(month=MONTH, as_of=AS_OF, active_key="2026-12", who="somebody")
    logged_in(manager).post(f"/runs/{run.pk}/cancel/")
    run.refresh_from_db()
    assert run.is_open
    GenerationRun.objects.update(who=manager.username)
    logged_in(manager).post(f"/runs/{run.pk}/cancel/")
    run.refresh_from_db()
    assert not run.is_open


def test_the_admin_offers_a_limited_person_only_their_warehouses(books):
    a_warehouse("SECRET-HALL")
    admin = User.objects.create_superuser("limited-admin")
    Restriction.objects.create(user=admin, warehouse=a_warehouse())
    page = body_of(logged_in(admin).get("/admin/ordering/inventory/"))
    assert "SECRET-HALL" not in page
