"""Print the speed of `process_suppliers`, and of a plain loop over the same records and method, as JSON.

Run by emissions.py, or alone: `python benchmarks/stream.py [--records 200000]`. The factors are the published ones of
../shared/data/emissions, the purchases are invented: 70 % by spend, 15 % by weight, 10 % with a PCF of their own, 3 %
unaccounted, 2 % wrong. The plain loop is tests/suppliers/plain_emissions.py, which finds factors by dicts.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also starts as a file
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

import polars as pl

from suppliers.emissions.stream import process_suppliers
from suppliers.services.factors.desnz import read_desnz
from suppliers.services.factors.epa import read_epa
from suppliers.services.factors.publication import NOTHING_STATED
from suppliers.services.loading.publish import hash_file
from tests.suppliers.emission_records import book_of
from tests.suppliers.plain_emissions import Refused, Tables, calculate_record

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "emissions"
EPA = DATA / "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv"
DESNZ = DATA / "ghg-conversion-factors-2024-FlatFormat_v1_1.xlsx"
RECORDS, PLAIN, MADE = 200_000, 20_000, 10_000
ROUNDS = 15
MATERIALS = "Material use"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--plain", type=int, default=PLAIN, help="records of the plain loop")
    options = parser.parse_args()
    tables = published_tables()
    book = book_of(tables)
    made = list(purchases(MADE, tables))
    checked = check_same(made, tables)
    lines = [os.urandom(75).hex().encode() for _ in range(1000)]

    def run() -> int:
        return sum(
            metrics["chunk_size"] for _, _, metrics in process_suppliers(stream(made, options.records), book=book)
        )

    def loop() -> int:
        return sum(1 for record in stream(made, options.plain) if calculate_plainly(record, tables))

    speeds = fastest(
        {
            "process_suppliers": (run, options.records),
            "plain_loop": (loop, options.plain),
            "generator_alone": (lambda: sum(1 for _ in stream(made, options.records)), options.records),
            "sha256_alone": (lambda: hash_lines(lines, options.records), options.records),
        }
    )
    ratio = speeds["process_suppliers"] / speeds["plain_loop"]
    per_second = {f"{name}_per_second": round(speed) for name, speed in speeds.items()}
    print(json.dumps(per_second | {"ratio": round(ratio, 1), "records": options.records, "checked": checked}))


def fastest(measured: dict[str, tuple[Callable[[], int], int]]) -> dict[str, float]:
    """Records a second of processor time, in the best of a few rounds; all take turns.

    Nothing here waits, so on a free machine that is the clock's time, and on a busy one it does not count the others.
    """
    seconds: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, (work, _) in measured.items():
            started = time.process_time()
            work()
            seconds[name].append(time.process_time() - started)
    return {name: count / min(seconds[name]) for name, (_, count) in measured.items()}


def published_tables() -> Tables:
    """EPA's sectors, DESNZ's activities, rates and index; forty categories, each mapped to a material."""
    spend = read_epa(EPA, NOTHING_STATED)
    activity = read_desnz(DESNZ, NOTHING_STATED).factors
    rates, index = pl.read_csv(DATA / "currency_rates.csv"), pl.read_csv(DATA / "price_index.csv")
    materials = activity.filter(pl.col("title").str.contains(MATERIALS))["code"].head(40)
    of_epa = {"set_hash": hash_file(EPA), "base_year": spend.statement.base_year, "uncertainty": None}
    of_desnz = {"set_hash": hash_file(DESNZ), "uncertainty": None, "score": None}
    return Tables(
        spend_factors=numbered(spend.factors.select("code", "region", "unit", "value"), 1, of_epa),
        activity_factors=numbered(activity.select("code", "region", "unit", "value"), 10_001, of_desnz),
        currency_rates=rates.select("currency", "year", "usd_per_unit").to_dicts(),
        price_index=index.select("year", "index").to_dicts(),
        categories=[
            {"name": f"Material {number}", "sector_code": None, "factor_code": code}
            for number, code in enumerate(materials)
        ],
    )


def numbered(factors: pl.DataFrame, first: int, of_set: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": number} | row | of_set for number, row in enumerate(factors.to_dicts(), first)]


def purchases(count: int, tables: Tables) -> Iterator[dict[str, Any]]:
    """Invented purchases without an id, with the columns of an import file in the types of a database."""
    draw = random.Random(7)
    sectors = [row["code"] for row in tables.spend_factors]
    for _ in range(count):
        kind, spend = draw.random(), round(draw.lognormvariate(6, 2), 2)
        own, by_weight, by_sector = kind < 0.10, 0.10 <= kind < 0.25, 0.25 <= kind < 0.95
        yield {
            "supplier": f"Supplier {draw.randrange(5_000)} Ltd",
            "product_name": "Goods",
            "product_code": f"P{draw.randrange(20_000)}",
            "product_category": f"Material {draw.randrange(40)}" if by_weight else f"Category {draw.randrange(40)}",
            "quantity": round(draw.lognormvariate(3, 1), 1),
            "unit": draw.choice(("kg", "kg", "tonne")),
            "spend": -spend if kind > 0.98 else spend,
            "currency": draw.choice(("USD", "USD", "GBP")),
            "purchase_date": dt.date(2021, draw.randrange(1, 13), draw.randrange(1, 29)),
            "country": "GB" if by_weight else draw.choice(("US", "GB", "DE")),
            "sector_code": draw.choice(sectors) if by_sector else "",
            "supplier_pcf": round(draw.lognormvariate(0, 1), 3) if own else None,
            "pcf_unit": "kg" if own else "",
            "pcf_uncertainty": None,
            "kind": "purchase",
        }


def stream(made: list[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """The purchases again and again, each time as new dicts with new ids, one at a time."""
    for number, record in enumerate(islice(cycle(made), count)):
        yield {"record_id": f"R{number}", **record}


def calculate_plainly(record: dict[str, Any], tables: Tables) -> dict[str, Any] | str:
    """The result's columns, or the code of the error."""
    try:
        return calculate_record(record, tables)
    except Refused as refused:
        return str(refused)


def check_same(made: list[dict[str, Any]], tables: Tables) -> int:
    """Records of which both sides say the same: tier, factor, emissions, provenance hash, or the error's code."""
    mine: dict[int, Any] = {}
    for _, results, metrics in process_suppliers(stream(made, len(made)), book=book_of(tables)):
        mine |= {result["record"]: result for result in results.to_dicts()}
        mine |= {error["record"]: error["code"] for error in metrics["errors"]}
    for place, record in enumerate(stream(made, len(made)), 1):
        plain = calculate_plainly(record, tables)
        if isinstance(plain, str):
            same = mine[place] == plain
        else:
            same = all(
                mine[place][name] == plain[name]
                for name in plain.keys() & mine[place].keys() - {"p5_kgco2e", "p95_kgco2e"}
            )
        if not same:
            sys.exit(f"Record {place} differs: {mine[place]} and {plain}")
    return len(made)


def hash_lines(lines: list[bytes], count: int) -> int:
    """SHA-256 of as many lines of the usual length, and nothing else."""
    return sum(len([hashlib.sha256(line).hexdigest() for line in lines]) for _ in repeat(None, count // len(lines)))


if __name__ == "__main__":
    main()
