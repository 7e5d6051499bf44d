"""Which suppliers and warehouses a person may see. Everything that reads for a person asks here."""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True)
class Scope:
    """Primary keys that a person is limited to; an empty set is no limit."""

    supplier_ids: frozenset[int] = frozenset()
    warehouse_ids: frozenset[int] = frozenset()

    @property
    def is_limited(self) -> bool:
        return bool(self.supplier_ids or self.warehouse_ids)


def scope_of(user: Any) -> Scope:
    """The person's limits; one query, then kept on the user object of this request."""
    if not hasattr(user, "_scope"):
        pairs = list(user.restrictions.order_by().values_list("supplier_id", "warehouse_id"))
        user._scope = Scope(
            frozenset(supplier for supplier, _ in pairs if supplier),
            frozenset(warehouse for _, warehouse in pairs if warehouse),
        )
    scope: Scope = user._scope
    return scope


def restrict(rows: Rows, user: Any, *, supplier: str = "", warehouse: str = "") -> Rows:
    """The rows that the person may see; `supplier` and `warehouse` are the paths to their keys, where a row has one."""
    scope = scope_of(user)
    if supplier and scope.supplier_ids:
        rows = rows.filter(**{f"{supplier}__in": sorted(scope.supplier_ids)})
    if warehouse and scope.warehouse_ids:
        rows = rows.filter(**{f"{warehouse}__in": sorted(scope.warehouse_ids)})
    return rows
