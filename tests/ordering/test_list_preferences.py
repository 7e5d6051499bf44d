"""What a person keeps of the list, and the cells that they type into."""

import datetime as dt
import html
import re

import pytest
from django.utils.html import strip_tags

from ordering.line_facts import project_line
from ordering.models import LineChange, ListPreference, OrderConfirmation
from ordering.services.generate_recommendations import generate_recommendations
from ordering.tables import CHOICES, SHOWN_FIRST
from ordering.views.preferences import VIEWS_KEPT
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_supplier, a_user, an_order_line, stock

pytestmark = pytest.mark.django_db

PAGE = "/months/2026-12/lines/"
EDITABLE = ("lead_time_override_days", "arrival_override", "notes")


@pytest.fixture
def line():
    return an_order_line(a_sku("PAN-1"), 10)


@pytest.fixture
def buyer(client):
    client.force_login(a_user("buyer"))
    return client


def choose(client, *columns, **more):
    return client.post(f"{PAGE}columns/", {"columns": columns} | more)


def save_view(client, name, query="state=open", **more):
    return client.post(f"{PAGE}views/", {"name": name, "query": query} | more, follow=True)


def delete_view(client, name):
    return client.post(f"{PAGE}views/delete/", {"name": name}, follow=True)


def text_of(answer):
    return " ".join(answer.content.decode().split())


def headers(client, page=PAGE, **query):
    found = re.findall(r"<th[ >].*?</th>", text_of(client.get(page, query)))
    return [strip_tags(cell).strip() for cell in found]


def shown(client):
    """The names of the columns between the two that are always there and the box to tick."""
    always = {"selected", "sku", "confirmed_qty"}
    return [column.name for column in client.get(PAGE).context["table"].columns if column.name not in always]


def row_of(answer):
    """The line's row without what differs from answer to answer."""
    row = re.search(r"<tr [^>]*line-.*?</tr>", text_of(answer)).group()
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", row)


def edit(client, line, *, htmx=True, **fields):
    data = {"version": line.version} | fields
    return client.post(f"/lines/{line.pk}/edit/", data, headers={"hx-request": "true"} if htmx else {})


def now(line):
    return OrderConfirmation.objects.get(pk=line.pk)


def history(line):
    return list(now(line).changes.order_by("pk").values_list("field", "old", "new", "who__username"))


def typed_in(answer, name):
    """What the cell's input holds."""
    return html.unescape(re.search(rf'name="{name}"[^>]* value="([^"]*)"', text_of(answer)).group(1))


# Columns


def test_a_page_shows_the_chosen_columns_in_the_tables_order_whatever_the_order_they_were_ticked_in(buyer, line):
    choose(buyer, "notes", "safety_stock", "supplier")
    assert headers(buyer) == ["", "SKU", "Supplier", "Confirmed", "Safety stock", "Note"]
    assert shown(buyer) == ["supplier", "safety_stock", "notes"]


def test_every_column_that_is_offered_can_be_shown(buyer, line):
    choose(buyer, *(name for name, _ in CHOICES))
    assert set(headers(buyer)) == {"", "SKU", "Confirmed", *(label for _, label in CHOICES)}
    assert {"SKU", "Confirmed", ""}.isdisjoint(label for _, label in CHOICES)


def test_no_column_at_all_leaves_the_sku_and_the_quantity(buyer, line):
    choose(buyer)
    assert headers(buyer) == ["", "SKU", "Confirmed"]


def test_a_viewer_chooses_columns_too_and_has_nothing_to_tick(client, line):
    client.force_login(a_user("viewer"))
    assert choose(client, "abc").status_code == 302
    assert headers(client) == ["SKU", "Confirmed", "ABC/XYZ"]


def test_the_chosen_columns_are_ticked(buyer, line):
    choose(buyer, "abc")
    ticked = re.findall(r'name="columns" value="(\w+)" id="column-\w+" checked', text_of(buyer.get(PAGE)))
    assert ticked == ["abc"]


def test_columns_are_remembered_for_every_month_and_for_nobody_else(buyer, line):
    choose(buyer, "abc")
    assert headers(buyer, "/months/2027-03/lines/") == ["", "SKU", "Confirmed", "ABC/XYZ"]
    other = type(buyer)()
    other.force_login(a_user("manager"))
    assert shown(other) == list(SHOWN_FIRST)
    choose(other, "xyz", "locked")
    assert shown(buyer) == ["abc"]


