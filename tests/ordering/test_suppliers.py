import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from ordering.models import GenerationRun, OrderConfirmation, PendingOrder, Sku
from suppliers.models import Restriction, Shipment, Supplier, SupplierLeadTime, Warehouse
from tests.builders import AS_OF, MONTH, a_shipment, a_sku, a_supplier, a_warehouse, an_open_order

pytestmark = pytest.mark.django_db

LIST = "/suppliers/"
DAY = dt.timedelta(1)


@pytest.fixture(autouse=True)
def _planning_day(monkeypatch):
    """What the pages take for today where no run was made."""

    class Day(dt.date):
        @classmethod
        def today(cls):
            return AS_OF

    monkeypatch.setattr("ordering.supplier_facts.dt", SimpleNamespace(date=Day, timedelta=dt.timedelta))


@pytest.fixture
def viewer(client):
    user = User.objects.create_user("viewer")
    user.groups.add(Group.objects.get(name="viewer"))
    client.force_login(user)
    client.user = user
    return client


def a_lead_time(mean_days, shipments, warehouse="burnaby", supplier=None, **fields):
    return SupplierLeadTime.objects.create(
        supplier=supplier or a_supplier(),
        warehouse=a_warehouse(warehouse),
        mean_days=mean_days,
        shipment_count=shipments,
        **fields,
    )


def an_order_line(sku, quantity, warehouse="burnaby", month=MONTH, **fields):
    return OrderConfirmation.objects.create(
        **{"month": month, "sku": sku, "warehouse": a_warehouse(warehouse), "supplier": sku.supplier}
        | {"suggested_qty": quantity, "unit_cost": "2.50", "currency": "USD"}
        | fields
    )


def shown(client, **query):
    return [row.record.code for row in client.get(LIST, query).context["table"].paginated_rows]


def cells(client, code="ACME"):
    rows = client.get(LIST).context["table"].paginated_rows
    row = next(row for row in rows if row.record.code == code)
    return {column.name: strip_tags(str(cell).replace("<br>", " ")) for column, cell in row.items()}


def page_of(client, supplier, **query):
    return client.get(f"/suppliers/{supplier.pk}/", query)


