"""Print the speed of `process_suppliers` and of a plain loop over the same method, as JSON; run by emissions.py."""

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it also starts as a file

from suppliers.emissions.stream import process_suppliers
from tests.suppliers.emission_records import book_of, typed_records
from tests.suppliers.plain_emissions import Refused, calculate_record

RECORDS, PLAIN, MADE = 1_000_000, 20_000, 100_000


def main() -> None:
    from tests.suppliers.emission_records import TABLES

    book = book_of(TABLES)
    made = list(typed_records(MADE, seed=7))
    warm = sum(len(results) for _, results, _ in process_suppliers(iter(made[:1000]), book=book))
    started = time.perf_counter()
    count = sum(metrics["chunk_size"] for _, _, metrics in process_suppliers(_repeat(made, RECORDS), book=book))
    fast = count / (time.perf_counter() - started)
    started = time.perf_counter()
    for record in made[:PLAIN]:
        try:
            calculate_record(record, TABLES)
        except Refused:
            continue
    plain = PLAIN / (time.perf_counter() - started)
    numbers = {"records_per_second": round(fast), "plain_per_second": round(plain), "ratio": round(fast / plain, 1)}
    print(json.dumps(numbers | {"records": count, "warm_up": warm}))


def _repeat(made: list[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """The made records again and again under new ids, one at a time."""
    for start in range(0, count, len(made)):
        for number, record in enumerate(islice(made, count - start), start):
            yield record | {"record_id": f"R{number}"}


if __name__ == "__main__":
    main()
