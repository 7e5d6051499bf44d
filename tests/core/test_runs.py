import datetime as dt

import pytest
from django.db import OperationalError
from django.utils import timezone

from core import batch
from core.batch import with_retries
from core.errors import WorkbenchError
from core.runs import DEAD_AFTER, RunLost, RunStatus, advance_run, cancel_run, claim_run, closing_run, finish_run
from ordering.models import GenerationRun
from tests.builders import AS_OF, MONTH

pytestmark = pytest.mark.django_db

WANTED = {"month": MONTH, "as_of": AS_OF, "scope": {}}


def claim(may_resume=lambda run: True, **wanted):
    return claim_run(GenerationRun, active_key="2026-12", wanted=WANTED | wanted, may_resume=may_resume)


def let_die(run):
    GenerationRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - DEAD_AFTER - dt.timedelta(seconds=1))


def test_a_second_start_is_refused_while_the_first_is_alive():
    first = claim()
    with pytest.raises(WorkbenchError, match=f"run {first.pk}, last sign of life 0 s ago"):
        claim()


def test_a_month_can_be_started_again_once_its_run_has_ended():
    finish_run(claim(), RunStatus.COMPLETED)
    assert claim().attempt == 1
    assert GenerationRun.objects.count() == 2


def test_a_dead_run_is_taken_over_at_its_checkpoint():
    first = claim()
    advance_run(first, checkpoint=42)
    let_die(first)
    second = claim()
    assert (second.pk, second.attempt, second.checkpoint) == (first.pk, 2, 42)


def test_a_dead_run_of_other_work_is_closed_and_a_new_one_begins():
    first = claim()
    let_die(first)
    second = claim(may_resume=lambda run: False)
    first.refresh_from_db()
    assert (first.status, first.active_key) == (RunStatus.FAILED, None)
    assert "died" in first.error
    assert second.pk != first.pk


def test_a_process_that_lost_its_run_stops_writing():
    first = claim()
    let_die(first)
    claim()
    with pytest.raises(RunLost, match="Another process took over"):
        advance_run(first, checkpoint=5)


def test_a_cancelled_run_stops_at_its_next_chunk():
    run = claim()
    assert cancel_run(run)
    with pytest.raises(RunLost, match="was cancelled"):
        advance_run(run, checkpoint=5)
    assert not cancel_run(run)


def test_a_chunk_whose_commit_was_answered_by_silence_is_not_lost_on_retry():
    run = claim()
    advance_run(run, checkpoint=5)
    advance_run(run, checkpoint=5)
    run.checkpoint = 5
    advance_run(run, checkpoint=9)
    run.refresh_from_db()
    assert run.checkpoint == 9


def test_a_lost_process_cannot_close_the_run_of_its_successor():
    first = claim()
    let_die(first)
    second = claim()
    finish_run(first, RunStatus.COMPLETED)
    second.refresh_from_db()
    assert second.status == RunStatus.RUNNING


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [
        (WorkbenchError("No SKUs."), WorkbenchError, RunStatus.FAILED),
        (OperationalError("attempt to write a readonly database"), OperationalError, RunStatus.FAILED),
        (KeyboardInterrupt(), KeyboardInterrupt, RunStatus.CANCELLED),
        (ZeroDivisionError("oops"), ZeroDivisionError, RunStatus.ERRORED),
    ],
)
def test_whatever_ends_a_run_is_written_on_it(error, raised, status):
    run = claim()
    with pytest.raises(raised), closing_run(run):
        raise error
    run.refresh_from_db()
    assert (run.status, run.active_key) == (status, None)
    assert run.error


@pytest.mark.django_db(transaction=True)
def test_deadlocks_and_lock_waits_are_tried_again(monkeypatch):
    pauses = []
    monkeypatch.setattr(batch.time, "sleep", pauses.append)
    failures = [
        OperationalError(1213, "Deadlock"),
        OperationalError("database is locked"),
        OperationalError(1205, "wait"),
    ]

    def work():
        if failures:
            raise failures.pop()
        return "done"

    assert with_retries(work) == "done"
    assert pauses == sorted(pauses)
    assert len(pauses) == 3


def test_other_failures_are_not_tried_again():
    calls = []

    def work():
        calls.append(1)
        raise OperationalError(1290, "read-only")

    with pytest.raises(OperationalError):
        with_retries(work)
    assert calls == [1]


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_never_goes_away_is_an_error_in_the_end(monkeypatch):
    monkeypatch.setattr(batch.time, "sleep", lambda seconds: None)

    def work():
        raise OperationalError(1205, "Lock wait timeout exceeded")

    with pytest.raises(OperationalError):
        with_retries(work)
