"""Compute one order line per stocked (SKU, warehouse) for an order month."""

import dataclasses
import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from core.batch import batch_connection, count_statements, run_chunks
from core.errors import WorkbenchError, database_errors_explained
from core.runs import AbstractRun, RunStatus, claim_run, closing_run, finish_run, take_over
from ordering.kernels import Policy
from ordering.models import GenerationRun, PlanningPolicy
from ordering.services.recommendation.compute import compute_lines
from ordering.services.recommendation.prepare import Plan, prepare
from ordering.services.recommendation.read import read_chunk
from ordering.services.recommendation.write import write_lines

logger = logging.getLogger(__name__)

CHUNK_SIZE = 5_000
RESUMED_WITHOUT_DATE_WITHIN = dt.timedelta(days=1)


def generate_recommendations(
    *,
    month: dt.date,
    as_of: dt.date | None = None,
    suppliers: Sequence[str] = (),
    warehouses: Sequence[str] = (),
    chunk_size: int = CHUNK_SIZE,
    dry_run: bool = False,
    who: str = "",
    on_progress: Callable[[AbstractRun], None] = lambda run: None,
) -> GenerationRun:
    """Generate the month's order lines, or go on where a dead run of the same work stopped.

    Running it again changes only what its inputs changed; people's decisions and locked lines stay.

    Parameters
    ----------
    month
        First day of the order month.
    as_of
        Planning date; today if not given, or the date of the dead run that is resumed.
    suppliers, warehouses
        Codes; none means all.
    dry_run
        Compute and count, write nothing; the run that is returned is not stored.

    Raises
    ------
    WorkbenchError
        With one sentence: another run is alive, an unknown code, nothing to plan, a database that refuses.
    """
    if month.day != 1:
        raise WorkbenchError(f"The order month must be the first day of a month, not {month}.")
    if chunk_size < 1:
        raise WorkbenchError(f"The chunk size must be at least 1, not {chunk_size}.")
    scope = {"suppliers": sorted({*suppliers}), "warehouses": sorted({*warehouses})}
    with database_errors_explained(), batch_connection(), count_statements() as statements:
        run = _dry_run(month, as_of, scope) if dry_run else _claim(month, as_of, scope, who)
        _execute(run, statements, chunk_size=chunk_size, on_progress=on_progress)
    return run


def queue_generation(
    *,
    month: dt.date,
    as_of: dt.date | None = None,
    suppliers: Sequence[str] = (),
    warehouses: Sequence[str] = (),
    who: str = "",
) -> GenerationRun:
    """Store the run that a worker will work on. The caller enqueues it, or takes it back with `cancel_run`.

    Raises
    ------
    WorkbenchError
        If a run of the month waits or is alive.
    """
    scope = {"suppliers": sorted({*suppliers}), "warehouses": sorted({*warehouses})}
    with database_errors_explained():
        return _claim(month, as_of, scope, who, status=RunStatus.QUEUED)


def continue_generation(*, run_id: int) -> GenerationRun | None:
    """Work on a waiting run, or go on with a dead one; None where somebody else does or it has ended."""
    with database_errors_explained(), batch_connection(), count_statements() as statements:
        run = GenerationRun.objects.get(pk=run_id)
        if run.active_key is None or not take_over(run):
            return None
        _execute(run, statements)
    return run


def _execute(
    run: GenerationRun,
    statements: Counter[str],
    *,
    chunk_size: int = CHUNK_SIZE,
    on_progress: Callable[[AbstractRun], None] = lambda run: None,
) -> None:
    started = time.perf_counter()
    logger.info("generate_recommendations started month=%s run=%s as_of=%s", run.month, run.pk, run.as_of)
    with closing_run(run):
        plan = prepare(month=run.month, as_of=run.as_of, scope=run.scope, policy=Policy(**run.policy))
        run.progress_total = plan.sku_count
        prepared = time.perf_counter() - started
        _work(plan, run, chunk_size, on_progress)
        seconds = time.perf_counter() - started
        run.timings |= {"prepare": round(prepared, 3), "total": round(seconds, 3)}
        is_stored = bool(run.pk)
        statements["other"] += is_stored  # the closing statement counts too
        run.statements = dict(statements)
        run.status = RunStatus.COMPLETED
        if is_stored:
            finish_run(run, RunStatus.COMPLETED, timings=run.timings, statements=run.statements)
    logger.info(
        "generate_recommendations done run=%s rows=%d seconds=%.2f rows_per_second=%.0f",
        run.pk, run.line_count, seconds, run.line_count / seconds,
    )  # fmt: skip


def _work(plan: Plan, run: GenerationRun, chunk_size: int, on_progress: Callable[[AbstractRun], None]) -> None:
    run_chunks(
        run,
        read=lambda after: read_chunk(plan, after=after, limit=chunk_size),
        compute=lambda chunk: compute_lines(plan, run, chunk),
        write=lambda chunk, lines: write_lines(plan, run, chunk, lines) | {"progress_total": plan.sku_count},
        on_progress=on_progress,
    )


def _dry_run(month: dt.date, as_of: dt.date | None, scope: dict[str, list[str]]) -> GenerationRun:
    policy = dataclasses.asdict(PlanningPolicy.current().as_kernel_policy())
    return GenerationRun(month=month, as_of=as_of or dt.date.today(), scope=scope, policy=policy)


def _claim(
    month: dt.date,
    as_of: dt.date | None,
    scope: dict[str, list[str]],
    who: str,
    status: RunStatus = RunStatus.RUNNING,
) -> GenerationRun:
    fresh = _dry_run(month, as_of, scope)

    def is_same_work(dead: GenerationRun) -> bool:
        age = fresh.created_at - dead.heartbeat_at
        same_date = dead.as_of == as_of if as_of else age < RESUMED_WITHOUT_DATE_WITHIN
        return dead.scope == scope and same_date

    return claim_run(
        GenerationRun,
        active_key=f"{month:%Y-%m}",
        wanted={
            "month": month,
            "as_of": fresh.as_of,
            "scope": scope,
            "policy": fresh.policy,
            "who": who,
            "status": status,
        },
        may_resume=is_same_work,
    )
