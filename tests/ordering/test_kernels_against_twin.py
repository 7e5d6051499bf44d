"""Thousands of random pairs through the kernels and, one by one, through the method in plain Python."""

import datetime as dt
import functools
import math
from collections import Counter
from dataclasses import asdict, replace
from statistics import NormalDist

import numpy as np
import pytest

from ordering.kernels import (
    Constraint,
    DemandSourceCode,
    Inputs,
    LeadTimeSourceCode,
    Lines,
    OpenOrders,
    OrderClass,
    Policy,
    Problem,
    UrgencyCode,
    choose_lead_times,
    correct_demand,
    mean_per_cell,
    recommend,
)
from tests.ordering.plain_method import (
    Line,
    OpenOrder,
    Pair,
    Rules,
    SalesMonth,
    SeasonalPattern,
    Statistics,
    StockoutPattern,
    days_of,
    is_chronic,
    recommend_pair,
)

STANDARD = Rules()
CHANGED = Rules(
    history_months=3,
    review_days=14,
    confidence_floor=0.4,
    confidence_full=0.9,
    min_availability=0.4,
    max_correction=2.0,
    default_cv=0.3,
    default_reliability=0.6,
    default_lead_time_days=45.5,
    overdue_weight=0.7,
    imminent_weight=0.9,
    covered_decay=0.5,
    estimated_weight=0.75,
    x_below_cv=0.2,
    y_up_to_cv=0.6,
    strong_season_factor=1.5,
    weak_season_factor=1.1,
    strong_season_from=0.6,
    weak_season_above=0.2,
    season_confidence_above=0.5,
    seasonal_stockout_above=40.0,
    service_levels={"A": (0.995, 0.985, 0.975), "B": (0.96, 0.94, 0.92), "C": (0.91, 0.85, 0.7)},
)
RUNS = [
    (STANDARD, dt.date(2026, 2, 1), dt.date(2026, 1, 20)),
    (STANDARD, dt.date(2028, 2, 1), dt.date(2028, 2, 10)),
    (STANDARD, dt.date(2026, 6, 1), dt.date(2026, 6, 1)),
    (STANDARD, dt.date(2026, 12, 1), dt.date(2026, 11, 20)),
    (CHANGED, dt.date(2026, 11, 1), dt.date(2026, 11, 3)),
    (CHANGED, dt.date(2026, 12, 1), dt.date(2026, 12, 31)),
]
SKUS, WAREHOUSES, SUPPLIERS = 400, 4, 30
ABC, XYZ = ("A", "B", "C", None), ("X", "Y", "Z", None)


def policy_of(rules: Rules) -> Policy:
    numbers = asdict(rules)
    levels = numbers.pop("service_levels")
    named = {f"service_level_{abc}{xyz}".lower(): levels[abc]["XYZ".index(xyz)] for abc in "ABC" for xyz in "XYZ"}
    return Policy(**numbers, **named)


def random_books(
    rng: np.random.Generator, rules: Rules, month: dt.date, as_of: dt.date, skus: int = SKUS
) -> list[list[Pair]]:
    """One row per SKU; values often lie exactly on a threshold and now and then cannot be used."""
    suppliers = [random_supplier(rng) for _ in range(SUPPLIERS)]
    return [
        [random_pair(rng, pair, rules, month, as_of) for pair in supplied(random_sku(rng), *one_of(rng, *suppliers))]
        for _ in range(skus)
    ]


def supplied(sku: Pair, statistics: list[Statistics], default: float | None) -> list[Pair]:
    """The SKU in each warehouse, with its supplier's lead times seen from there."""
    return [
        replace(
            sku,
            own_statistics=own,
            other_statistics=(*statistics[:warehouse], *statistics[warehouse + 1 :]),
            supplier_default=default,
        )
        for warehouse, own in enumerate(statistics)
    ]


def one_of(rng, *values):
    return values[rng.integers(len(values))]


def random_supplier(rng) -> tuple[list[Statistics], float | None]:
    known = one_of(rng, 0.0, 0.3, 1.0)
    statistics = [random_statistics(rng) if rng.random() < known else Statistics() for _ in range(WAREHOUSES)]
    if rng.random() < 0.1:
        statistics[0] = replace(statistics[0], mean=one_of(rng, -1.0, math.inf, 3651.0))
    return statistics, one_of(rng, None, 0.0, 21.0, 30.0, 45.5, 60.0)


