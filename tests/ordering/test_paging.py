"""Pages from the start and from the end, each line exactly once."""

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ordering.models import OrderConfirmation, Sku
from ordering.paging import DEFAULT_SORT, SORTS, parse_page, read_page, sort_lines
from ordering.views.lines import PAGE_SIZES
from suppliers.models import Restriction
from tests.builders import MONTH, a_sku, a_supplier, a_user, a_warehouse

pytestmark = pytest.mark.django_db

PAGE = "/months/2026-12/lines/"
BOTH_WAYS = [sign + name for name in SORTS for sign in ("", "-")]


def many_lines(count, month=MONTH):
    """Lines with many ties and many nulls; every SKU is in three warehouses."""
    rng = random.Random(7)
    warehouses = [a_warehouse(code) for code in ("burnaby", "kentucky", "osaka")]
    needed = -(-count // 3)
    known = Sku.objects.count()
    Sku.objects.bulk_create(
        [Sku(sku=f"A-{number:03}", supplier=a_supplier(), currency="USD") for number in range(known, needed)]
    )
    OrderConfirmation.objects.bulk_create(
        OrderConfirmation(
            month=month,
            sku=sku,
            supplier=sku.supplier,
            warehouse=warehouse,
            urgency=rng.choice(["must_order", "optional", "skip", None]),
            suggested_qty=rng.choice([None, 0, 1, 2]),
            unit_cost=rng.choice([0, 1, 2]),
            stockout_risk_date=rng.choice([None, MONTH, MONTH + dt.timedelta(1)]),
            currency="USD",
        )
        for sku, warehouse in rng.sample([(sku, house) for sku in Sku.objects.all() for house in warehouses], count)
    )


@pytest.fixture
def manager(client):
    client.force_login(a_user("manager"))
    return client


def ordered(sort):
    return sort_lines(OrderConfirmation.objects.for_month(MONTH), sort)[0]


def walk(sort, size, number):
    """The lines of all pages from the first or, with -1, from the last, in the order of the list."""
    pages = []
    while number is not None:
        page = read_page(ordered(sort), number, size)
        pages.append([line.pk for line in page.lines])
        number = page.next if number > 0 else page.previous
    assert all(len(page) == size for page in pages[:-1])
    return [pk for page in (pages if page.number > 0 else reversed(pages)) for pk in page]


def told(sort, ids):
    """The order as far as the sort promises one: lines of one SKU come as the database has them."""
    if sort.removeprefix("-") != "sku":
        return list(ids)
    skus = dict(OrderConfirmation.objects.values_list("pk", "sku"))
    return [skus[pk] for pk in ids]


def page_of(client, **query):
    answer = client.get(PAGE, query)
    assert answer.status_code == 200
    return answer.context["page"]


def statements(client, **query):
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(PAGE, query)
    return len(answer.context["table"].rows), len(queries)


@pytest.mark.parametrize("sort", BOTH_WAYS)
@pytest.mark.parametrize("size", [3, 7, 46, 47, 48, 200])
def test_all_pages_together_hold_each_line_once_from_either_end(sort, size):
    many_lines(47)
    many_lines(20, dt.date(2027, 1, 1))
    everything = sorted(OrderConfirmation.objects.for_month(MONTH).values_list("pk", flat=True))
    forward, backward = walk(sort, size, 1), walk(sort, size, -1)
    assert sorted(forward) == everything
    assert sorted(backward) == everything


@pytest.mark.parametrize("sort", BOTH_WAYS)
def test_both_ends_tell_the_same_order(sort):
    many_lines(47)
    assert told(sort, walk(sort, 5, 1)) == told(sort, walk(sort, 5, -1))
    assert told(sort, walk(sort, 5, 1)) == told(sort, ordered(sort).values_list("pk", flat=True))


@pytest.mark.parametrize("name", SORTS)
def test_the_other_direction_is_the_reverse(name):
    many_lines(47)
    assert told(name, walk(name, 7, 1)) == told(name, walk(f"-{name}", 7, 1))[::-1]


def test_the_order_is_that_of_the_column():
    many_lines(47)
    shown = {name: [OrderConfirmation.objects.get(pk=pk) for pk in walk(name, 10, 1)] for name in SORTS}
    assert (codes := [line.sku.sku for line in shown["sku"]]) == sorted(codes)
    dates = [line.stockout_risk_date or dt.date.max for line in shown["stockout_risk_date"]]
    assert dates == sorted(dates)
    values = [-1 if line.order_value is None else line.order_value for line in shown["order_value"]]
    assert values == sorted(values)
    both = [(line.urgency_rank, -1 if line.order_value is None else line.order_value) for line in shown["urgency"]]
    assert both == sorted(both)


def test_upper_and_lower_case_codes_are_sorted_as_one_alphabet():
    for code in ("b-1", "A-1", "C-1"):
        OrderConfirmation.objects.create(month=MONTH, sku=a_sku(code), warehouse=a_warehouse())
    assert [line.sku.sku for line in read_page(ordered("sku"), 1, 25).lines] == ["A-1", "b-1", "C-1"]


def test_neighbours_lead_from_page_to_page(manager):
    many_lines(60)
    neighbours = {}
    for number in (1, 2, 3, -1, -2, -3):
        page = page_of(manager, page=number, rows=25)
        neighbours[number] = (page.previous, page.next, len(page.lines), page.label)
    assert neighbours == {
        1: (None, 2, 25, "Page 1"),
        2: (1, 3, 25, "Page 2"),
        3: (2, None, 10, "Page 3"),
        -1: (-2, None, 25, "Page 1 from the end"),
        -2: (-3, -1, 25, "Page 2 from the end"),
        -3: (None, -2, 10, "Page 3 from the end"),
    }


def test_the_links_keep_filters_sort_and_size_and_lead_to_the_last_page(manager):
    many_lines(60)
    html = manager.get(PAGE, {"sort": "sku", "rows": 25, "state": "open", "page": 2}).content.decode()
    for page in (1, 3, -1):
        assert f'href="?sort=sku&amp;rows=25&amp;state=open&amp;page={page}"' in html
    last = page_of(manager, sort="sku", rows=25, state="open", page=-1)
    assert (
        told("sku", [line.pk for line in last.lines]) == told("sku", ordered("sku").values_list("pk", flat=True))[-25:]
    )


def test_one_page_has_no_neighbours(manager):
    many_lines(25)
    for number in (1, -1):
        page = page_of(manager, page=number, rows=25)
        assert (page.previous, page.next, len(page.lines)) == (None, None, 25)


def test_an_empty_month_has_one_empty_page(manager):
    for number in (1, -1):
        page = page_of(manager, page=number)
        assert (page.lines, page.previous, page.next) == ([], None, None)


@pytest.mark.parametrize("number", [4, -4, 99_999])
def test_a_page_behind_the_last_leads_back(manager, number):
    many_lines(60)
    page = page_of(manager, page=number, rows=25)
    assert page.lines == []
    assert (page.previous if number > 0 else page.next) is not None


@pytest.mark.parametrize("text", ["", "x", "0", "1.5", "²", "9" * 5_000, "9" * 20, "-" + "9" * 20])
def test_a_page_that_makes_no_sense_is_no_error(manager, text):
    many_lines(3)
    assert manager.get(PAGE, {"page": text}).status_code == 200
    assert manager.get(PAGE, {"rows": text}).status_code == 200


@pytest.mark.parametrize("text", ["", "x", "0", "1.5", "²"])
def test_a_page_that_is_no_number_is_the_first(manager, text):
    many_lines(60)
    assert page_of(manager, page=text).number == 1


@pytest.mark.parametrize("sort", ["", "nonsense", "--sku", "-", "sku__sku", "version", "id", "?"])
def test_an_unknown_sort_is_the_highest_value_first(manager, sort):
    many_lines(10)
    page = manager.get(PAGE, {"sort": sort})
    assert [line.pk for line in page.context["page"].lines] == walk(DEFAULT_SORT, 50, 1)
    assert sort_lines(OrderConfirmation.objects.all(), sort)[1] == DEFAULT_SORT


@pytest.mark.parametrize("rows", ["3", "0", "-25", "201", "all", ""])
def test_an_unknown_size_is_50_rows(manager, rows):
    many_lines(60)
    assert len(page_of(manager, rows=rows).lines) == PAGE_SIZES[0] == 50


@pytest.mark.parametrize("rows", PAGE_SIZES)
def test_the_page_has_as_many_rows_as_were_asked_for(manager, rows):
    many_lines(210)
    page = page_of(manager, rows=rows)
    assert (len(page.lines), page.next) == (rows, 2)


def test_a_line_that_goes_while_the_page_is_read_leaves_a_gap_and_no_error(monkeypatch):
    many_lines(10)
    first = walk(DEFAULT_SORT, 50, 1)[0]
    in_bulk = type(OrderConfirmation.objects.all()).in_bulk
    monkeypatch.setattr(
        type(OrderConfirmation.objects.all()),
        "in_bulk",
        lambda lines, ids: in_bulk(lines, [pk for pk in ids if pk != first]),
    )
    assert len(read_page(ordered(DEFAULT_SORT), 1, 50).lines) == 9


@pytest.mark.parametrize("text", ["1", "-1", " 7 "])
def test_numbers_are_read_as_they_are(text):
    assert parse_page(text) == int(text)


# What it costs


@pytest.mark.parametrize("sort", BOTH_WAYS)
def test_a_page_of_200_rows_asks_as_much_as_one_of_25(manager, sort):
    many_lines(210)
    statements(manager)
    found = {statements(manager, rows=rows, sort=sort, page=page) for rows in (25, 200) for page in (1, -1)}
    assert {rows for rows, _ in found} == {25, 200}
    assert len({count for _, count in found}) == 1
    assert max(count for _, count in found) <= 12


def test_filters_and_limits_of_the_person_ask_no_more_for_more_rows(client):
    many_lines(210)
    user = a_user("manager")
    Restriction.objects.create(user=user, supplier=a_supplier())
    client.force_login(user)
    query = {"supplier": a_supplier().pk, "q": "a-", "state": "open"}
    statements(client, **query)
    counts = {statements(client, rows=rows, **query) for rows in (25, 200)}
    assert {rows for rows, _ in counts} == {25, 200}
    assert len({count for _, count in counts}) == 1
    assert max(count for _, count in counts) <= 14


def test_no_page_counts_the_lines(manager):
    many_lines(60)
    with CaptureQueriesContext(connection) as queries:
        page_of(manager, page=-1, rows=25)
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"]]
