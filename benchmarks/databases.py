"""Databases that a benchmark makes and drops, and the program as a measured process on them."""

import contextlib
import json
import os
import platform
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers import mariadb

SERVER_OPTIONS = ("--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """One finished process: seconds of wall clock, peak resident memory [MB], and what it printed."""

    seconds: float
    peak_mb: float
    output: str

    @property
    def summary(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.output)
        return answer


@dataclass(frozen=True)
class Database:
    url: str

    def manage(self, *arguments: str) -> Measured:
        return self._run([sys.executable, "manage.py", *arguments])

    def python(self, module: str, *arguments: str) -> Measured:
        return self._run([sys.executable, "-m", module, *arguments])

    def _run(self, command: list[str]) -> Measured:
        started = time.perf_counter()
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            environment = os.environ | {"DATABASE_URL": self.url}
            process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=output, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - started
            output.seek(0)
            if process.returncode:
                errors.seek(0)
                sys.exit(f"{' '.join(command[1:])} failed:\n{output.read()}{errors.read()}")
            return Measured(seconds, usage.ru_maxrss / 1024, output.read())


@contextlib.contextmanager
def server_for(url: str | None) -> Iterator[str]:
    if url:
        yield url
    else:
        with mariadb(*SERVER_OPTIONS) as private:
            yield private


def describe_machine(url: str) -> dict[str, Any]:
    cursor = connect_raw(url, database="").cursor()
    cursor.execute("SELECT VERSION(), @@innodb_flush_log_at_trx_commit, @@innodb_buffer_pool_size")
    version, flush, pool = cursor.fetchone()
    cores = Path("/proc/cpuinfo").read_text().count("processor\t")
    return {"system": platform.platform(), "cores": cores, "database": version, "flush_log": flush, "buffer_pool": pool}


@contextlib.contextmanager
def fresh_database(server_url: str) -> Iterator[Database]:
    """A migrated, empty database on the MySQL or MariaDB server of the URL; gone after the block."""
    import MySQLdb

    name = f"benchmark_{secrets.token_hex(4)}"
    server = connect_raw(server_url, database="")
    server.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        database = Database(server_url.rsplit("/", 1)[0] + f"/{name}")
        database.manage("migrate", "--verbosity", "0")
        yield database
    finally:
        with contextlib.suppress(MySQLdb.OperationalError):  # an idle connection may be gone by now
            server.close()
        server = connect_raw(server_url, database="")
        server.cursor().execute(f"DROP DATABASE {name}")
        server.close()


def connect_raw(url: str, database: str | None = None) -> Any:
    """The driver itself, no Django."""
    import MySQLdb

    parts = urlsplit(url)
    return MySQLdb.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.lstrip("/") if database is None else database,
        charset="utf8mb4",
    )
