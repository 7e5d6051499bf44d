"""One action on many lines: preview, apply, what is left out, history, undo."""

import contextlib
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import WorkbenchError
from core.runs import RunStatus
from ordering.models import BulkEdit, LineChange, OrderConfirmation
from ordering.services import edit_order_lines
from ordering.services.edit_order_line import edit_order_line
from ordering.services.edit_order_lines import (
    apply_bulk_edit,
    plan_bulk_edit,
    plan_quantities,
    plan_undo,
    preview_bulk_edit,
    queue_bulk_edit,
)
from ordering.services.generate_recommendations import generate_recommendations
from suppliers.models import Restriction
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_supplier, stock

pytestmark = pytest.mark.django_db

PAGE = "/months/2026-12/lines/"


def a_user(role):
    user, _ = User.objects.get_or_create(username=role)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def lines():
    """Two lines to order in packs of 12, one with enough stock, one with bad data."""
    for code, on_hand, fields in (
        ("PAN-1", 0, {"order_multiple": 12}),
        ("PAN-2", 0, {"order_multiple": 12, "supplier": a_supplier("OTHER")}),
        ("FULL", 50_000, {}),
        ("BAD", 0, {"order_multiple": 0}),
    ):
        sku = a_sku(code, **fields)
        stock(sku, on_hand)
        a_forecast(sku, 310)
    generate_recommendations(month=MONTH, as_of=AS_OF)


def the(code):
    return OrderConfirmation.objects.get(sku__sku=code)


def do(action, user=None, **selection):
    edit = plan_bulk_edit(month=MONTH, user=user or a_user("buyer"), action=action, **selection)
    return apply_bulk_edit(bulk_id=queue_bulk_edit(edit=edit).pk)


def undo(bulk, user=None):
    edit = plan_undo(bulk=bulk, user=user or bulk.user)
    return apply_bulk_edit(bulk_id=queue_bulk_edit(edit=edit).pk)


def test_confirm_as_suggested_takes_every_suggestion_and_says_what_it_left_out(lines):
    bulk = do("confirm")
    for code in ("PAN-1", "PAN-2", "FULL"):
        line = the(code)
        assert line.confirmed_qty == line.suggested_qty == line.suggested_when_confirmed
        assert line.confirmed_by.username == "buyer"
        assert line.confirmed_at is not None
        assert line.version == 1
    assert the("BAD").confirmed_qty is None
    assert bulk.changed == 3
    assert bulk.left_out == {
        "counts": {"without a suggestion, because its data are bad": 1},
        "lines": [[the("BAD").pk, "without a suggestion, because its data are bad"]],
    }


def test_confirming_never_overwrites_what_somebody_decided_but_replacing_does(lines):
    edit_order_line(line=the("PAN-1"), user=a_user("manager"), confirmed_qty=7)
    assert do("confirm").left_out["counts"]["confirmed already"] == 1
    assert the("PAN-1").confirmed_qty == 7
    do("replace", ids=[the("PAN-1").pk])
    assert the("PAN-1").confirmed_qty == the("PAN-1").suggested_qty


def test_a_percentage_is_rounded_half_up_to_full_packs(lines):
    edit_order_line(line=the("PAN-1"), user=a_user("buyer"), confirmed_qty=60)
    for percent, expected in ((110, 72), (109, 60), (90, 60), (89, 48), (0, 0)):
        edit_order_line(line=the("PAN-1"), user=a_user("buyer"), confirmed_qty=60)
        do("percent", ids=[the("PAN-1").pk], percent=Decimal(percent))
        assert the("PAN-1").confirmed_qty == expected, percent


@pytest.mark.parametrize("percent", [None, Decimal(-1), Decimal(1001)])
def test_a_percentage_that_cannot_be_is_refused(lines, percent):
    with pytest.raises(WorkbenchError, match="from 0 to 1000"):
        do("percent", percent=percent)


