"""One supplier's order: against its minimum, filled up, confirmed and locked."""

import datetime as dt
import html
import re
from decimal import Decimal

import pytest

from ordering.models import BulkEdit, LineChange, OrderConfirmation
from ordering.services.edit_order_line import edit_order_line
from ordering.services.edit_order_lines import apply_bulk_edit, plan_bulk_edit, queue_bulk_edit
from ordering.services.fill_basket import propose_fill_up
from ordering.views import basket
from suppliers.models import Restriction
from tests.builders import MONTH, a_sku, a_supplier, a_user, a_warehouse, an_order_line

pytestmark = pytest.mark.django_db

SOON, LATER, LAST = dt.date(2026, 12, 5), dt.date(2026, 12, 20), dt.date(2027, 1, 10)


@pytest.fixture
def supplier():
    return a_supplier(min_order_value="1000")


@pytest.fixture
def buyer(client):
    client.force_login(a_user("buyer"))
    return client


def a_line(code, quantity, pull=0, stockout=None, *, sku=None, **fields):
    """A line whose units cost 2.50 USD each."""
    defaults = {"pull_forward_qty": pull, "stockout_risk_date": stockout, "urgency": "should_order"}
    return an_order_line(a_sku(code, **sku or {}), quantity, **defaults | fields)


def the(code):
    return OrderConfirmation.objects.get(sku__sku=code)


def url(supplier, more=""):
    return f"/months/2026-12/suppliers/{supplier.pk}/{more}"


def page_of(client, supplier, **query):
    answer = client.get(url(supplier), query)
    assert answer.status_code == 200
    return answer


def text_of(answer):
    return " ".join(answer.content.decode().split())


def proposed(client, supplier):
    fill = page_of(client, supplier, fill=1).context["fill"]
    return [(line.sku.sku, quantity) for line, quantity in fill.lines], fill.value, fill.is_enough


def fields_of(answer, mark):
    """What the browser sends from the form with this mark in its tag: hidden inputs and ticked boxes."""
    forms = re.findall(r"(<form [^>]*>)(.*?)</form>", text_of(answer))
    [form] = [inside for tag, inside in forms if mark in tag]
    sent = {}
    for tag in re.findall(r"<input [^>]*>", form):
        attribute = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attribute["type"] == "hidden" or tag.endswith("checked>"):
            sent.setdefault(attribute["name"], []).append(html.unescape(attribute["value"]))
    return sent


def fill_up(client, supplier, *entries):
    return client.post(url(supplier, "fill/"), {"raise": entries}, follow=True)


# The minimum


def test_the_order_is_shown_against_the_minimum(buyer, supplier):
    a_line("A-1", 100)
    a_line("A-2", 40)
    a_line("NOTHING", 0)
    page = page_of(buyer, supplier)
    assert page.context["totals"] == {"lines": 2, "units": 140, "value": {"USD": 350}}
    assert (page.context["value"], page.context["missing"]) == (350, 650)
    assert "2 lines, 140 units, 350.00 USD" in text_of(page)
    assert "Minimum 1,000.00 USD" in text_of(page)
    assert "650.00 USD missing" in text_of(page)
    assert re.search(r'max="1000\.00" value="350(\.0+)?"', text_of(page))


@pytest.mark.parametrize(("quantity", "missing"), [(399, Decimal("2.5")), (400, 0), (500, 0)])
def test_the_minimum_is_reached_to_the_cent(buyer, supplier, quantity, missing):
    a_line("A-1", quantity, 10, SOON)
    page = page_of(buyer, supplier)
    assert page.context["missing"] == missing
    assert ("reached" in text_of(page)) is not bool(missing)
    assert ("Fill up" in text_of(page)) is bool(missing)


def test_the_confirmed_quantity_counts_and_not_the_suggested_one(buyer, supplier):
    a_line("A-1", 100, confirmed_qty=200)
    a_line("A-2", 100, confirmed_qty=0)
    a_line("BAD", None, confirmed_qty=4)
    assert page_of(buyer, supplier).context["totals"] == {"lines": 2, "units": 204, "value": {"USD": 510}}


