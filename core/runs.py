"""The run record that every batch keeps, and who may work on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, connection, models, transaction
from django.db.models import F
from django.utils import timezone

from core.errors import WorkbenchError, explain_database_error
from core.logs import lines_of_run

DEAD_AFTER = timedelta(minutes=1)


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"
    ERRORED = "errored", "Stopped by an error"


class AbstractRun(models.Model):
    """One execution of a batch. `active_key` is set while it is alive, so the database allows one."""

    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.QUEUED, db_index=True)
    active_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 - unique where set
    attempt = models.PositiveIntegerField(default=1, help_text="Grows when a dead run is taken over.")
    checkpoint = models.BigIntegerField(default=0, help_text="Last primary key whose chunk is committed.")
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    who = models.CharField(max_length=150, blank=True)
    timings = models.JSONField(default=dict, blank=True, help_text="Seconds by step.")
    statements = models.JSONField(default=dict, blank=True, help_text="SQL statements by kind.")
    error = models.TextField(blank=True)

    class Meta:
        abstract = True
        get_latest_by = "created_at"

    @property
    def is_alive(self) -> bool:
        return self.active_key is not None and timezone.now() - self.heartbeat_at < DEAD_AFTER

    @property
    def is_open(self) -> bool:
        """Waiting or running, whether or not its process is alive."""
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def looks_dead(self) -> bool:
        return self.status == RunStatus.RUNNING and not self.is_alive

    @property
    def seconds_left(self) -> int | None:
        """Estimated from the share that is done; None before the first chunk."""
        if not self.progress_done:
            return None
        elapsed = (timezone.now() - self.created_at).total_seconds()
        return round(elapsed * (self.progress_total - self.progress_done) / self.progress_done)


RunT = TypeVar("RunT", bound=AbstractRun)


class RunLost(WorkbenchError):
    """Somebody cancelled the run or another process took it over; this process must stop writing."""


def claim_run(
    model: type[RunT], *, active_key: str, wanted: Mapping[str, Any], may_resume: Callable[[RunT], bool]
) -> RunT:
    """Create the run for `active_key`, or take over the dead one that holds it.

    Two starters cannot both win: the unique key decides between creations, the attempt
    number between take-overs.

    Raises
    ------
    WorkbenchError
        If a run with this key is alive.
    """
    try:
        with transaction.atomic():
            return model._default_manager.create(**{"active_key": active_key, "status": RunStatus.RUNNING, **wanted})
    except IntegrityError:
        holder = model._default_manager.filter(active_key=active_key).first()
    if holder is None:
        return claim_run(model, active_key=active_key, wanted=wanted, may_resume=may_resume)
    if holder.is_alive or not take_over(holder, status=wanted.get("status", RunStatus.RUNNING)):
        seconds = round((timezone.now() - holder.heartbeat_at).total_seconds())
        raise WorkbenchError(
            f"A run for {active_key} is in progress (run {holder.pk}, last sign of life {seconds} s ago). "
            "Wait until it ends, or cancel it. A run without a sign of life for a minute is taken over."
        )
    if may_resume(holder):
        return holder
    finish_run(holder, RunStatus.FAILED, error="This run died; a run with other settings took its place.")
    return claim_run(model, active_key=active_key, wanted=wanted, may_resume=may_resume)


def take_over(run: AbstractRun, *, status: RunStatus = RunStatus.RUNNING) -> bool:
    """Make this process the one that works on the run, if it waits in the queue or its process is dead.

    With the status QUEUED a dead run is put back into the queue, to be taken over by a worker.
    """
    if run.status != RunStatus.QUEUED and run.is_alive:
        return False
    taken = _owned(run).update(attempt=F("attempt") + 1, heartbeat_at=timezone.now(), status=status)
    if taken:
        run.refresh_from_db()
    return bool(taken)


def advance_run(run: AbstractRun, **changes: Any) -> None:
    """Store a chunk's checkpoint and progress, and prove that this process still owns the run.

    Call it inside the chunk's transaction. A retry after a commit whose answer got lost finds
    its own checkpoint and goes on. The instance itself is not changed: the caller does that
    once the transaction is through.
    """
    if _owned(run).filter(checkpoint=run.checkpoint).update(heartbeat_at=timezone.now(), **changes):
        return
    if _owned(run).filter(checkpoint=changes["checkpoint"]).exists():
        return
    current = type(run)._default_manager.get(pk=run.pk)
    if current.status == RunStatus.CANCELLED:
        raise RunLost("The run was cancelled. Lines written so far are kept; start again to compute the rest.")
    raise RunLost("Another process took over this run. This one stopped.")


def cancel_run(run: AbstractRun) -> bool:
    """End a waiting or running run; its process stops at the next chunk."""
    return bool(
        type(run)
        ._default_manager.filter(pk=run.pk, status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
        .update(status=RunStatus.CANCELLED, active_key=None, finished_at=timezone.now())
    )


def finish_run(run: AbstractRun, status: RunStatus, **changes: Any) -> None:
    """Close the run if this process still owns it."""
    changes |= {"status": status, "active_key": None, "finished_at": timezone.now()}
    if _owned(run).update(**changes):
        for name, value in changes.items():
            setattr(run, name, value)


@contextmanager
def closing_run(run: AbstractRun) -> Iterator[None]:
    """Leave no run open: whatever ends the block is written to the run before it goes on."""
    try:
        with lines_of_run(f"{run._meta.verbose_name} {run.pk}" if run.pk else "dry run", user=run.who):
            yield
    except KeyboardInterrupt:
        if not connection.in_atomic_block:
            connection.close()  # It may hold the answer of a statement that was cut off.
        finish_run(run, RunStatus.CANCELLED, error="Cancelled from the keyboard.")
        raise
    except RunLost:
        raise
    except WorkbenchError as error:
        finish_run(run, RunStatus.FAILED, error=str(error))
        raise
    except (DatabaseError, InterfaceError) as error:
        _finish_if_possible(run, explain_database_error(error))
        raise
    except BaseException as error:
        finish_run(run, RunStatus.ERRORED, error=f"{type(error).__name__}: {error}")
        raise


def _finish_if_possible(run: AbstractRun, sentence: str) -> None:
    try:
        finish_run(run, RunStatus.FAILED, error=sentence)
    except (DatabaseError, InterfaceError):
        return  # The database that refused the work refuses this too; the heartbeat tells the rest.


def _owned(run: RunT) -> "models.QuerySet[RunT]":
    return type(run)._default_manager.filter(
        pk=run.pk, attempt=run.attempt, status__in=[RunStatus.QUEUED, RunStatus.RUNNING]
    )