def statements(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_the_list_shows_the_numbers_of_each_supplier(viewer):
    a_supplier(country="Canada", default_lead_time_days=30.5, min_order_value="1500")
    a_lead_time(20, 3, reliability=0.5)
    a_lead_time(32, 1, "kentucky", reliability=0.9)
    for days in (10, 30, 31, 40):
        a_shipment(days)
    for arrival in (AS_OF - DAY, AS_OF, None):
        an_open_order(a_sku(f"A-{arrival}"), 5, arrival)

    row = cells(viewer)

    assert row == {
        "code": "ACME ACME Ltd",
        "country": "Canada",
        "stated": "30.5",
        "measured": "23.0 4 shipments",
        "reliability": "0.60",
        "on_time": "50 of 4",
        "open_orders": "3 1 overdue",
        "min_order_value": "1,500.00 USD",
    }


def test_a_supplier_of_whom_nothing_is_known_has_dashes(viewer):
    a_supplier()
    row = cells(viewer)
    assert (row.pop("code"), row.pop("open_orders")) == ("ACME ACME Ltd", "0")
    assert set(row.values()) == {"—"}


def test_an_imported_mean_without_a_count_is_shown_all_the_same(viewer):
    a_lead_time(20, 0)
    a_lead_time(40, 0, "kentucky")
    a_lead_time(None, 7, "elsewhere", p95_days=50)
    row = cells(viewer)
    assert (row["measured"], row["reliability"]) == ("30.0 0 shipments", "—")


def test_without_a_stated_lead_time_the_measured_mean_is_the_limit(viewer):
    a_lead_time(20, 3)
    a_lead_time(32, 1, "kentucky")  # together 23
    for days in (22, 23, 24, 30):
        a_shipment(days)
    assert cells(viewer)["on_time"] == "50 of 4"
    page = page_of(viewer, a_supplier()).content.decode()
    assert "Here that is 23 days, the measured mean." in page
    assert "A shipment is on time when it arrived within the lead time that the supplier states" in page


def test_without_any_limit_nothing_is_said_about_being_on_time(viewer):
    a_shipment(10)
    assert cells(viewer)["on_time"] == "—"
    assert "cannot be said" in page_of(viewer, a_supplier()).content.decode()


def test_only_what_arrived_in_the_last_12_months_counts(viewer):
    a_supplier(default_lead_time_days=15)
    for received in (dt.date(2025, 11, 30), AS_OF + DAY):
        a_shipment(99, received)
    Shipment.objects.create(
        po_number="on its way", supplier=a_supplier(), warehouse=a_warehouse(), order_date=AS_OF - 90 * DAY
    )
    for received in (dt.date(2025, 12, 1), AS_OF):
        a_shipment(15, received)
    assert cells(viewer)["on_time"] == "100 of 2"


def test_the_trend_counts_by_the_month_of_receipt_the_newest_first(viewer):
    a_supplier(default_lead_time_days=15)
    for days, received in (
        (15, AS_OF),
        (16, AS_OF),
        (14, AS_OF),
        (15, dt.date(2025, 12, 1)),
        (16, dt.date(2026, 2, 28)),
    ):
        a_shipment(days, received)
    page = page_of(viewer, a_supplier())
    trend = {f"{row.month:%Y-%m}": (row.deliveries, row.on_time_percent) for row in page.context["on_time"]}
    months = list(trend)
    assert (len(months), months[0], months[-1]) == (12, "2026-11", "2025-12")
    assert (trend["2026-11"], trend["2025-12"], trend["2026-02"]) == ((3, 67), (1, 100), (1, 0))
    assert trend["2026-01"] == (0, None)
    assert "60% of 5" in page.content.decode()
    assert '<meter class="w-100" min="0" max="100" value="67" aria-label="On time in November 2026">' in (
        page.content.decode()
    )


def test_the_page_shows_who_the_supplier_is(viewer):
    supplier = a_supplier(country="Canada", email="orders@acme.example", min_order_value="1500")
    page = page_of(viewer, supplier).content.decode()
    for words in ("ACME", "ACME Ltd", "Canada", "USD", "mailto:orders@acme.example", "1,500.00 USD"):
        assert words in page


def test_the_page_shows_stated_against_measured_lead_times(viewer):
    supplier = a_supplier(default_lead_time_days=30)
    measured = {"std_days": 4.5, "median_days": 31, "p95_days": 44.4, "reliability": 0.87}
    a_lead_time(34.25, 1234, measured_through=dt.date(2026, 11, 19), **measured)
    a_lead_time(20, 10, "kentucky")
    page = page_of(viewer, supplier).content.decode()
    for words in ("30", "34.3", "4.5", "31.0", "44.4", "0.87", "1,234", "11/19/2026", "imported", "Weighted mean"):
        assert f">{words}" in page, words


def test_open_orders_come_by_arrival_overdue_marked_undated_last(viewer):
    skus = {name: a_sku(name) for name in ("late", "later", "soon", "undated", "gone")}
    an_open_order(skus["undated"], 1)
    an_open_order(skus["soon"], 1_234, AS_OF, is_estimated=True)
    an_open_order(skus["later"], 1, AS_OF - DAY)
    an_open_order(skus["late"], 1, AS_OF - 9 * DAY, status=PendingOrder.Status.SHIPPED)
    for reference, status in (("R", PendingOrder.Status.RECEIVED), ("C", PendingOrder.Status.CANCELLED)):
        an_open_order(skus["gone"], 1, AS_OF - DAY, status=status, reference=reference)
    an_open_order(a_sku("other", supplier=a_supplier("OTHER")), 1, AS_OF)

    page = page_of(viewer, a_supplier())

    assert [order.sku.sku for order in page.context["open_orders"].orders] == ["late", "later", "soon", "undated"]
    html = page.content.decode()
    assert html.count("overdue</span>") == 2
    for words in ("4 lines, 2 overdue", "no date", "(estimated)", "1,234"):
        assert words in html
    assert "more</a>" not in html


def test_more_open_orders_than_50_are_on_pages(viewer):
    sku = a_sku()
    orders = [
        PendingOrder(
            reference=f"PO-{number}",
            sku=sku,
            warehouse=a_warehouse(),
            quantity=1,
            order_date=AS_OF,
            expected_arrival=AS_OF + number * DAY,
        )
        for number in range(1_103)
    ]
    PendingOrder.objects.bulk_create(orders)
    page = page_of(viewer, sku.supplier)
    assert len(page.context["open_orders"].orders) == 50
    assert '<a href="?page=2#open-orders">and 1,053 more</a>' in page.content.decode()
    second = page_of(viewer, sku.supplier, page=2)
    assert second.context["open_orders"].orders[0].reference == "PO-50"
    assert "and 1,003 more" in second.content.decode()
    last = page_of(viewer, sku.supplier, page=23).content.decode()
    assert ("PO-1102" in last, "more</a>" in last) == (True, False)
    for nonsense in ("24", "0", "-1", "x", "²", "9" * 30):
        assert page_of(viewer, sku.supplier, page=nonsense).context["open_orders"].orders[0].reference == "PO-0"


def test_order_lines_are_summed_by_month_and_currency(viewer):
    pan, cup = a_sku("PAN"), a_sku("CUP")
    an_order_line(pan, 1_000, confirmed_qty=2_000, locked=True)
    an_order_line(cup, 10, confirmed_qty=0)
    an_order_line(cup, 8, "kentucky", currency="EUR")
    an_order_line(cup, None, "elsewhere", problem="bad data")
    an_order_line(pan, 4, month=dt.date(2025, 12, 1))
    an_order_line(pan, 4, month=dt.date(2025, 11, 1))
    an_order_line(a_sku("OTHER", supplier=a_supplier("OTHER")), 7)

    page = page_of(viewer, a_supplier())

    december, year_ago = page.context["months"]
    assert (december.month, year_ago.month) == (MONTH, dt.date(2025, 12, 1))
    assert (december.lines, december.confirmed, december.locked, december.units) == (4, 2, 1, 2_008)
    assert december.value == {"USD": Decimal(5_000), "EUR": Decimal(20)}
    assert (year_ago.lines, year_ago.value) == (1, {"USD": Decimal(10)})
    html = page.content.decode()
    assert f'href="/months/2026-12/lines/?supplier={a_supplier().pk}"' in html
    assert "5,000.00 USD" in html


def test_the_last_20_shipments_are_shown_with_their_days(viewer):
    for number in range(21):
        a_shipment(1_000 + number, AS_OF - number * DAY, po_number=f"PO-{number:02}")
    Shipment.objects.create(po_number="PO-way", supplier=a_supplier(), warehouse=a_warehouse(), order_date=AS_OF)
    page = page_of(viewer, a_supplier())
    assert [shipment.po_number for shipment, _ in page.context["shipments"]][:2] == ["PO-way", "PO-00"]
    assert [days for _, days in page.context["shipments"]] == [None, *range(1_000, 1_019)]
    html = page.content.decode()
    for words in ("on its way", "11/20/2026", "1,018"):
        assert words in html
    assert "PO-19" not in html


def test_a_person_limited_to_a_supplier_finds_no_other(viewer):
    mine, other = a_supplier("MINE"), a_supplier("OTHER")
    Restriction.objects.create(user=viewer.user, supplier=mine)
    assert shown(viewer) == ["MINE"]
    assert shown(viewer, q="other") == []
    assert page_of(viewer, mine).status_code == 200
    assert page_of(viewer, other).status_code == 404


def test_a_person_limited_to_a_warehouse_sees_that_one_in_every_table(viewer):
    supplier, sku = a_supplier(), a_sku()
    for code, days in (("burnaby", 20), ("kentucky", 40)):
        a_lead_time(days, 5, code)
        a_shipment(days, warehouse=a_warehouse(code))
        an_open_order(sku, 5, AS_OF - DAY, warehouse=a_warehouse(code))
        an_order_line(sku, 8, code)
    Restriction.objects.create(user=viewer.user, warehouse=a_warehouse("kentucky"))

    row = cells(viewer)
    assert (row["measured"], row["on_time"]) == ("40.0 5 shipments", "100 of 1")
    assert row["open_orders"] == "1 1 overdue"
    page = page_of(viewer, supplier)
    context = page.context
    assert [lead_time.warehouse.code for lead_time in context["lead_times"]] == ["kentucky"]
    assert context["facts"].limit_days == 40
    assert sum(month.deliveries for month in context["on_time"]) == 1
    assert (context["open_orders"].total, context["open_orders"].overdue) == (1, 1)
    assert [(month.lines, month.units) for month in context["months"]] == [(1, 8)]
    assert [shipment.warehouse.code for shipment, _ in context["shipments"]] == ["kentucky"]
    assert "burnaby" not in page.content.decode()


def test_the_pages_are_for_people_who_are_logged_in_and_only_to_read(client, viewer):
    supplier = a_supplier()
    for url in (LIST, f"/suppliers/{supplier.pk}/"):
        assert viewer.post(url).status_code == 405
    client.logout()
    for url in (LIST, f"/suppliers/{supplier.pk}/"):
        assert client.get(url).url.startswith("/login/")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ac", ["ACME"]),
        (" oth", ["OTHER"]),
        ("CME", []),
        ("the 100%", ["OTHER"]),
        ("%", []),
        ("", ["ACME", "OTHER"]),
    ],
)
def test_suppliers_are_searched_by_the_start_of_code_or_name(viewer, text, found):
    a_supplier()
    a_supplier("OTHER", name="The 100% Pan Company")
    assert shown(viewer, q=text) == found


