"""The demo's open orders and its stock, so that every urgency occurs about as often as in a real month."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ordering.kernels import Policy
from ordering.models import PendingOrder, Sku
from ordering.services.demo.catalogue import Skus
from ordering.services.demo.demand import Demand
from ordering.services.demo.partners import Partners, days_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_DATE = np.datetime64("NaT", "D")
DAYS_IN_MONTH = 365.25 / 12
REVIEW_DAYS = Policy().review_days
SHARE_THAT_COUNTS = 0.8  # of an open order, about what the method counts of it
ORDER_CHANCES = (0.38, 0.14, 0.05)  # of a pair's first, second and third order
STATUSES = {"ordered": 0.45, "shipped": 0.30, "received": 0.18, "cancelled": 0.07}
RUN_DOWN, PILED_UP = 0.14, 0.04  # share of pairs with too little stock and with far too much
BEYOND_INTERVAL = (66, 28)  # mean and spread of what the others cover beyond lead time and review period [days]


@dataclass(frozen=True)
class Orders:
    """The order lines as rows, and how much of them is to come, shape (n_skus, n_warehouses) [units]."""

    rows: pl.DataFrame
    coming: Floats


def draw_orders(rng: np.random.Generator, skus: Skus, demand: Demand, partners: Partners, *, as_of: dt.date) -> Orders:
    """Orders on time, overdue, with an estimated arrival or none at all, received and cancelled ones."""
    shape = (*demand.stocked.shape, len(ORDER_CHANCES))
    is_bought = (skus.status == Sku.Status.ACTIVE)[:, None, None]
    chance = np.array(ORDER_CHANCES) * np.where(is_bought, 1.0, 0.25)
    row, column, slot = np.nonzero((rng.random(shape) < chance) & demand.stocked[:, :, None])
    supplier, multiple = skus.supplier[row], skus.order_multiple[row]
    wanted = demand.coming[row, column] * rng.uniform(0.5, 2, len(row))
    quantity = np.ceil(np.maximum(skus.moq[row], wanted) / multiple).astype(np.int64) * multiple
    status = rng.choice(list(STATUSES), len(row), p=list(STATUSES.values()))

    is_open = np.isin(status, PendingOrder.OPEN)
    coming = np.zeros(demand.stocked.shape)
    np.add.at(coming, (row[is_open], column[is_open]), quantity[is_open].astype(np.float64))
    dates = _draw_dates(rng, partners.lead_time_days[supplier], status == PendingOrder.Status.RECEIVED, as_of)
    rows = dates.with_columns(
        reference=_references(dates["order_date"], supplier, slot),
        sku=pl.Series(row),
        warehouse=pl.Series(column),
        quantity=pl.Series(quantity),
        status=pl.Series(status),
    )
    return Orders(rows, coming)


def _draw_dates(rng: np.random.Generator, lead_time: Floats, is_done: Bools, as_of: dt.date) -> pl.DataFrame:
    """Received orders are older than their lead time; of the others a few are, and those are overdue."""
    count = len(lead_time)
    age = np.where(is_done, lead_time + rng.uniform(3, 120, count), lead_time * rng.uniform(0, 1.25, count))
    takes = np.maximum(1, lead_time * rng.normal(1, 0.08, count)).round()
    ordered = days_before(as_of, age)
    without_date = ~is_done & (rng.random(count) < 0.12)
    return pl.DataFrame(
        {
            "order_date": ordered,
            "expected_arrival": np.where(without_date, NO_DATE, ordered + takes.astype("timedelta64[D]")),
            "is_estimated": without_date | (rng.random(count) < 0.2),
        }
    )


def _references(ordered: pl.Series, supplier: Ints, slot: Ints) -> pl.Series:
    """One purchase order per supplier and day; the last digit keeps a pair's own orders apart."""
    parts = pl.DataFrame({"day": ordered, "supplier": supplier + 1, "slot": slot + 1})
    return parts.select(
        pl.format(
            "PO-{}-{}-{}",
            pl.col("day").dt.strftime("%y%m%d"),
            pl.col("supplier").cast(pl.String).str.zfill(4),
            "slot",
        )
    ).to_series()


def stock_rows(
    rng: np.random.Generator, skus: Skus, demand: Demand, partners: Partners, coming: Floats
) -> pl.DataFrame:
    shape = demand.stocked.shape
    interval = partners.lead_time_days[skus.supplier][:, None] + REVIEW_DAYS
    coverage_days = _coverage(rng, interval, shape)
    position = demand.coming / DAYS_IN_MONTH * coverage_days
    usual = np.maximum(0, position - SHARE_THAT_COUNTS * coming).round()
    leftover = rng.poisson(3, shape)
    backorder = -1 - rng.poisson(0.2 * demand.coming)
    is_dead = (demand.coming == 0) | (skus.status == Sku.Status.DISCONTINUED)[:, None]
    on_hand = np.where(is_dead, leftover, np.where(rng.random(shape) < 0.02, backorder, usual)).astype(np.int64)
    has_row = demand.stocked & (~demand.known | (rng.random(shape) >= 0.03))
    row, column = np.nonzero(has_row)
    return pl.DataFrame({"sku": row, "warehouse": column, "on_hand": on_hand[row, column]})


def _coverage(rng: np.random.Generator, interval: Floats, shape: tuple[int, ...]) -> Floats:
    """Days that stock and open orders last; `interval` is the lead time plus the review period [days]."""
    chance = rng.random(shape)
    run_down, piled_up = interval * rng.random(shape), interval * rng.lognormal(1.2, 0.5, shape)
    usual = interval + rng.normal(*BEYOND_INTERVAL, shape)
    return np.where(chance < RUN_DOWN, run_down, np.where(chance < RUN_DOWN + PILED_UP, piled_up, usual))
