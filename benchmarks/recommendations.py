"""Measure the main job: `python benchmarks/recommendations.py [--database URL] [--skus 1769,20000,100000,500000]`.

Prints a table and, with --json FILE, writes every number. Without --database a private MariaDB is started.
All ratios compare processes of one run on one server; the machine's other load falls on both sides.
"""

import argparse
import gzip
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also starts as a file

from MySQLdb.cursors import SSCursor
from rich.console import Console
from rich.table import Table

from benchmarks.databases import Database, connect_raw, describe_machine, fresh_database, server_for

RUN = ("generate_recommendations", "--month", "2026-12", "--as-of", "2026-11-20", "--json")
RATIO_SKUS = 100_000
SALES_ROWS = 1_000_000
console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="URL of a MariaDB or MySQL server; its user may create databases")
    parser.add_argument("--skus", default="1769,20000,100000,500000", help="sizes, with commas")
    parser.add_argument("--repeat", type=int, default=3, help="measurements behind each ratio; the median counts")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    options = parser.parse_args()
    sizes = [int(size) for size in options.skus.split(",")]
    with server_for(options.database) as url:
        results: dict[str, Any] = {"machine": describe_machine(url), "start": measure_start(), "sizes": {}}
        for size in sizes:
            console.print(f"{size:,} SKUs x 2 ...")
            with fresh_database(url) as database:
                results["sizes"][size] = measure_size(database, size, repeat=options.repeat)
    print_table(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def measure_start() -> dict[str, float]:
    """The embedded default: the whole command on SQLite with the demo, seconds from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/start.sqlite3")
        database.manage("migrate", "--verbosity", "0")
        database.manage("load_demo", "--as-of", "2026-11-20")
        runs = [database.manage(*RUN).seconds for _ in range(3)]
    return {"seconds": statistics.median(runs), "first": runs[0]}


def measure_size(database: Database, size: int, *, repeat: int) -> dict[str, Any]:
    loaded = database.manage(
        "load_demo", "--skus", str(size), "--warehouses", "2", "--seed", "1", "--as-of", "2026-11-20"
    )
    _analyze(database)
    first = database.manage(*RUN)
    again = database.manage(*RUN)
    result: dict[str, Any] = {
        "load_demo_seconds": loaded.seconds,
        "load_demo_peak_mb": loaded.peak_mb,
        "first": _of_run(first),
        "again": _of_run(again),
    }
    if size == RATIO_SKUS:
        result["ratios"] = measure_ratios(database, repeat=repeat)
        result["n_plus_one"] = database.python("benchmarks.variants", "n_plus_one").summary
        result["import"] = measure_import(database)
    return result


def _of_run(measured: Any) -> dict[str, Any]:
    summary = measured.summary
    kept = ("lines", "seconds", "rows_per_second", "timings", "statements", "by_urgency")
    return {name: summary[name] for name in kept} | {"process_seconds": measured.seconds, "peak_mb": measured.peak_mb}


def measure_ratios(database: Database, *, repeat: int) -> dict[str, Any]:
    """Floor, staging writer and bulk_create in turn, each into an emptied month."""
    seconds: dict[str, list[float]] = {"floor": [], "floor_read": [], "staging": [], "bulk_create": []}
    for _ in range(repeat):
        _empty_month(database)
        floor = database.python("benchmarks.floor").summary
        seconds["floor"].append(floor["total"])
        seconds["floor_read"].append(floor["read"])
        for writer in ("staging", "bulk_create"):
            _empty_month(database)
            seconds[writer].append(database.python("benchmarks.variants", writer).summary["seconds"])
    medians: dict[str, Any] = {name: statistics.median(values) for name, values in seconds.items()}
    return medians | {
        "all": seconds,
        "staging_over_floor": medians["staging"] / medians["floor"],
        "bulk_create_over_floor": medians["bulk_create"] / medians["floor"],
    }


def _empty_month(database: Database) -> None:
    connection = connect_raw(database.url)
    cursor = connection.cursor()
    cursor.execute("TRUNCATE TABLE ordering_orderconfirmation")
    connection.close()


def _analyze(database: Database) -> None:
    """Fresh statistics, so that a plan made on an empty table is not measured."""
    connection = connect_raw(database.url)
    cursor = connection.cursor()
    cursor.execute("SHOW TABLES")
    for (table,) in cursor.fetchall():
        cursor.execute(f"ANALYZE TABLE {table}")
        cursor.fetchall()
    connection.close()


def measure_import(database: Database) -> dict[str, float]:
    """`import_data` of a million lines of monthly_sales into the emptied table."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "monthly_sales.csv.gz"
        rows = _export_sales(database, file)
        first, again = (database.manage("import_data", str(file)) for _ in range(2))
    return {
        "rows": rows,
        "seconds": first.seconds,
        "rows_per_second": rows / first.seconds,
        "again_rows_per_second": rows / again.seconds,
        "peak_mb": first.peak_mb,
    }


def _export_sales(database: Database, file: Path) -> int:
    """Write the file and empty the table. Row by row: a child's peak memory counts its parent's at the start."""
    connection = connect_raw(database.url)
    cursor = connection.cursor(SSCursor)
    cursor.execute(
        "SELECT s.sku, w.code, m.month, m.units_sold, m.stockout_days FROM ordering_monthlysales m "
        "JOIN ordering_sku s ON s.id = m.sku_id JOIN suppliers_warehouse w ON w.id = m.warehouse_id LIMIT %s",
        [SALES_ROWS],
    )
    rows = 0
    with gzip.open(file, "wt") as stream:
        stream.write("sku,warehouse,month,units_sold,stockout_days\n")
        for row in cursor:
            stream.write(f"{','.join(map(str, row))}\n")
            rows += 1
    cursor.close()
    connection.cursor().execute("TRUNCATE TABLE ordering_monthlysales")
    connection.close()
    return rows


def print_table(results: dict[str, Any]) -> None:
    table = Table(title="generate_recommendations on MariaDB")
    for column in ("SKUs x 2", "lines", "first run s", "again s", "rows/s", "SELECT", "other", "peak MB"):
        table.add_column(column, justify="right")
    for size, result in results["sizes"].items():
        first, again = result["first"], result["again"]
        table.add_row(
            f"{size:,}",
            f"{first['lines']:,}",
            f"{first['seconds']:.2f}",
            f"{again['seconds']:.2f}",
            f"{first['rows_per_second']:,}",
            str(first["statements"]["select"]),
            str(first["statements"]["other"]),
            f"{max(first['peak_mb'], again['peak_mb']):.0f}",
        )
    console.print(results["machine"])
    console.print(table)
    console.print(f"Embedded default, whole command: {results['start']['seconds']:.2f} s")
    for size, result in results["sizes"].items():
        if "ratios" in result:
            ratios, slow, imported = result["ratios"], result["n_plus_one"], result["import"]
            console.print(
                f"At {size:,} SKUs, medians: raw driver {ratios['floor']:.2f} s; staging writer "
                f"{ratios['staging']:.2f} s = {ratios['staging_over_floor']:.2f}; bulk_create "
                f"{ratios['bulk_create']:.2f} s = {ratios['bulk_create_over_floor']:.2f}"
            )
            console.print(
                f"Ten queries a pair, a connection a query: {slow['rows_per_second']:.0f} rows/s, {slow['pairs']} pairs"
            )
            console.print(
                f"import_data monthly_sales: {imported['rows']:,} rows, {imported['rows_per_second']:,.0f} rows/s, "
                f"again {imported['again_rows_per_second']:,.0f} rows/s, peak {imported['peak_mb']:.0f} MB"
            )


if __name__ == "__main__":
    main()
