"""What the job costs without the program: the raw driver reads the same columns and upserts the same rows.

`python -m benchmarks.floor` records the SELECT statements and the rows of a run on DATABASE_URL, then
replays the statements through the driver and writes the rows with `executemany ... ON DUPLICATE KEY UPDATE`.
"""

import datetime as dt
import json
import os
import time
from typing import Any

import django
from django.conf import settings
from django.db import connection

from benchmarks.databases import connect_raw

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
MONTH, AS_OF = dt.date(2026, 12, 1), dt.date(2026, 11, 20)


def record_run() -> tuple[list[tuple[str, Any]], str, list[list[tuple[Any, ...]]]]:
    """The statements that a run reads with, the upsert, and its rows chunk by chunk."""
    from ordering.kernels import Policy
    from ordering.models import GenerationRun, OrderConfirmation
    from ordering.services.generate_recommendations import CHUNK_SIZE
    from ordering.services.recommendation.compute import compute_lines
    from ordering.services.recommendation.prepare import prepare
    from ordering.services.recommendation.read import read_chunk
    from ordering.services.recommendation.write import KEY

    statements: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    chunks, after, columns = [], 0, list[str]()
    run = GenerationRun(pk=1, month=MONTH, as_of=AS_OF)
    with connection.execute_wrapper(record):
        plan = prepare(month=MONTH, as_of=AS_OF, scope={}, policy=Policy())
        while True:
            chunk = read_chunk(plan, after=after, limit=CHUNK_SIZE)
            rows = compute_lines(plan, run, chunk).rows
            defaults = {"notes": "", "locked": False, "version": 0}
            columns = [*rows.columns, *defaults]
            chunks.append([(*row, *defaults.values()) for row in rows.iter_rows()])
            after = chunk.last_key
            if chunk.is_last:
                break
    updated = ", ".join(
        f"{name} = VALUES({name})" for name in columns if name not in {*KEY, "notes", "locked", "version"}
    )
    table = OrderConfirmation._meta.db_table
    quoted = ", ".join(f"`{name}`" for name in columns)
    insert = (
        f"INSERT INTO {table} ({quoted}) VALUES ({', '.join(['%s'] * len(columns))}) ON DUPLICATE KEY UPDATE {updated}"
    )
    return statements, insert, chunks


def measure(
    url: str, statements: list[tuple[str, Any]], insert: str, chunks: list[list[tuple[Any, ...]]]
) -> dict[str, float]:
    raw = connect_raw(url)
    cursor = raw.cursor()
    started = time.perf_counter()
    for sql, params in statements:
        cursor.execute(sql, params)
        cursor.fetchall()
    read = time.perf_counter()
    for rows in chunks:
        cursor.executemany(insert, rows)
        raw.commit()
    written = time.perf_counter()
    return {"read": read - started, "write": written - read, "total": written - started}


def main() -> None:
    django.setup()
    recorded = record_run()
    seconds = measure(os.environ["DATABASE_URL"], *recorded)
    print(json.dumps(seconds | {"rows": sum(map(len, recorded[2])), "vendor": settings.DATABASES["default"]["ENGINE"]}))


if __name__ == "__main__":
    main()
