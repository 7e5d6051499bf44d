"""The main job as people start it: killed, cancelled, started twice, next to people who edit."""

import signal
import time

import pytest

from tests.scratch import scratch_database

pytestmark = pytest.mark.django_db(transaction=True)

GENERATE = ("generate_recommendations", "--month", "2026-12", "--as-of", "2026-11-20")
SLOWLY = ("--chunk-size", "1")
DIE_BEFORE_THE_COMMIT_OF_THE_FOURTH_CHUNK = """
import os, signal
from django.core.management import call_command
from ordering.services.recommendation import write
upsert, calls = write.upsert, []
def upsert_and_die(*arguments, **options):
    upsert(*arguments, **options)
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
write.upsert = upsert_and_die
call_command("generate_recommendations", "--month", "2026-12", "--as-of", "2026-11-20", "--chunk-size", "50")
"""
LINES = """
from ordering.models import *
import hashlib, json
rows = OrderConfirmation.objects.order_by("sku__sku_key", "warehouse__code_key").values(
    *[f.attname for f in OrderConfirmation._meta.concrete_fields if f.attname not in ("id", "run_id")])
print(len(rows), hashlib.sha256(json.dumps(list(rows), default=str).encode()).hexdigest())
"""
RUN = (
    "from ordering.models import *; r = GenerationRun.objects.latest('id'); print(r.status, r.progress_done, r.attempt)"
)
LET_DIE = """
from ordering.models import *; from django.utils import timezone; import datetime
GenerationRun.objects.update(heartbeat_at=timezone.now() - datetime.timedelta(seconds=61))
"""


@pytest.fixture
def scratch(tmp_path):
    with scratch_database(tmp_path) as scratch:
        scratch.call("load_demo", "--skus", "600", "--warehouses", "2", "--seed", "7", "--as-of", "2026-11-20")
        yield scratch


def stop_in_the_middle(scratch, how):
    process = scratch.start(*GENERATE, *SLOWLY)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (
            scratch.python(
                "from ordering.models import *; print(GenerationRun.objects.filter(progress_done__gt=0).count())"
            )
            == "1"
        ):
            break
    process.send_signal(how)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output + errors


def resume_and_compare(scratch, undisturbed):
    assert scratch.python(RUN).split()[0] == "running"
    refused = scratch.call(*GENERATE, code=1)
    assert "is in progress" in refused
    assert "Traceback" not in refused

    scratch.python(LET_DIE)
    answer = scratch.json(*GENERATE)
    assert scratch.python(RUN).split() == ["completed", str(answer["skus"]), "2"]
    assert scratch.python(LINES) == undisturbed
    assert answer["lines"] == int(undisturbed.split()[0])


def undisturbed_lines(scratch):
    scratch.call(*GENERATE)
    lines = scratch.python(LINES)
    scratch.python(
        "from ordering.models import *; OrderConfirmation.objects.all().delete(); GenerationRun.objects.all().delete()"
    )
    return lines


def test_a_run_killed_at_any_moment_ends_as_if_nothing_had_happened(scratch):
    undisturbed = undisturbed_lines(scratch)
    code, _ = stop_in_the_middle(scratch, signal.SIGKILL)
    assert code == -signal.SIGKILL
    resume_and_compare(scratch, undisturbed)


def test_a_run_killed_between_writing_and_commit_ends_as_if_nothing_had_happened(scratch):
    undisturbed = undisturbed_lines(scratch)
    scratch.call(
        "shell", "--verbosity", "0", "--command", DIE_BEFORE_THE_COMMIT_OF_THE_FOURTH_CHUNK, code=-signal.SIGKILL
    )
    assert scratch.python(RUN).split()[1] == "150"
    resume_and_compare(scratch, undisturbed)


def test_control_c_marks_the_run_as_cancelled(scratch):
    code, output = stop_in_the_middle(scratch, signal.SIGINT)
    assert code == 130, output
    assert "Cancelled. Lines written so far are kept." in output
    assert "Traceback" not in output
    assert scratch.python(RUN).split()[0] == "cancelled"


def test_a_database_that_cannot_be_written_is_a_sentence(scratch):
    if scratch.url.startswith("sqlite"):
        scratch.environment["DATABASE_URL"] = scratch.url.replace("sqlite:///", "sqlite:////nowhere")
        output = scratch.call(*GENERATE, code=1)
        assert "The database cannot be reached. Check DATABASE_URL." in output
        assert "Traceback" not in output
        return
    from django.db import connection

    with connection.cursor() as cursor:
        name, port = scratch.url.rsplit("/", 1)[1], connection.settings_dict["PORT"]
        cursor.execute(f"CREATE USER reader_{name}@'127.0.0.1' IDENTIFIED BY 'reader'")
        cursor.execute(f"GRANT SELECT ON {name}.* TO reader_{name}@'127.0.0.1'")
        scratch.environment["DATABASE_URL"] = f"mysql://reader_{name}:reader@127.0.0.1:{port}/{name}"
        output = scratch.call(*GENERATE, code=1)
        cursor.execute(f"DROP USER reader_{name}@'127.0.0.1'")
    assert "The database user lacks a right" in output
    assert "Traceback" not in output
