"""Measure the pages: `python benchmarks/workbench.py [--database URL] [--skus 531500] [--json FILE]`.

A real MariaDB and gunicorn on this machine, a month of a million order lines, people over HTTP. Each page is asked
for once to warm up and then --repeat times; what is told is the 95th percentile (nearest rank) of the whole round trip.
Without --database a private MariaDB is started. `--prepared URL` measures on a database that was filled before.
"""

import argparse
import contextlib
import json
import math
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also starts as a file

from rich.console import Console
from rich.table import Table

from benchmarks.databases import Database, describe_machine, fresh_database, server_for
from benchmarks.site import Person, quantities_of, served

MONTH = "2026-12"
RUN = ("generate_recommendations", "--month", MONTH, "--as-of", "2026-11-20", "--json")
LIST = f"/months/{MONTH}/lines/"
TARGETS = {"list": 0.2, "search": 0.5, "last page": 0.3, "totals": 1.0, "overview": 0.3, "edit": 0.06}
FILTERS = (
    *(f"urgency={name}" for name in ("must_order", "should_order", "optional", "skip")),
    *(
        f"state={name}"
        for name in ("open", "confirmed", "drifted", "locked", "unlocked", "stale", "problem", "ordered")
    ),
    *(f"abc={name}" for name in "ABC"),
    *(f"xyz={name}" for name in "XYZ"),
    *(f"status={name}" for name in ("Active", "Death+Row", "Discontinued")),
    *(f"demand_source={name}" for name in ("forecast", "blended", "historical", "none")),
    "warehouse=1",
    "warehouse=2",
    "supplier=1",
    "supplier=100",
    "value_min=1000",
    "value_max=10",
)
SORTS = tuple(
    f"sort={sign}{name}" for name in ("order_value", "urgency", "stockout_risk_date", "sku") for sign in ("", "-")
)
SEARCHES = ("q=pan", "q=enamelled", "q=KNF-27", "q=no+such+thing")
BUYERS, EDIT_SECONDS, THINKING_SECONDS = 20, 60, 1.0
EXPORTED_LINES = 100_000
console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="URL of a MariaDB or MySQL server; its user may create databases")
    parser.add_argument("--prepared", help="URL of a database with a generated month; nothing is loaded")
    parser.add_argument(
        "--skus", type=int, default=531_500, help="SKUs in two warehouses; the default makes 1,000,000 lines"
    )
    parser.add_argument("--busy-skus", type=int, default=100_000, help="SKUs of the run beside which people edit")
    parser.add_argument("--repeat", type=int, default=20, help="requests behind each number")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    options = parser.parse_args()
    with server_for(options.database or options.prepared) as url:
        results: dict[str, Any] = {"machine": describe_machine(url)}
        with _month(url, options.prepared, options.skus) as database:
            results |= measure_pages(database, options.repeat)
            results["export"] = measure_export(database)
        with fresh_database(url) as database:
            _fill(database, options.busy_skus)
            results["busy"] = measure_busy(database)
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


@contextlib.contextmanager
def _month(url: str, prepared: str | None, skus: int) -> Iterator[Database]:
    if prepared:
        yield Database(prepared)
        return
    with fresh_database(url) as database:
        _fill(database, skus)
        yield database


def _fill(database: Database, skus: int) -> None:
    console.print(f"{skus:,} SKUs x 2 ...")
    database.manage("load_demo", "--skus", str(skus), "--warehouses", "2", "--seed", "1", "--as-of", "2026-11-20")
    database.manage(*RUN)


def measure_pages(database: Database, repeat: int) -> dict[str, Any]:
    lines = database.manage("shell", "--verbosity", "0", "--command", COUNT_LINES).output.strip()
    with served(database, "anna") as address:
        anna = Person(address, "anna")
        pages = {
            "overview": [f"/months/{MONTH}/"],
            "list": [LIST, *(f"{LIST}?{query}" for query in (*FILTERS, *SORTS))],
        }
        pages["search"] = [f"{LIST}?{query}" for query in SEARCHES]
        pages["last page"] = [f"{LIST}?page=-1&{query}" for query in ("", *FILTERS, *SORTS)]
        pages["totals"] = [f"{LIST}totals/?{query}" for query in ("", *FILTERS, *SEARCHES)]
        first = {f"/months/{MONTH}/": anna.get(f"/months/{MONTH}/").seconds}
        measured = {kind: {path: _times(anna, path, repeat) for path in paths} for kind, paths in pages.items()}
        edits = measure_edits(anna, repeat * 5)
        weight = {path: anna.get(path, **{"Accept-Encoding": "gzip"}).size for path in _resources(anna)}
    return {
        "lines": int(lines),
        "first request after the run": first,
        "pages": measured,
        "edit": edits,
        "weight of the list, compressed [bytes]": weight,
        "statements": json.loads(database.python("benchmarks.statements").output),
    }


COUNT_LINES = "from ordering.models import OrderConfirmation as O; print(O.objects.count())"


def _times(person: Person, path: str, repeat: int) -> dict[str, float]:
    person.get(path)
    answers = [person.get(path) for _ in range(repeat)]
    if wrong := {answer.status for answer in answers} - {200}:
        sys.exit(f"{path} answered with {wrong}.")
    return _quantiles([answer.seconds for answer in answers])