def test_the_list_is_sorted_by_code_without_regard_to_case(viewer):
    for code in ("b", "A", "C"):
        a_supplier(code)
    assert shown(viewer) == ["A", "b", "C"]
    assert shown(viewer, sort="-code") == ["C", "b", "A"]
    assert shown(viewer, sort="nonsense") == ["A", "b", "C"]


def test_an_empty_list_says_what_to_do_next(viewer):
    assert b"Import suppliers.csv" in viewer.get(LIST).content
    a_supplier()
    html = viewer.get(LIST, {"q": "<b>x"}).content.decode()
    assert "starts with “&lt;b&gt;x”. Type less of it" in html
    assert "Import suppliers.csv" not in html


def test_the_page_of_a_supplier_with_nothing_says_what_is_missing(viewer):
    html = page_of(viewer, a_supplier()).content.decode()
    for words in ("Nothing is measured yet", "cannot be said", "pending_orders.csv", "No order lines", "None. Import"):
        assert words in html
    assert "<table" not in html


def test_a_supplier_who_only_states_a_lead_time_is_told_apart(viewer):
    html = page_of(viewer, a_supplier(default_lead_time_days=12.5)).content.decode()
    assert "The supplier states 12.5 days." in html
    assert "No shipment arrived in the last 12 months" in html