def test_only_the_suppliers_currency_counts_towards_the_minimum(buyer, supplier):
    a_line("A-1", 100)
    a_line("A-2", 4_000, sku={"currency": "EUR"})
    a_line("A-3", 10, sku={"currency": ""})
    page = page_of(buyer, supplier)
    assert page.context["totals"]["value"] == {"": 25, "EUR": 10_000, "USD": 250}
    assert (page.context["value"], page.context["missing"]) == (250, 750)
    assert "10,000.00 EUR" in text_of(page)


def test_other_suppliers_and_months_are_not_in_the_order(buyer, supplier):
    a_line("A-1", 100)
    a_line("B-1", 100, sku={"supplier": a_supplier("OTHER")})
    an_order_line(the("A-1").sku, 100, month=dt.date(2027, 1, 1))
    assert page_of(buyer, supplier).context["totals"]["units"] == 100


def test_a_supplier_without_a_minimum_has_nothing_to_fill_up(buyer):
    a_line("A-1", 100, 50, SOON)
    for query in ({}, {"fill": 1}):
        page = page_of(buyer, a_supplier(), **query)
        assert "No minimum order value" in text_of(page)
        assert page.context["fill"] is None


def test_a_long_order_says_how_many_lines_are_not_shown(buyer, supplier, monkeypatch):
    monkeypatch.setattr(basket, "LINES_SHOWN", 2)
    for number in range(5):
        a_line(f"A-{number}", 10 + number)
    page = page_of(buyer, supplier)
    assert [row.record.sku.sku for row in page.context["table"].rows] == ["A-4", "A-3"]
    assert f'<a href="/months/2026-12/lines/?supplier={supplier.pk}&amp;state=ordered">' in text_of(page)
    assert "3 more" in text_of(page)


def test_a_page_asks_as_much_for_3_lines_as_for_30(buyer, supplier, django_assert_num_queries):
    counts = []
    for total in (3, 30):
        for number in range(OrderConfirmation.objects.count(), total):
            a_line(f"A-{number}", 1, 1, SOON)
        page_of(buyer, supplier, fill=1)
        with django_assert_num_queries(counts[0] if counts else 12, exact=bool(counts)) as queries:
            page_of(buyer, supplier, fill=1)
        counts.append(len(queries))


# Filling up


def test_filling_up_takes_the_soonest_stockout_first_and_stops_at_the_minimum(buyer, supplier):
    a_line("NOW", 200, 40, LATER)
    a_line("LAST", 0, 400, LAST)
    a_line("SOON", 0, 120, SOON)
    a_line("NEVER", 0, 400)
    page = page_of(buyer, supplier, fill=1)
    # 500 + 120 at 2.50 = 800, + 40 at 2.50 = 900, + 400 at 2.50 = 1,900
    assert proposed(buyer, supplier) == ([("SOON", 120), ("NOW", 240), ("LAST", 400)], 1_900, True)
    assert "The order is then worth 1,900.00 USD." in text_of(page)
    assert "still under" not in text_of(page)


def test_filling_up_stops_when_the_minimum_is_reached_exactly(buyer, supplier):
    a_line("SOON", 0, 120, SOON)
    a_line("LATER", 200, 80, LATER)
    a_line("LAST", 0, 400, LAST)
    assert proposed(buyer, supplier) == ([("SOON", 120), ("LATER", 280)], 1_000, True)


def test_many_small_amounts_add_up_without_an_error_of_rounding(buyer, supplier):
    for number in range(12):
        a_line(f"A-{number:02}", 0, 1, SOON, unit_cost="100.10")
    chosen, value, is_enough = proposed(buyer, supplier)
    assert (len(chosen), value, is_enough) == (10, Decimal("1001.00"), True)
    lines = OrderConfirmation.objects.all()
    exact = propose_fill_up(lines=lines, currency="USD", minimum=Decimal("1001.00"), value=Decimal(0))
    above = propose_fill_up(lines=lines, currency="USD", minimum=Decimal("1001.01"), value=Decimal(0))
    assert (len(exact.lines), len(above.lines)) == (10, 11)


