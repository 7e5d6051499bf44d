"""The sums that are kept ready are those of the lines, whatever happened to the lines."""

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.runs import DEAD_AFTER, RunLost, RunStatus, cancel_run
from ordering.filters import STATES, OrderLineFilter
from ordering.models import GenerationRun, Inventory, OrderConfirmation, OrderTotal, OutdatedTotal, Sku, TotalsState
from ordering.services import refresh_totals as service
from ordering.services.edit_order_line import edit_order_line
from ordering.services.edit_order_lines import apply_bulk_edit, plan_bulk_edit, plan_undo, queue_bulk_edit
from ordering.services.generate_recommendations import generate_recommendations, queue_generation
from ordering.services.refresh_totals import refresh_totals
from tests.builders import (
    AS_OF,
    MONTH,
    a_forecast,
    a_sku,
    a_supplier,
    a_user,
    a_warehouse,
    an_order_line,
    stock,
    the_line,
)

pytestmark = pytest.mark.django_db

OTHER_MONTH = dt.date(2027, 1, 1)
KEY = ("supplier_id", "warehouse_id", "urgency_rank", "currency", "locked", "drifted", "stale")


@pytest.fixture
def lines():
    """Two suppliers and none, two currencies, two warehouses, one line with bad data."""
    for code, on_hand, fields in (
        ("PAN-1", 0, {}),
        ("PAN-2", 0, {"currency": "EUR", "supplier": a_supplier("OTHER")}),
        ("CUP-1", 0, {"supplier": None}),
        ("FULL", 50_000, {}),
        ("BAD", 0, {"order_multiple": 0}),
    ):
        a_planned_sku(code, on_hand, **fields)
    stock(Sku.objects.get(sku="PAN-1"), 3, a_warehouse("kentucky"))
    generate()
    refresh_totals(month=MONTH)


@pytest.fixture
def buyer():
    return a_user("buyer")


def a_planned_sku(code, on_hand=0, **fields):
    sku = a_sku(code, **fields)
    stock(sku, on_hand)
    a_forecast(sku, 310)
    return sku


def generate(month=MONTH, **options):
    return generate_recommendations(month=month, as_of=AS_OF, **options)


def the(code):
    return the_line(Sku.objects.get(sku=code))


def do(user, action, **selection):
    edit = plan_bulk_edit(month=MONTH, user=user, action=action, **selection)
    return apply_bulk_edit(bulk_id=queue_bulk_edit(edit=edit).pk)


def undo(bulk):
    return apply_bulk_edit(bulk_id=queue_bulk_edit(edit=plan_undo(bulk=bulk, user=bulk.user)).pk)


def of_lines(month=MONTH):
    """Lines, units and value by group, added up line by line."""
    sums = {}
    for line in OrderConfirmation.objects.filter(month=month):
        key = (*(getattr(line, name) for name in KEY), line.confirmed_qty is not None)
        count, units, value = sums.get(key, (0, 0, 0))
        sums[key] = (count + 1, units + (line.order_qty or 0), value + (line.order_value or 0))
    return sums


def stored(month=MONTH, **which):
    rows = list(OrderTotal.objects.filter(month=month, **which))
    sums = {(*(getattr(row, name) for name in KEY), row.confirmed): (row.lines, row.units, row.value) for row in rows}
    assert len(sums) == len(rows)
    return sums


def refreshed(month=MONTH):
    refresh_totals(month=month)
    return stored(month)


def a_dead_run(after):
    """A run whose process was killed after so many SKUs."""

    def die(run):
        if run.progress_done == after:
            raise SystemExit

    with pytest.raises(SystemExit):
        generate(chunk_size=1, on_progress=die)
    run = GenerationRun.objects.latest("pk")
    long_ago = timezone.now() - DEAD_AFTER - dt.timedelta(seconds=1)
    GenerationRun.objects.filter(pk=run.pk).update(
        status=RunStatus.RUNNING, active_key=f"{MONTH:%Y-%m}", heartbeat_at=long_ago
    )


def change_everything(user):
    Inventory.objects.filter(sku__sku="PAN-1").update(on_hand=1_000)
    a_planned_sku("NEW", supplier=a_supplier("OTHER"))
    Sku.objects.filter(sku="PAN-2").update(currency="GBP", supplier=a_supplier())
    generate()


def drop_a_line(user):
    Sku.objects.filter(sku="PAN-1").update(status=Sku.Status.DISCONTINUED)
    generate()


def drop_a_line_that_somebody_decided(user):
    edit_order_line(line=the("PAN-1"), user=user, confirmed_qty=7)
    drop_a_line(user)


def confirm_and_let_the_suggestion_drift(user):
    edit_order_line(line=the("PAN-1"), user=user, confirmed_qty=7)
    Inventory.objects.filter(sku__sku="PAN-1").update(on_hand=300)
    generate()


