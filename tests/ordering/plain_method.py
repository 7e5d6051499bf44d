"""The ordering method for one SKU in one warehouse: scalars, dates and if-statements.

Slow on purpose. It is written from the description of the method and shares no code with the kernels,
so that it can check them.
"""

import calendar
import datetime as dt
import math
from dataclasses import dataclass, field
from statistics import NormalDist, fmean

ROUNDING = 1e-9
LONGEST_LEAD_TIME_DAYS = 3650
LARGEST_QUANTITY = 2**31 - 1
MORE_URGENT = {"optional": "should_order", "should_order": "must_order"}


@dataclass(frozen=True)
class Rules:
    """The numbers of the method that a manager may change."""

    history_months: int = 1
    review_days: int = 30
    confidence_floor: float = 0.5
    confidence_full: float = 0.75
    min_availability: float = 0.3
    max_correction: float = 1.5
    default_cv: float = 0.5
    default_reliability: float = 0.7
    default_lead_time_days: float = 30.0
    overdue_weight: float = 0.8
    imminent_weight: float = 1.0
    covered_decay: float = 0.2
    estimated_weight: float = 0.85
    x_below_cv: float = 0.25
    y_up_to_cv: float = 0.5
    strong_season_factor: float = 1.3
    weak_season_factor: float = 1.2
    strong_season_from: float = 0.5
    weak_season_above: float = 0.3
    season_confidence_above: float = 0.6
    seasonal_stockout_above: float = 50.0
    chronic_stockout_above: float = 70.0
    service_levels: dict[str, tuple[float, float, float]] = field(
        default_factory=lambda: {"A": (0.99, 0.98, 0.98), "B": (0.97, 0.95, 0.90), "C": (0.90, 0.90, 0.80)}
    )


@dataclass(frozen=True)
class SalesMonth:
    month: dt.date
    units_sold: float
    stockout_days: int = 0
    corrected_demand: float | None = None


@dataclass(frozen=True)
class Statistics:
    mean: float | None = None
    std: float | None = None
    p95: float | None = None
    reliability: float | None = None


@dataclass(frozen=True)
class OpenOrder:
    quantity: int
    order_date: dt.date
    arrival: dt.date | None = None
    is_estimated: bool = False


@dataclass(frozen=True)
class SeasonalPattern:
    peak_months: frozenset[int]
    strength: float
    confidence: float
    significant: bool = True


@dataclass(frozen=True)
class StockoutPattern:
    frequency: float
    confidence: str
    months: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Pair:
    """What is known about one SKU in one warehouse; None where nothing is."""

    on_hand: int = 0
    orders: tuple[OpenOrder, ...] = ()
    forecast: float | None = None
    confidence: float | None = None
    sales: tuple[SalesMonth, ...] = ()
    cv: float | None = None
    abc: str | None = None
    xyz: str | None = None
    moq: float = 0
    multiple: float = 1
    maximum: float | None = None
    death_row: bool = False
    own_statistics: Statistics = Statistics()
    other_statistics: tuple[Statistics, ...] = ()
    supplier_default: float | None = None
    season: SeasonalPattern | None = None
    chronic_stockouts: StockoutPattern | None = None
    seasonal_stockouts: StockoutPattern | None = None


@dataclass(frozen=True)
class WeighedOrder:
    quantity: int
    arrival: dt.date
    order_class: str
    weight: float


@dataclass(frozen=True)
class Line:
    problems: frozenset[str]
    demand_source: str = ""
    monthly_demand: float = 0.0
    forecast_weight: float | None = None
    daily_demand: float = 0.0
    lead_time: float = 0.0
    lead_time_std: float = 0.0
    lead_time_source: str = ""
    reliability: float = 0.0
    breakdown: tuple[WeighedOrder, ...] = ()
    pending_raw: int = 0
    pending_effective: int = 0
    overdue_count: int = 0
    position: int = 0
    service_class: str = ""
    service_level: float = 0.0
    seasonal: float = 1.0
    safety_stock: float = 0.0
    reorder_point: float = 0.0
    order_up_to: float = 0.0
    base_urgency: str = ""
    urgency: str = ""
    need: float = 0.0
    suggested: int = 0
    pull_forward: int = 0
    constraints: frozenset[str] = frozenset()
    coverage_days: float | None = None
    coverage_months_after: float | None = None
    stockout_risk_date: dt.date | None = None
    expected_arrival: dt.date | None = None


