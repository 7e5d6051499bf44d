"""Emissions of a year's purchases, each result with what it takes to redo it by hand."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Model

from core.batch import batch_connection, count_statements, run_chunks, with_retries
from core.errors import WorkbenchError, database_errors_explained
from core.runs import AbstractRun, RunStatus, claim_run, closing_run, finish_run, take_over
from core.upsert import upsert
from suppliers.emissions.book import FactorBook
from suppliers.emissions.calculate import Outcome, calculate_chunk
from suppliers.emissions.records import FIELDS, read_records
from suppliers.emissions.sums import Sums
from suppliers.models import (
    Category,
    CategoryTotal,
    EmissionError,
    EmissionResult,
    EmissionRun,
    FactorSet,
    PurchaseRecord,
    RateSet,
    SupplierName,
    SupplierTotal,
)
from suppliers.services.emissions.tally import Tally
from suppliers.services.read_book import read_book, read_same_suppliers

logger = logging.getLogger(__name__)

CHUNK_SIZE = 20_000
METHOD_VERSION = "1"
IDS = {"record": pl.Int64, "supplier_name_id": pl.Int64, "category_id": pl.Int64}
OWN_COLUMNS = ("supplier", "product_category")  # of a record's fields, those that the tables keep by id
STORED = [name for name in FIELDS if name not in OWN_COLUMNS]


@dataclass
class Calculation:
    """What stays the same for every chunk of a run, and the sums so far."""

    run: EmissionRun
    book: FactorBook
    supplier_names: dict[int, str]
    categories: dict[int | None, str]
    sums: Sums = field(default_factory=Sums)
    tally: Tally = field(default_factory=Tally)
    in_hand: Outcome | None = None  # of the chunk that is not committed yet; a chunk that is written again counts once

    def count(self, outcome: Outcome) -> None:
        """Once for each chunk that is committed."""
        self.sums.merge(outcome.sums)
        self.tally.add(outcome.results, outcome.errors)


@dataclass(frozen=True)
class PurchaseChunk:
    """Purchase records in order of their key: the columns of `STORED`, the keys, and the ids behind names."""

    rows: list[tuple[Any, ...]]
    last_key: int
    is_last: bool

    @property
    def size(self) -> int:
        return len(self.rows)


def calculate_emissions(
    *,
    year: int,
    spend_factors: str = "",
    activity_factors: str = "",
    chunk_size: int = CHUNK_SIZE,
    who: str = "",
    on_progress: Callable[[AbstractRun], None] = lambda run: None,
) -> EmissionRun:
    """Calculate the year's purchases in a new run, or go on where a dead run of the same work stopped.

    Parameters
    ----------
    spend_factors, activity_factors
        Publisher and version of the factor sets, such as "US EPA v1.3.0"; the ones loaded last if not given.
    chunk_size
        Records a transaction; it changes nothing in the results.

    Raises
    ------
    WorkbenchError
        With one sentence: no purchases, no factors, another run is alive, a database that refuses.
    """
    if chunk_size < 1:
        raise WorkbenchError(f"The chunk size must be at least 1, not {chunk_size}.")
    with database_errors_explained(), batch_connection(), count_statements() as statements:
        run = _claim(year, spend_factors, activity_factors, who)
        _execute(run, statements, chunk_size, on_progress)
    return run


def queue_calculation(*, year: int, spend_factors: str = "", activity_factors: str = "", who: str = "") -> EmissionRun:
    """Store the run that a worker will work on; the caller enqueues it, or takes it back with `cancel_run`."""
    with database_errors_explained():
        return _claim(year, spend_factors, activity_factors, who, status=RunStatus.QUEUED)


def continue_calculation(*, run_id: int) -> EmissionRun | None:
    """Work on a waiting run, or go on with a dead one; None where somebody else does or it has ended."""
    with database_errors_explained(), batch_connection(), count_statements() as statements:
        run = EmissionRun.objects.get(pk=run_id)
        if run.active_key is None or not take_over(run):
            return None
        _execute(run, statements)
    return run


def _claim(
    year: int, spend_factors: str, activity_factors: str, who: str, status: RunStatus = RunStatus.RUNNING
) -> EmissionRun:
    if not PurchaseRecord.objects.filter(year=year).exists():
        years = PurchaseRecord.objects.order_by("year").values_list("year", flat=True).distinct()
        there_are = f" There are purchases of {', '.join(map(str, years))}." if years else " Import purchases first."
        raise WorkbenchError(f"There are no purchases of {year}.{there_are}")
    spend = _find_factors(spend_factors, by_spend=True)
    activity = _find_factors(activity_factors, by_spend=False)
    if not spend and not activity:
        raise WorkbenchError("There are no emission factors. Load some with `python manage.py load_factors` first.")
    wanted = {
        "year": year,
        "spend_factors": spend,
        "activity_factors": activity,
        "currency_rates": RateSet.objects.filter(kind=RateSet.Kind.CURRENCY).order_by("-pk").first(),
        "price_index": RateSet.objects.filter(kind=RateSet.Kind.PRICE_INDEX).order_by("-pk").first(),
        "method_version": METHOD_VERSION,
        "who": who,
        "status": status,
        "totals": {"inputs": _hash_of_inputs()},
    }

    def is_same_work(dead: EmissionRun) -> bool:
        same = ("year", "spend_factors", "activity_factors", "currency_rates", "price_index", "method_version")
        return all(getattr(dead, name) == wanted[name] for name in same) and dead.totals == wanted["totals"]

    return claim_run(EmissionRun, active_key=f"emissions {year}", wanted=wanted, may_resume=is_same_work)


def _find_factors(name: str, *, by_spend: bool) -> FactorSet | None:
    sets = FactorSet.objects.filter(base_year__isnull=not by_spend).order_by("-pk")
    if not name:
        return sets.first()
    for candidate in sets:
        if str(candidate).lower() == name.strip().lower():
            return candidate
    known = ", ".join(map(str, sets)) or "none"
    raise WorkbenchError(f"There is no {'spend-based' if by_spend else 'activity'} factor set {name}. Loaded: {known}.")


def _hash_of_inputs() -> str:
    """Changes with what people map, so that a run is only resumed where it would go on in the same way."""
    mapped = Category.objects.order_by("pk").values_list("pk", "sector_code", "factor_code")
    return hashlib.sha256(json.dumps([*map(list, mapped), *read_same_suppliers().items()]).encode()).hexdigest()


def _execute(
    run: EmissionRun,
    statements: Any,
    chunk_size: int = CHUNK_SIZE,
    on_progress: Callable[[AbstractRun], None] = lambda run: None,
) -> None:
    started = time.perf_counter()
    logger.info("calculate_emissions started year=%s run=%s", run.year, run.pk)
    with closing_run(run):
        work = _prepare(run)
        run.progress_total = PurchaseRecord.objects.filter(year=run.year).count()
        _work_again(work, chunk_size)

        def advance(run: AbstractRun) -> None:
            if work.in_hand:
                work.count(work.in_hand)
            on_progress(run)

        run_chunks(
            run,
            read=lambda after: _read(run, after, chunk_size),
            compute=lambda chunk: _compute(work, chunk),
            write=lambda chunk, outcome: _write(work, chunk, outcome),
            on_progress=advance,
        )
        with_retries(lambda: _finish(work, started, statements))
        seconds = time.perf_counter() - started
    logger.info(
        "calculate_emissions done run=%s rows=%d seconds=%.2f rows_per_second=%.0f",
        run.pk, run.progress_done, seconds, run.progress_done / seconds,
    )  # fmt: skip


def _prepare(run: EmissionRun) -> Calculation:
    """The sets, the names and the categories, each read once."""
    same = read_same_suppliers()
    names = dict(SupplierName.objects.order_by().values_list("pk", "name"))
    return Calculation(
        run=run,
        book=read_book(
            spend_factors=run.spend_factors,
            activity_factors=run.activity_factors,
            currency_rates=run.currency_rates,
            price_index=run.price_index,
        ),
        supplier_names={pk: same.get(name, name) for pk, name in names.items()},
        categories=dict(Category.objects.order_by().values_list("pk", "name")),
    )


def _read(run: EmissionRun, after: int, limit: int) -> PurchaseChunk:
    records = PurchaseRecord.objects.filter(year=run.year, pk__gt=after).order_by("pk")
    rows = list(records.values_list("pk", "supplier_name_id", "category_id", *STORED)[:limit])
    return PurchaseChunk(rows, rows[-1][0] if rows else after, is_last=len(rows) < limit)


def _compute(work: Calculation, chunk: PurchaseChunk) -> Outcome:
    if not chunk.rows:
        columns: list[Any] = [()] * (3 + len(STORED))
    else:
        columns = list(zip(*chunk.rows, strict=True))
    keys, suppliers, categories, *stored = columns
    values = dict(zip(STORED, stored, strict=True)) | {
        "supplier": [work.supplier_names[pk] for pk in suppliers],
        "product_category": [work.categories.get(pk) for pk in categories],
    }
    records = read_records({name: list(values[name]) for name in FIELDS})
    outcome = calculate_chunk(records, key=pl.Series("record", keys, dtype=pl.Int64), book=work.book)
    ids = pl.DataFrame({"record": keys, "supplier_name_id": suppliers, "category_id": categories}, IDS)
    results = outcome.results.drop("record_id").join(ids, on="record", how="left", maintain_order="left")
    return replace(outcome, results=results)


def _write(work: Calculation, chunk: PurchaseChunk, outcome: Outcome) -> dict[str, Any]:
    """Store results and errors; safe to repeat, the same chunk leaves the same rows."""
    run = work.run
    _store(EmissionResult, run, outcome.results.rename({"record": "record_id"}))
    _store(EmissionError, run, outcome.errors.drop("record_id").rename({"record": "record_id"}))
    work.in_hand = outcome
    return {
        "accounted": run.accounted + outcome.accounted,
        "unaccounted": run.unaccounted + outcome.unaccounted,
        "failed": run.failed + outcome.failed,
        "progress_total": run.progress_total,
    }


def _store(model: type[Model], run: EmissionRun, rows: pl.DataFrame, key: str = "record_id") -> None:
    named = rows.with_columns(run_id=pl.lit(run.pk, dtype=pl.Int64))
    updated = [name for name in rows.columns if name != key]
    upsert(model, named, unique_fields=("run_id", key), update_fields=updated, likely_new=True)


def _work_again(work: Calculation, chunk_size: int) -> None:
    """The sums of what a dead run has stored already; calculating is cheaper than keeping them in the run's row."""
    after = 0
    while after < work.run.checkpoint:
        chunk = _read(work.run, after, chunk_size)
        rows = [row for row in chunk.rows if row[0] <= work.run.checkpoint]
        work.count(_compute(work, PurchaseChunk(rows, chunk.last_key, chunk.is_last)))
        after = chunk.last_key
        if chunk.is_last:
            return


def _finish(work: Calculation, started: float, statements: Any) -> None:
    """Store the totals and close the run, both or neither; safe to repeat."""
    run, tally = work.run, work.tally
    p5, p95 = work.sums.interval_kgco2e()
    with transaction.atomic():
        _store_totals(run, tally)
        finish_run(
            run,
            RunStatus.COMPLETED,
            emissions_kgco2e=work.sums.emissions_kgco2e(),
            p5_kgco2e=p5,
            p95_kgco2e=p95,
            totals=run.totals | tally.totals(),
            timings=run.timings | {"total": round(time.perf_counter() - started, 3)},
            statements=dict(statements),
        )


def _store_totals(run: EmissionRun, tally: Tally) -> None:
    SupplierTotal.objects.filter(run=run).delete()
    CategoryTotal.objects.filter(run=run).delete()
    _store(SupplierTotal, run, tally.suppliers(), key="supplier_name_id")
    _store(CategoryTotal, run, tally.categories(), key="category_id")