def test_a_preview_counts_and_writes_nothing(lines):
    edit = plan_bulk_edit(month=MONTH, user=a_user("buyer"), action="zero", query="urgency=must_order")
    value = the("PAN-1").order_value + the("PAN-2").order_value
    preview = preview_bulk_edit(edit=edit)
    assert preview.changed == 2
    assert preview.effect == {"before": {"USD": float(value)}, "after": {"USD": 0}}
    assert not BulkEdit.objects.exists()
    assert not LineChange.objects.exists()
    assert the("PAN-1").version == 0


def test_what_a_preview_says_is_what_happens(lines):
    wanted = {"month": MONTH, "user": a_user("buyer"), "action": "percent", "percent": Decimal(50)}
    preview = preview_bulk_edit(edit=plan_bulk_edit(**wanted))
    bulk = do("percent", percent=Decimal(50))
    assert (preview.changed, preview.effect, preview.left_out) == (bulk.changed, bulk.effect, bulk.left_out)


def test_a_query_selects_what_the_list_shows(lines):
    other = a_supplier("OTHER").pk
    assert do("zero", query=f"supplier={other}&sort=sku&page=2").changed == 1
    assert the("PAN-2").confirmed_qty == 0
    assert the("PAN-1").confirmed_qty is None


def test_every_change_leaves_history_that_names_the_action(lines):
    bulk = do("approve", ids=[the("PAN-1").pk])
    rows = LineChange.objects.order_by("field").values_list("field", "old", "new", "why", "bulk", "version", "month")
    quantity = str(the("PAN-1").suggested_qty)
    assert list(rows) == [
        ("confirmed_qty", "", quantity, "Confirm and lock", bulk.pk, 1, MONTH),
        ("locked", "no", "yes", "Confirm and lock", bulk.pk, 1, MONTH),
    ]


def test_undo_brings_back_what_was_there_and_who_had_decided_it(lines):
    manager = a_user("manager")
    edit_order_line(line=the("PAN-1"), user=manager, confirmed_qty=7)
    before = the("PAN-1")
    bulk = do("zero")
    undone = undo(bulk)
    line = the("PAN-1")
    assert (line.confirmed_qty, line.confirmed_by, line.confirmed_at) == (7, manager, before.confirmed_at)
    assert line.suggested_when_confirmed == before.suggested_when_confirmed
    assert line.version == 3
    assert the("PAN-2").confirmed_qty is None
    assert the("PAN-2").confirmed_by is None
    assert undone.changed == bulk.changed
    assert line.changes.first().why == "Undo"


def test_an_action_is_undone_once_and_by_who_did_it(lines):
    bulk = do("zero")
    with pytest.raises(WorkbenchError, match="your own"):
        undo(bulk, user=a_user("manager"))
    undo(bulk)
    with pytest.raises(WorkbenchError, match="already"):
        undo(bulk)


def test_undo_leaves_lines_alone_that_somebody_changed_since(lines):
    bulk = do("zero")
    edit_order_line(line=the("PAN-1"), user=a_user("manager"), confirmed_qty=9)
    undone = undo(bulk)
    assert the("PAN-1").confirmed_qty == 9
    assert undone.left_out["counts"] == {"changed by somebody meanwhile": 1}


def test_a_locked_line_is_left_out_of_everything_but_unlock(lines):
    do("lock", ids=[the("PAN-1").pk])
    line = the("PAN-1")
    assert (line.locked, line.locked_by.username) == (True, "buyer")
    assert line.locked_at is not None
    for action in ("confirm", "replace", "zero", "approve", "lock"):
        assert do(action, ids=[line.pk]).left_out["counts"] == {"locked": 1}
    assert do("percent", ids=[line.pk], percent=Decimal(50)).left_out["counts"] == {"locked": 1}
    with pytest.raises(WorkbenchError, match="role"):
        do("unlock", ids=[line.pk])
    do("unlock", user=a_user("manager"), ids=[line.pk])
    line = the("PAN-1")
    assert (line.locked, line.locked_by, line.locked_at) == (False, None, None)