def recommend_pair(pair: Pair, *, month: dt.date, as_of: dt.date, rules: Rules) -> Line:
    """The order line of one pair for the month that begins on `month`, planned on `as_of`."""
    days = days_of(month)
    history = historical_demand(pair.sales, month, rules)
    cv = rules.default_cv if pair.cv is None else pair.cv
    lead_time, lead_time_std, reliability, lead_time_source = choose_lead_time(pair, rules)
    problems = find_problems(pair, history, cv, lead_time, lead_time_std)
    if problems:
        return Line(frozenset(problems))

    monthly, weight, demand_source = blend(pair.forecast, pair.confidence, history, rules)
    daily = monthly / days
    breakdown = tuple(weigh(order, as_of, lead_time, reliability, rules) for order in pair.orders)
    # Halves such as 0.85 times 10 must round up even where floats fall short of them.
    effective = math.floor(sum(order.weight * order.quantity for order in breakdown) + 0.5 + ROUNDING)
    position = pair.on_hand + effective

    service_class = (pair.abc or "C") + (pair.xyz or xyz_from(cv, rules))
    service_level = rules.service_levels[service_class[0]]["XYZ".index(service_class[1])]
    seasonal = seasonal_factor(pair, month.month, rules)
    sigma_daily = cv * monthly / math.sqrt(days)
    interval = lead_time + rules.review_days
    variance = interval * sigma_daily * sigma_daily + daily * daily * lead_time_std * lead_time_std
    safety_stock = NormalDist().inv_cdf(service_level) * math.sqrt(variance) * seasonal
    order_up_to = daily * interval + safety_stock
    after_next_review = order_up_to + daily * rules.review_days

    base = base_urgency(position, daily, daily * interval, order_up_to, after_next_review)
    chronic = is_chronic(pair.chronic_stockouts, rules) and not pair.death_row
    urgency = MORE_URGENT.get(base, base) if chronic else base
    if pair.death_row and urgency != "must_order":
        urgency = "skip"
    target = after_next_review if chronic else order_up_to
    need = target - position if urgency in ("must_order", "should_order") else 0.0
    suggested, constraints = round_order(need, pair.moq, pair.multiple, pair.maximum)
    filled_up, _ = round_order(after_next_review - position, pair.moq, pair.multiple, pair.maximum)
    pull_forward = 0 if urgency == "skip" else max(0, filled_up - suggested)
    if suggested + pull_forward > LARGEST_QUANTITY:
        return Line(frozenset({"quantity"}))

    coverage_days = max(position, 0) / daily if daily > 0 else None
    return Line(
        problems=frozenset(),
        demand_source=demand_source,
        monthly_demand=monthly,
        forecast_weight=weight,
        daily_demand=daily,
        lead_time=lead_time,
        lead_time_std=lead_time_std,
        lead_time_source=lead_time_source,
        reliability=reliability,
        breakdown=breakdown,
        pending_raw=sum(order.quantity for order in breakdown),
        pending_effective=effective,
        overdue_count=sum(order.order_class == "overdue" for order in breakdown),
        position=position,
        service_class=service_class,
        service_level=service_level,
        seasonal=seasonal,
        safety_stock=safety_stock,
        reorder_point=daily * lead_time + safety_stock,
        order_up_to=order_up_to,
        base_urgency=base,
        urgency=urgency,
        need=need,
        suggested=suggested,
        pull_forward=pull_forward,
        constraints=constraints,
        coverage_days=coverage_days,
        coverage_months_after=(max(position, 0) + suggested) / monthly if monthly > 0 else None,
        stockout_risk_date=risk_date(as_of, coverage_days),
        expected_arrival=max(as_of, month) + dt.timedelta(days=math.ceil(lead_time - ROUNDING)),
    )


def days_of(month: dt.date) -> int:
    return calendar.monthrange(month.year, month.month)[1]


def corrected_demand(sale: SalesMonth, rules: Rules) -> float:
    if sale.corrected_demand is not None:
        return sale.corrected_demand
    days = days_of(sale.month)
    availability = (days - sale.stockout_days) / days
    if availability >= rules.min_availability:
        return sale.units_sold / availability
    return min(sale.units_sold / rules.min_availability, rules.max_correction * sale.units_sold)


def historical_demand(sales: tuple[SalesMonth, ...], month: dt.date, rules: Rules) -> float | None:
    past = sorted((sale for sale in sales if sale.month <= month), key=lambda sale: sale.month)
    newest = past[-rules.history_months :]
    return fmean(corrected_demand(sale, rules) for sale in newest) if newest else None


def blend(
    forecast: float | None, confidence: float | None, history: float | None, rules: Rules
) -> tuple[float, float | None, str]:
    if forecast is None or confidence is None:
        return (0.0, None, "none") if history is None else (history, None, "historical")
    weight = (confidence - rules.confidence_floor) / (rules.confidence_full - rules.confidence_floor)
    weight = min(max(weight, 0.0), 1.0)
    if history is None or weight == 1:
        return forecast, weight, "forecast"
    if weight == 0:
        return history, weight, "historical"
    return weight * forecast + (1 - weight) * history, weight, "blended"


