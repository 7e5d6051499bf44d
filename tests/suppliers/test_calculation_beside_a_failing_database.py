"""A chunk that the database did not take is written again; nothing is lost and nothing is doubled."""

import pytest
from django.db import InterfaceError, OperationalError, connections

from core import batch
from core.errors import WorkbenchError
from core.runs import RunStatus
from suppliers.models import EmissionRun, PurchaseRecord
from suppliers.services.calculate_emissions import calculate_emissions
from tests.suppliers.emission_rows import YEAR, a_category, a_factor_set, a_purchase, the_rates

pytestmark = pytest.mark.django_db(transaction=True)

RECORDS, CHUNK = 40, 7
LOST = (OperationalError(2006, "Server has gone away"), OperationalError(2013, "Lost connection during query"))
REFUSED = (
    OperationalError(1213, "Deadlock found when trying to get lock"),
    OperationalError(1205, "Lock wait timeout exceeded"),
    OperationalError("database is locked"),
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(batch.time, "sleep", lambda seconds: None)


@pytest.fixture
def undisturbed():
    """What a run comes to that nothing happens to."""
    the_rates()
    a_factor_set(n111110=0.333)
    for number in range(RECORDS):
        fields = {0: {"category": a_category("New", "")}, 1: {"sector_code": "999999"}}.get(number % 4, {})
        a_purchase(100.0 + number, **fields)
    return everything_of(calculate_emissions(year=YEAR, chunk_size=CHUNK))


def everything_of(run):
    run.refresh_from_db()
    totals = ("progress_done", "accounted", "unaccounted", "failed", "emissions_kgco2e", "p5_kgco2e", "p95_kgco2e")
    assert run.status == RunStatus.COMPLETED
    assert run.accounted + run.unaccounted + run.failed == run.progress_done == RECORDS
    assert min(run.accounted, run.unaccounted, run.failed) > 0
    left_out = {"id", "run_id"}
    rows = [
        [{name: row[name] for name in row.keys() - left_out} for row in found.order_by("record_id").values()]
        for found in (run.results, run.errors)
    ]
    return [getattr(run, name) for name in totals], run.totals, rows


def failing(monkeypatch, *, chunk, times=1, fail):
    """Let the checkpoint of this chunk fail, after its rows are written and before they are committed."""
    advance, calls = batch.advance_run, []

    def advance_and_fail(run, **changes):
        advance(run, **changes)
        calls.append(run.progress_done // CHUNK)
        if calls.count(chunk) <= times and calls[-1] == chunk:
            fail()

    monkeypatch.setattr(batch, "advance_run", advance_and_fail)
    return calls


def raising(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize("error", [*LOST, *REFUSED, InterfaceError(2013, "Lost")], ids=lambda error: str(error.args[0]))
@pytest.mark.parametrize("chunk", [0, 3, 5], ids=["first", "middle", "last"])
def test_a_chunk_that_was_not_taken_is_written_again(undisturbed, monkeypatch, error, chunk):
    calls = failing(monkeypatch, chunk=chunk, times=2, fail=raising(error))

    run = calculate_emissions(year=YEAR, chunk_size=CHUNK)

    assert calls == sorted([0, 1, 2, 3, 4, 5, chunk, chunk])
    assert everything_of(run) == undisturbed


def test_a_chunk_whose_commit_went_through_unheard_counts_once(undisturbed, monkeypatch):
    """The server committed and the answer got lost: the chunk is written again over itself."""
    database = connections["default"]
    commit, unheard = database._commit, []
    calls = failing(monkeypatch, chunk=2, fail=lambda: unheard.append(True))

    def commit_and_fail():
        commit()
        if unheard:
            unheard.clear()
            raise OperationalError(2013, "Lost connection during query")

    monkeypatch.setattr(database, "_commit", commit_and_fail)

    run = calculate_emissions(year=YEAR, chunk_size=CHUNK)

    assert calls == [0, 1, 2, 2, 3, 4, 5]
    assert everything_of(run) == undisturbed


def test_a_database_that_never_takes_a_chunk_fails_the_run_and_keeps_whole_chunks(undisturbed, monkeypatch):
    failing(monkeypatch, chunk=3, times=100, fail=raising(REFUSED[0]))

    with pytest.raises(WorkbenchError, match="Deadlock found"):
        calculate_emissions(year=YEAR, chunk_size=CHUNK)

    run = EmissionRun.objects.latest("pk")
    assert (run.status, run.progress_done) == (RunStatus.FAILED, 3 * CHUNK)
    assert run.accounted + run.unaccounted + run.failed == run.results.count() + run.errors.count() == 3 * CHUNK


def test_what_is_no_failure_of_the_connection_is_not_tried_again(undisturbed, monkeypatch):
    calls = failing(monkeypatch, chunk=1, times=100, fail=raising(OperationalError(1114, "The table is full")))

    with pytest.raises(WorkbenchError, match="The table is full"):
        calculate_emissions(year=YEAR, chunk_size=CHUNK)

    assert calls == [0, 1]


@pytest.mark.mariadb
def test_a_connection_that_the_server_cuts_in_the_middle_of_a_chunk_costs_nothing(undisturbed, monkeypatch):
    def cut():
        database = connections["default"]
        other = database.copy()
        with database.cursor() as own, other.cursor() as cursor:
            own.execute("SELECT CONNECTION_ID()")
            cursor.execute(f"KILL {own.fetchone()[0]}")
        other.close()

    calls = failing(monkeypatch, chunk=3, fail=cut)

    run = calculate_emissions(year=YEAR, chunk_size=CHUNK)

    assert calls == [0, 1, 2, 3, 3, 4, 5]
    assert everything_of(run) == undisturbed
    assert PurchaseRecord.objects.count() == RECORDS
