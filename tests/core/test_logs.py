import json
import logging
import logging.config
import os
import subprocess
import sys
from contextlib import suppress

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse

from core.errors import WorkbenchError
from core.logs import ContextFilter, LogUserMiddleware, lines_of_run
from core.runs import closing_run
from ordering.models import GenerationRun
from tests.builders import AS_OF, MONTH
from tests.scratch import ROOT

SAY_HELLO = "import logging; logging.getLogger('ordering.services').info('hello started month=%s', '2026-12')"


@pytest.fixture
def lines(caplog):
    """Log lines as the handler gives them out: each a dictionary."""
    formatter = logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        settings.LOGGING["formatters"]["json"] | {}
    )
    caplog.handler.addFilter(context := ContextFilter())
    caplog.set_level("INFO")
    yield lambda: [json.loads(formatter.format(record)) for record in caplog.records]
    caplog.handler.removeFilter(context)


def start(**environment):
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", SAY_HELLO],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": "sqlite://:memory:", "LOG_LEVEL": "INFO"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_in_production_each_line_is_a_json_object():
    code, output = start(DEBUG="false")
    *_, line = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "INFO", "logger": "ordering.services", "message": "hello started month=2026-12"}


@pytest.mark.parametrize("environment", [{"DEBUG": "true"}, {"DEBUG": "false", "LOG_FORMAT": "text"}])
def test_text_is_for_people(environment):
    _, output = start(**environment)
    assert output.endswith(" INFO ordering.services hello started month=2026-12\n")
    assert not output.startswith("{")


def test_an_unknown_format_stops_the_start_and_is_named():
    code, output = start(LOG_FORMAT="xml")
    assert code != 0
    assert "xml" in output


def test_a_line_break_in_a_value_makes_no_second_line(lines):
    logging.getLogger("x").warning("file=%s", "a\n{}")
    assert [line["message"] for line in lines()] == ["file=a\n{}"]


def test_an_exception_comes_with_its_traceback(lines):
    try:
        raise WorkbenchError("no")
    except WorkbenchError:
        logging.getLogger("x").exception("failed")
    assert lines()[0]["exc_info"].endswith("WorkbenchError: no")


def test_lines_of_a_run_carry_the_run_and_who_started_it(lines):
    with lines_of_run("data upload 7", user="anna"):
        logging.getLogger("x").info("inside")
    logging.getLogger("x").info("after")
    inside, after = lines()
    assert (inside["run"], inside["user"]) == ("data upload 7", "anna")
    assert "run" not in after
    assert "user" not in after


@pytest.mark.django_db
def test_every_run_marks_its_lines_and_none_after_it_fails(lines):
    run = GenerationRun.objects.create(month=MONTH, as_of=AS_OF, who="anna")
    with suppress(WorkbenchError), closing_run(run):
        logging.getLogger("x").info("inside")
        raise WorkbenchError("no")
    logging.getLogger("x").info("after")
    inside, after = lines()
    assert (inside["run"], inside["user"]) == (f"generation run {run.pk}", "anna")
    assert "run" not in after


def test_a_dry_run_has_no_number(lines):
    with closing_run(GenerationRun(month=MONTH, as_of=AS_OF)):
        logging.getLogger("x").info("inside")
    assert lines()[0]["run"] == "dry run"


def answer_and_log(request):
    logging.getLogger("x").info("inside")
    return HttpResponse()


def through_middleware(rf, user, view=answer_and_log):
    request = rf.get("/")
    request.user = user
    middleware = LogUserMiddleware(answer_and_log)

    def answer(request):
        middleware.process_view(request, view, (), {})
        return answer_and_log(request)

    middleware.get_response = answer
    middleware(request)
    logging.getLogger("x").info("after")


def test_lines_of_a_request_carry_the_user_and_those_after_it_do_not(lines, rf):
    through_middleware(rf, User(username="anna"))
    inside, after = lines()
    assert inside["user"] == "anna"
    assert "user" not in after


def test_where_no_login_is_needed_nobody_is_asked_for(lines, rf):
    def view(request):
        raise AssertionError

    view.login_required = False
    through_middleware(rf, None, view)
    assert "user" not in lines()[0]


@pytest.mark.django_db
def test_a_refused_request_names_the_user(client, lines):
    client.force_login(User.objects.create_user("vera"))
    client.post("/months/2026-12/generate/")
    [line] = [line for line in lines() if line["logger"] == "django.request"]
    assert (line["user"], line["status_code"]) == ("vera", 403)
