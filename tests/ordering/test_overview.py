import datetime as dt

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisDown

from core import queue
from core.runs import DEAD_AFTER, RunStatus
from ordering.jobs import generate_recommendations_job
from ordering.models import GenerationRun, OrderConfirmation
from ordering.services.generate_recommendations import continue_generation, generate_recommendations, queue_generation
from ordering.views import overview
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, stock

pytestmark = pytest.mark.django_db

PAGE = "/months/2026-12/"


def a_user(role):
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    return user


def a_planned_sku(code="A-1", **fields):
    sku = a_sku(code, **fields)
    stock(sku, 0)
    a_forecast(sku, 310)
    return sku


@pytest.fixture
def enqueued(monkeypatch):
    """What was put into the queue, without a queue."""
    calls = []
    monkeypatch.setattr(overview, "enqueue", lambda job, *arguments: calls.append((job, *arguments)))
    monkeypatch.setattr(overview, "describe_trouble", lambda: "")
    return calls


@pytest.fixture
def manager(client, enqueued):
    client.force_login(a_user("manager"))
    return client


def test_the_start_page_is_the_newest_month_that_was_generated(manager):
    a_planned_sku()
    for month in (MONTH, dt.date(2026, 10, 1)):
        generate_recommendations(month=month, as_of=AS_OF)
    assert manager.get("/").url == PAGE


def test_an_empty_month_says_what_to_do_next(manager):
    page = manager.get(PAGE).content.decode()
    assert "There are no order lines for December 2026 yet. Generate them below." in page


def test_the_cards_show_lines_and_value_by_urgency(manager):
    a_planned_sku()
    generate_recommendations(month=MONTH, as_of=AS_OF)
    page = manager.get(PAGE)
    line = OrderConfirmation.objects.get()
    assert page.context["cards"]["must_order"] == {
        "label": "Must order",
        "lines": 1,
        "units": line.order_qty,
        "value": {"USD": line.order_value},
    }
    assert b"1 lines planned on" in page.content


def test_generate_queues_one_run_by_its_id(manager, enqueued):
    a_planned_sku()
    manager.post(f"{PAGE}generate/", {"as_of": "2026-11-20"})
    run = GenerationRun.objects.get()
    assert enqueued == [(generate_recommendations_job, run.pk)]
    assert (run.status, run.who, run.as_of) == (RunStatus.QUEUED, "manager", AS_OF)
    page = manager.get(PAGE).content.decode()
    assert "Waiting for a worker." in page
    assert 'hx-trigger="every 1s"' in page


def test_a_month_has_one_run_at_a_time(manager, enqueued):
    for _ in range(2):
        answer = manager.post(f"{PAGE}generate/", {}, follow=True)
    assert len(enqueued) == 1
    assert "is in progress" in answer.content.decode()


def test_a_worker_works_on_the_queued_run_and_no_second_one_does(manager, enqueued):
    a_planned_sku()
    manager.post(f"{PAGE}generate/", {"as_of": "2026-11-20"})
    generate_recommendations_job(GenerationRun.objects.get().pk)
    run = GenerationRun.objects.get()
    assert (run.status, run.line_count) == (RunStatus.COMPLETED, 1)
    assert continue_generation(run_id=run.pk) is None


def test_a_job_that_comes_again_leaves_a_live_run_alone():
    a_planned_sku()
    run = queue_generation(month=MONTH, as_of=AS_OF)
    GenerationRun.objects.update(status=RunStatus.RUNNING)
    assert continue_generation(run_id=run.pk) is None
    GenerationRun.objects.update(heartbeat_at=timezone.now() - DEAD_AFTER - dt.timedelta(seconds=1))
    assert continue_generation(run_id=run.pk).status == RunStatus.COMPLETED


def test_a_dead_run_started_again_from_the_page_goes_back_to_the_queue(manager, enqueued):
    a_planned_sku()
    run = queue_generation(month=MONTH, as_of=AS_OF)
    GenerationRun.objects.update(
        status=RunStatus.RUNNING, heartbeat_at=timezone.now() - DEAD_AFTER - dt.timedelta(seconds=1)
    )
    manager.post(f"{PAGE}generate/", {"as_of": "2026-11-20"})
    assert enqueued == [(generate_recommendations_job, run.pk)]
    assert continue_generation(run_id=run.pk).status == RunStatus.COMPLETED


def test_a_queue_that_is_down_takes_the_run_back_and_says_so(manager, monkeypatch):
    def refuse(*arguments, **options):
        raise RedisDown("refused")

    monkeypatch.setattr(overview, "enqueue", queue.enqueue)
    monkeypatch.setattr(queue.django_rq, "get_queue", refuse)
    monkeypatch.setattr(queue.django_rq, "get_connection", refuse)
    monkeypatch.setattr(overview, "describe_trouble", queue.describe_trouble)
    answer = manager.post(f"{PAGE}generate/", {}, follow=True)
    assert "The queue for background work cannot be reached. Tell your administrator." in answer.content.decode()
    assert "so no run can be started from here" in answer.content.decode()
    assert not GenerationRun.objects.exclude(active_key=None).exists()


def test_progress_is_one_fragment_and_polling_stops_when_the_run_ends(manager):
    a_planned_sku()
    run = queue_generation(month=MONTH, as_of=AS_OF)
    polled = manager.get(f"/runs/{run.pk}/", headers={"hx-request": "true"})
    assert polled.status_code == 200
    assert b"<html" not in polled.content
    continue_generation(run_id=run.pk)
    ended = manager.get(f"/runs/{run.pk}/", headers={"hx-request": "true"})
    assert (ended.status_code, ended["HX-Redirect"]) == (286, PAGE)
    assert manager.get(f"/runs/{run.pk}/").url == PAGE


def test_a_run_can_be_cancelled(manager, enqueued):
    manager.post(f"{PAGE}generate/", {})
    run = GenerationRun.objects.get()
    manager.post(f"/runs/{run.pk}/cancel/")
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert continue_generation(run_id=run.pk) is None


def test_a_failed_run_says_why_on_the_page(manager):
    run = queue_generation(month=MONTH, as_of=AS_OF)
    with pytest.raises(Exception, match="Import warehouses first"):
        continue_generation(run_id=run.pk)
    assert "There is no active warehouse. Import warehouses first." in manager.get(PAGE).content.decode()


@pytest.mark.parametrize("role", ["viewer", "buyer"])
def test_only_managers_generate_and_cancel(client, enqueued, role):
    client.force_login(a_user(role))
    run = queue_generation(month=MONTH, as_of=AS_OF)
    assert client.get(PAGE).status_code == 200
    assert b'<button class="btn btn-primary">Generate' not in client.get(PAGE).content
    assert client.post(f"{PAGE}generate/").status_code == 403
    assert client.post(f"/runs/{run.pk}/cancel/").status_code == 403
    assert not enqueued


def test_a_scope_that_does_not_exist_is_refused_with_a_sentence(manager, enqueued):
    answer = manager.post(f"{PAGE}generate/", {"suppliers": ["999"]}, follow=True)
    assert "The run was not started." in answer.content.decode()
    assert not enqueued


def test_the_page_asks_as_much_for_one_line_as_for_many(manager, django_assert_max_num_queries):
    for number in range(20):
        a_planned_sku(f"A-{number}")
    generate_recommendations(month=MONTH, as_of=AS_OF)
    manager.get(PAGE)  # the first one after a run adds up the totals
    with django_assert_max_num_queries(12):
        manager.get(PAGE)