def test_choosing_again_replaces_what_was_chosen(buyer, line):
    choose(buyer, "abc")
    choose(buyer, "locked")
    assert shown(buyer) == ["locked"]
    assert ListPreference.objects.count() == 1


def test_reset_shows_the_columns_of_the_beginning(buyer, line):
    before = headers(buyer)
    choose(buyer, "abc")
    choose(buyer, "abc", reset="")
    assert headers(buyer) == before
    assert shown(buyer) == list(SHOWN_FIRST)


@pytest.mark.parametrize("name", ["password", "selected", "sku", "version", "abc; drop table", ""])
def test_an_unknown_column_is_refused(buyer, line, name):
    choose(buyer, "abc")
    assert choose(buyer, "locked", name).status_code == 302
    assert shown(buyer) == ["abc"]


def test_a_column_that_no_longer_exists_is_passed_over(buyer, line):
    choose(buyer, "abc")
    ListPreference.objects.update(columns=["abc", "gone"])
    assert headers(buyer) == ["", "SKU", "Confirmed", "ABC/XYZ"]


def test_choosing_columns_comes_back_to_the_same_filters(buyer, line):
    assert choose(buyer, "abc", query="state=open&sort=sku").url == f"{PAGE}?state=open&sort=sku"


@pytest.mark.parametrize("query", ["\r\nSet-Cookie: a=b", "//elsewhere.example", "'\"><script>"])
def test_a_forged_query_leads_nowhere_else(buyer, line, query):
    answer = choose(buyer, "abc", query=query)
    assert answer.url.startswith(f"{PAGE}?")
    assert "\n" not in answer["Location"]
    assert "Set-Cookie" not in answer.headers


# Saved views


def test_a_view_is_saved_used_and_deleted(buyer, line):
    an_order_line(a_sku("CUP-1"), 0)
    page = save_view(buyer, "My pans", "state=ordered&sort=sku&rows=25")
    address = html.unescape(re.search(r'href="([^"]+)">My pans</a>', text_of(page)).group(1))
    assert address == f"{PAGE}?state=ordered&sort=sku&rows=25"
    used = buyer.get(address)
    assert [row.record.sku.sku for row in used.context["table"].rows] == ["PAN-1"]
    assert "My pans" not in text_of(delete_view(buyer, "My pans"))
    assert ListPreference.objects.get().views == {}


def test_the_form_saves_the_filters_of_the_page_without_its_page_number(buyer, line):
    page = text_of(buyer.get(PAGE, {"state": "open", "q": 'a "b" & c', "page": "7"}))
    form = re.search(r'action="/months/2026-12/lines/views/"[^>]*>(.*?)</form>', page).group(1)
    query = html.unescape(re.search(r'name="query" value="([^"]*)"', form).group(1))
    save_view(buyer, "Mine", query)
    assert ListPreference.objects.get().views == {"Mine": "state=open&q=a+%22b%22+%26+c"}


def test_views_are_listed_by_name_and_for_their_owner_only(buyer, line):
    for name in ("b", "a"):
        save_view(buyer, name)
    assert [name for name, _ in buyer.get(PAGE).context["views"]] == ["a", "b"]
    other = type(buyer)()
    other.force_login(a_user("viewer"))
    assert other.get(PAGE).context["views"] == []
    delete_view(other, "a")
    assert list(ListPreference.objects.get(user__username="buyer").views) == ["b", "a"]


def test_saving_under_the_same_name_replaces_the_view(buyer, line):
    for query in ("state=open", "state=locked"):
        save_view(buyer, "Mine", query)
    assert ListPreference.objects.get().views == {"Mine": "state=locked"}


def test_the_51st_view_is_refused_and_the_50th_can_still_be_replaced(buyer, line):
    for number in range(VIEWS_KEPT):
        save_view(buyer, f"View {number}")
    assert "You have 50 already; delete one." in text_of(save_view(buyer, "One too many"))
    assert len(ListPreference.objects.get().views) == VIEWS_KEPT == 50
    save_view(buyer, "View 7", "state=locked")
    assert ListPreference.objects.get().views["View 7"] == "state=locked"
    delete_view(buyer, "View 7")
    save_view(buyer, "One too many")
    assert "One too many" in ListPreference.objects.get().views


@pytest.mark.parametrize(("name", "query"), [("", ""), ("   ", ""), ("x" * 61, ""), ("a\x00b", ""), ("x", "q" * 2_001)])
def test_a_view_without_a_usable_name_or_query_is_refused_with_a_sentence(buyer, line, name, query):
    assert "The view was not saved." in text_of(save_view(buyer, name, query))
    assert ListPreference.objects.get().views == {}