def random_statistics(rng) -> Statistics:
    mean = float(one_of(rng, 0.0, 14.0, 20.0 + 1e-10, 30.5, rng.uniform(1, 120)))
    everything = Statistics(mean, float(rng.uniform(0, mean)), mean * 1.5 + 1, float(rng.uniform(0, 1)))
    return one_of(
        rng,
        everything,
        everything,
        everything,
        replace(everything, mean=None, std=None, reliability=None),
        replace(everything, mean=None),
        replace(everything, std=None, reliability=None),
        replace(everything, std=math.inf) if rng.random() < 0.1 else everything,
    )


def random_sku(rng) -> Pair:
    moq = float(one_of(rng, 0, 0, 1, 40, rng.integers(1, 600)))
    return Pair(
        abc=one_of(rng, *ABC),
        xyz=one_of(rng, *XYZ),
        moq=moq,
        multiple=float(one_of(rng, 1, 1, 1, 6, 12, 0 if rng.random() < 0.1 else 144)),
        maximum=one_of(rng, None, None, None, float(rng.integers(0, 50)), float(rng.integers(1, 2000))),
        death_row=bool(rng.random() < 0.2),
        chronic_stockouts=random_stockouts(rng, (70.0, 70.1)),
        seasonal_stockouts=random_stockouts(rng, (40.0, 50.0, 50.1)),
    )


def random_stockouts(rng, thresholds) -> StockoutPattern | None:
    if rng.random() < 0.3:
        return None
    frequency = float(one_of(rng, *thresholds, rng.uniform(30, 100)))
    return StockoutPattern(frequency, one_of(rng, "low", "medium", "high"), random_months(rng))


def random_months(rng) -> frozenset[int]:
    if rng.random() < 0.1:
        return frozenset({1})
    return frozenset(rng.choice(np.arange(1, 13), rng.integers(1, 4), replace=False).tolist())


def random_pair(rng, sku: Pair, rules: Rules, month: dt.date, as_of: dt.date) -> Pair:
    size = float(10 ** rng.uniform(-1, 3.5))
    forecast = one_of(rng, None, 0.0, 30.0, size, size, size, size)
    confidence = None if forecast is None else float(one_of(rng, 0.4, 0.5, 0.75, 0.9, 0.0, 1.0, rng.uniform(0, 1)))
    pair = replace(
        sku,
        on_hand=int(size * rng.uniform(-0.5, 6)),
        orders=random_orders(rng, size, rules.review_days, as_of),
        forecast=forecast,
        confidence=confidence,
        sales=random_sales(rng, size, rules, month),
        cv=one_of(rng, None, 0.0, 0.2, 0.25, 0.5, 0.6, float(rng.uniform(0, 1.5)), float(rng.uniform(0, 1.5))),
        season=random_season(rng),
    )
    return spoiled(rng, pair) if rng.random() < 0.06 else pair


def random_orders(rng, size, review_days, as_of) -> tuple[OpenOrder, ...]:
    days = [
        int(one_of(rng, -1, 0, review_days, review_days + 1, rng.integers(-40, 150))) for _ in range(rng.poisson(1))
    ]
    ordered = [as_of - dt.timedelta(days=int(rng.integers(-45, 90))) for _ in days]
    return tuple(
        OpenOrder(
            quantity=int(rng.integers(0, 1 + max(10, int(size)))),
            order_date=date,
            arrival=None if rng.random() < 0.3 else as_of + dt.timedelta(days=t),
            is_estimated=bool(rng.random() < 0.3),
        )
        for t, date in zip(days, ordered, strict=True)
    )


def random_sales(rng, size, rules: Rules, month: dt.date) -> tuple[SalesMonth, ...]:
    sales = []
    for back in range(rng.integers(0, rules.history_months + 1)):
        sold = dt.date(month.year - 1, 12 - back, 1)
        units = float(rng.poisson(size)) if rng.random() < 0.9 else 0.0
        given = float(rng.uniform(0, 2 * size)) if rng.random() < 0.2 else None
        sales.append(SalesMonth(sold, units, int(one_of(rng, 0, 0, 3, 12, 18, 21, 22, 31)), given))
    return tuple(sales)


def random_season(rng) -> SeasonalPattern | None:
    if rng.random() < 0.3:
        return None
    return SeasonalPattern(
        peak_months=random_months(rng),
        strength=float(one_of(rng, 0.2, 0.3, 0.5, 0.6, rng.uniform(0, 1))),
        confidence=float(one_of(rng, 0.5, 0.6, 0.8, rng.uniform(0.4, 1))),
        significant=bool(rng.random() < 0.8),
    )


