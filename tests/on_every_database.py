"""Run the whole suite twice, on SQLite and on MariaDB: `python -m tests.on_every_database [pytest arguments]`."""

import os
import subprocess
import sys

from tests.servers import mariadb, redis


def main(arguments: list[str]) -> int:
    failed = 0
    with redis() as redis_url, mariadb("--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0") as mariadb_url:
        for name, url in (("SQLite", "sqlite://:memory:"), ("MariaDB", mariadb_url)):
            print(f"\n=== The suite on {name} ===", flush=True)  # noqa: T201
            environment = os.environ | {"DATABASE_URL": url, "REDIS_URL": redis_url}
            failed |= subprocess.call([sys.executable, "-m", "pytest", *arguments], env=environment)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