def test_the_name_of_a_view_is_never_markup(buyer, line):
    name = "<script>alert(1)</script>\"'"
    page = text_of(save_view(buyer, name, '"><script>alert(2)</script>'))
    assert "<script>alert" not in page
    assert html.escape(name) in page
    assert name in ListPreference.objects.get().views
    delete_view(buyer, html.unescape(re.search(r'name="name" value="([^"]*)"', page).group(1)))
    assert ListPreference.objects.get().views == {}


def test_columns_and_views_do_not_undo_each_other(buyer, line):
    choose(buyer, "abc")
    save_view(buyer, "Mine")
    choose(buyer, "locked")
    stored = ListPreference.objects.get()
    assert (stored.columns, stored.views) == (["locked"], {"Mine": "state=open"})


# Cells


@pytest.mark.parametrize(
    ("field", "typed", "value", "written"),
    [
        ("lead_time_override_days", "45", 45, "45"),
        ("lead_time_override_days", "0", 0, "0"),
        ("arrival_override", "2027-01-05", dt.date(2027, 1, 5), "2027-01-05"),
        ("notes", "  call <b>first</b> ", "call <b>first</b>", "call <b>first</b>"),
    ],
)
def test_a_cell_is_saved_with_history_and_taken_back_when_emptied(buyer, line, field, typed, value, written):
    choose(buyer, field)
    empty = getattr(line, field)
    answer = edit(buyer, line, **{field: typed})
    assert (getattr(now(line), field), now(line).version) == (value, 1)
    assert typed_in(answer, field) == written
    assert answer["HX-Trigger"] == "lines-changed"
    assert "<b>first" not in text_of(answer)
    edit(buyer, now(line), **{field: ""})
    assert getattr(now(line), field) == empty
    assert history(line) == [(field, "", written, "buyer"), (field, written, "", "buyer")]


@pytest.mark.parametrize("field", EDITABLE)
def test_what_a_cell_changes_leaves_the_rest_of_the_line_alone(buyer, line, field):
    before = {field.attname: getattr(line, field.attname) for field in line._meta.fields}
    typed = {"lead_time_override_days": "45", "arrival_override": "2027-01-05", "notes": "call first"}[field]
    edit(buyer, line, **{field: typed})
    after = {field.attname: getattr(now(line), field.attname) for field in line._meta.fields}
    assert {name for name in after if after[name] != before[name]} == {field, "version"}


@pytest.mark.parametrize("columns", [EDITABLE, ("notes",), SHOWN_FIRST, tuple(name for name, _ in CHOICES)])
def test_a_saved_row_is_the_row_of_the_list(buyer, line, columns):
    choose(buyer, *columns)
    answer = edit(buyer, line, notes="call first", lead_time_override_days="45", confirmed_qty="1200")
    assert history(line) != []
    assert row_of(answer) == row_of(buyer.get(PAGE))
    assert text_of(answer).count("<td") == len(headers(buyer))


@pytest.mark.parametrize(
    ("field", "typed", "reason"),
    [
        ("lead_time_override_days", "soon", "is not a whole number"),
        ("lead_time_override_days", "1.5", "is not a whole number"),
        ("lead_time_override_days", "-1", "is negative"),
        ("lead_time_override_days", "3651", "is too large"),
        ("lead_time_override_days", "9" * 30, "is too large"),
        ("arrival_override", "tomorrow", "is not a date, such as 2026-12-31"),
        ("arrival_override", "2026-02-30", "is not a date, such as 2026-12-31"),
        ("notes", "x" * 2_001, "at most 2000 characters"),
        ("arrival_override", '"><script>', "is not a date, such as 2026-12-31"),
    ],
)
def test_a_wrong_value_comes_back_with_its_reason_and_what_was_typed(buyer, line, field, typed, reason):
    choose(buyer, *EDITABLE)
    answer = edit(buyer, line, **{field: typed})
    assert reason in text_of(answer)
    assert typed_in(answer, field) == typed
    assert "<script>" not in text_of(answer)
    assert text_of(answer).count("is-invalid") == 1
    assert "HX-Trigger" not in answer
    assert (now(line).version, history(line)) == (0, [])
    assert text_of(answer).count("<td") == len(headers(buyer))


def test_without_javascript_the_reason_comes_on_the_list(buyer, line):
    answer = edit(buyer, line, htmx=False, lead_time_override_days="soon")
    assert "“soon” is not a whole number" in text_of(buyer.get(answer.url))
    assert edit(buyer, line, htmx=False, notes="call first").url == PAGE
    assert now(line).notes == "call first"


