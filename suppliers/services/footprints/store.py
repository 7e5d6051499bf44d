"""Put footprints into the database: twice changes nothing, and only a higher version replaces what is there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import polars as pl
from django.db import transaction

from core.tabular import Refusal
from suppliers.models import ProductFootprint
from suppliers.services.footprints.declared import Declared
from suppliers.services.purchases.known_names import known_suppliers

AT_ONCE = 500
FIELDS = (
    "version", "supplier_name_id", "product_name", "product_code", "pcf", "declared_unit", "weight_kg", "period_start",
    "period_end", "valid_from", "valid_until", "status", "geography", "primary_data_share", "score", "uncertainty",
    "details",
)  # fmt: skip


@dataclass
class Outcome:
    """Footprints by what became of them; `older` ones have a lower version than what is stored or beside them."""

    added: list[ProductFootprint] = field(default_factory=list)
    replaced: list[ProductFootprint] = field(default_factory=list)
    unchanged: int = 0
    older: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def store_footprints(file: str, source: str, declared: Iterable[Declared], file_hash: str) -> Outcome:
    """Store what is new or of a higher version, in one transaction.

    A footprint that differs from the stored one of the same version is refused, unless it is withdrawn: that is the one
    change that PACT allows without a new version.
    """
    outcome = Outcome()
    latest = _pick_latest(file, declared, outcome)
    names = known_suppliers().ids_of(pl.Series([item.company for item in latest], dtype=pl.String))
    for item, name in zip(latest, names, strict=True):
        item.footprint.source, item.footprint.file_hash, item.footprint.supplier_name_id = source, file_hash, name
    with transaction.atomic():
        stored = _lock_stored(source, [item.footprint.external_id for item in latest])
        for item in latest:
            _settle(file, item, stored.get(item.footprint.external_id), outcome)
        ProductFootprint.objects.bulk_create(outcome.added, batch_size=AT_ONCE)
        ProductFootprint.objects.bulk_update(
            outcome.replaced, [name.removesuffix("_id") for name in (*FIELDS, "file_hash")], batch_size=AT_ONCE
        )
    return outcome


def _pick_latest(file: str, declared: Iterable[Declared], outcome: Outcome) -> list[Declared]:
    """One footprint for each id: of those in the file the one with the highest version."""
    latest: dict[str, Declared] = {}
    for item in declared:
        other = latest.setdefault(item.footprint.external_id, item)
        if other is item:
            continue
        if other.footprint.version == item.footprint.version:
            outcome.refusals.append(_refuse(file, item, f"stands at {other.place:,} already, with the same version"))
            continue
        outcome.older += 1
        if item.footprint.version > other.footprint.version:
            latest[item.footprint.external_id] = item
    return list(latest.values())


def _lock_stored(source: str, ids: Sequence[str]) -> dict[str, ProductFootprint]:
    rest, stored = iter(ids), {}
    while part := list(islice(rest, AT_ONCE)):
        found = ProductFootprint.objects.select_for_update().filter(source=source, external_id__in=part).order_by("pk")
        stored.update({footprint.external_id: footprint for footprint in found})
    return stored


def _settle(file: str, item: Declared, old: ProductFootprint | None, outcome: Outcome) -> None:
    new = item.footprint
    if old is None:
        outcome.added.append(new)
        return
    new.pk = old.pk
    differences = [name for name in FIELDS if getattr(old, name) != getattr(new, name)]
    is_withdrawn = differences == ["status"] and new.status == ProductFootprint.Status.DEPRECATED
    if new.version > old.version or is_withdrawn:
        outcome.replaced.append(new)
    elif new.version < old.version:
        outcome.older += 1
    elif differences:
        what = ", ".join(name.removesuffix("_id") for name in differences)
        reason = f"is stored with this version and another {what}; a change needs a higher version"
        outcome.refusals.append(_refuse(file, item, reason))
    else:
        outcome.unchanged += 1


def _refuse(file: str, item: Declared, reason: str) -> Refusal:
    return Refusal(file, item.place, "id", item.footprint.external_id, reason)
