"""Step 2 of a run: one SELECT per input table for a range of SKUs, scattered into (n_skus, n_warehouses)."""

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, models
from django.db.models import F, Max, Window
from django.db.models.functions import RowNumber
from numpy.typing import NDArray

from ordering.kernels import Inputs, LeadTimes, OpenOrders, correct_demand, mean_per_cell
from ordering.models import (
    DemandStats,
    ForecastDetail,
    ForecastRun,
    Inventory,
    MonthlySales,
    PendingOrder,
    SeasonalPattern,
    Sku,
    StockoutPattern,
)
from ordering.months import parse_months
from ordering.services.recommendation.grid import Array, Bools, Grid, Ints, as_arrays, fetch_columns, find
from ordering.services.recommendation.prepare import Plan

Floats = NDArray[np.float64]

ABC = {"A": 0, "B": 1, "C": 2}
XYZ = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True)
class SkuChunk:
    """A range of SKUs: (after, last_key], or everything after `after` in the last chunk."""

    after: int
    last_key: int
    is_last: bool
    sku_ids: Ints  # (n_skus,) ascending
    supplier_ids: list[int | None]
    status: Array
    abc: Array
    xyz: Array
    unit_cost: Floats
    currency: Array
    inputs: Inputs
    stocked: Bools  # (n_skus, n_warehouses): the pair has stock, an open order, sales or a forecast
    order_references: Array  # (n_orders,)

    @property
    def size(self) -> int:
        return len(self.sku_ids)


def read_chunk(plan: Plan, *, after: int, limit: int) -> SkuChunk:
    """Read `limit` SKUs behind the key `after` and everything that is known about them."""
    skus = _skus(plan, after, limit)
    is_last = len(skus[0]) < limit
    last_key = int(skus[0][-1]) if len(skus[0]) else after
    in_range: dict[str, Any] = {"sku_id__gt": after} if is_last else {"sku_id__gt": after, "sku_id__lte": last_key}
    if plan.supplier_scope:
        in_range["sku__supplier_id__in"] = plan.supplier_scope
    grid = Grid(skus[0], plan.warehouse_ids)

    stock_cell, (on_hand,) = grid.place(
        fetch_columns(Inventory.objects.filter(**in_range), sku_id=int, warehouse_id=int, on_hand=float)
    )
    orders, references = _open_orders(plan, grid, in_range)
    forecast_cell, (forecast, confidence) = grid.place(_newest_forecasts(in_range))
    history = _history(plan, grid, in_range)
    cv_cell, (cv,) = grid.place(
        fetch_columns(DemandStats.objects.filter(**in_range), sku_id=int, warehouse_id=int, cv=float)
    )

    has_forecast = grid.scatter(forecast_cell, np.ones(len(forecast_cell), dtype=bool), False)
    has_history = ~np.isnan(history)
    stocked = has_forecast | has_history
    stocked.reshape(-1)[stock_cell] = True
    stocked.reshape(-1)[orders.cell] = True
    return SkuChunk(
        after=after,
        last_key=last_key,
        is_last=is_last,
        sku_ids=grid.sku_ids,
        supplier_ids=[None if np.isnan(pk) else int(pk) for pk in skus[1]],
        status=skus[2],
        abc=skus[3],
        xyz=skus[4],
        unit_cost=skus[5],
        currency=skus[6],
        stocked=stocked,
        order_references=references,
        inputs=Inputs(
            month=plan.month.month,
            days=plan.days,
            z=plan.z,
            service_levels=plan.policy.service_levels,
            on_hand=grid.scatter(stock_cell, on_hand, 0.0),
            orders=orders,
            has_forecast=has_forecast,
            forecast=grid.scatter(forecast_cell, forecast, np.nan),
            confidence=grid.scatter(forecast_cell, confidence, np.nan),
            has_history=has_history,
            history=history,
            cv=grid.scatter(cv_cell, cv, plan.policy.default_cv),
            lead_times=_lead_times(plan, skus[1]),
            abc=_codes(skus[3], ABC),
            xyz=_codes(skus[4], XYZ),
            moq=skus[7][:, None],
            multiple=skus[8][:, None],
            maximum=skus[9][:, None],
            death_row=(skus[2] == Sku.Status.DEATH_ROW)[:, None],
            **_seasons(grid, in_range),
            **_stockouts(plan, grid, in_range),
        ),
    )