CHANGES = {
    "a second run with other inputs": change_everything,
    "a quantity": lambda user: edit_order_line(line=the("PAN-1"), user=user, confirmed_qty=7),
    "a quantity of zero": lambda user: edit_order_line(line=the("PAN-2"), user=user, confirmed_qty=0),
    "a quantity for bad data": lambda user: edit_order_line(line=the("BAD"), user=user, confirmed_qty=7),
    "a quantity without a supplier": lambda user: edit_order_line(line=the("CUP-1"), user=user, confirmed_qty=7),
    "a bulk edit": lambda user: do(user, "zero"),
    "a lock": lambda user: do(user, "lock", ids=[the("PAN-1").pk, the("CUP-1").pk]),
    "an undo": lambda user: undo(do(user, "approve")),
    "a dropped line": drop_a_line,
    "a dropped line with a decision": drop_a_line_that_somebody_decided,
    "a drifted line": confirm_and_let_the_suggestion_drift,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_totals_are_those_of_the_lines_after(lines, change):
    manager = a_user("manager")
    assert stored() == of_lines()
    before = OrderConfirmation.objects.count(), list(OrderConfirmation.objects.order_by("pk").values())
    change(manager)
    assert (OrderConfirmation.objects.count(), list(OrderConfirmation.objects.order_by("pk").values())) != before
    assert refreshed() == of_lines()
    assert not OutdatedTotal.objects.exists()


def test_an_undo_brings_the_totals_back(lines, buyer):
    before = stored()
    bulk = do(buyer, "zero")
    assert refreshed() != before
    undo(bulk)
    assert refreshed() == before


def test_only_the_suppliers_whose_lines_changed_are_added_up_again(lines, buyer):
    kept = set(OrderTotal.objects.exclude(supplier=a_supplier()).values_list("pk", flat=True))
    edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=7)
    refresh_totals(month=MONTH)
    assert kept == set(OrderTotal.objects.exclude(supplier=a_supplier()).values_list("pk", flat=True))


def test_setting_what_is_set_already_marks_nothing(lines, buyer):
    line = the("PAN-1")
    edit_order_line(line=line, user=buyer, confirmed_qty=line.confirmed_qty)
    assert not OutdatedTotal.objects.exists()


def test_months_do_not_mix(lines, buyer):
    generate(OTHER_MONTH)
    edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=7)
    assert refreshed(OTHER_MONTH) == of_lines(OTHER_MONTH)
    assert OutdatedTotal.objects.filter(month=MONTH).exists()
    assert stored() != of_lines()
    assert refreshed() == of_lines()
    assert stored(OTHER_MONTH) == of_lines(OTHER_MONTH)


def test_lines_without_a_supplier_are_counted(lines):
    assert sum(count for count, *_ in stored(supplier=None).values()) == 1


def test_a_month_without_a_run_has_the_totals_of_its_lines(buyer):
    assert refreshed() == {}
    line = an_order_line(a_sku(), 12)
    TotalsState.objects.all().delete()
    assert refreshed() == of_lines() != {}
    edit_order_line(line=line, user=buyer, confirmed_qty=7)
    assert refreshed() == of_lines()


def test_nothing_to_do_costs_two_statements_at_most(lines):
    for month in (MONTH, OTHER_MONTH):
        refresh_totals(month=month)
        with CaptureQueriesContext(connection) as queries:
            refresh_totals(month=month)
        assert len(queries) <= 2


# A run at work


def test_a_run_at_work_leaves_the_totals_as_they_were(lines):
    before, seen = stored(), []
    Inventory.objects.update(on_hand=5)
    generate(chunk_size=2, on_progress=lambda run: seen.append(refreshed()))
    assert seen == [before] * 3
    assert before != of_lines()
    assert refreshed() == of_lines()


def test_a_waiting_run_leaves_the_totals_as_they_were(lines):
    before = stored()
    queue_generation(month=MONTH, as_of=AS_OF)
    with CaptureQueriesContext(connection) as queries:
        refresh_totals(month=MONTH)
    assert len(queries) <= 2
    assert stored() == before


def test_what_people_change_beside_a_run_is_taken_in(lines, buyer):
    before, seen = stored(), []
    other = a_supplier("OTHER").pk
    of_others = {key: sums for key, sums in before.items() if key[0] != other}
    Inventory.objects.update(on_hand=5)

    def change_one_line(run):
        if not seen:
            edit_order_line(line=the("PAN-2"), user=buyer, confirmed_qty=7)
        seen.append(refreshed())

    generate(chunk_size=2, on_progress=change_one_line)

    confirmed = [sums for key, sums in seen[0].items() if key[0] == other]
    assert confirmed == [(1, 7, 7 * the("PAN-2").unit_cost)]
    assert [{key: sums for key, sums in found.items() if key[0] != other} for found in seen] == [of_others] * 3
    assert refreshed() == of_lines()