def spoiled(rng, pair: Pair) -> Pair:
    kind = rng.integers(4)
    if kind == 0:
        return replace(pair, cv=one_of(rng, math.nan, math.inf, -0.1))
    if kind == 1 and pair.forecast is not None:
        return replace(pair, forecast=one_of(rng, math.nan, math.inf, -1.0, 1e12))
    if kind == 2 and pair.forecast is not None:
        return replace(pair, confidence=one_of(rng, math.nan, math.inf, -0.01, 1.01))
    sold = one_of(rng, math.nan, math.inf, -1.0)
    return replace(pair, sales=tuple(replace(sale, units_sold=sold, corrected_demand=None) for sale in pair.sales))


def as_inputs(books: list[list[Pair]], policy: Policy, month: dt.date, as_of: dt.date) -> Inputs:
    skus, pairs = [row[0] for row in books], [pair for row in books for pair in row]
    levels = policy.service_levels

    def grid(values, dtype=np.float64):
        return np.array(values, dtype=dtype).reshape(len(books), -1)

    seasons = [pair.season or SeasonalPattern(frozenset(), math.nan, math.nan, False) for pair in pairs]
    chronic = [sku.chronic_stockouts or StockoutPattern(math.nan, "low") for sku in skus]
    stockouts = [sku.seasonal_stockouts or StockoutPattern(math.nan, "low") for sku in skus]
    return Inputs(
        month=month.month,
        days=days_of(month),
        z=np.array([[NormalDist().inv_cdf(level) for level in row] for row in levels]),
        service_levels=levels,
        on_hand=grid([pair.on_hand for pair in pairs]),
        orders=orders_of(pairs, as_of),
        has_forecast=grid([pair.forecast is not None for pair in pairs], bool),
        forecast=grid([pair.forecast for pair in pairs]),
        confidence=grid([pair.confidence for pair in pairs]),
        has_history=grid([bool(pair.sales) for pair in pairs], bool),
        history=grid(history_of(pairs, policy)),
        cv=grid([policy.default_cv if pair.cv is None else pair.cv for pair in pairs]),
        lead_times=lead_times_of(books, policy),
        abc=grid([-1 if sku.abc is None else "ABC".index(sku.abc) for sku in skus], np.int64),
        xyz=grid([-1 if sku.xyz is None else "XYZ".index(sku.xyz) for sku in skus], np.int64),
        moq=grid([sku.moq for sku in skus]),
        multiple=grid([sku.multiple for sku in skus]),
        maximum=grid([sku.maximum for sku in skus]),
        death_row=grid([sku.death_row for sku in skus], bool),
        chronic=grid([s.confidence == "high" and s.frequency > policy.chronic_stockout_above for s in chronic], bool),
        peak_months=grid([month_bits(season.peak_months) for season in seasons], np.int64),
        strength=grid([season.strength for season in seasons]),
        season_confidence=grid([season.confidence for season in seasons]),
        significant=grid([season.significant for season in seasons], bool),
        stockout_months=grid([month_bits(pattern.months) for pattern in stockouts], np.int64),
        stockout_frequency=grid([pattern.frequency for pattern in stockouts]),
        stockout_trusted=grid([pattern.confidence != "low" for pattern in stockouts], bool),
    )


def month_bits(months) -> int:
    return sum(1 << (month - 1) for month in months)


def lead_times_of(books, policy):
    """As if each SKU had a supplier of its own."""

    def table(name):
        return np.array([[getattr(pair.own_statistics, name) for pair in row] for row in books], dtype=np.float64)

    defaults = np.array([row[0].supplier_default for row in books], dtype=np.float64)
    return choose_lead_times(table("mean"), table("std"), table("p95"), table("reliability"), defaults, policy=policy)


def history_of(pairs, policy):
    rows = [
        (cell, sale.units_sold, sale.stockout_days, days_of(sale.month), sale.corrected_demand)
        for cell, pair in enumerate(pairs)
        for sale in pair.sales
    ]
    cell, *columns = np.array(rows, dtype=np.float64).T
    return mean_per_cell(cell.astype(np.int64), correct_demand(*columns, policy=policy), n_cells=len(pairs))


def orders_of(pairs, as_of) -> OpenOrders:
    rows = [
        (
            cell,
            order.quantity,
            (order.order_date - as_of).days,
            (order.arrival - as_of).days if order.arrival else math.nan,
            order.is_estimated,
        )
        for cell, pair in enumerate(pairs)
        for order in pair.orders
    ]
    cell, quantity, ordered, arrival, is_estimated = np.array(rows, dtype=np.float64).T
    return OpenOrders(cell.astype(np.int64), quantity, ordered, arrival, is_estimated.astype(bool))


