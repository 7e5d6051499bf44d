"""The site behind a real web server, and people who use it over HTTP."""

import contextlib
import http.cookiejar
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.databases import ROOT, Database

WORKERS, THREADS = 2, 12
PASSWORD = secrets.token_urlsafe(16)
CREATE_USER = """
from django.contrib.auth.models import Group, User
for name in {names!r}:
    user, _ = User.objects.get_or_create(username=name)
    user.set_password({password!r})
    user.save()
    user.groups.set(Group.objects.filter(name="manager"))
"""


@dataclass(frozen=True)
class Answer:
    seconds: float
    status: int
    size: int  # as sent, compressed [bytes]
    body: bytes


class Person:
    """Somebody who is logged in."""

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        cookies = http.cookiejar.CookieJar()
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies)).open
        self.get("/login/")
        self._token = next(cookie.value or "" for cookie in cookies if cookie.name == "csrftoken")
        self.post("/login/", username=name, password=PASSWORD)
        self._token = next(cookie.value or "" for cookie in cookies if cookie.name == "csrftoken")

    def get(self, path: str, **headers: str) -> Answer:
        return self._request(urllib.request.Request(self.address + path, headers=headers))

    def post(self, path: str, *, htmx: bool = False, **fields: str) -> Answer:
        data = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": self._token}).encode()
        headers = {"HX-Request": "true"} if htmx else {}
        return self._request(urllib.request.Request(self.address + path, data=data, headers=headers))

    def _request(self, request: urllib.request.Request) -> Answer:
        started = time.perf_counter()
        try:
            with self._open(request, timeout=120) as response:
                body = response.read()
                status = response.status
        except urllib.error.HTTPError as error:
            body, status = error.read(), error.code
        return Answer(time.perf_counter() - started, status, len(body), body)


@contextlib.contextmanager
def served(database: Database, *names: str) -> Iterator[str]:
    """The address of the site, served by gunicorn, where these people are managers."""
    database.manage("shell", "--verbosity", "0", "--command", CREATE_USER.format(names=names, password=PASSWORD))
    database.manage("collectstatic", "--no-input", "--verbosity", "0")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"DATABASE_URL": database.url, "HTTPS": "false", "DEBUG": "false"}
    options = ["--workers", str(WORKERS), "--threads", str(THREADS), "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", "core.wsgi", "--log-level", "error", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _wait(address: str) -> None:
    for _ in range(150):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2)
            return
        time.sleep(0.2)
    sys.exit(f"The site did not start at {address}.")


def quantities_of(page: bytes) -> list[tuple[str, str]]:
    """Line and version of each quantity that a list of order lines offers for editing."""
    found = re.findall(rb'hx-post="/lines/(\d+)/edit/".*?name="version" value="(\d+)"', page, re.S)
    return [(line.decode(), version.decode()) for line, version in found]