def _skus(plan: Plan, after: int, limit: int) -> list[Array]:
    rows = plan.skus().filter(id__gt=after).order_by("id")
    return fetch_columns(
        rows,
        limit=limit,
        id=int,
        supplier_id=float,
        status=object,
        abc=object,
        xyz=object,
        unit_cost=float,
        currency=object,
        moq=float,
        order_multiple=float,
        max_order_qty=float,
    )


def _open_orders(plan: Plan, grid: Grid, in_range: dict[str, Any]) -> tuple[OpenOrders, Array]:
    rows = PendingOrder.objects.filter(status__in=PendingOrder.OPEN, **in_range)
    cell, (reference, quantity, ordered, arrival, is_estimated) = grid.place(
        fetch_columns(
            rows,
            sku_id=int,
            warehouse_id=int,
            reference=object,
            quantity=float,
            order_date="datetime64[D]",
            expected_arrival="datetime64[D]",
            is_estimated=bool,
        )
    )
    # The order in which weights are added must not depend on the database.
    order = np.lexsort((reference.astype(str), ordered, arrival, cell))
    today = np.datetime64(plan.as_of)
    days = (arrival[order] - today).astype(np.float64)
    orders = OpenOrders(
        cell=cell[order],
        quantity=quantity[order],
        ordered=(ordered[order] - today).astype(np.float64),
        arrival=np.where(np.isnat(arrival[order]), np.nan, days),
        is_estimated=is_estimated[order],
    )
    return orders, reference[order]


def _newest_forecasts(in_range: dict[str, Any]) -> list[Array]:
    rows = ForecastDetail.objects.filter(run__status=ForecastRun.Status.COMPLETED, **in_range)
    newest = _newest_per_pair(rows, F("run__forecast_date").desc(), F("run_id").desc(), count=1)
    return fetch_columns(newest, sku_id=int, warehouse_id=int, avg_monthly_qty=float, confidence=float)


def _history(plan: Plan, grid: Grid, in_range: dict[str, Any]) -> Floats:
    rows = MonthlySales.objects.filter(month__lte=plan.month, **in_range)
    types: dict[str, Any] = {
        "sku_id": int,
        "warehouse_id": int,
        "month": "datetime64[D]",
        "units_sold": float,
        "stockout_days": float,
        "corrected_demand": float,
    }
    if plan.policy.history_months == 1:
        table = as_arrays(_last_month_of_each_pair(rows, list(types)), types)
    else:
        table = fetch_columns(_newest_per_pair(rows, F("month").desc(), count=plan.policy.history_months), **types)
    cell, (month, units_sold, stockout_days, given) = grid.place(table)
    order = np.lexsort((month, cell))
    days = _days_in_months(month)
    demand = correct_demand(units_sold, stockout_days, days, given, policy=plan.policy)
    return mean_per_cell(cell[order], demand[order], n_cells=grid.size).reshape(grid.shape)


def _seasons(grid: Grid, in_range: dict[str, Any]) -> dict[str, Array]:
    rows = SeasonalPattern.objects.filter(significant=True, **in_range)
    cell, (strength, confidence, months) = grid.place(
        fetch_columns(rows, sku_id=int, warehouse_id=int, strength=float, confidence=float, peak_months=object)
    )
    return {
        "peak_months": grid.scatter(cell, _month_bits(months), 0),
        "strength": grid.scatter(cell, strength, np.nan),
        "season_confidence": grid.scatter(cell, confidence, np.nan),
        "significant": grid.scatter(cell, np.ones(len(cell), dtype=bool), False),
    }


