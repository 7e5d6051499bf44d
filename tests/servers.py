"""Real servers for tests and benchmarks: given ones, or private ones on free ports with data in a temporary folder."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

STARTUP_SECONDS = 60
USER = PASSWORD = "workbench"  # of a private server that only this machine reaches, gone after the run


@contextlib.contextmanager
def mariadb(*options: str) -> Iterator[str]:
    """The URL of a MariaDB: TEST_MARIADB_URL, or a private server that ends with the block."""
    if given := os.environ.get("TEST_MARIADB_URL"):
        yield given
        return
    with _folder_for_server() as folder:
        data, port = folder / "data", _free_port()
        owner = [f"--user={'mysql' if os.geteuid() == 0 else os.environ.get('USER', 'mysql')}"]
        _run(["mariadb-install-db", *owner, f"--datadir={data}", "--auth-root-authentication-method=normal"])
        setup = folder / "setup.sql"
        hosts = ("localhost", "127.0.0.1")
        statements = [f"CREATE USER {USER}@'{host}' IDENTIFIED BY '{PASSWORD}';" for host in hosts]
        statements += [f"GRANT ALL ON *.* TO {USER}@'{host}' WITH GRANT OPTION;" for host in hosts]
        statements += ["CREATE DATABASE workbench CHARACTER SET utf8mb4;"]
        setup.write_text("".join(f"{statement}\n" for statement in statements))  # one a line, or the server stops
        setup.chmod(0o644)
        command = [
            _find("mariadbd"),
            "--no-defaults",
            *owner,
            f"--datadir={data}",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--local-infile=1",
            f"--init-file={setup}",
            *options,
        ]
        with _server(command, folder / "log", port):
            _wait_for_login(port)
            yield f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/workbench"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis: TEST_REDIS_URL, or a private server that ends with the block."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with _folder_for_server() as folder:
        port = _free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        command = [_find("redis-server"), *options]
        with _server(command, folder / "log", port):
            yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def _folder_for_server() -> Iterator[Path]:
    """A short path, for a socket's name may have 107 characters, owned by the server's user."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user="mysql" if shutil.which("mariadbd") else "root")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _server(command: list[str], log: Path, port: int) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, process, log)
        yield
    finally:
        process.terminate()
        process.wait(timeout=STARTUP_SECONDS)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"{process.args} did not start:\n{log.read_text()[-2000:]}")


def _wait_for_login(port: int) -> None:
    """MariaDB answers on its port a moment before it has run the file that makes the user."""
    import MySQLdb

    deadline = time.monotonic() + STARTUP_SECONDS
    while True:
        try:
            MySQLdb.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD, database="workbench").close()
        except MySQLdb.OperationalError as error:
            if time.monotonic() > deadline:
                sys.exit(f"MariaDB started but lets nobody in: {error}")
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _find(program: str) -> str:
    for folder in (None, "/usr/sbin:/usr/local/sbin"):
        if found := shutil.which(program, path=folder):
            return found
    sys.exit(f"{program} is not installed. On Debian: apt-get install mariadb-server redis-server")


def _run(command: list[str]) -> None:
    done = subprocess.run([_find(command[0]), *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
