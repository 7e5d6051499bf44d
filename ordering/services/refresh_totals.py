"""Keep the totals of a month's groups of lines ready, so that no page has to add up a million lines."""

import datetime as dt
import logging
import time

from django.db import transaction
from django.db.models import Case, Count, Exists, Q, Sum, Value, When

from ordering.models import GenerationRun, OrderConfirmation, OrderTotal, OutdatedTotal, TotalsState

logger = logging.getLogger(__name__)

FLAGS = ("locked", "drifted", "stale")
GROUP = ("month", "supplier_id", "warehouse_id", "urgency_rank", "currency", *FLAGS)


def refresh_totals(*, month: dt.date) -> None:
    """Make the totals equal to the lines where they are not: all after a run, else those of suppliers whose lines
    people changed.

    While a run is at work its lines are left out, because they change with every chunk; people's changes are not.
    One process refreshes, others wait; marks are deleted only by the process that saw them before it added up.
    """
    outdated = OutdatedTotal.objects.filter(month=month)
    state = TotalsState.objects.filter(month=month).annotate(is_outdated=Exists(outdated)).first()
    if state and not state.is_outdated and not _runs_went_on(month, state):
        return
    TotalsState.objects.get_or_create(month=month)  # on its own: two that insert it at once would hold each other up
    with transaction.atomic():
        locked = TotalsState.objects.select_for_update().get(month=month)
        seen = dict(outdated.values_list("pk", "supplier_id"))
        if run := _runs_went_on(month, locked):
            _replace(month, Q())
            TotalsState.objects.filter(pk=locked.pk).update(made_from=run)
        else:
            _replace(month, _of_suppliers({*seen.values()}))
        OutdatedTotal.objects.filter(pk__in=list(seen)).delete()


def mark_outdated(*, month: dt.date, supplier_ids: set[int | None]) -> None:
    """Call it in the transaction that changes the lines."""
    OutdatedTotal.objects.bulk_create(OutdatedTotal(month=month, supplier_id=pk) for pk in supplier_ids)


def _runs_went_on(month: dt.date, state: TotalsState) -> str:
    """How far the month's newest run is, if that is not what the totals were made from and nobody works on it."""
    run = GenerationRun.objects.filter(month=month).order_by("-pk").first()
    if run is None:
        return "" if state.made_from else "no run"
    if run.is_open and run.is_alive and state.made_from:
        return ""
    made_from = f"run {run.pk}, {run.checkpoint}, {run.status}"  # the last chunk may have no SKU to move the checkpoint
    return made_from if made_from != state.made_from else ""


def _of_suppliers(suppliers: set[int | None]) -> Q:
    nobody = Q(supplier_id=None) if None in suppliers else Q()
    return nobody | Q(supplier_id__in=sorted(pk for pk in suppliers if pk is not None))


def _replace(month: dt.date, which: Q) -> None:
    started = time.perf_counter()
    OrderTotal.objects.filter(which, month=month).delete()
    confirmed = Case(When(confirmed_qty=None, then=Value(False)), default=Value(True))
    groups = (
        OrderConfirmation.objects.filter(which, month=month)
        .annotate(confirmed=confirmed)
        .order_by()
        .values(*GROUP, "confirmed", "ordered")
        .annotate(lines=Count("id"), units=Sum("order_qty"), value=Sum("order_value"))
    )
    OrderTotal.objects.bulk_create(
        [OrderTotal(**group | {"units": group["units"] or 0, "value": group["value"] or 0}) for group in groups]
    )
    logger.info("refresh_totals done month=%s seconds=%.2f", month, time.perf_counter() - started)
