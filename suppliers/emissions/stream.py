"""Emissions of any stream of purchase records, chunk by chunk, in bounded memory."""

import asyncio
import math
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from operator import itemgetter
from typing import Any, TypedDict

import numpy as np
import polars as pl

from suppliers.emissions.book import FactorBook
from suppliers.emissions.frames import result_frame
from suppliers.emissions.records import FIELDS, Columns, Records, read_records
from suppliers.emissions.seen_ids import SeenIds
from suppliers.emissions.waterfall import price
from suppliers.kernels.emissions import Tier

PURCHASED_GOODS = 1
KILOGRAMS_PER_TONNE = 1000
SECONDS_PER_HOUR = 3600


class Metrics(TypedDict):
    """What one chunk came to.

    `chunk_size` records are `successful` or `failed`; `unaccounted` ones are among the successful. Each of `errors`
    has `record` (its place in the stream, from 1), `record_id`, `code` and `sentence`.
    """

    chunk_index: int
    chunk_size: int
    successful: int
    unaccounted: int
    failed: int
    emissions_kgco2e: float
    emissions_tco2e: float
    time_seconds: float
    time_ms: float
    throughput_per_second: float
    throughput_per_hour: float
    errors: list[dict[str, Any]]


Chunk = tuple[int, pl.DataFrame, Metrics]


def process_suppliers(
    records: Iterable[Any], *, book: FactorBook, category: int = PURCHASED_GOODS, chunk_size: int = 1000
) -> Iterator[Chunk]:
    """Calculate records as they come, never holding more than a chunk.

    Parameters
    ----------
    records
        Mappings, or objects with attributes such as dataclasses, of the fields of a purchase record. Other keys are
        ignored, numbers and dates may be text, what is missing is not given.
    book
        From `make_book`.
    category
        Of scope 3; only 1, purchased goods and services.
    chunk_size
        How many records are calculated at once. It changes nothing in the numbers.

    Yields
    ------
    chunk_index, results, metrics
        The index from 0; `Outcome.results`, where `record` is the place in the stream, from 1; see `Metrics`.

    Raises
    ------
    ValueError
        At once, if the category is another or the chunk size is not positive.
    """
    stream = _Stream(book, category, chunk_size)
    return _chunks(iter(records), stream, chunk_size)


async def process_suppliers_async(
    records: Iterable[Any] | AsyncIterable[Any],
    *,
    book: FactorBook,
    category: int = PURCHASED_GOODS,
    chunk_size: int = 1000,
) -> AsyncIterator[Chunk]:
    """`process_suppliers` for `async for`; chunks are calculated in a thread, so that the loop goes on."""
    stream = _Stream(book, category, chunk_size)
    if not isinstance(records, AsyncIterable):
        source = iter(records)
        while rows := list(islice(source, chunk_size)):
            yield await asyncio.to_thread(stream.calculate, rows)
        return
    rows = []
    async for record in records:
        rows.append(record)
        if len(rows) == chunk_size:
            yield await asyncio.to_thread(stream.calculate, rows)
    if rows:
        yield await asyncio.to_thread(stream.calculate, rows)


def _chunks(records: Iterator[Any], stream: "_Stream", chunk_size: int) -> Iterator[Chunk]:
    while rows := list(islice(records, chunk_size)):
        yield stream.calculate(rows)


class _Stream:
    """What is known from one chunk to the next: how many there were, and the ids of their records."""

    def __init__(self, book: FactorBook, category: int, chunk_size: int) -> None:
        if category != PURCHASED_GOODS:
            raise ValueError(f"category {category} is not calculated; only 1, purchased goods and services, is")
        if chunk_size < 1:
            raise ValueError(f"chunk_size is {chunk_size}; it must be at least 1")
        self._book = book
        self._chunks = 0
        self._records = 0
        self._seen = SeenIds()

    def calculate(self, rows: list[Any]) -> Chunk:
        """Calculate these records and let them go, so that the next chunk does not come on top."""
        started = time.perf_counter()
        key = pl.Series(np.arange(self._records + 1, self._records + 1 + len(rows)))
        unreadable = _read_objects(rows)
        records = read_records(as_columns(rows))
        rows.clear()
        records.refusals.update(unreadable)
        self._refuse_repeated(records)
        priced = price(records, self._book)
        at = records.sound()
        accounted = priced.tier[at] != Tier.UNACCOUNTED
        results = result_frame(records, priced, at, key=key, book=self._book)
        metrics = _metrics(
            index=self._chunks,
            results=results,
            unaccounted=len(at) - int(np.count_nonzero(accounted)),
            kilograms=float(priced.emissions[at][accounted].sum()),
            errors=_errors(records, self._records + 1),
            seconds=time.perf_counter() - started,
        )
        self._chunks += 1
        self._records += len(records)
        return metrics["chunk_index"], results, metrics

    def _refuse_repeated(self, records: Records) -> None:
        for at, earlier in self._seen.repeated(records.record_id, self._records + 1):
            sentence = f"The record id was used before, by record {earlier} of the stream."
            records.refusals[at] = ("duplicate_record", sentence)


def _read_objects(rows: list[Any]) -> dict[int, tuple[str, str]]:
    """Put dicts in place of other records; code and sentence of each position whose record does not let itself be read.

    What reads a row of a database or a file as it is asked for may fail in any way.
    """
    refusals = {}
    for at, row in enumerate(rows) if set(map(type, rows)) != {dict} else ():
        if type(row) is not dict:
            try:
                rows[at] = _as_dict(row)
            except Exception as error:  # its own code runs here
                rows[at] = {}
                refusals[at] = ("missing_field", f"The record cannot be read: {type(error).__name__}.")
    return refusals


def as_columns(rows: list[dict[str, Any]]) -> Columns:
    """The fields of dicts, column by column; None where a record has none.

    One itemgetter for all fields would make a tuple a record, and the garbage collector look at each.
    """
    known: dict[str, Sequence[Any]] = {}
    for name in FIELDS:
        if name in rows[0]:
            with suppress(KeyError):
                known[name] = list(map(itemgetter(name), rows))
    absent = [name for name in FIELDS if name not in known]
    if set(map(len, rows)) == {len(known)}:  # the same keys in all, so none of the others in any
        return known | dict.fromkeys(absent, [None] * len(rows))
    return known | {name: [row.get(name) for row in rows] for name in absent}


def _as_dict(row: Any) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return {name: row.get(name) for name in FIELDS}
    return {name: getattr(row, name, None) for name in FIELDS}


def _errors(records: Records, first: int) -> list[dict[str, Any]]:
    """What is wrong, in the records' order; `first` is the place of position 0."""
    return [
        {"record": first + at, "record_id": records.record_id[at], "code": code, "sentence": sentence}
        for at, (code, sentence) in sorted(records.refusals.items())
    ]


def _metrics(
    *,
    index: int,
    results: pl.DataFrame,
    unaccounted: int,
    kilograms: float,
    errors: list[dict[str, Any]],
    seconds: float,
) -> Metrics:
    size = results.height + len(errors)
    per_second = size / seconds if seconds > 0 else math.inf
    return {
        "chunk_index": index,
        "chunk_size": size,
        "successful": results.height,
        "unaccounted": unaccounted,
        "failed": len(errors),
        "emissions_kgco2e": kilograms,
        "emissions_tco2e": kilograms / KILOGRAMS_PER_TONNE,
        "time_seconds": seconds,
        "time_ms": seconds * 1000,
        "throughput_per_second": per_second,
        "throughput_per_hour": per_second * SECONDS_PER_HOUR,
        "errors": errors,
    }