def test_a_buyer_cannot_unlock_by_undoing_a_lock_and_a_manager_can(lines):
    for role, allowed in (("buyer", False), ("manager", True)):
        bulk = do("lock", user=a_user(role), ids=[the("PAN-1" if role == "buyer" else "PAN-2").pk])
        if allowed:
            undo(bulk)
        else:
            with pytest.raises(WorkbenchError, match="role"):
                undo(bulk)
    assert (the("PAN-1").locked, the("PAN-2").locked) == (True, False)


def test_a_viewer_may_do_nothing(lines):
    with pytest.raises(WorkbenchError, match="role"):
        do("zero", user=a_user("viewer"))


def test_a_restricted_person_reaches_only_their_own_lines(lines):
    buyer = a_user("buyer")
    Restriction.objects.create(user=buyer, supplier=a_supplier("OTHER"))
    assert do("zero", user=User.objects.get(pk=buyer.pk)).changed == 1
    assert do("zero", user=User.objects.get(pk=buyer.pk), ids=[the("PAN-1").pk]).changed == 0
    assert the("PAN-1").confirmed_qty is None


def test_quantities_are_set_only_on_the_version_that_was_seen(lines):
    pan1, pan2 = the("PAN-1"), the("PAN-2")
    edit_order_line(line=the("PAN-2"), user=a_user("manager"), confirmed_qty=9)
    edit = plan_quantities(month=MONTH, user=a_user("buyer"), wanted={pan1.pk: (5, 0), pan2.pk: (6, 0)})
    bulk = apply_bulk_edit(bulk_id=queue_bulk_edit(edit=edit).pk)
    assert (the("PAN-1").confirmed_qty, the("PAN-2").confirmed_qty) == (5, 9)
    assert bulk.left_out["counts"] == {"changed by somebody meanwhile": 1}


def test_many_chunks_give_the_same_as_one(lines, monkeypatch):
    monkeypatch.setattr(edit_order_lines, "LINES_A_CHUNK", 1)
    bulk = do("confirm")
    assert (bulk.changed, bulk.progress_done, bulk.progress_total) == (3, 4, 4)
    assert undo(bulk).changed == 3
    assert not OrderConfirmation.objects.filter(confirmed_qty__isnull=False).exists()


def test_an_action_that_died_goes_on_where_it_stopped(lines, monkeypatch):
    monkeypatch.setattr(edit_order_lines, "LINES_A_CHUNK", 1)
    edit = queue_bulk_edit(edit=plan_bulk_edit(month=MONTH, user=a_user("buyer"), action="zero"))
    first = min(OrderConfirmation.objects.values_list("pk", flat=True))
    store = edit_order_lines.store_lines

    def die_after_the_first(bulk, decisions, now):
        if decisions["id"][0] != first:
            raise KeyboardInterrupt
        store(bulk, decisions, now)

    monkeypatch.setattr(edit_order_lines, "store_lines", die_after_the_first)
    monkeypatch.setattr(edit_order_lines, "closing_run", contextlib.nullcontext)
    with pytest.raises(KeyboardInterrupt):
        apply_bulk_edit(bulk_id=edit.pk)
    BulkEdit.objects.filter(pk=edit.pk).update(heartbeat_at="2026-01-01T00:00Z")
    monkeypatch.setattr(edit_order_lines, "store_lines", store)
    done = apply_bulk_edit(bulk_id=edit.pk)
    assert (done.status, done.changed) == (RunStatus.COMPLETED, 4)
    assert LineChange.objects.count() == 4


def test_a_person_has_one_action_at_a_time(lines):
    queue_bulk_edit(edit=plan_bulk_edit(month=MONTH, user=a_user("buyer"), action="zero"))
    with pytest.raises(WorkbenchError, match="in progress"):
        do("confirm")


def test_an_action_asks_as_much_for_3_lines_as_for_40(lines):
    counts = []
    for total in (3, 40):
        for number in range(OrderConfirmation.objects.count(), total):
            sku = a_sku(f"MORE-{number}")
            stock(sku, 0)
            a_forecast(sku, 310)
        generate_recommendations(month=MONTH, as_of=AS_OF)
        buyer = a_user("buyer")
        with CaptureQueriesContext(connection) as queries:
            do("zero", user=buyer)
        counts.append(len(queries))
        OrderConfirmation.objects.update(confirmed_qty=None)
    assert counts[0] == counts[1]