def test_a_cell_that_somebody_else_changed_meanwhile_keeps_theirs_and_shows_what_was_typed(buyer, line):
    choose(buyer, "notes")
    edit(buyer, line, notes="theirs")
    answer = edit(buyer, line, notes="mine")
    assert "was changed by buyer while you were editing" in text_of(answer)
    assert typed_in(answer, "notes") == "mine"
    assert 'name="version" value="1"' in text_of(answer)
    assert now(line).notes == "theirs"


def test_a_locked_line_has_no_cells_and_keeps_its_own(buyer, line):
    choose(buyer, *EDITABLE)
    OrderConfirmation.objects.update(locked=True, notes="as approved")
    page = text_of(buyer.get(PAGE))
    assert "as approved" in page
    assert 'name="notes"' not in page
    assert 'name="notes"' not in text_of(edit(buyer, line, notes="mine"))
    assert now(line).notes == "as approved"


def test_a_viewer_reads_the_cells(client, line):
    client.force_login(a_user("viewer"))
    choose(client, *EDITABLE)
    OrderConfirmation.objects.update(lead_time_override_days=45, notes="call <first>")
    page = text_of(client.get(PAGE))
    assert "call &lt;first&gt;" in page
    assert "/edit/" not in page
    assert edit(client, line, notes="mine").status_code == 403
    assert not LineChange.objects.exists()


# What follows from them


def a_planned_line(**supplier):
    sku = a_sku("PAN-2", supplier=a_supplier(**supplier))
    stock(sku, 46)
    a_forecast(sku, 310)  # 10 a day
    generate_recommendations(month=MONTH, as_of=AS_OF)
    return OrderConfirmation.objects.get(sku=sku)


@pytest.mark.parametrize("stated", [30, 30.4])
def test_an_own_lead_time_moves_the_arrival_and_an_own_date_wins(buyer, stated):
    line = a_planned_line(default_lead_time_days=stated)
    assert now(line).arrival == line.expected_arrival == MONTH + dt.timedelta(30 if stated == 30 else 31)
    edit(buyer, line, lead_time_override_days="45")
    assert now(line).arrival == MONTH + dt.timedelta(45) == project_line(now(line)).order.day
    edit(buyer, now(line), lead_time_override_days="0")
    assert now(line).arrival == MONTH == project_line(now(line)).order.day
    edit(buyer, now(line), arrival_override="2027-02-01")
    assert now(line).arrival == dt.date(2027, 2, 1) == project_line(now(line)).order.day


def test_the_list_shows_the_new_arrival_at_once(buyer):
    line = a_planned_line(default_lead_time_days=30)
    choose(buyer, "arrival", "lead_time_override_days")
    assert "12/31/2026" in text_of(buyer.get(PAGE))
    assert "01/15/2027" in text_of(edit(buyer, line, lead_time_override_days="45"))


def test_an_arrival_that_nobody_calculated_is_the_one_a_person_gave(line):
    assert line.arrival is None
    line.lead_time_override_days = 45
    assert line.arrival is None
    line.arrival_override = dt.date(2027, 1, 5)
    assert line.arrival == dt.date(2027, 1, 5)


def test_the_coverage_with_the_order_follows_the_quantity(buyer):
    line = a_planned_line()
    assert now(line).coverage_days_ordered == pytest.approx((46 + line.suggested_qty) / 10)
    choose(buyer, "coverage_days_ordered")
    answer = edit(buyer, line, confirmed_qty="54")
    assert now(line).coverage_days_ordered == pytest.approx(10)
    assert re.search(r"<td[^>]*>10</td>", text_of(answer))
    edit(buyer, now(line), confirmed_qty="0")
    assert now(line).coverage_days_ordered == pytest.approx(4.6)


@pytest.mark.parametrize("fields", [{"daily_demand": 0}, {"daily_demand": None}, {"order": None}, {"position": None}])
def test_a_coverage_that_cannot_be_calculated_is_none(fields):
    wanted = {"daily_demand": 10, "order": 5, "position": 40} | fields
    line = OrderConfirmation(daily_demand=wanted["daily_demand"], inventory_position=wanted["position"])
    line.order_qty = wanted["order"]
    assert line.coverage_days_ordered is None


def test_a_backlog_counts_as_no_stock():
    line = OrderConfirmation(daily_demand=10, inventory_position=-30)
    line.order_qty = 50
    assert line.coverage_days_ordered == 5