def numbers_of(inputs: Inputs, lines: Lines, month: dt.date, as_of: dt.date) -> dict[str, list]:
    """The kernels' arrays under the twin's names, flat, in the twin's words."""

    def words(code, values):
        return [code(value).name.lower() for value in values.ravel().tolist()]

    demand, levels, decision, lead = lines.demand, lines.levels, lines.decision, inputs.lead_times
    arrays = {
        "monthly_demand": demand.monthly,
        "forecast_weight": demand.weight,
        "daily_demand": lines.daily_demand,
        "lead_time": lead.days,
        "lead_time_std": lead.std_days,
        "reliability": lead.reliability,
        "pending_raw": lines.pending_raw,
        "pending_effective": lines.pending_effective,
        "overdue_count": lines.overdue_count,
        "position": lines.position,
        "service_level": lines.service_level,
        "seasonal": lines.seasonal,
        "safety_stock": levels.safety_stock,
        "reorder_point": levels.reorder_point,
        "order_up_to": levels.order_up_to,
        "need": decision.need,
        "suggested": decision.suggested,
        "pull_forward": decision.pull_forward,
        "coverage_days": lines.coverage_days,
        "coverage_months_after": lines.coverage_months_after,
    }
    first_day = max(month, as_of)
    return {name: [none_if_nan(value) for value in values.ravel().tolist()] for name, values in arrays.items()} | {
        "demand_source": words(DemandSourceCode, demand.source),
        "lead_time_source": words(LeadTimeSourceCode, lead.source),
        "urgency": words(UrgencyCode, decision.urgency),
        "constraints": [flags(Constraint, bits) for bits in decision.constraints.ravel().tolist()],
        "problems": [flags(Problem, bits) for bits in lines.problems.ravel().tolist()],
        "stockout_risk_date": [risk_date(as_of, days) for days in lines.coverage_days.ravel().tolist()],
        "expected_arrival": [later(first_day, days) for days in lines.arrival_days.ravel().tolist()],
        "breakdown": breakdowns(inputs, lines, as_of),
    }


def none_if_nan(value):
    return None if math.isnan(value) else value


def flags(kind, bits) -> frozenset[str]:
    return frozenset(flag.name.lower() for flag in kind if flag & bits)


def later(date, days):
    return date + dt.timedelta(days=int(days)) if abs(days) < 1e6 else None


def risk_date(as_of, coverage_days):
    date = later(as_of, math.floor(coverage_days)) if math.isfinite(coverage_days) else None
    return date if date and date <= as_of.replace(year=as_of.year + 10) else None


def breakdowns(inputs: Inputs, lines: Lines, as_of: dt.date) -> list[list[tuple]]:
    rows = [[] for _ in range(inputs.on_hand.size)]
    weighed = lines.orders
    arrays = (inputs.orders.cell, inputs.orders.quantity, weighed.arrival, weighed.order_class, weighed.weight)
    for cell, quantity, arrival, code, weight in zip(*(values.tolist() for values in arrays), strict=True):
        rows[cell].append((quantity, later(as_of, arrival), OrderClass(code).name.lower(), weight))
    return rows


def differences(line: Line, numbers: dict[str, list], cell: int) -> dict[str, tuple]:
    """What the twin and the kernels say differently about one cell: name, twin's, kernels'."""
    if line.problems or numbers["problems"][cell]:
        pairs = {"problems": (line.problems, numbers["problems"][cell])}
    else:
        pairs = {name: (getattr(line, name), values[cell]) for name, values in numbers.items()}
        twin, kernel = pairs.pop("breakdown")
        pairs |= {"orders": (len(twin), len(kernel))}
        for index, (order, other) in enumerate(zip(twin, kernel, strict=False)):
            mine = (order.quantity, order.arrival, order.order_class, order.weight)
            pairs |= {f"order {index} {part}": both for part, both in enumerate(zip(mine, other, strict=True))}
    return {name: both for name, both in pairs.items() if not same(*both)}


def same(twin, kernel) -> bool:
    if isinstance(twin, float) and isinstance(kernel, float):
        return math.isclose(twin, kernel, rel_tol=1e-12)
    return twin == kernel


@functools.cache
def compared() -> list[tuple[Pair, Line, dict]]:
    """Every random pair with the twin's line and how the kernels' differs."""
    rng = np.random.default_rng(20261201)
    results = []
    for rules, month, as_of in RUNS:
        books, policy = random_books(rng, rules, month, as_of), policy_of(rules)
        inputs = as_inputs(books, policy, month, as_of)
        numbers = numbers_of(inputs, recommend(inputs, policy=policy), month, as_of)
        for cell, pair in enumerate(pair for row in books for pair in row):
            line = recommend_pair(pair, month=month, as_of=as_of, rules=rules)
            results.append((pair, line, differences(line, numbers, cell)))
    return results


