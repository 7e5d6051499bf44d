"""Who and which run a log line belongs to."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponseBase

_run: ContextVar[str] = ContextVar("run", default="")
_user: ContextVar[str] = ContextVar("user", default="")


class ContextFilter(logging.Filter):
    """Gives a line its run and user, where they are known."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, variable in (("run", _run), ("user", _user)):
            if value := variable.get():
                setattr(record, name, value)
        return True


class LogUserMiddleware:
    """Comes first, so that nobody's name is left on the lines of the next request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _user.set("")
        try:
            return self.get_response(request)
        finally:
            _user.reset(token)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *arguments: Any) -> None:
        """Where nobody has to log in, the name is not worth a query."""
        if getattr(view, "login_required", True):
            _user.set(request.user.get_username())


@contextmanager
def lines_of_run(run: str, *, user: str) -> Iterator[None]:
    """Mark the block's lines; a worker knows the user from the run alone."""
    run_token, user_token = _run.set(run), _user.set(_user.get() or user)
    try:
        yield
    finally:
        _run.reset(run_token)
        _user.reset(user_token)