def _quantiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "median": round(statistics.median(ordered), 4),
        "p95": round(ordered[math.ceil(0.95 * len(ordered)) - 1], 4),
        "count": len(ordered),
    }


def measure_edits(person: Person, count: int) -> dict[str, float]:
    """One person, one quantity after the other; the row and its new numbers come back."""
    page = quantities_of(person.get(f"{LIST}?urgency=must_order&rows=200").body)
    versions, seconds = dict(page), []
    for number in range(count):
        line = page[number % len(page)][0]
        answer = person.post(f"/lines/{line}/edit/", htmx=True, confirmed_qty=str(100 + number), version=versions[line])
        versions[line] = dict(quantities_of(answer.body))[line]
        seconds.append(answer.seconds)
    return _quantiles(seconds)


def _resources(person: Person) -> list[str]:
    """The page of the list and every script and style sheet that it loads."""
    text = person.get(LIST).body.decode()
    return [LIST, *re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css|svg))"', text)]


def measure_export(database: Database) -> dict[str, float]:
    """The first 100,000 lines by value into XLSX in a process of its own; its seconds and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        measured = database.python("benchmarks.export", str(EXPORTED_LINES), f"{folder}/orders.xlsx")
    return json.loads(measured.output) | {
        "process_seconds": round(measured.seconds, 2),
        "peak_mb": round(measured.peak_mb),
    }


def measure_busy(database: Database) -> dict[str, Any]:
    """20 people who change a quantity every second while the month is generated again and again."""
    names = [f"buyer{number}" for number in range(BUYERS)]
    with served(database, *names) as address:
        people = [Person(address, name) for name in names]
        shares = [
            quantities_of(person.get(f"{LIST}?page={number + 1}&rows=50").body) for number, person in enumerate(people)
        ]
        stop, results = threading.Event(), [dict[str, Any]() for _ in people]
        threads = [
            threading.Thread(target=_edit_until, args=(stop, person, share, result))
            for person, share, result in zip(people, shares, results, strict=True)
        ]
        runs, started = 0, time.perf_counter()
        for thread in threads:
            thread.start()
        while time.perf_counter() - started < EDIT_SECONDS:
            database.manage(*RUN)
            runs += 1
        stop.set()
        for thread in threads:
            thread.join()
    wanted = {line: value for result in results for line, value in result["wanted"].items()}
    kept = json.loads(database.python("benchmarks.kept", json.dumps([int(line) for line in wanted])).output)
    return {
        "runs": runs,
        "edits": _quantiles([seconds for result in results for seconds in result["seconds"]]),
        "errors": sum(result["errors"] for result in results),
        "lost": sum(kept[line]["quantity"] != value for line, value in wanted.items()),
        "history_missing": sum(len(result["seconds"]) - result["errors"] for result in results)
        - sum(kept[line]["changes"] for line in wanted),
    }


def _edit_until(stop: threading.Event, person: Person, share: list[tuple[str, str]], result: dict[str, Any]) -> None:
    versions = dict(share)
    result |= {"seconds": [], "errors": 0, "wanted": {}}
    number = 0
    while not stop.is_set():
        line = share[number % len(share)][0]
        number += 1
        answer = person.post(f"/lines/{line}/edit/", htmx=True, confirmed_qty=str(number), version=versions[line])
        result["seconds"].append(answer.seconds)
        new = dict(quantities_of(answer.body)).get(line)
        if answer.status != 200 or new is None or new == versions[line]:
            result["errors"] += 1
        else:
            versions[line] = new
            result["wanted"][line] = number
        time.sleep(max(0.0, THINKING_SECONDS - answer.seconds))


def print_table(results: dict[str, Any]) -> None:
    table = Table("measure", "worst p95", "which", "median of all", "target")
    for kind, measured in results["pages"].items():
        path, worst = max(measured.items(), key=lambda item: item[1]["p95"])
        middle = statistics.median(times["median"] for times in measured.values())
        table.add_row(
            f"{kind} ({len(measured)})", f"{worst['p95'] * 1000:.0f} ms", path.removeprefix(LIST),
            f"{middle * 1000:.0f} ms", f"{TARGETS[kind] * 1000:.0f} ms",
        )  # fmt: skip
    edit, busy, export = results["edit"], results["busy"], results["export"]
    table.add_row("edit a quantity", f"{edit['p95'] * 1000:.0f} ms", "", f"{edit['median'] * 1000:.0f} ms", "60 ms")
    table.add_row(
        f"20 people, {busy['runs']} runs", f"{busy['edits']['p95'] * 1000:.0f} ms",
        f"{busy['errors']} errors, {busy['lost']} lost, {busy['history_missing']} without history",
        f"{busy['edits']['median'] * 1000:.0f} ms", "500 ms",
    )  # fmt: skip
    table.add_row(
        "export", f"{export['seconds']:.1f} s", f"{export['lines']:,} lines, {export['peak_mb']} MB", "", "60 s, 300 MB"
    )
    weight = sum(results["weight of the list, compressed [bytes]"].values())
    table.add_row("weight of the list", f"{weight / 1000:.0f} KB", "compressed", "", "300 KB")
    statements = results["statements"]
    table.add_row("statements a page", str(max(statements.values())), json.dumps(statements), "", "12")
    console.print(f"{results['lines']:,} order lines in the month")
    console.print(table)


if __name__ == "__main__":
    main()
