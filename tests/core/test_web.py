import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver
from redis.exceptions import ConnectionError as RedisDown

from core import views

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = {"healthz", "login/", "admin/login/"}
EXAMPLES = {"<month:month>": "2026-12", "<int:pk>": "1", "<path:object_id>": "1", "<int:content_type_id>": "1"}


def every_path(patterns, prefix=""):
    """Each route of the site with an example for its parameters; expressions of third parties left out."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        for parameter, example in EXAMPLES.items():
            route = route.replace(parameter, example)
        if hasattr(pattern, "url_patterns"):
            yield from every_path(pattern.url_patterns, route)
        elif "<" not in route and "(" not in route:
            yield route


def test_everything_but_login_and_health_needs_a_login(client):
    paths = [path for path in every_path(get_resolver().url_patterns) if path not in OPEN_TO_ALL]
    assert len(paths) > 50
    for path in paths:
        for method in (client.get, client.post):
            answer = method(f"/{path}")
            assert answer.status_code in (302, 405), path
            if answer.status_code == 302:
                assert "/login/" in answer.url, path


def test_the_login_page_is_open_and_leads_to_the_month(client):
    User.objects.create_user("anna", password="a long secret")
    assert client.get("/login/").status_code == 200
    answer = client.post("/login/", {"username": "anna", "password": "a long secret"})
    assert answer.url == "/"


def test_five_wrong_passwords_lock_the_name_for_a_while(client):
    User.objects.create_user("anna", password="a long secret")
    for _ in range(5):
        answer = client.post("/login/", {"username": "anna", "password": "wrong"})
    assert answer.status_code == 429
    answer = client.post("/login/", {"username": "anna", "password": "a long secret"})
    assert b"Too many wrong passwords" in answer.content


def test_every_answer_carries_a_strict_content_security_policy(client):
    policy = client.get("/login/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_form_without_the_token_is_refused(admin_user):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post("/months/2026-12/generate/").status_code == 403


def test_health_tells_process_database_and_queue(client, monkeypatch):
    class Queue:
        def ping(self):
            return True

    monkeypatch.setattr(views.django_rq, "get_connection", Queue)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"process": "ok", "database": "ok", "queue": "ok"})


def test_health_is_fine_without_the_queue(client, monkeypatch):
    def refuse():
        raise RedisDown("refused")

    monkeypatch.setattr(views.django_rq, "get_connection", refuse)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["queue"]) == (200, "down")


def test_what_does_not_exist_is_a_page_of_ours(admin_client):
    answer = admin_client.get("/months/2026-13/")
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content