class TestOnThePage:
    @pytest.fixture
    def buyer(self, client):
        client.force_login(a_user("buyer"))
        return client

    def test_the_preview_comes_first_and_the_button_does_it(self, buyer, lines):
        wanted = {"action": "confirm", "line": [the("PAN-1").pk, the("BAD").pk], "query": "urgency=must_order"}
        page = buyer.post(f"{PAGE}bulk/", wanted).content.decode()
        assert "1 of 2 lines will change" in page
        assert "1 without a suggestion" in page
        assert the("PAN-1").confirmed_qty is None
        answer = buyer.post(f"{PAGE}bulk/", wanted | {"apply": "1"}, follow=True)
        assert answer.redirect_chain[0][0] == f"{PAGE}?urgency=must_order"
        assert "1 line changed, left out: 1 without a suggestion" in answer.content.decode()
        assert the("PAN-1").confirmed_qty == the("PAN-1").suggested_qty

    def test_undo_is_offered_until_it_is_done(self, buyer, lines):
        bulk = do("zero", user=a_user("buyer"))
        assert "Undo</button>" in buyer.get(PAGE).content.decode()
        buyer.post(f"/bulk/{bulk.pk}/undo/")
        assert "Undo</button>" not in buyer.get(PAGE).content.decode()
        assert the("PAN-1").confirmed_qty is None

    def test_nobody_undoes_for_somebody_else(self, buyer, lines):
        bulk = do("zero", user=a_user("manager"))
        assert buyer.post(f"/bulk/{bulk.pk}/undo/").status_code == 404

    def test_nothing_ticked_is_answered_with_a_sentence(self, buyer, lines):
        answer = buyer.post(f"{PAGE}bulk/", {"action": "zero"}, follow=True)
        assert "Tick some lines first" in answer.content.decode()

    def test_an_unknown_action_is_refused(self, buyer, lines):
        answer = buyer.post(f"{PAGE}bulk/", {"action": "undo", "everything": "on", "apply": "1"}, follow=True)
        assert "Select a valid choice" in answer.content.decode()
        assert not BulkEdit.objects.exists()

    def test_the_lines_left_out_can_be_looked_at(self, buyer, lines):
        bulk = do("confirm", user=a_user("buyer"))
        page = buyer.get(f"/bulk/{bulk.pk}/left-out/").content.decode()
        assert "BAD" in page
        assert "without a suggestion" in page

    def test_a_viewer_is_refused(self, client, lines):
        client.force_login(a_user("viewer"))
        assert client.post(f"{PAGE}bulk/", {"action": "zero", "everything": "on"}).status_code == 403

    def test_many_lines_are_left_to_a_worker(self, buyer, lines, monkeypatch):
        queued = []
        monkeypatch.setattr("ordering.views.bulk.enqueue", lambda job, pk: queued.append(pk))
        wanted = {"action": "zero", "everything": "on", "apply": "1", "expected": "5001"}
        page = buyer.post(f"{PAGE}bulk/", wanted, follow=True).content.decode()
        bulk = BulkEdit.objects.get()
        assert queued == [bulk.pk]
        assert "0 of 0 lines done" in page or f"/bulk/{bulk.pk}/" in page
        assert the("PAN-1").confirmed_qty is None

    def test_a_queue_that_is_down_takes_the_action_back(self, buyer, lines, monkeypatch):
        def refuse(job, pk):
            raise WorkbenchError("The queue is down.")

        monkeypatch.setattr("ordering.views.bulk.enqueue", refuse)
        wanted = {"action": "zero", "everything": "on", "apply": "1", "expected": "5001"}
        page = buyer.post(f"{PAGE}bulk/", wanted, follow=True).content.decode()
        assert "The queue is down." in page
        assert BulkEdit.objects.get().status == RunStatus.CANCELLED
