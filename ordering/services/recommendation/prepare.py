"""Step 1 of a run: the small tables and the policy, read once, as arrays."""

import calendar
import datetime as dt
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from django.db import models
from numpy.typing import NDArray

from core.errors import WorkbenchError
from ordering.kernels import LeadTimes, Policy, choose_lead_times
from ordering.models import Sku
from suppliers.models import Supplier, Warehouse
from suppliers.services.refresh_lead_times import SUPPLIER_STRIDE, measure_shipments, months_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PLANNED = (Sku.Status.ACTIVE, Sku.Status.DEATH_ROW)


@dataclass(frozen=True)
class Plan:
    """What stays the same for every chunk of a run."""

    month: dt.date
    as_of: dt.date
    policy: Policy
    z: Floats  # (3, 3), rows A B C, columns X Y Z
    warehouse_ids: Ints  # ascending
    supplier_ids: Ints  # ascending
    lead_times: LeadTimes  # (n_suppliers + 1, n_warehouses); the last row is for SKUs without supplier
    supplier_scope: tuple[int, ...]  # empty: all
    warehouse_scope: tuple[int, ...]  # empty: all
    sku_count: int

    @property
    def days(self) -> int:
        return calendar.monthrange(self.month.year, self.month.month)[1]

    def skus(self) -> "models.QuerySet[Sku]":
        planned = Sku.objects.filter(status__in=PLANNED)
        return planned.filter(supplier_id__in=self.supplier_scope) if self.supplier_scope else planned


def prepare(*, month: dt.date, as_of: dt.date, scope: dict[str, list[str]], policy: Policy) -> Plan:
    """Read warehouses, suppliers and lead times.

    Raises
    ------
    WorkbenchError
        If a code of the scope is unknown, or there is nothing to plan.
    """
    warehouses = {key: pk for pk, key, active in _warehouse_rows() if active}
    warehouse_ids = sorted(_in_scope(warehouses, scope.get("warehouses", []), "active warehouse"))
    if not warehouse_ids:
        raise WorkbenchError("There is no active warehouse. Import warehouses first.")

    suppliers: dict[int, float | None] = {}
    supplier_keys: dict[str, int] = {}
    stored: dict[tuple[int, int], tuple[float | None, ...]] = {}
    oldest = months_before(as_of, policy.lead_time_window_months)
    for pk, key, default, warehouse, through, *statistics in _supplier_rows():
        suppliers[pk] = default
        supplier_keys[key] = pk
        if warehouse is not None and (through is None or oldest < through <= as_of):
            stored[pk, warehouse] = tuple(statistics)
    supplier_scope = _in_scope(supplier_keys, scope.get("suppliers", []), "supplier")

    plan = Plan(
        month=month,
        as_of=as_of,
        policy=policy,
        z=np.array([[NormalDist().inv_cdf(level) for level in row] for row in policy.service_levels]),
        warehouse_ids=np.array(warehouse_ids, dtype=np.int64),
        supplier_ids=np.array(sorted(suppliers), dtype=np.int64),
        lead_times=_lead_times(suppliers, stored, warehouse_ids, as_of=as_of, policy=policy),
        supplier_scope=tuple(supplier_scope) if scope.get("suppliers") else (),
        warehouse_scope=tuple(warehouse_ids) if scope.get("warehouses") else (),
        sku_count=0,
    )
    sku_count = plan.skus().count()
    if not sku_count:
        raise WorkbenchError("There are no active SKUs in scope. Import SKUs first, or widen the scope.")
    return replace(plan, sku_count=sku_count)


def _warehouse_rows() -> Any:
    return Warehouse.objects.order_by().values_list("id", "code_key", "active")


def _supplier_rows() -> Any:
    """Each supplier with each of its stored statistics, one query; a supplier without any has one row."""
    numbers = ("mean_days", "std_days", "p95_days", "reliability")
    return Supplier.objects.order_by().values_list(
        "id",
        "code_key",
        "default_lead_time_days",
        "lead_times__warehouse_id",
        "lead_times__measured_through",
        *(f"lead_times__{name}" for name in numbers),
    )


def _in_scope(known: dict[str, int], wanted: list[str], what: str) -> list[int]:
    missing = [code for code in wanted if code.strip().lower() not in known]
    if missing:
        raise WorkbenchError(f"There is no {what} with the code {', '.join(missing)}. Check the spelling.")
    return [known[code.strip().lower()] for code in wanted] if wanted else list(known.values())


def _lead_times(
    suppliers: dict[int, float | None],
    stored: dict[tuple[int, int], tuple[float | None, ...]],
    warehouse_ids: list[int],
    *,
    as_of: dt.date,
    policy: Policy,
) -> LeadTimes:
    """Shipments measured up to the planning date win over stored statistics; all warehouses take part
    in `other_warehouse`, then the planned ones are kept.
    """
    measured = measure_shipments(
        as_of=as_of, window_months=policy.lead_time_window_months, min_shipments=policy.lead_time_min_shipments
    )
    pairs = [divmod(group, SUPPLIER_STRIDE) for group in measured.group.tolist()]
    by_pair = stored | dict(
        zip(
            pairs,
            zip(measured.mean_days, measured.std_days, measured.p95_days, measured.reliability, strict=True),
            strict=True,
        )
    )
    rows = {pk: row for row, pk in enumerate(sorted(suppliers))}
    columns = {pk: column for column, pk in enumerate(sorted({*warehouse_ids, *(pair[1] for pair in by_pair)}))}
    table = np.full((4, len(rows) + 1, len(columns)), np.nan)
    for (supplier, warehouse), numbers in by_pair.items():
        table[:, rows[supplier], columns[warehouse]] = numbers
    defaults = np.array([suppliers[pk] for pk in sorted(suppliers)] + [None], dtype=np.float64)
    mean, std, p95, reliability = table
    chosen = choose_lead_times(mean, std, p95, reliability, defaults, policy=policy)
    return chosen.at_warehouses([columns[pk] for pk in warehouse_ids])
