"""Say which supplier the names in purchase files are: people decide, the program proposes."""

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Sum

from core.errors import WorkbenchError, database_errors_explained
from suppliers.models import PurchaseRecord, Supplier, SupplierName
from suppliers.services.purchases.known_names import NAMES_A_QUERY, supplier_of_key

logger = logging.getLogger(__name__)

NAMES = {"name_id": pl.Int64, "name": pl.String, "key": pl.String, "supplier_id": pl.Int64}


@dataclass(frozen=True)
class NamePurchases:
    """A supplier's name in one spelling, and what was bought under it; spend is by currency."""

    name_id: int
    name: str
    supplier_id: int | None
    records: int = 0
    spend: dict[str, float] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        """The largest spend in one currency, by which lists are ordered."""
        return max(self.spend.values(), default=0.0)


@dataclass(frozen=True)
class Proposal:
    """Names with one key, of which some are no supplier's yet.

    Attributes
    ----------
    supplier_id : the supplier that they point to, by what others of them are or what it is called itself; None
        where that is none or more than one
    """

    key: str
    names: list[NamePurchases]
    supplier_id: int | None

    @property
    def weight(self) -> float:
        return sum(name.weight for name in self.names)


def propose_merges(*, limit: int = 100) -> list[Proposal]:
    """Names that are spelled alike or as a supplier is, largest spend first; three statements."""
    with database_errors_explained():
        owners = dict(supplier_of_key().iter_rows())
        names = pl.DataFrame(list(SupplierName.objects.order_by("pk").values_list(*_COLUMNS)), NAMES, orient="row")
        is_open = pl.col("supplier_id").is_null().any().over("key")
        found = names.filter(is_open & ((pl.len().over("key") > 1) | pl.col("key").is_in(list(owners))))
        groups = defaultdict(list)
        for key, name in zip(found["key"], _with_purchases(found), strict=True):
            groups[key].append(name)
    proposals = [
        Proposal(key, sorted(group, key=lambda name: (-name.weight, name.name)), _only_supplier(group, owners.get(key)))
        for key, group in groups.items()
    ]
    return sorted(proposals, key=lambda proposal: (-proposal.weight, proposal.key))[:limit]


def list_unlinked(*, limit: int = 100) -> list[NamePurchases]:
    """Names that are no supplier's, largest spend first; two statements."""
    with database_errors_explained():
        unlinked = SupplierName.objects.filter(supplier=None).order_by("pk").values_list(*_COLUMNS)
        names = _with_purchases(pl.DataFrame(list(unlinked), NAMES, orient="row"))
    return sorted(names, key=lambda name: (-name.weight, name.name))[:limit]


def link_names(*, name_ids: Collection[int], supplier: Supplier, who: str = "") -> int:
    """Let names be this supplier; return how many were not before.

    Raises
    ------
    WorkbenchError
        If a name is gone or is another supplier's; nothing is stored then.
    """
    with database_errors_explained(), transaction.atomic():
        names = _lock(name_ids)
        if taken := [name for name in names if name.supplier_id not in (None, supplier.pk)]:
            raise WorkbenchError(f"{taken[0].name!r} is another supplier's name. Undo that first.")
        free = [name.pk for name in names if name.supplier_id is None]
        SupplierName.objects.filter(pk__in=free).update(supplier=supplier)
    logger.info("link_names done supplier=%s names=%s who=%s", supplier.pk, free, who)
    return len(free)


def link_to_new_supplier(*, name_ids: Collection[int], code: str, name: str = "", who: str = "") -> Supplier:
    """Make a supplier and let the names be it; it is called as the first of them unless a name is given.

    Raises
    ------
    WorkbenchError
        If the code is taken or is none, or a name is gone or is another supplier's; nothing is stored then.
    """
    with database_errors_explained(), transaction.atomic():
        supplier = Supplier(code=code, name=name or _lock(name_ids)[0].name[:200])
        try:
            supplier.full_clean()
        except ValidationError as error:
            raise WorkbenchError(f"The supplier {code!r} cannot be made: {' '.join(error.messages)}") from error
        supplier.save()
        link_names(name_ids=name_ids, supplier=supplier, who=who)
    return supplier


def unlink_names(*, name_ids: Collection[int], who: str = "") -> int:
    """Undo: the names are no supplier's again; return how many were one's."""
    with database_errors_explained(), transaction.atomic():
        linked = [name.pk for name in _lock(name_ids) if name.supplier_id is not None]
        SupplierName.objects.filter(pk__in=linked).update(supplier=None)
    logger.info("unlink_names done names=%s who=%s", linked, who)
    return len(linked)


_COLUMNS = ("pk", "name", "key", "supplier_id")


def _lock(name_ids: Collection[int]) -> list[SupplierName]:
    """The names in the order of their numbers, kept from changing until the transaction ends."""
    names = list(SupplierName.objects.select_for_update().filter(pk__in=name_ids).order_by("pk"))
    if not names or len(names) != len({*name_ids}):
        raise WorkbenchError("A supplier name is gone. Look at the list again.")
    return names


def _with_purchases(names: pl.DataFrame) -> list[NamePurchases]:
    ids = names["name_id"].to_list()
    records = (
        PurchaseRecord.objects.filter(supplier_name_id__in=ids) if len(ids) <= NAMES_A_QUERY else PurchaseRecord.objects
    )
    totals: dict[int, list[tuple[str, int, float]]] = defaultdict(list)
    rows = records.order_by().values_list("supplier_name_id", "currency").annotate(Count("pk"), Sum("spend"))
    for name_id, currency, count, spend in rows:
        totals[name_id].append((currency, count, spend or 0.0))
    return [
        NamePurchases(
            name_id,
            name,
            supplier_id,
            records=sum(count for _currency, count, _spend in totals[name_id]),
            spend={currency: spend for currency, _count, spend in totals[name_id]},
        )
        for name_id, name, _key, supplier_id in names.iter_rows()
    ]


def _only_supplier(names: Sequence[NamePurchases], owner: int | None) -> int | None:
    suppliers = {name.supplier_id for name in names} | {owner}
    suppliers.discard(None)
    return suppliers.pop() if len(suppliers) == 1 else None