def test_of_lines_that_run_out_on_the_same_day_the_one_of_higher_value_comes_first(buyer, supplier):
    a_line("LOW", 10, 100, SOON)
    a_line("HIGH", 20, 100, SOON)
    assert [code for code, _ in proposed(buyer, supplier)[0]] == ["HIGH", "LOW"]


def test_a_minimum_that_cannot_be_reached_is_said(buyer, supplier):
    a_line("A-1", 100, 20, SOON)
    assert proposed(buyer, supplier) == ([("A-1", 120)], 300, False)
    assert "still under the minimum: there is nothing more to pull forward" in text_of(page_of(buyer, supplier, fill=1))


def test_nothing_to_pull_forward_is_said(buyer, supplier):
    a_line("A-1", 100)
    page = page_of(buyer, supplier, fill=1)
    assert "There is nothing to pull forward" in text_of(page)
    assert "Confirm these quantities" not in text_of(page)


@pytest.mark.parametrize(
    "fields",
    [
        {"locked": True},
        {"stale": True},
        {"sku": {"currency": "EUR"}},
        {"sku": {"unit_cost": 0}},
        {"sku": {"supplier": None}},
        {"pull": 0},
        {"pull": None},
        {"month": dt.date(2027, 1, 1)},
    ],
)
def test_lines_that_cannot_help_take_no_part(buyer, supplier, fields):
    a_line("GOOD", 100, 20, SOON)
    a_line("OUT", 4, **{"pull": 500, "stockout": SOON} | fields)
    assert [code for code, _ in proposed(buyer, supplier)[0]] == ["GOOD"]


def test_a_line_that_somebody_lowered_starts_from_there(buyer, supplier):
    a_line("A-1", 100, 20, SOON, confirmed_qty=30)
    assert proposed(buyer, supplier)[0] == [("A-1", 50)]


def test_the_proposed_quantities_are_confirmed_with_history_and_one_undo(buyer, supplier):
    a_line("A-1", 100, 300, SOON)
    a_line("A-2", 0, 40, LATER)
    page = page_of(buyer, supplier, fill=1)
    answer = buyer.post(url(supplier, "fill/"), fields_of(page, "/fill/"), follow=True)
    assert answer.redirect_chain == [(url(supplier), 302)]
    assert "Set quantities: 1 line changed." in text_of(answer)
    line = the("A-1")
    assert (line.confirmed_qty, line.suggested_when_confirmed, line.confirmed_by.username) == (400, 100, "buyer")
    assert the("A-2").confirmed_qty is None
    assert list(LineChange.objects.values_list("field", "old", "new", "why", "who__username")) == [
        ("confirmed_qty", "", "400", "Set quantities", "buyer")
    ]
    assert answer.context["value"] == 1_000

    undone = buyer.post(f"/bulk/{BulkEdit.objects.get().pk}/undo/", follow=True)
    assert "Undo: 1 line changed." in text_of(undone)
    assert the("A-1").confirmed_qty is None
    assert "Undo</button>" not in text_of(page_of(buyer, supplier))


def test_an_unticked_line_stays_as_it_is(buyer, supplier):
    for code in ("A-1", "A-2"):
        a_line(code, 10, 100, SOON)
    ticked = fields_of(page_of(buyer, supplier, fill=1), "/fill/")["raise"]
    assert len(ticked) == 2
    fill_up(buyer, supplier, ticked[1])
    assert [the("A-1").confirmed_qty, the("A-2").confirmed_qty].count(None) == 1


def test_what_was_pulled_forward_is_not_pulled_forward_again(buyer, supplier):
    a_line("A-1", 100, 20, SOON)
    a_line("A-2", 0, 40, LATER)
    page = page_of(buyer, supplier, fill=1)
    buyer.post(url(supplier, "fill/"), fields_of(page, "/fill/"))
    assert [the("A-1").confirmed_qty, the("A-2").confirmed_qty] == [120, 40]
    assert proposed(buyer, supplier) == ([], 400, False)


