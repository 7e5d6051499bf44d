"""django-rq's dashboard in the admin: for those who may, and with a sentence while the queue is down."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern
from django_rq.admin import QueueAdmin
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
# django-rq's model has no table: of what an admin page has for rows, only the link to the list makes sense.
ROW_PAGES = tuple(f"_dashboard_{page}" for page in ("add", "history", "delete", "change"))


class QueueDashboardAdmin(QueueAdmin):
    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()  # type: ignore[no-untyped-call]  # django-rq has few types
        kept = [url for url in urls if url.name and not url.name.endswith(ROW_PAGES)]
        for url in kept:
            url.callback = guarded(url.callback)
        return kept


def guarded(view: View) -> View:
    @wraps(view)
    # Its pages have styles inside the HTML. Their scripts stay forbidden: they call a function that Django's
    # admin no longer has, and what a click on a row does the link in the row does too.
    @csp_update({"style-src": [SELF, UNSAFE_INLINE]})
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("django_rq.admin"):
            raise PermissionDenied
        try:
            return view(request, *args, **kwargs)
        except RedisError as error:
            logger.warning("The queue cannot be reached: %s", error)
            return render(request, "queue_down.html", status=503)

    return answer