def test_the_first_run_of_a_month_is_looked_at_once_while_it_works_and_again_when_it_is_through():
    for number in range(3):
        a_planned_sku(f"A-{number}")
    seen = []
    generate(chunk_size=2, on_progress=lambda run: seen.append(sum(sums[0] for sums in refreshed().values())))
    assert seen == [2, 2]
    assert refreshed() == of_lines()


def test_a_cancelled_run_leaves_the_totals_of_the_lines_it_wrote(lines):
    before = stored()
    Inventory.objects.update(on_hand=5)
    with pytest.raises(RunLost):
        generate(chunk_size=1, on_progress=cancel_run)
    assert GenerationRun.objects.latest("pk").status == RunStatus.CANCELLED
    assert refreshed() == of_lines() != before


def test_a_dead_run_is_not_waited_for(lines):
    before = stored()
    Inventory.objects.update(on_hand=5)

    a_dead_run(after=1)
    assert refreshed() == of_lines() != before


def test_a_run_that_ends_without_another_sku_still_counts_as_further(lines):
    Sku.objects.filter(sku="BAD").update(status=Sku.Status.DISCONTINUED)
    a_dead_run(after=Sku.objects.count() - 1)
    assert refreshed() == of_lines()
    generate(chunk_size=1)  # goes on behind the last planned SKU and drops the line of the discontinued one
    assert refreshed() == of_lines()


# Marks


def test_a_mark_made_while_the_lines_are_added_up_stays(lines, buyer, monkeypatch):
    edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=7)
    add_up = service._replace

    def add_up_and_let_somebody_edit(month, which):
        add_up(month, which)
        edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=8)

    monkeypatch.setattr(service, "_replace", add_up_and_let_somebody_edit)
    refresh_totals(month=MONTH)
    assert OutdatedTotal.objects.count() == 1
    assert stored() != of_lines()
    monkeypatch.setattr(service, "_replace", add_up)
    assert refreshed() == of_lines()
    assert not OutdatedTotal.objects.exists()


def test_a_refresh_that_fails_keeps_the_marks_and_the_totals(lines, buyer, monkeypatch):
    before = stored()
    edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=7)
    add_up = service._replace

    def fail(month, which):
        add_up(month, which)
        raise RuntimeError("The power went out.")

    monkeypatch.setattr(service, "_replace", fail)
    with pytest.raises(RuntimeError):
        refresh_totals(month=MONTH)
    assert stored() == before
    assert OutdatedTotal.objects.count() == 1
    monkeypatch.setattr(service, "_replace", add_up)
    assert refreshed() == of_lines()


def test_many_changes_of_a_supplier_are_added_up_once(lines, buyer, monkeypatch):
    calls = Counter()
    add_up = service._replace

    def count(month, which):
        calls["add up"] += 1
        add_up(month, which)

    monkeypatch.setattr(service, "_replace", count)
    for quantity in (7, 8, 9):
        edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=quantity)
    assert OutdatedTotal.objects.count() == 3
    assert refreshed() == of_lines()
    assert calls["add up"] == 1


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_many_refreshes_beside_many_edits_end_with_the_totals_of_the_lines():
    planned = [a_planned_sku(f"A-{number}", supplier=a_supplier(f"S-{number % 3}")) for number in range(9)]
    generate()
    buyer = User.objects.create(username="buyer")

    def edit(number):
        for quantity in range(5):
            edit_order_line(line=the_line(planned[number]), user=buyer, confirmed_qty=quantity + 1)

    def refresh(number):
        for _ in range(5):
            refresh_totals(month=MONTH)

    def closing(work, number):
        try:
            work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        started = [pool.submit(closing, work, number) for number in range(4) for work in (edit, refresh)]
    for work in started:
        work.result()
    assert refreshed() == of_lines()
    assert sum(units for _, units, _ in stored().values()) == OrderConfirmation.objects.totals()["units"]
    assert not OutdatedTotal.objects.exists()


# What reads them


@pytest.mark.parametrize(
    "query",
    ["", *(f"state={state}" for state in STATES), *(f"urgency={name}" for name in ("must_order", "skip")), "abc=A"],
)
def test_the_list_gets_the_same_totals_as_from_its_lines(lines, buyer, query):
    edit_order_line(line=the("PAN-1"), user=buyer, confirmed_qty=7)
    do(buyer, "lock", ids=[the("PAN-2").pk])
    drop_a_line(buyer)
    refresh_totals(month=MONTH)
    for more in ("", f"supplier={a_supplier().pk}", f"warehouse={a_warehouse().pk}"):
        shown = OrderLineFilter(QueryDict(f"{query}&{more}"), queryset=OrderConfirmation.objects.for_month(MONTH))
        kept, added_up = shown.totals(buyer, MONTH), shown.qs.totals()
        assert (kept["lines"], kept["units"]) == (added_up["lines"], added_up["units"])
        assert {name: value for name, value in kept["value"].items() if value} == {
            name: value for name, value in added_up["value"].items() if value
        }
