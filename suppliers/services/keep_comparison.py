"""Compare two runs once: a run that ended stays as it is."""

import hashlib
import json
import logging
import time
from dataclasses import asdict

from core.errors import database_errors_explained
from core.runs import RunStatus
from suppliers.comparison import Changes, Comparison, find_changes, linked_names, with_names
from suppliers.models import EmissionRun, RunComparison

logger = logging.getLogger(__name__)


def keep_comparison(*, first: EmissionRun, second: EmissionRun) -> Comparison:
    """Why two runs that ended differ: as it was found before, unless people linked names to suppliers since then."""
    with database_errors_explained():
        names_hash = hashlib.sha256(json.dumps(sorted(linked_names().items())).encode()).hexdigest()
        kept = RunComparison.objects.filter(first=first, second=second, names_hash=names_hash).first()
        if kept:
            return with_names(Changes(kept.before, kept.after, kept.parts, kept.groups))
        started = time.perf_counter()
        found = find_changes(first, second)
        RunComparison.objects.update_or_create(
            first=first, second=second, defaults=asdict(found) | {"names_hash": names_hash}
        )
        logger.info("keep_comparison done runs=%s,%s seconds=%.2f", first.pk, second.pk, time.perf_counter() - started)
        return with_names(found)


def compare_with_previous(*, run_id: int) -> Comparison | None:
    """With the run that ended before, which is what people ask next; None where there is none."""
    ended = EmissionRun.objects.filter(status=RunStatus.COMPLETED)
    run = ended.filter(pk=run_id).first()
    previous = ended.filter(pk__lt=run_id).order_by("-pk").first()
    return keep_comparison(first=previous, second=run) if run and previous else None