def test_the_kernels_agree_with_the_plain_method_in_every_number_of_every_pair():
    wrong = [(different, pair) for pair, _, different in compared() if different]

    assert len(compared()) == len(RUNS) * SKUS * WAREHOUSES
    assert wrong[:3] == []


def test_the_policy_and_the_method_have_the_same_numbers_by_default():
    assert policy_of(STANDARD) == Policy()


def branches_taken(pair: Pair, line: Line):
    """Name of each branch of the method's tables that a pair went through."""
    yield from (f"problem {problem}" for problem in line.problems)
    if line.problems:
        return
    yield f"demand {line.demand_source}"
    yield f"lead time {line.lead_time_source}"
    yield f"base urgency {line.base_urgency}"
    yield f"urgency {line.urgency}"
    yield f"seasonal {line.seasonal}"
    yield f"class {line.service_class}"
    yield from (f"constraint {name}" for name in line.constraints)
    for order, weighed in zip(pair.orders, line.breakdown, strict=True):
        how = "undated" if order.arrival is None else "estimated" if order.is_estimated else "dated"
        yield f"{how} order {weighed.order_class}"
    if pair.abc is None:
        yield "class without ABC"
    if pair.xyz is None:
        yield f"class without XYZ, {line.service_class[1]}"
    if pair.death_row and line.base_urgency in ("should_order", "optional"):
        yield "death row dropped"
        if is_chronic(pair.chronic_stockouts, STANDARD):
            yield "death row not raised"
    elif line.base_urgency != line.urgency:
        yield f"raised to {line.urgency}"
    if pair.death_row and line.urgency == "must_order":
        yield "death row ordered"
    yield from rare_branches_taken(pair, line)


def rare_branches_taken(pair: Pair, line: Line):
    if line.lead_time_source == "measured" and pair.own_statistics.mean is None:
        yield "95th percentile alone"
    if line.seasonal == STANDARD.strong_season_factor and not pair.season.peak_months - {1}:
        yield "January's season in December"
    if line.seasonal == STANDARD.weak_season_factor and pair.season is None:
        yield "seasonal stockouts alone"
    if line.need > 0 and line.suggested == 0:
        yield "maximum below the multiple"
    if line.pull_forward > 0:
        yield f"pull forward of {line.urgency}"
    if line.position < 0:
        yield "backorders"
    if line.coverage_days is None:
        yield "nothing to cover"
    elif line.stockout_risk_date is None:
        yield "covered beyond ten years"


BRANCHES = [
    *(f"problem {problem.name.lower()}" for problem in Problem),
    *(f"demand {source}" for source in ("forecast", "blended", "historical", "none")),
    *(f"lead time {source}" for source in ("measured", "other_warehouse", "supplier_default", "policy_default")),
    *(f"base urgency {urgency}" for urgency in ("must_order", "should_order", "optional", "skip")),
    *(f"urgency {urgency}" for urgency in ("must_order", "should_order", "optional", "skip")),
    *(f"seasonal {factor}" for factor in (1.0, 1.2, 1.3)),
    *(f"class {abc}{xyz}" for abc in "ABC" for xyz in "XYZ"),
    *(f"constraint {name}" for name in ("moq", "multiple", "max")),
    *(
        f"{how} order {name}"
        for how in ("undated", "estimated", "dated")
        for name in ("overdue", "imminent", "covered", "future")
    ),
    "class without ABC",
    *(f"class without XYZ, {xyz}" for xyz in "XYZ"),
    *(
        "death row dropped",
        "death row not raised",
        "death row ordered",
        "raised to must_order",
        "raised to should_order",
    ),
    *(
        "95th percentile alone",
        "January's season in December",
        "seasonal stockouts alone",
        "maximum below the multiple",
    ),
    *(f"pull forward of {urgency}" for urgency in ("must_order", "should_order", "optional")),
    *("backorders", "nothing to cover", "covered beyond ten years"),
]


@functools.cache
def branch_counts() -> Counter[str]:
    return Counter(branch for pair, line, _ in compared() for branch in set(branches_taken(pair, line)))


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_random_pairs_reach_every_branch_of_the_method(branch):
    assert branch_counts()[branch] >= 5


def test_no_branch_of_the_method_is_left_out_of_the_list():
    changed = {f"seasonal {factor}" for factor in (CHANGED.weak_season_factor, CHANGED.strong_season_factor)}

    assert set(branch_counts()) - changed == set(BRANCHES)
