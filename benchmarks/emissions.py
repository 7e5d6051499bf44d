"""Measure the emissions job: `python benchmarks/emissions.py [--database URL] [--records 1000000] [--json FILE]`.

A real MariaDB, the published factors of ../shared/data/emissions, invented purchases of every tier. Ratios compare
processes of one run on one server; the machine's other load falls on both sides.
"""

import argparse
import csv
import json
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also starts as a file

from MySQLdb.cursors import SSCursor
from rich.console import Console
from rich.table import Table

from benchmarks.databases import ROOT, Database, connect_raw, describe_machine, fresh_database, server_for

DATA = ROOT.parent / "shared" / "data" / "emissions"
HEADER = (
    "record_id", "supplier", "product_name", "product_code", "product_category", "quantity", "unit", "spend",
    "currency", "purchase_date", "country", "sector_code", "supplier_pcf", "pcf_unit", "pcf_uncertainty", "kind",
)  # fmt: skip
YEAR = "2021"
SMALL, CHUNKED = 100_000, 100_000
CHUNK_SIZES = (100, 1_000, 20_000)
ROWS_AT_ONCE = 1_000
console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="URL of a MariaDB or MySQL server; its user may create databases")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=2_000_000, help="records of the larger memory measurement")
    parser.add_argument("--repeat", type=int, default=3, help="measurements behind the ratio; the median counts")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    options = parser.parse_args()
    with server_for(options.database) as url:
        results: dict[str, Any] = {"machine": describe_machine(url), "in memory": measure_in_memory()}
        with fresh_database(url) as database:
            load_factors(database)
            results["import"] = import_records(database, options.records)
            results["end to end"] = measure_end_to_end(database, options.repeat)
        for size in (SMALL, options.large):
            with fresh_database(url) as database:
                load_factors(database)
                import_records(database, size)
                results[f"memory at {size}"] = calculate(database)
                if size == CHUNKED:
                    results["chunk sizes"] = compare_chunk_sizes(database)
    print_table(results, options.records, options.large)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def load_factors(database: Database) -> None:
    for command in (
        ("load_factors", "epa", "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv"),
        ("load_factors", "desnz", "ghg-conversion-factors-2024-FlatFormat_v1_1.xlsx"),
        ("load_rates", "currency", "currency_rates.csv"),
        ("load_rates", "index", "price_index.csv"),
    ):
        database.manage(*command[:2], str(DATA / command[2]))


def import_records(database: Database, count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "purchases.csv")
        write_purchases(path, count)
        measured = database.manage("import_purchases", str(path), "--json", "--errors", f"{folder}/errors.csv")
    seconds = measured.summary["seconds"]
    return {
        "lines": count,
        "seconds": seconds,
        "lines_per_second": round(count / seconds),
        "seconds with the search for duplicates": round(measured.seconds, 2),
        "peak_mb": round(measured.peak_mb),
    }