def test_a_line_that_somebody_raised_is_pulled_forward_by_the_rest(buyer, supplier):
    a_line("A-1", 100, 20, SOON, confirmed_qty=115)
    a_line("A-2", 100, 20, LATER, confirmed_qty=200)
    assert proposed(buyer, supplier) == ([("A-1", 120)], 800, False)


def test_an_order_that_is_large_enough_is_not_filled_up(buyer, supplier):
    a_line("A-1", 400, 20, SOON)
    page = page_of(buyer, supplier, fill=1)
    assert page.context["fill"] is None
    assert "nothing to pull forward" not in text_of(page)


def test_a_line_that_changed_since_it_was_proposed_is_left_out(buyer, supplier):
    for code in ("A-1", "A-2"):
        a_line(code, 10, 100, SOON)
    page = page_of(buyer, supplier, fill=1)
    edit_order_line(line=the("A-1"), user=a_user("manager"), confirmed_qty=7)
    answer = buyer.post(url(supplier, "fill/"), fields_of(page, "/fill/"), follow=True)
    assert "1 line changed, left out: 1 changed by somebody meanwhile." in text_of(answer)
    assert (the("A-1").confirmed_qty, the("A-2").confirmed_qty) == (7, 110)


def test_a_line_locked_since_it_was_proposed_is_left_out(buyer, supplier):
    line = a_line("A-1", 10, 100, SOON)
    OrderConfirmation.objects.update(locked=True)
    assert "0 lines changed, left out: 1 locked." in text_of(fill_up(buyer, supplier, f"{line.pk}:110:0"))
    assert the("A-1").confirmed_qty is None


def test_forged_lines_of_another_supplier_or_month_are_ignored(buyer, supplier):
    other = a_line("B-1", 10, 100, SOON, sku={"supplier": a_supplier("OTHER")})
    nobodys = a_line("C-1", 10, 100, SOON, sku={"supplier": None})
    own = a_line("A-1", 10, 100, SOON)
    later = an_order_line(own.sku, 10, month=dt.date(2027, 1, 1))
    fill_up(buyer, supplier, *(f"{line.pk}:77:0" for line in (other, nobodys, later, own)))
    assert list(OrderConfirmation.objects.exclude(confirmed_qty=None)) == [own]
    assert BulkEdit.objects.get().changed == 1


@pytest.mark.parametrize("entry", ["", "x", "1", "1:2", "1:x:0", "-1:5:0", "1:-5:0", "1:5:0:9", "²:5:0"])
def test_entries_that_make_no_sense_are_ignored(buyer, supplier, entry):
    line = a_line("A-1", 10, 100, SOON)
    fill_up(buyer, supplier, entry.replace("1", str(line.pk), 1))
    assert the("A-1").confirmed_qty is None


@pytest.mark.parametrize("number", ["2147483648", "9" * 30])
@pytest.mark.parametrize("entry", ["{}:5:0", "{pk}:{}:0", "{pk}:5:{}"])
def test_numbers_that_are_too_large_change_nothing(buyer, supplier, entry, number):
    line = a_line("A-1", 10, 100, SOON)
    assert fill_up(buyer, supplier, entry.format(number, pk=line.pk)).status_code == 200
    assert the("A-1").confirmed_qty is None


# Who may what


def test_a_viewer_looks_and_changes_nothing(client, supplier):
    line = a_line("A-1", 10, 100, SOON)
    client.force_login(a_user("viewer"))
    page = text_of(page_of(client, supplier, fill=1))
    assert "Confirm and lock" not in page
    assert "Fill up</a>" not in page
    assert 'name="confirmed_qty"' not in page
    assert client.post(url(supplier, "fill/"), {"raise": f"{line.pk}:110:0"}).status_code == 403
    assert the("A-1").confirmed_qty is None


def test_a_viewer_is_not_offered_a_button_that_is_refused(client, supplier):
    a_line("A-1", 10, 100, SOON)
    client.force_login(a_user("viewer"))
    assert "Confirm these quantities" not in text_of(page_of(client, supplier, fill=1))


