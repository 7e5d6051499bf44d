"""The background queue, and whether it can be used right now."""

from typing import Any

import django_rq
from redis.exceptions import RedisError
from rq import Retry, Worker

from core.errors import WorkbenchError

JOB_SECONDS = 4 * 3600


def enqueue(job: Any, *arguments: Any) -> None:
    """Put the job into the queue, once more if its worker dies.

    Raises
    ------
    WorkbenchError
        If the queue cannot be reached.
    """
    try:
        django_rq.get_queue().enqueue(job, *arguments, job_timeout=JOB_SECONDS, retry=Retry(max=2))
    except RedisError as error:
        raise WorkbenchError("The queue for background work cannot be reached. Tell your administrator.") from error


def describe_trouble() -> str:
    """Why nothing in the queue would be worked on, as a sentence; empty if all is well."""
    try:
        workers = Worker.count(connection=django_rq.get_connection())
    except RedisError:
        return "The queue for background work cannot be reached, so no run can be started from here."
    return "" if workers else "No worker is running. A run waits until an administrator starts one."
