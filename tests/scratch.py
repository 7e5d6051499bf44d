"""A database of its own for tests that start the program as a process."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


class Scratch:
    """The program on one database; `url` is of the kind that the suite runs on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environment = os.environ | {"DATABASE_URL": url, "HTTPS": "false", "PYTHONWARNINGS": "default"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, *arguments: str, code: int = 0) -> str:
        """Run the command to its end; return what it printed, errors after output."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == code, f"exit code {process.returncode}\n{output}{errors}"
        return output + errors

    def json(self, *arguments: str) -> dict[str, object]:
        process = self.start(*arguments, "--json")
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        answer: dict[str, object] = json.loads(output)
        return answer

    def python(self, code: str) -> str:
        """Run Python lines with Django set up; return what they print."""
        return self.call("shell", "--verbosity", "0", "--command", code).strip()


@contextlib.contextmanager
def scratch_database(folder: Path) -> Iterator[Scratch]:
    name = f"scratch_{secrets.token_hex(4)}"
    if connection.vendor != "mysql":
        scratch = Scratch(f"sqlite:///{folder / name}.sqlite3")
        scratch.call("migrate", "--verbosity", "0")
        yield scratch
        return
    settings = connection.settings_dict
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        server = f"{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}"
        scratch = Scratch(f"mysql://{server}/{name}")
        scratch.call("migrate", "--verbosity", "0")
        yield scratch
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")
