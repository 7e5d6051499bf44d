"""The calculation as people start it: killed at any moment, and started again."""

import contextlib
import datetime as dt
import json
import signal
import sqlite3
import time

import pytest
from django.db import connection

from tests.scratch import scratch_database
from tests.suppliers.emission_records import sound_records

RECORDS = 400
CALCULATE = ("calculate_emissions", "--year", "2021")
RECORD_BY_RECORD = ("--chunk-size", "1")
HEADER = (
    "record_id", "supplier", "product_category", "quantity", "unit", "spend", "currency", "purchase_date",
    "sector_code", "supplier_pcf", "pcf_unit",
)  # fmt: skip
BOOKS = """
from django.core.management import call_command
money = ("--base-year", "2022", "--currency", "USD")
call_command("load_factors", "csv", "{folder}/spend.csv", "--publisher", "EPA", "--version", "1", *money)
call_command("load_factors", "csv", "{folder}/average.csv", "--publisher", "DESNZ", "--version", "1")
call_command("load_rates", "index", "{folder}/index.csv")
call_command("load_rates", "currency", "{folder}/currency.csv")
call_command("import_purchases", "{folder}/purchases.csv", "--json")
call_command("map_categories", "{folder}/categories.csv")
"""
FILES = {
    "spend.csv": [
        "code,title,region,unit,value",
        "336360,Seats,US,USD,0.333",
        "111130,Peas,US,USD,0.848",
        "484110,Haulage,US,USD,0.595",
    ],
    "average.csv": ["code,title,region,unit,value,score", "steel,Steel,GLO,tonne,2858,80"],
    "index.csv": ["year,index", "2021,270.97", "2022,292.655"],
    "currency.csv": ["year,currency,usd_per_unit", "2021,GBP,1.376"],
    "categories.csv": ["category,sector_code,factor_code", "Metals,336360,steel", "Haulage,484110,"],
}
DIE_BEFORE_THE_COMMIT_OF_THE_FOURTH_CHUNK = """
import os, signal
from django.core.management import call_command
from core import batch
advance, calls = batch.advance_run, []
def advance_and_die(*arguments, **changes):
    advance(*arguments, **changes)
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
batch.advance_run = advance_and_die
call_command("calculate_emissions", "--year", "2021", "--chunk-size", "50")
"""
SEE = """
import datetime, hashlib, io, json
from django.core.management import call_command
from django.utils import timezone
from suppliers.models import *
def rows(model, run):
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in ("id", "run_id")]
    return list(model.objects.filter(run=run).order_by("record_id").values(*names))
def show():
    run = EmissionRun.objects.latest("id")
    results, errors = rows(EmissionResult, run), rows(EmissionError, run)
    names = ("status", "attempt", "progress_done", "accounted", "unaccounted", "failed", "emissions_kgco2e",
             "p5_kgco2e", "p95_kgco2e", "totals")
    seen = {"run": run.pk, "results": len(results), "errors": len(errors)} | {n: getattr(run, n) for n in names}
    seen["hashes"] = len({row["provenance_hash"] for row in results})
    seen["digest"] = hashlib.sha256(json.dumps([results, errors]).encode()).hexdigest()
    print(json.dumps(seen))
"""
CALCULATE_AND_SHOW = f"""{SEE}
call_command("calculate_emissions", "--year", "2021", "--json", stdout=io.StringIO())
show()
"""
SHOW_AND_RESUME_AND_SHOW = f"""{SEE}
show()
EmissionRun.objects.filter(status="running").update(heartbeat_at=timezone.now() - datetime.timedelta(seconds=61))
call_command("calculate_emissions", "--year", "2021", "--json", stdout=io.StringIO())
show()
"""


def purchases():
    """Of every tier, some that no tier can price and some that are wrong."""
    for number, record in enumerate(sound_records(RECORDS, seed=9)):
        record |= {"purchase_date": dt.date(2021, 1 + number % 12, 5)}
        if number % 9 == 0:
            record |= {"product_category": "New", "spend": "", "supplier_pcf": ""}
        if number % 11 == 0:
            record |= {"currency": "XXX", "product_category": "Haulage", "quantity": "", "spend": 7}
        yield ",".join("" if record[name] is None else str(record[name]) for name in HEADER)


@pytest.fixture(scope="module")
def calculated(tmp_path_factory, django_db_setup, django_db_blocker):
    """A database with a year's purchases and a run of them that nothing happened to."""
    folder = tmp_path_factory.mktemp("books")
    for name, lines in (FILES | {"purchases.csv": [",".join(HEADER), *purchases()]}).items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with django_db_blocker.unblock(), scratch_database(folder) as scratch:
        yield scratch, json.loads(scratch.python(BOOKS.format(folder=folder) + CALCULATE_AND_SHOW).splitlines()[-1])


@pytest.fixture
def scratch(calculated):
    return calculated[0]


@pytest.fixture
def undisturbed(calculated):
    """What a run comes to."""
    seen = calculated[1]
    assert seen["status"] == "completed"
    assert seen["results"] + seen["errors"] == seen["progress_done"] == RECORDS
    assert seen["hashes"] == seen["results"]
    assert min(seen["accounted"], seen["unaccounted"], seen["failed"]) > 10
    return seen


def progress(scratch):
    """How far the newest run is, asked without a process, which would take a second."""
    name, query = scratch.url.rsplit("/", 1)[1], "SELECT progress_done FROM {} ORDER BY id DESC LIMIT 1"
    if connection.vendor != "mysql":
        with contextlib.closing(sqlite3.connect(scratch.url.removeprefix("sqlite:///"), timeout=30)) as database:
            return database.execute(query.format("suppliers_emissionrun")).fetchone()[0]
    with connection._nodb_cursor() as cursor:
        cursor.execute(query.format(f"{name}.suppliers_emissionrun"))
        return cursor.fetchone()[0]


def resume_and_compare(scratch, undisturbed, done):
    """Once a run without a sign of life counts as dead, it goes on and ends the same."""
    killed, resumed = map(json.loads, scratch.python(SHOW_AND_RESUME_AND_SHOW).splitlines())

    assert (killed["status"], killed["attempt"], killed["progress_done"]) == ("running", 1, done)
    assert killed["results"] + killed["errors"] == done  # whole chunks, and nothing of the one that was cut off
    assert killed["run"] == resumed["run"] != undisturbed["run"]
    assert resumed == undisturbed | {"run": killed["run"], "attempt": 2}


def test_a_calculation_killed_at_any_moment_ends_as_if_nothing_had_happened(scratch, undisturbed):
    process = scratch.start(*CALCULATE, *RECORD_BY_RECORD)
    deadline = time.monotonic() + 60
    while not 20 < progress(scratch) < RECORDS and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    output, errors = process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL, output + errors
    done = progress(scratch)
    assert 20 < done < RECORDS
    refused = scratch.call(*CALCULATE, code=1)  # it might be alive still
    assert "is in progress" in refused
    assert "Traceback" not in refused
    resume_and_compare(scratch, undisturbed, done)


def test_a_calculation_killed_between_writing_and_commit_ends_as_if_nothing_had_happened(scratch, undisturbed):
    scratch.call(
        "shell", "--verbosity", "0", "--command", DIE_BEFORE_THE_COMMIT_OF_THE_FOURTH_CHUNK, code=-signal.SIGKILL
    )

    resume_and_compare(scratch, undisturbed, 150)