def choose_lead_time(pair: Pair, rules: Rules) -> tuple[float, float, float, str]:
    """L, sigma_L, r and where they come from."""
    own = from_statistics(pair.own_statistics, rules)
    if own:
        return *own, "measured"
    others = [numbers for other in pair.other_statistics if (numbers := from_statistics(other, rules))]
    if others:
        return *max(others, key=lambda numbers: numbers[0]), "other_warehouse"
    if pair.supplier_default is not None:
        return pair.supplier_default, 0.0, rules.default_reliability, "supplier_default"
    return rules.default_lead_time_days, 0.0, rules.default_reliability, "policy_default"


def from_statistics(statistics: Statistics, rules: Rules) -> tuple[float, float, float] | None:
    reliability = rules.default_reliability if statistics.reliability is None else statistics.reliability
    if statistics.mean is not None:
        return statistics.mean, statistics.std or 0.0, reliability
    if statistics.p95 is not None:
        return statistics.p95, 0.0, reliability
    return None


def weigh(order: OpenOrder, as_of: dt.date, lead_time: float, reliability: float, rules: Rules) -> WeighedOrder:
    arrival = order.arrival or order.order_date + dt.timedelta(days=math.ceil(lead_time - ROUNDING))
    t = (arrival - as_of).days
    interval = lead_time + rules.review_days
    if t < 0:
        order_class, weight = "overdue", rules.overdue_weight
    elif t <= rules.review_days:
        order_class, weight = "imminent", rules.imminent_weight
    elif t <= interval:
        order_class, weight = "covered", reliability * (1 - rules.covered_decay * t / interval)
    else:
        order_class, weight = "future", 0.0
    if order.is_estimated or order.arrival is None:
        weight *= rules.estimated_weight
    return WeighedOrder(order.quantity, arrival, order_class, weight)


def xyz_from(cv: float, rules: Rules) -> str:
    if cv < rules.x_below_cv:
        return "X"
    return "Y" if cv <= rules.y_up_to_cv else "Z"


def seasonal_factor(pair: Pair, month: int, rules: Rules) -> float:
    near = {month, month + 1 if month < 12 else 1}
    season, stockouts = pair.season, pair.seasonal_stockouts
    if season and season.significant and season.confidence > rules.season_confidence_above:
        if season.peak_months & near and season.strength >= rules.strong_season_from:
            return rules.strong_season_factor
        if season.peak_months & near and season.strength > rules.weak_season_above:
            return rules.weak_season_factor
    if stockouts and stockouts.frequency > rules.seasonal_stockout_above and stockouts.months & near:
        return rules.weak_season_factor if stockouts.confidence in ("medium", "high") else 1.0
    return 1.0


def base_urgency(position: int, daily: float, until_arrival: float, order_up_to: float, next_review: float) -> str:
    if daily <= 0:
        return "skip"
    if position < until_arrival:
        return "must_order"
    if position < order_up_to:
        return "should_order"
    return "optional" if position < next_review else "skip"


def is_chronic(stockouts: StockoutPattern | None, rules: Rules) -> bool:
    return (
        stockouts is not None and stockouts.confidence == "high" and stockouts.frequency > rules.chronic_stockout_above
    )


def round_order(need: float, moq: float, multiple: float, maximum: float | None) -> tuple[int, frozenset[str]]:
    """The quantity to order and which of the supplier's rules changed it."""
    if need <= 0:
        return 0, frozenset()
    changed_by = set()
    least = max(need, moq)
    if least != need:
        changed_by.add("moq")
    quantity = math.ceil(least / multiple - ROUNDING) * multiple
    if quantity != math.ceil(least - ROUNDING):
        changed_by.add("multiple")
    most = quantity if maximum is None else math.floor(maximum / multiple) * multiple
    if quantity > most:
        changed_by.add("max")
        quantity = most
    return int(quantity), frozenset(changed_by)


def risk_date(as_of: dt.date, coverage_days: float | None) -> dt.date | None:
    in_ten_years = as_of.replace(year=as_of.year + 10)
    if coverage_days is None or coverage_days >= (in_ten_years - as_of).days + 1:
        return None
    return as_of + dt.timedelta(days=math.floor(coverage_days))


def find_problems(pair: Pair, history: float | None, cv: float, lead_time: float, lead_time_std: float) -> set[str]:
    problems = set()
    if pair.forecast is not None and not is_amount(pair.forecast):
        problems.add("forecast")
    if pair.confidence is not None and not 0 <= pair.confidence <= 1:
        problems.add("confidence")
    if history is not None and not is_amount(history):
        problems.add("history")
    if not is_amount(cv):
        problems.add("cv")
    if not is_amount(lead_time) or not is_amount(lead_time_std) or lead_time > LONGEST_LEAD_TIME_DAYS:
        problems.add("lead_time")
    if not pair.multiple >= 1:
        problems.add("multiple")
    return problems


def is_amount(value: float) -> bool:
    return math.isfinite(value) and value >= 0