def write_purchases(path: Path, count: int) -> None:
    """7 in 10 by spend, 15 % by weight, 1 in 10 with a PCF, the others unaccounted or wrong."""
    draw = random.Random(7)
    with (DATA / "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv").open() as file:
        sectors = [row["2017 NAICS Code"] for row in csv.DictReader(file)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(count):
            kind, spend = draw.random(), round(draw.lognormvariate(6, 2), 2)
            writer.writerow(
                (
                    f"R{number}", f"Supplier {draw.randrange(5_000)} Ltd", "Goods", f"P{draw.randrange(20_000)}",
                    f"Category {draw.randrange(40)}", round(draw.lognormvariate(3, 1), 1),
                    "kg" if kind < 0.95 else "furlongs", spend if kind < 0.98 else -spend,
                    draw.choice(("USD", "USD", "GBP")), f"{YEAR}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}",
                    draw.choice(("US", "GB", "DE")), draw.choice(sectors) if 0.1 <= kind < 0.96 else "",
                    round(draw.lognormvariate(0, 1), 3) if kind < 0.1 else "", "kg" if kind < 0.1 else "", "",
                    "purchase",
                )
            )  # fmt: skip


def calculate(database: Database, *options: str) -> dict[str, Any]:
    measured = database.manage("calculate_emissions", "--year", YEAR, "--json", *options)
    summary = measured.summary
    return summary | {"process_seconds": round(measured.seconds, 2), "peak_mb": round(measured.peak_mb)}


def measure_end_to_end(database: Database, repeat: int) -> dict[str, Any]:
    """Alternate the run and the floor, so that the machine's noise falls on both."""
    runs, floors = [], []
    for _ in range(repeat):
        runs.append(calculate(database))
        # In a process of its own: a child's peak memory counts what its parent held when it was made.
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as alone:
            floors.append(alone.submit(raw_floor, database.url, runs[-1]["run"]).result())
        console.print(f"run {runs[-1]['timings']['total']:.1f} s, raw driver {sum(floors[-1].values()):.1f} s")
    seconds = statistics.median(run["timings"]["total"] for run in runs)
    floor = statistics.median(sum(parts.values()) for parts in floors)
    return {"runs": runs, "floors": floors, "seconds": seconds, "floor": floor, "ratio": round(seconds / floor, 3)}


def raw_floor(url: str, run: int) -> dict[str, float]:
    """Seconds to read the columns that a run reads, and to insert the rows that it wrote, with the driver alone."""
    connection = connect_raw(url)
    started = time.perf_counter()
    cursor = connection.cursor(SSCursor)
    cursor.execute(
        "SELECT id, supplier_name_id, category_id, record_id, product_name, product_code, unit, currency, country, "
        "sector_code, pcf_unit, kind, quantity, spend, supplier_pcf, pcf_uncertainty, purchase_date, year "
        "FROM suppliers_purchaserecord WHERE year = %s ORDER BY id",
        [YEAR],
    )
    while cursor.fetchmany(20_000):
        pass
    cursor.close()
    read = time.perf_counter() - started
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE floor_results LIKE suppliers_emissionresult")
    cursor.execute("SELECT * FROM suppliers_emissionresult WHERE run_id = %s", [run])
    rows = cursor.fetchall()
    insert = f"INSERT INTO floor_results VALUES ({', '.join(['%s'] * len(rows[0]))})"
    started = time.perf_counter()
    for start in range(0, len(rows), 20_000):
        for block in range(start, min(start + 20_000, len(rows)), ROWS_AT_ONCE):
            cursor.executemany(insert, rows[block : min(block + ROWS_AT_ONCE, start + 20_000)])
        connection.commit()
    written = time.perf_counter() - started
    cursor.execute("DROP TABLE floor_results")
    connection.close()
    return {"read": round(read, 2), "insert": round(written, 2)}


def compare_chunk_sizes(database: Database) -> dict[str, Any]:
    """One digest of all results, hashes included, for each chunk size."""
    digests = {}
    for size in CHUNK_SIZES:
        run = calculate(database, "--chunk-size", str(size))
        digests[size] = database.python("benchmarks.digest", str(run["run"])).output.strip()
    return {"digests": digests, "identical": len({*digests.values()}) == 1}


def measure_in_memory() -> dict[str, Any]:
    process = Database("sqlite://:memory:").python("benchmarks.stream")
    answer: dict[str, Any] = json.loads(process.output)
    return answer | {"peak_mb": round(process.peak_mb)}


def print_table(results: dict[str, Any], records: int, large: int) -> None:
    end, memory = results["end to end"], results["in memory"]
    small, big = (results[f"memory at {size}"]["peak_mb"] for size in (SMALL, large))
    table = Table("measure", "result", "target")
    table.add_row(f"end to end, {records:,} records", f"{end['seconds']:.1f} s", "under 60 s")
    table.add_row("the same / raw driver", f"{end['ratio']:.2f}", "0.9")
    table.add_row(
        "process_suppliers",
        f"{memory['process_suppliers_per_second']:,} a second, {memory['ratio']:.1f} times a plain loop",
        "200,000, 10 times",
    )
    table.add_row(f"peak memory at {SMALL:,} and {large:,}", f"{small} and {big} MB", "300 MB, within 20 %")
    table.add_row("chunk sizes", "identical" if results["chunk sizes"]["identical"] else "different", "identical")
    table.add_row("import", f"{results['import']['lines_per_second']:,} lines a second", "50,000")
    console.print(table)


if __name__ == "__main__":
    main()
