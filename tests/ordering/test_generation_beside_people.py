"""A run in flight while people edit, and two writers at once: what only a server with row locks can show."""

import threading

import polars as pl
import pytest
from django.contrib.auth.models import User
from django.db import connection

from core.batch import with_retries
from core.upsert import upsert
from ordering.models import Inventory, OrderConfirmation, Sku
from ordering.services.edit_order_line import edit_order_line
from ordering.services.generate_recommendations import generate_recommendations
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_warehouse, stock

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def in_a_thread(work):
    """Run `work` on a connection of its own and hand its failure on."""
    failures = []

    def run():
        try:
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def finish(*started):
    for thread, failures in started:
        thread.join(timeout=60)
        assert not thread.is_alive()
        assert not failures


def planned_skus(count):
    for number in range(count):
        sku = a_sku(f"A-{number:03}")
        stock(sku, number)
        a_forecast(sku, 310)


def test_an_edit_made_while_a_run_is_in_flight_survives():
    planned_skus(9)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    buyer = User.objects.create(username="buyer")
    Inventory.objects.update(on_hand=5)
    decided = {}

    def edit_every_third_line_before_and_behind_the_run(run):
        number = run.progress_done // 3
        for line in OrderConfirmation.objects.filter(sku__sku__in=[f"A-{number:03}", f"A-{9 - number:03}"]):
            edit_order_line(line=line, user=buyer, confirmed_qty=100 + number)
            decided[line.pk] = 100 + number

    def on_progress(run):
        finish(in_a_thread(lambda: edit_every_third_line_before_and_behind_the_run(run)))

    generate_recommendations(month=MONTH, as_of=AS_OF, chunk_size=3, on_progress=on_progress)

    assert len(decided) > 3
    assert dict(OrderConfirmation.objects.exclude(confirmed_qty=None).values_list("pk", "confirmed_qty")) == decided
    assert set(OrderConfirmation.objects.values_list("on_hand", flat=True)) == {5}


def test_an_edit_waits_for_the_chunk_that_holds_its_line_and_then_wins():
    planned_skus(1)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    buyer = User.objects.create(username="buyer")
    line = OrderConfirmation.objects.get()
    started = []

    def edit():
        edit_order_line(line=line, user=buyer, confirmed_qty=77)

    from ordering.services.recommendation import write

    original = write.upsert

    def upsert_while_somebody_edits(*arguments, **options):
        started.append(in_a_thread(edit))
        original(*arguments, **options)

    write.upsert = upsert_while_somebody_edits
    try:
        generate_recommendations(month=MONTH, as_of=AS_OF)
    finally:
        write.upsert = original
    finish(*started)
    assert OrderConfirmation.objects.get().confirmed_qty == 77


def test_a_line_locked_while_a_run_is_in_flight_keeps_its_numbers():
    planned_skus(6)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    before = list(OrderConfirmation.objects.order_by("sku_id").values_list("on_hand", flat=True))
    Inventory.objects.update(on_hand=50)
    last = OrderConfirmation.objects.order_by("sku_id").last()

    def lock(run):
        finish(in_a_thread(lambda: OrderConfirmation.objects.filter(pk=last.pk).update(locked=True)))

    generate_recommendations(month=MONTH, as_of=AS_OF, chunk_size=3, on_progress=lock)

    after = list(OrderConfirmation.objects.order_by("sku_id").values_list("on_hand", flat=True))
    assert after == [50] * 5 + before[-1:]


def test_two_workers_on_neighbouring_ranges_lose_nothing():
    warehouse = a_warehouse().pk
    Sku.objects.bulk_create([Sku(sku=f"A-{number:04}") for number in range(2_000)])
    ids = sorted(Sku.objects.values_list("pk", flat=True))

    def work(mine, value):
        for round_number in range(5):
            for start in range(0, len(mine), 100):
                part = mine[start : start + 100]
                rows = pl.DataFrame(
                    {
                        "sku_id": part,
                        "warehouse_id": [warehouse] * len(part),
                        "on_hand": [value + round_number] * len(part),
                    }
                )
                with_retries(
                    lambda rows=rows: upsert(
                        Inventory, rows, unique_fields=["sku_id", "warehouse_id"], update_fields=["on_hand"]
                    )
                )

    finish(
        in_a_thread(lambda: work(ids[:1_000], 10)),
        in_a_thread(lambda: work(list(reversed(ids[1_000:])), 20)),
        in_a_thread(lambda: work(ids[900:1_100], 30)),
    )
    assert Inventory.objects.count() == 2_000
    assert set(Inventory.objects.filter(sku_id__lt=ids[900]).values_list("on_hand", flat=True)) == {14}
    assert set(Inventory.objects.filter(sku_id__gte=ids[1_100]).values_list("on_hand", flat=True)) == {24}


def test_a_buyer_is_told_what_somebody_else_set():
    planned_skus(1)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    first, second = OrderConfirmation.objects.get(), OrderConfirmation.objects.get()
    edit_order_line(line=first, user=User.objects.create(username="anna"), confirmed_qty=5)
    with pytest.raises(Exception, match="changed by anna while you were editing; it has 5 now"):
        edit_order_line(line=second, user=User.objects.create(username="ben"), confirmed_qty=6)
    assert OrderConfirmation.objects.get().confirmed_qty == 5
