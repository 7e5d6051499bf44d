"""The whole site as people start it, in a real browser: web server, queue and worker on a database of their own."""

import contextlib
import os
import signal
import socket
import time
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.scratch import scratch_database

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Site:
    """A running site; `people` opens a browser window of its own for each person."""

    def __init__(self, scratch, port, browser):
        self.scratch, self.address, self._browser = scratch, f"http://127.0.0.1:{port}", browser
        self.complaints = []

    def open_as(self, name, **options):
        """A new window, logged in; whatever the browser complains about ends up in `complaints`."""
        page = self._browser.new_context(base_url=self.address, **options).new_page()
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto("/login/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(name)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/months/**")
        return page


@pytest.fixture
def site(tmp_path, transactional_db):
    """The site with a small demo and no order lines yet."""
    with scratch_database(tmp_path) as scratch:
        scratch.call("load_demo", "--skus", "300", "--warehouses", "2", "--seed", "3")
        with served(scratch) as site:
            yield site


@pytest.fixture
def retail_site(tmp_path, transactional_db, retail_data):
    """The site with a distributor's real books and the order lines of December 2011."""
    with scratch_database(tmp_path) as scratch:
        scratch.call("import_data", str(retail_data), "--as-of", "2011-12-01", code=3)
        scratch.call("generate_recommendations", "--month", "2011-12", "--as-of", "2011-12-01")
        with served(scratch) as site:
            yield site


@contextlib.contextmanager
def served(scratch):
    scratch.environment["DEBUG"] = "true"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = scratch.start("serve", "--port", str(port))
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/healthz")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Site(scratch, port, browser)
            browser.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


@pytest.fixture
def accessible():
    """Fails on any serious finding of axe."""

    def check(page):
        findings = Axe().run(page).response["violations"]
        serious = [finding for finding in findings if finding["impact"] in ("serious", "critical")]
        assert not serious, [(finding["id"], [node["html"] for node in finding["nodes"]]) for finding in serious]

    return check


def wait_until_it_answers(address, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(address, timeout=2)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.fixture(autouse=True)
def _orm_beside_playwright(monkeypatch):
    """Playwright runs a loop in this thread; dropping the scratch database afterwards is safe all the same."""
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