def test_a_supplier_that_does_not_exist_is_not_found(viewer):
    assert viewer.get("/suppliers/1/").status_code == 404


def test_text_of_the_data_is_never_markup(viewer):
    supplier = a_supplier(name="<script>alert(1)</script>", country="<i>x")
    for page in (viewer.get(LIST), page_of(viewer, supplier)):
        assert b"<script>alert(1)" not in page.content
        assert b"<i>x" not in page.content


def test_the_list_asks_as_much_for_25_suppliers_as_for_200(viewer):
    counts = []
    for first, last in ((0, 25), (25, 200)):
        some_suppliers(first, last)
        counts.append(statements(viewer, LIST))
    assert len(shown(viewer)) == 50
    assert counts[0] == counts[1] <= 12


def some_suppliers(first, last):
    a_warehouse()
    Supplier.objects.bulk_create(Supplier(code=f"S-{number:03}") for number in range(first, last))
    suppliers = Supplier.objects.order_by("code")[first:last]
    warehouse = Warehouse.objects.get()
    both = [{"supplier": supplier, "warehouse": warehouse} for supplier in suppliers]
    SupplierLeadTime.objects.bulk_create(SupplierLeadTime(mean_days=9, **pair) for pair in both)
    Shipment.objects.bulk_create(
        Shipment(po_number="PO", order_date=AS_OF - DAY, received_date=AS_OF, **pair) for pair in both
    )
    skus = [Sku(sku=supplier.code, supplier=supplier) for supplier in suppliers]
    Sku.objects.bulk_create(skus)
    orders = [
        PendingOrder(reference="PO", sku=sku, warehouse=warehouse, quantity=1, order_date=AS_OF)
        for sku in Sku.objects.filter(supplier__in=list(suppliers))
    ]
    PendingOrder.objects.bulk_create(orders)


def test_the_page_asks_as_much_for_a_large_supplier_as_for_a_small_one(viewer):
    counts = []
    for number in range(30):
        warehouse = f"W-{number}"
        sku = a_sku(f"A-{number}")
        a_lead_time(20, 5, warehouse)
        a_shipment(20, warehouse=a_warehouse(warehouse))
        an_open_order(sku, 5, AS_OF, warehouse=a_warehouse(warehouse))
        an_order_line(sku, 8, warehouse)
        if number in (0, 29):
            counts.append(statements(viewer, f"/suppliers/{a_supplier().pk}/"))
    assert counts[0] == counts[1] <= 12


def test_the_pages_look_from_the_planning_date_of_the_newest_run(viewer):
    a_supplier(default_lead_time_days=20)
    a_shipment(10, received=dt.date(2011, 11, 1))
    GenerationRun.objects.create(month=dt.date(2011, 12, 1), as_of=dt.date(2011, 12, 1))
    assert "Nov 2011" in viewer.get(f"{LIST}{a_supplier().pk}/").content.decode()
