"""Is the site alive?"""

import django_rq
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from redis.exceptions import RedisError


@require_GET
@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers; the queue is told, but the site works without it."""
    answers = {"process": "ok", "database": _database(), "queue": _queue()}
    return JsonResponse(answers, status=200 if answers["database"] == "ok" else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "down"
    return "ok"


def _queue() -> str:
    try:
        django_rq.get_connection().ping()
    except RedisError:
        return "down"
    return "ok"
