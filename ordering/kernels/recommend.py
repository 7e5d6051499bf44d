"""The whole method for one block of SKUs: inputs in, order lines out."""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.decision import Decision, decide
from ordering.kernels.demand import Demand, blend_demand
from ordering.kernels.lead_time import LeadTimes
from ordering.kernels.open_orders import EPSILON, OpenOrders, WeighedOrders, round_half_up, weigh_open_orders
from ordering.kernels.policy import Policy
from ordering.kernels.stock import StockLevels, classify, seasonal_factor, stock_levels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LONGEST_LEAD_TIME_DAYS = 3650.0
LARGEST_QUANTITY = 2_147_483_647.0


class Problem(IntFlag):
    """Why a line gets no quantity."""

    FORECAST = 1
    CONFIDENCE = 2
    HISTORY = 4
    CV = 8
    LEAD_TIME = 16
    MULTIPLE = 32
    QUANTITY = 64


@dataclass(frozen=True)
class Inputs:
    """One block. Shape (n_skus, n_warehouses) unless said otherwise; per-SKU arrays are (n_skus, 1).

    Attributes
    ----------
    month, days : int, order month 1..12 and its calendar days
    z, service_levels : float64, shape (3, 3), rows A B C, columns X Y Z
    on_hand : float64 [units]
    orders : OpenOrders
    has_forecast, has_history : bool
    forecast, history : float64 [units/month]
    confidence : float64, 0..1
    cv : float64, defaults filled in
    lead_times : LeadTimes
    abc, xyz : int64 (n_skus, 1), -1 where missing
    moq, multiple, maximum : float64 (n_skus, 1) [units], maximum NaN where there is none
    death_row, chronic : bool (n_skus, 1)
    peak_months, strength, season_confidence, significant : see `seasonal_factor`
    stockout_months, stockout_frequency, stockout_trusted : (n_skus, 1), see `seasonal_factor`
    """

    month: int
    days: int
    z: Floats
    service_levels: Floats
    on_hand: Floats
    orders: OpenOrders
    has_forecast: Bools
    forecast: Floats
    confidence: Floats
    has_history: Bools
    history: Floats
    cv: Floats
    lead_times: LeadTimes
    abc: Ints
    xyz: Ints
    moq: Floats
    multiple: Floats
    maximum: Floats
    death_row: Bools
    chronic: Bools
    peak_months: Ints
    strength: Floats
    season_confidence: Floats
    significant: Bools
    stockout_months: Ints
    stockout_frequency: Floats
    stockout_trusted: Bools


@dataclass(frozen=True)
class Lines:
    """Shape (n_skus, n_warehouses), every number that an order line keeps. Where `problems` is not 0
    the numbers mean nothing.
    """

    demand: Demand
    daily_demand: Floats
    service_level: Floats
    seasonal: Floats
    orders: WeighedOrders
    pending_raw: Floats
    pending_effective: Floats
    overdue_count: Ints
    position: Floats
    levels: StockLevels
    decision: Decision
    coverage_days: Floats
    coverage_months_after: Floats
    arrival_days: Floats
    problems: Ints


def recommend(inputs: Inputs, *, policy: Policy) -> Lines:
    """Compute every line of the block. Bad input marks its own cell in `problems` and no other."""
    with np.errstate(all="ignore"):
        return _recommend(inputs, policy)


def _recommend(inputs: Inputs, policy: Policy) -> Lines:
    shape = inputs.on_hand.shape
    lead = inputs.lead_times
    cell = inputs.orders.cell
    orders = weigh_open_orders(
        inputs.orders, lead.days.reshape(-1)[cell], lead.reliability.reshape(-1)[cell], policy=policy
    )

    def per_cell(values: Floats) -> Floats:
        return np.bincount(cell, weights=values, minlength=inputs.on_hand.size).astype(np.float64).reshape(shape)

    pending_raw = per_cell(inputs.orders.quantity)
    pending_effective = round_half_up(per_cell(inputs.orders.quantity * orders.weight))
    position = inputs.on_hand + pending_effective

    demand = blend_demand(
        inputs.forecast, inputs.confidence, inputs.has_forecast, inputs.history, inputs.has_history, policy=policy
    )
    daily = demand.monthly / inputs.days
    row, column = classify(inputs.abc, inputs.xyz, inputs.cv, policy=policy)
    seasonal = np.broadcast_to(
        seasonal_factor(
            month=inputs.month,
            peak_months=inputs.peak_months,
            strength=inputs.strength,
            confidence=inputs.season_confidence,
            significant=inputs.significant,
            stockout_months=inputs.stockout_months,
            stockout_frequency=inputs.stockout_frequency,
            stockout_trusted=inputs.stockout_trusted,
            policy=policy,
        ),
        shape,
    )
    levels = stock_levels(
        daily_demand=daily,
        sigma_daily=inputs.cv * demand.monthly / np.sqrt(inputs.days),
        lead_time=lead.days,
        lead_time_std=lead.std_days,
        review=float(policy.review_days),
        z=inputs.z[row, column],
        seasonal=seasonal,
    )
    decision = decide(
        position=position,
        daily_demand=daily,
        lead_time=lead.days,
        review=float(policy.review_days),
        levels=levels,
        chronic=inputs.chronic,
        death_row=inputs.death_row,
        moq=inputs.moq,
        multiple=inputs.multiple,
        maximum=inputs.maximum,
    )
    available = np.maximum(position, 0)
    return Lines(
        demand=demand,
        daily_demand=daily,
        service_level=inputs.service_levels[row, column],
        seasonal=seasonal,
        orders=orders,
        pending_raw=pending_raw,
        pending_effective=pending_effective,
        overdue_count=per_cell((orders.arrival < 0).astype(np.float64)).astype(np.int64),
        position=position,
        levels=levels,
        decision=decision,
        coverage_days=np.where(daily > 0, available / daily, np.nan),
        coverage_months_after=np.where(daily > 0, (available + decision.suggested) / demand.monthly, np.nan),
        arrival_days=np.ceil(lead.days - EPSILON),
        problems=find_problems(inputs, levels, decision),
    )


def find_problems(inputs: Inputs, levels: StockLevels, decision: Decision) -> Ints:
    """Flags of `Problem`, shape (n_skus, n_warehouses); 0 where all input can be used."""

    def bad(values: Floats) -> Bools:
        return ~np.isfinite(values) | (values < 0)

    lead = inputs.lead_times
    flags = (
        Problem.FORECAST * (inputs.has_forecast & bad(inputs.forecast))
        + Problem.CONFIDENCE * (inputs.has_forecast & (bad(inputs.confidence) | (inputs.confidence > 1)))
        + Problem.HISTORY * (inputs.has_history & bad(inputs.history))
        + Problem.CV * bad(inputs.cv)
        + Problem.LEAD_TIME * (bad(lead.days) | bad(lead.std_days) | (lead.days > LONGEST_LEAD_TIME_DAYS))
        + Problem.MULTIPLE * ~(inputs.multiple >= 1)
    )
    quantities = decision.suggested + decision.pull_forward
    countable = (quantities <= LARGEST_QUANTITY) & np.isfinite(levels.order_up_to) & np.isfinite(decision.need)
    return np.asarray(flags + Problem.QUANTITY * ((flags == 0) & ~countable), dtype=np.int64)