def _stockouts(plan: Plan, grid: Grid, in_range: dict[str, Any]) -> dict[str, Array]:
    rows = StockoutPattern.objects.filter(**in_range)
    row, (kind, months, frequency, confidence) = grid.place_skus(
        fetch_columns(rows, sku_id=int, pattern_type=object, months=object, frequency=float, confidence=object)
    )
    chronic = np.zeros((grid.shape[0], 1), dtype=bool)
    is_chronic = (kind == StockoutPattern.Type.CHRONIC) & (frequency > plan.policy.chronic_stockout_above)
    chronic[row[is_chronic & (confidence == StockoutPattern.Confidence.HIGH)]] = True

    seasonal = kind == StockoutPattern.Type.SEASONAL
    bits = np.zeros((grid.shape[0], 1), dtype=np.int64)
    bits[row[seasonal], 0] = _month_bits(months[seasonal])
    share = np.full((grid.shape[0], 1), np.nan)
    share[row[seasonal], 0] = frequency[seasonal]
    trusted = np.zeros((grid.shape[0], 1), dtype=bool)
    trusted[row[seasonal & (confidence != StockoutPattern.Confidence.LOW)]] = True
    return {"chronic": chronic, "stockout_months": bits, "stockout_frequency": share, "stockout_trusted": trusted}


def _lead_times(plan: Plan, supplier_id: Floats) -> LeadTimes:
    without = len(plan.supplier_ids)
    number, found = find(plan.supplier_ids, np.where(np.isnan(supplier_id), -1, supplier_id).astype(np.int64))
    return plan.lead_times.of_suppliers(np.where(found, number, without))


def _newest_per_pair(rows: "models.QuerySet[Any]", *newest_first: Any, count: int) -> "models.QuerySet[Any]":
    rank = Window(RowNumber(), partition_by=[F("sku_id"), F("warehouse_id")], order_by=list(newest_first))
    newest: models.QuerySet[Any] = rows.annotate(rank=rank).filter(rank__lte=count)
    return newest


def _last_month_of_each_pair(rows: "models.QuerySet[Any]", columns: list[str]) -> list[tuple[Any, ...]]:
    """The join that the ORM has no words for: the maximum comes from the index alone.

    77 ms where ranking the same 113,000 rows with a window takes 179 ms (MariaDB 10.11).
    """
    newest = rows.order_by().values("sku_id", "warehouse_id").annotate(newest=Max("month"))
    inner, params = newest.query.get_compiler(connection=connection).as_sql()
    table = connection.ops.quote_name(rows.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(f'sales.{name}' for name in columns)} FROM ({inner}) last JOIN {table} sales "
            "ON sales.sku_id = last.sku_id AND sales.warehouse_id = last.warehouse_id AND sales.month = last.newest",
            params,
        )
        return list(cursor.fetchall())


def _codes(letters: Array, numbers: dict[str, int]) -> Ints:
    codes = np.full((len(letters), 1), -1, dtype=np.int64)
    for letter, number in numbers.items():
        codes[letters == letter] = number
    return codes


def _month_bits(texts: Array) -> Ints:
    """`4,5,12` to a number with bits 3, 4 and 11 set, once per distinct text."""
    distinct, inverse = np.unique(texts.astype(str), return_inverse=True)
    bits = [sum(1 << (month - 1) for month in parse_months(text)) for text in distinct.tolist()]
    return np.array(bits, dtype=np.int64)[inverse] if len(distinct) else np.empty(0, dtype=np.int64)


def _days_in_months(months: Array) -> Floats:
    distinct, inverse = np.unique(months, return_inverse=True)
    firsts: list[dt.date] = distinct.tolist()
    days = [calendar.monthrange(first.year, first.month)[1] for first in firsts]
    return np.array(days, dtype=np.float64)[inverse] if firsts else np.empty(0)
