import socket
import time

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver, reverse

from ordering.models import DataUpload, GenerationRun
from ordering.services.generate_recommendations import generate_recommendations
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, stock
from tests.core.test_web import every_path

pytestmark = pytest.mark.django_db

DASHBOARD = "/admin/django_rq/dashboard/"
DASHBOARD_PAGES = [
    f"{DASHBOARD}{page}"
    for page in (
        "",
        "stats.json",
        "queues/0/",
        "queues/0/details/",
        "queues/0/finished/",
        "queues/0/failed/",
        "queues/0/failed/clear/",
        "queues/0/scheduled/",
        "queues/0/started/",
        "queues/0/deferred/",
        "queues/0/requeue-all/",
        "queues/0/some-job/",
        "queues/0/some-job/delete/",
        "workers/0/",
        "workers/0/rq:worker:some-worker/",
    )
]


@pytest.fixture(autouse=True)
def _queue_is_down(settings, tmp_path):
    """A port that nobody listens on any more."""
    settings.UPLOADS_DIR = tmp_path
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.RQ_QUEUES = {"default": {"URL": f"redis://127.0.0.1:{port}/0", "DEFAULT_TIMEOUT": 3600}}


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def a_month():
    """So that the pages have something to show and do not end early."""
    sku = a_sku("A-1")
    stock(sku, 0)
    a_forecast(sku, 310)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    DataUpload.objects.create(pk=1)


def status_of(client, path):
    answer = client.get(path)
    if answer.streaming:
        b"".join(answer.streaming_content)  # read to its end, it closes its file
    return answer.status_code


def test_every_page_of_the_site_answers(admin, a_month):
    paths = [
        path for path in every_path(get_resolver().url_patterns) if not path.startswith(("logout", "admin/logout"))
    ]
    failed = {path: status for path in paths if (status := status_of(admin, f"/{path}")) >= 500}
    assert {path for path in failed if not path.startswith(DASHBOARD[1:])} == set()
    assert set(failed.values()) == {503}


@pytest.mark.parametrize("page", DASHBOARD_PAGES)
def test_the_dashboard_says_that_the_queue_cannot_be_reached(admin, page):
    answer = admin.get(page)
    assert answer.status_code == 503
    assert "The queue cannot be reached" in answer.content.decode()
    assert "Everything else on this site goes on working." in answer.content.decode()


def test_an_action_of_the_dashboard_says_so_too(admin):
    answer = admin.post(f"{DASHBOARD}queues/0/empty/")
    assert answer.status_code == 503


def test_the_admin_links_the_dashboard(admin):
    assert reverse("admin:django_rq_dashboard_changelist") == DASHBOARD
    assert DASHBOARD in admin.get("/admin/").content.decode()


def test_the_dashboard_has_no_pages_for_rows_it_does_not_have(admin):
    for page in ("add/", "1/", "1/change/", "1/delete/", "1/history/"):
        assert admin.get(DASHBOARD + page).status_code == 404, page


@pytest.mark.parametrize(("role", "is_staff"), [("manager", False), ("manager", True), ("buyer", True)])
def test_the_dashboard_is_for_admins(client, role, is_staff):
    user = User.objects.create_user(role, is_staff=is_staff)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    for page in DASHBOARD_PAGES:
        assert client.get(page).status_code == 403, page
    if is_staff:
        assert DASHBOARD not in client.get("/admin/").content.decode()


def test_staff_with_the_permission_see_the_dashboard(client):
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.add(Permission.objects.get(content_type__app_label="django_rq", codename="admin"))
    client.force_login(user)
    assert client.get(DASHBOARD).status_code == 503
    assert DASHBOARD in client.get("/admin/").content.decode()


def test_only_the_dashboard_may_have_styles_inside_its_pages_and_nothing_may_have_scripts(admin):
    dashboard, other = (admin.get(page)["Content-Security-Policy"] for page in (DASHBOARD, "/admin/"))
    assert "style-src 'self' 'unsafe-inline'" in dashboard
    assert "default-src 'self'" in dashboard
    assert "script-src" not in dashboard
    assert "unsafe" not in other


def test_health_answers_within_a_moment(client):
    started = time.monotonic()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["queue"]) == (200, "down")
    assert time.monotonic() - started < 2


@pytest.mark.django_db(transaction=True)  # the queue is asked once the transaction is through
def test_work_that_cannot_be_queued_is_taken_back_with_a_sentence(admin, tmp_path):
    file = SimpleUploadedFile("warehouses.csv", b"code,name\nuk,United Kingdom\n")
    for path, data in (("/months/2026-12/generate/", {}), ("/data/", {"files": [file]})):
        answer = admin.post(path, data, follow=True)
        assert "The queue for background work cannot be reached. Tell your administrator." in answer.content.decode()
    assert not GenerationRun.objects.exclude(active_key=None).exists()
    assert not DataUpload.objects.exclude(active_key=None).exists()
    assert list(tmp_path.iterdir()) == []