def test_a_supplier_out_of_sight_is_not_there(client, supplier):
    line, user = a_line("A-1", 10, 100, SOON), a_user("buyer")
    Restriction.objects.create(user=user, supplier=a_supplier("OTHER"))
    client.force_login(user)
    assert client.get(url(supplier)).status_code == 404
    assert client.post(url(supplier, "fill/"), {"raise": f"{line.pk}:110:0"}).status_code == 404
    assert the("A-1").confirmed_qty is None
    assert client.get(url(a_supplier("OTHER"))).status_code == 200


def test_a_person_limited_to_a_warehouse_sees_and_fills_up_its_part_of_the_order(client, supplier):
    here, user = a_line("A-1", 10, 100, SOON), a_user("buyer")
    there = an_order_line(here.sku, 30, a_warehouse("kentucky"), pull_forward_qty=100)
    Restriction.objects.create(user=user, warehouse=a_warehouse())
    client.force_login(user)
    assert page_of(client, supplier).context["totals"]["units"] == 10
    assert proposed(client, supplier)[0] == [("A-1", 110)]
    fill_up(client, supplier, f"{here.pk}:110:0", f"{there.pk}:130:0")
    assert list(OrderConfirmation.objects.exclude(confirmed_qty=None)) == [here]


# Confirm and lock


def test_an_order_with_nothing_in_it_leads_to_the_suppliers_lines(buyer, supplier):
    a_line("A-1", 0)
    page = text_of(page_of(buyer, supplier))
    assert "Nothing is to be ordered from ACME in December 2026." in page
    assert f'<a href="/months/2026-12/lines/?supplier={supplier.pk}">' in page
    assert "Confirm and lock" not in page
    assert "Export the order" not in page


def test_confirm_and_lock_shows_what_it_would_do_and_then_locks_every_line_with_a_quantity(buyer, supplier):
    a_line("A-1", 10)
    a_line("A-2", 20, confirmed_qty=25)
    a_line("NOTHING", 0)
    a_line("BAD", None)
    a_line("B-1", 10, sku={"supplier": a_supplier("OTHER")})
    address = "/months/2026-12/lines/bulk/"

    preview = buyer.post(address, fields_of(page_of(buyer, supplier), address))

    assert "2 of 2 lines will change. Nothing has been changed yet." in text_of(preview)
    assert not OrderConfirmation.objects.filter(locked=True).exists()

    done = buyer.post(address, fields_of(preview, "d-flex gap-2") | {"apply": "1"}, follow=True)

    assert "Confirm and lock: 2 lines changed." in text_of(done)
    locked = OrderConfirmation.objects.filter(locked=True).order_by("sku__sku")
    assert list(locked.values_list("sku__sku", "confirmed_qty")) == [("A-1", 10), ("A-2", 25)]
    assert "Fill up</a>" in text_of(page_of(buyer, supplier))


def test_a_locked_order_is_exported_whole(buyer, supplier):
    a_line("A-1", 10)
    a_line("NOTHING", 0)
    edit = plan_bulk_edit(month=MONTH, user=a_user("manager"), action="approve", query=f"supplier={supplier.pk}")
    apply_bulk_edit(bulk_id=queue_bulk_edit(edit=edit).pk)
    page = text_of(page_of(buyer, supplier))
    link = html.unescape(re.search(r'href="([^"]+)">Export the order', page).group(1)).replace("xlsx", "csv")
    rows = b"".join(buyer.get(link).streaming_content).decode().splitlines()
    assert len(rows) == 2
    assert "A-1" in rows[1]


def test_a_quantity_edited_on_the_page_comes_back_in_the_pages_own_columns(buyer, supplier):
    line = a_line("A-1", 10)
    page = page_of(buyer, supplier)
    columns = len(re.findall("<th[ >]", page.content.decode()))
    assert """hx-vals='{"page": "basket"}'""" in page.content.decode()
    sent = {"confirmed_qty": "12", "version": line.version, "page": "basket"}
    row = buyer.post(f"/lines/{line.pk}/edit/", sent, headers={"hx-request": "true"}).content.decode()
    assert row.count("<td") == columns
