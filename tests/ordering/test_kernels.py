"""Each rule of the ordering method with numbers that fit in the head."""

import copy
import dataclasses
import math
from statistics import NormalDist

import numpy as np
import pytest

from ordering.kernels import (
    Constraint,
    DemandSourceCode,
    Inputs,
    LeadTimes,
    LeadTimeSourceCode,
    Lines,
    OpenOrders,
    OrderClass,
    Policy,
    Problem,
    StockLevels,
    UrgencyCode,
    blend_demand,
    choose_lead_times,
    classify,
    correct_demand,
    decide,
    mean_per_cell,
    recommend,
    round_order,
    seasonal_factor,
    stock_levels,
    weigh_open_orders,
)

POLICY = Policy()
NAN, INF = math.nan, math.inf
MUST, SHOULD, OPTIONAL, SKIP = UrgencyCode
MOQ, MULTIPLE, MAX = Constraint.MOQ, Constraint.MULTIPLE, Constraint.MAX
JUNE, JULY, DECEMBER, JANUARY = (1 << (month - 1) for month in (6, 7, 12, 1))


def z(service_level):
    return NormalDist().inv_cdf(service_level)


def a_block(shape=(1, 1), *, orders=(), lead_time=30.0, lead_time_std=0.0, reliability=0.7, **changes) -> Inputs:
    """10 units a day for 30 days, X by its cv of 0.2, nothing in stock; each argument is broadcast to the block."""
    service_levels = POLICY.service_levels
    per_pair = {
        "on_hand": 0.0,
        "has_forecast": True,
        "forecast": 300.0,
        "confidence": 1.0,
        "has_history": False,
        "history": NAN,
        "cv": 0.2,
        "peak_months": 0,
        "strength": NAN,
        "season_confidence": NAN,
        "significant": False,
    }
    per_sku = {
        "abc": -1,
        "xyz": -1,
        "moq": 0.0,
        "multiple": 1.0,
        "maximum": NAN,
        "death_row": False,
        "chronic": False,
        "stockout_months": 0,
        "stockout_frequency": NAN,
        "stockout_trusted": False,
    }
    once = {"month": 6, "days": 30, "z": np.vectorize(z)(service_levels), "service_levels": service_levels}
    lead = [np.broadcast_to(np.asarray(v, float), shape).copy() for v in (lead_time, lead_time_std, reliability)]
    cell, *order_columns = np.array(orders, dtype=np.float64).reshape(-1, 5).T
    return Inputs(
        **{name: changes.pop(name, value) for name, value in once.items()},
        **{name: np.broadcast_to(changes.pop(name, value), shape).copy() for name, value in per_pair.items()},
        **{name: np.broadcast_to(changes.pop(name, v), (shape[0], 1)).copy() for name, v in per_sku.items()},
        lead_times=LeadTimes(*lead, source=np.zeros(shape, dtype=np.int8)),
        orders=OpenOrders(cell.astype(np.int64), *order_columns[:3], order_columns[3].astype(bool)),
        **changes,
    )


def lines_of(shape=(1, 1), **changes) -> Lines:
    return recommend(a_block(shape, **changes), policy=POLICY)


def arrays(*columns):
    return [np.array(column) for column in columns]


@pytest.mark.parametrize(
    ("mean", "sd", "lead_time", "lead_time_sd", "review", "z_value", "safety_stock", "order_up_to", "digits"),
    [
        pytest.param(2500, 500, 2, 0, 4, z(0.90), 1570, 16_570, 0, id="Chopra and Meindl, periodic review"),
        pytest.param(30, 3, 7, 4, 0, 1.28, 153.94, 7 * 30 + 153.94, 2, id="variable lead time"),
        pytest.param(100, 30, 5, 0, 1, z(0.90), 94.17, 694.17, 2, id="daily review"),
        pytest.param(50, 8, 4, 0, 1, z(0.70 / 0.88), 14.76689, 264.76689, 5, id="Snyder and Shen, example 4.4"),
    ],
)
def test_published_stock_levels_are_reproduced(
    mean, sd, lead_time, lead_time_sd, review, z_value, safety_stock, order_up_to, digits
):
    levels = stock_levels(
        daily_demand=np.array([float(mean)]),
        sigma_daily=np.array([float(sd)]),
        lead_time=np.array([float(lead_time)]),
        lead_time_std=np.array([float(lead_time_sd)]),
        review=float(review),
        z=z_value,
    )

    assert round(levels.safety_stock[0], digits) == safety_stock
    assert round(levels.order_up_to[0], digits) == order_up_to
    assert levels.reorder_point[0] == pytest.approx(order_up_to - review * mean, abs=10**-digits)


@pytest.mark.parametrize(
    ("need", "moq", "multiple", "maximum", "quantity", "constraints"),
    [
        pytest.param(25, 0, 12, NAN, 36, MULTIPLE, id="published: pack size"),
        pytest.param(850, 1000, 1, NAN, 1000, MOQ, id="published: minimum"),
        pytest.param(19, 0, 3, 20, 18, MULTIPLE | MAX, id="published: multiple under a maximum"),
        pytest.param(0, 10, 12, NAN, 0, 0, id="nothing needed"),
        pytest.param(-5, 10, 12, 3, 0, 0, id="more than enough"),
        pytest.param(0.2, 0, 1, NAN, 1, 0, id="a fraction is one unit and no constraint"),
        pytest.param(24, 0, 12, NAN, 24, 0, id="already a multiple"),
        pytest.param(24.1, 0, 12, NAN, 36, MULTIPLE, id="a little over a multiple"),
        pytest.param(850, 850, 1, NAN, 850, 0, id="just the minimum"),
        pytest.param(7, 10, 12, NAN, 12, MOQ | MULTIPLE, id="minimum, then multiple"),
        pytest.param(30, 0, 10, 30, 30, 0, id="just the maximum"),
        pytest.param(31, 0, 10, 30, 30, MULTIPLE | MAX, id="over the maximum"),
        pytest.param(45, 0, 1, 30, 30, MAX, id="maximum without multiple"),
        pytest.param(5, 100, 1, 30, 30, MOQ | MAX, id="a maximum wins over the minimum"),
        pytest.param(7, 10, 12, 11, 0, MOQ | MULTIPLE | MAX, id="maximum below the multiple"),
        pytest.param(5, 0, 1, 0, 0, MAX, id="maximum of nothing"),
        pytest.param(120.0000000001, 0, 1, NAN, 120, 0, id="120.0000000001 is 120"),
        pytest.param(120.0000000001, 0, 12, NAN, 120, 0, id="120.0000000001 is ten dozen"),
        pytest.param(120.0001, 0, 1, NAN, 121, 0, id="120.0001 is 121"),
        pytest.param(120.0001, 0, 12, NAN, 132, MULTIPLE, id="120.0001 is eleven dozen"),
    ],
)
def test_an_order_is_rounded_to_what_the_supplier_accepts(need, moq, multiple, maximum, quantity, constraints):
    quantities, flags = round_order(
        np.array([float(need)]), moq=np.array(moq), multiple=np.array(multiple), maximum=np.array(maximum)
    )

    assert quantities.tolist() == [quantity]
    assert flags.tolist() == [constraints]


@pytest.mark.parametrize(
    ("forecast", "confidence", "history", "demand", "weight", "source"),
    [
        (100, 0.75, 60, 100, 1, DemandSourceCode.FORECAST),
        (100, 1.0, 60, 100, 1, DemandSourceCode.FORECAST),
        (100, 0.625, 60, 80, 0.5, DemandSourceCode.BLENDED),
        (100, 0.5625, 60, 70, 0.25, DemandSourceCode.BLENDED),
        (100, 0.5, 60, 60, 0, DemandSourceCode.HISTORICAL),
        (100, 0.0, 60, 60, 0, DemandSourceCode.HISTORICAL),
        (100, 0.75, NAN, 100, 1, DemandSourceCode.FORECAST),
        (100, 0.625, NAN, 100, 0.5, DemandSourceCode.FORECAST),
        (100, 0.1, NAN, 100, 0, DemandSourceCode.FORECAST),
        (0, 1.0, 60, 0, 1, DemandSourceCode.FORECAST),
        (NAN, NAN, 60, 60, NAN, DemandSourceCode.HISTORICAL),
        (NAN, NAN, NAN, 0, NAN, DemandSourceCode.NONE),
    ],
)
def test_demand_leans_on_the_forecast_as_far_as_it_is_trusted(forecast, confidence, history, demand, weight, source):
    forecasts, confidences, histories = arrays([forecast], [confidence], [history])

    blended = blend_demand(forecasts, confidences, ~np.isnan(forecasts), histories, ~np.isnan(histories), policy=POLICY)

    assert blended.monthly.tolist() == [demand]
    assert blended.source.tolist() == [source]
    np.testing.assert_array_equal(blended.weight, [weight])


@pytest.mark.parametrize(
    ("units_sold", "stockout_days", "days", "given", "corrected"),
    [
        pytest.param(90, 0, 30, NAN, 90, id="always in stock"),
        pytest.param(90, 15, 30, NAN, 180, id="in stock half of the month"),
        pytest.param(90, 21, 30, NAN, 300, id="availability just 0.3"),
        pytest.param(90, 22, 30, NAN, 135, id="under 0.3 never more than half as much again"),
        pytest.param(90, 31, 31, NAN, 135, id="out of stock all month"),
        pytest.param(0, 31, 31, NAN, 0, id="nothing sold"),
        pytest.param(90, 15, 30, 100, 100, id="given"),
        pytest.param(90, 15, 30, 0, 0, id="given as nothing"),
        pytest.param(81, 1, 28, NAN, 84, id="February"),
    ],
)
def test_sales_are_corrected_for_days_out_of_stock(units_sold, stockout_days, days, given, corrected):
    columns = [np.array([float(value)]) for value in (units_sold, stockout_days, days, given)]

    assert correct_demand(*columns, policy=POLICY) == pytest.approx([corrected], rel=1e-14)


def test_history_is_the_mean_of_each_pairs_months():
    means = mean_per_cell(np.array([2, 0, 2, 2]), np.array([1.0, 5.0, 2.0, 6.0]), n_cells=4)

    np.testing.assert_array_equal(means, [5, NAN, 3, NAN])


def test_no_sales_are_no_history():
    assert np.isnan(mean_per_cell(np.empty(0, dtype=np.int64), np.empty(0), n_cells=3)).tolist() == [True] * 3


def lead_times(mean=(NAN, NAN), std=(NAN, NAN), p95=(NAN, NAN), reliability=(NAN, NAN), default=NAN):
    tables = [np.array([row], dtype=np.float64) for row in (mean, std, p95, reliability)]
    chosen = choose_lead_times(*tables, np.array([default], dtype=np.float64), policy=POLICY)
    values = (chosen.days, chosen.std_days, chosen.reliability, chosen.source)
    return [tuple(row[column].item() for row in np.concatenate(values)) for column in range(len(mean))]


def test_a_measured_lead_time_comes_before_everything_else():
    first, second = lead_times((20, 40), (3, 5), (26, 55), (0.85, 0.875), default=10)

    assert first == (20, 3, 0.85, LeadTimeSourceCode.MEASURED)
    assert second == (40, 5, 0.875, LeadTimeSourceCode.MEASURED)


def test_a_percentile_alone_serves_without_a_deviation():
    assert lead_times(std=(4, NAN), p95=(26, NAN))[0] == (26, 0, 0.7, LeadTimeSourceCode.MEASURED)


def test_a_mean_without_deviation_has_none():
    assert lead_times(mean=(20, 30))[0] == (20, 0, 0.7, LeadTimeSourceCode.MEASURED)


def test_an_unmeasured_warehouse_takes_the_longest_of_the_others():
    chosen = lead_times((NAN, 20, 40), (NAN, 3, 5), (NAN, 26, 55), (NAN, 0.9, 0.6), default=10)

    assert chosen[0] == (40, 5, 0.6, LeadTimeSourceCode.OTHER_WAREHOUSE)
    assert [row[3] for row in chosen[1:]] == [LeadTimeSourceCode.MEASURED] * 2


def test_the_longest_of_the_others_may_be_a_percentile():
    chosen = lead_times((NAN, 20, NAN), (NAN, 3, NAN), (NAN, 26, 55), (NAN, 0.9, NAN))

    assert chosen[0] == (55, 0, 0.7, LeadTimeSourceCode.OTHER_WAREHOUSE)


def test_an_unmeasured_supplier_is_taken_at_its_word():
    assert lead_times(default=45) == [(45, 0, 0.7, LeadTimeSourceCode.SUPPLIER_DEFAULT)] * 2


def test_a_stated_lead_time_of_no_days_counts():
    assert lead_times(default=0)[0] == (0, 0, 0.7, LeadTimeSourceCode.SUPPLIER_DEFAULT)


def test_a_supplier_that_nothing_is_known_of_takes_the_policys_thirty_days():
    assert lead_times() == [(30, 0, 0.7, LeadTimeSourceCode.POLICY_DEFAULT)] * 2


def test_one_supplier_never_lends_its_lead_time_to_another():
    mean, nothing = np.array([[20.0, NAN], [NAN, NAN]]), np.full((2, 2), NAN)

    chosen = choose_lead_times(mean, nothing, nothing, nothing, np.array([NAN, 50.0]), policy=POLICY)

    assert chosen.days.tolist() == [[20, 20], [50, 50]]


def two_suppliers_at_two_warehouses():
    days, std_days, reliability = [[10.0, 11.0], [20.0, 21.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.1, 0.2], [0.3, 0.4]]
    return LeadTimes(*arrays(days, std_days, reliability, [[0, 1], [2, 3]]))


def test_skus_take_the_lead_times_of_their_suppliers():
    mine = two_suppliers_at_two_warehouses().of_suppliers(np.array([1, 0, 1]))

    assert mine.days.tolist() == [[20, 21], [10, 11], [20, 21]]
    assert mine.std_days.tolist() == [[3, 4], [1, 2], [3, 4]]
    assert mine.reliability.tolist() == [[0.3, 0.4], [0.1, 0.2], [0.3, 0.4]]
    assert mine.source.tolist() == [[2, 3], [0, 1], [2, 3]]


def test_a_run_for_one_warehouse_takes_its_lead_times_alone():
    mine = two_suppliers_at_two_warehouses().at_warehouses([1])

    assert mine.days.tolist() == [[11], [21]]
    assert mine.std_days.tolist() == [[2], [4]]
    assert mine.reliability.tolist() == [[0.2], [0.4]]
    assert mine.source.tolist() == [[1], [3]]


def weighed(arrival, *, ordered=0.0, is_estimated=False, lead_time=20.0, reliability=0.7):
    order = OpenOrders(*arrays([0], [1.0], [ordered], [float(arrival)], [is_estimated]))
    result = weigh_open_orders(order, np.array([lead_time]), np.array([reliability]), policy=POLICY)
    return result.arrival.item(), OrderClass(result.order_class.item()), result.weight.item()


CLASSES = [
    (-400, OrderClass.OVERDUE, 0.8),
    (-1, OrderClass.OVERDUE, 0.8),
    (0, OrderClass.IMMINENT, 1.0),
    (30, OrderClass.IMMINENT, 1.0),
    (31, OrderClass.COVERED, 0.7 * (1 - 0.2 * 31 / 50)),
    (50, OrderClass.COVERED, 0.56),
    (51, OrderClass.FUTURE, 0.0),
    (400, OrderClass.FUTURE, 0.0),
]


@pytest.mark.parametrize(("days", "order_class", "weight"), CLASSES)
def test_an_open_order_counts_by_the_days_until_it_arrives(days, order_class, weight):
    assert weighed(days) == (days, order_class, pytest.approx(weight, rel=1e-14))


@pytest.mark.parametrize(("days", "order_class", "weight"), CLASSES)
def test_an_estimated_arrival_takes_fifteen_percent_off(days, order_class, weight):
    assert weighed(days, is_estimated=True) == (days, order_class, pytest.approx(0.85 * weight, rel=1e-14))


@pytest.mark.parametrize(("days", "order_class", "weight"), CLASSES)
def test_an_undated_order_arrives_one_lead_time_after_it_was_placed(days, order_class, weight):
    undated = weighed(NAN, ordered=days - 20.0)

    assert undated == (days, order_class, pytest.approx(0.85 * weight, rel=1e-14))


def test_the_estimate_is_taken_off_once_for_an_undated_order():
    assert weighed(NAN, ordered=-20.0, is_estimated=True)[2] == 0.85


@pytest.mark.parametrize(("lead_time", "arrival"), [(20.0, 20), (20.2, 21), (20.0000000001, 20), (0.0, 0)])
def test_an_undated_order_arrives_on_a_whole_day(lead_time, arrival):
    assert weighed(NAN, lead_time=lead_time)[0] == arrival


def test_an_order_due_within_a_fraction_of_a_day_is_not_covered():
    assert weighed(51, lead_time=20.9)[1] == OrderClass.FUTURE
    assert weighed(51, lead_time=21.0)[1] == OrderClass.COVERED


def test_an_unreliable_supplier_counts_less_only_where_the_order_is_far():
    assert weighed(30, reliability=0.0)[2] == 1.0
    assert weighed(-1, reliability=0.0)[2] == 0.8
    assert weighed(40, reliability=0.0)[2] == 0.0


def test_orders_add_up_in_their_own_cell():
    orders = [(0, 100, -9, -3, False), (0, 50, -9, 10, False), (3, 7, -9, 0, False), (0, 40, -9, 200, False)]

    lines = lines_of((2, 2), orders=orders, on_hand=[[-100.0, 1.0], [2.0, 3.0]])

    assert lines.pending_raw.tolist() == [[190, 0], [0, 7]]
    assert lines.pending_effective.tolist() == [[130, 0], [0, 7]]
    assert lines.overdue_count.tolist() == [[1, 0], [0, 0]]
    assert lines.position.tolist() == [[30, 1], [2, 10]]
    assert lines.orders.weight.tolist() == [0.8, 1.0, 1.0, 0.0]


def test_each_order_is_weighed_by_its_own_lead_time_and_reliability():
    orders = [(cell, 100, 0, 40, False) for cell in (2, 0, 1)]

    lines = lines_of((3, 1), orders=orders, lead_time=[[10.0], [20.0], [5.0]], reliability=[[0.5], [1.0], [1.0]])

    assert lines.orders.order_class.tolist() == [OrderClass.FUTURE, OrderClass.COVERED, OrderClass.COVERED]
    assert lines.pending_effective.tolist() == [[40], [84], [0]]


@pytest.mark.parametrize(
    ("quantities", "effective"),
    [
        pytest.param([10], 9, id="8.5 is 9, not the even 8"),
        pytest.param([30], 26, id="25.5 is 26"),
        pytest.param([3, 3], 5, id="5.1, rounded once and not per order"),
        pytest.param([4], 3, id="3.4 is 3"),
    ],
)
def test_what_counts_of_open_orders_is_rounded_half_up(quantities, effective):
    lines = lines_of(orders=[(0, quantity, 0, 5, True) for quantity in quantities])

    assert lines.pending_effective.item() == effective


@pytest.mark.parametrize(
    ("abc", "xyz", "service_level"),
    [
        *[(0, 0, 0.99), (0, 1, 0.98), (0, 2, 0.98)],
        *[(1, 0, 0.97), (1, 1, 0.95), (1, 2, 0.90)],
        *[(2, 0, 0.90), (2, 1, 0.90), (2, 2, 0.80)],
        *[(-1, 0, 0.90), (-1, 1, 0.90), (-1, 2, 0.80)],
    ],
)
def test_the_service_level_follows_the_class(abc, xyz, service_level):
    lines = lines_of(abc=abc, xyz=xyz, cv=0.6)

    assert lines.service_level.item() == service_level
    safety_stock = z(service_level) * 0.6 * 300 / math.sqrt(30) * math.sqrt(60)
    assert lines.levels.safety_stock.item() == pytest.approx(safety_stock, rel=1e-12)


@pytest.mark.parametrize(("cv", "column"), [(0, 0), (0.2499, 0), (0.25, 1), (0.50, 1), (0.5001, 2), (3, 2)])
def test_a_missing_xyz_class_comes_from_the_cv(cv, column):
    row, found = classify(np.array([[1]]), np.array([[-1]]), np.array([[cv]]), policy=POLICY)

    assert (row.item(), found.item()) == (1, column)


def test_a_given_xyz_class_wins_over_the_cv():
    row, column = classify(np.array([[-1]]), np.array([[0]]), np.array([[0.9, 0.1]]), policy=POLICY)

    assert row.tolist() == [[2, 2]]
    assert np.broadcast_to(column, row.shape).tolist() == [[0, 0]]


STRONG = {"significant": True, "peak": JUNE, "strength": 0.5, "confidence": 0.7}
STOCKOUTS = {"stockouts": JUNE, "frequency": 50.1, "trusted": True}


@pytest.mark.parametrize(
    ("pattern", "month", "factor"),
    [
        pytest.param({}, 6, 1.0, id="no pattern"),
        pytest.param(STRONG, 6, 1.3, id="a peak this month"),
        pytest.param(STRONG, 5, 1.3, id="a peak next month"),
        pytest.param(STRONG, 7, 1.0, id="a peak last month"),
        pytest.param(STRONG, 4, 1.0, id="a peak the month after next"),
        pytest.param(STRONG | {"significant": False}, 6, 1.0, id="not significant"),
        pytest.param(STRONG | {"confidence": 0.6}, 6, 1.0, id="confidence just 0.6"),
        pytest.param(STRONG | {"confidence": 0.61}, 6, 1.3, id="confidence over 0.6"),
        pytest.param(STRONG | {"strength": 0.49}, 6, 1.2, id="strength under 0.5"),
        pytest.param(STRONG | {"strength": 0.31}, 6, 1.2, id="strength over 0.3"),
        pytest.param(STRONG | {"strength": 0.3}, 6, 1.0, id="strength just 0.3"),
        pytest.param(STRONG | {"strength": 0.49}, 8, 1.0, id="weak and over"),
        pytest.param(STRONG | {"peak": JANUARY}, 12, 1.3, id="January comes after December"),
        pytest.param(STRONG | {"peak": DECEMBER}, 12, 1.3, id="December in December"),
        pytest.param(STRONG | {"peak": DECEMBER}, 11, 1.3, id="December in November"),
        pytest.param(STRONG | {"peak": DECEMBER}, 1, 1.0, id="December is over in January"),
        pytest.param(STRONG | {"peak": JANUARY}, 1, 1.3, id="January in January"),
        pytest.param(STRONG | {"peak": DECEMBER | JULY}, 6, 1.3, id="one of two peaks"),
        pytest.param(STOCKOUTS, 6, 1.2, id="stockouts this month"),
        pytest.param(STOCKOUTS, 5, 1.2, id="stockouts next month"),
        pytest.param(STOCKOUTS, 7, 1.0, id="stockouts last month"),
        pytest.param(STOCKOUTS | {"stockouts": JANUARY}, 12, 1.2, id="stockouts in January after December"),
        pytest.param(STOCKOUTS | {"frequency": 50}, 6, 1.0, id="stockout frequency just 50"),
        pytest.param(STOCKOUTS | {"trusted": False}, 6, 1.0, id="stockouts of low confidence"),
        pytest.param(STRONG | STOCKOUTS, 6, 1.3, id="both, the higher one"),
        pytest.param(STRONG | {"strength": 0.4} | STOCKOUTS, 6, 1.2, id="both weak, once"),
        pytest.param(STRONG | {"strength": 0.2} | STOCKOUTS, 6, 1.2, id="stockouts beside a faint season"),
    ],
)
def test_a_season_raises_the_safety_stock(pattern, month, factor):
    plain = {"significant": False, "peak": 0, "strength": NAN, "confidence": NAN}
    plain |= {"stockouts": 0, "frequency": NAN, "trusted": False}
    given = {name: np.array([value]) for name, value in (plain | pattern).items()}

    factors = seasonal_factor(
        month=month,
        peak_months=given["peak"],
        strength=given["strength"],
        confidence=given["confidence"],
        significant=given["significant"],
        stockout_months=given["stockouts"],
        stockout_frequency=given["frequency"],
        stockout_trusted=given["trusted"],
        policy=POLICY,
    )

    assert factors.tolist() == [factor]


def test_the_season_raises_the_safety_stock_and_nothing_else():
    season = {"significant": True, "peak_months": JUNE, "strength": 0.9, "season_confidence": 0.9}

    plain, raised = lines_of().levels, lines_of(**season).levels

    extra = 0.3 * plain.safety_stock
    np.testing.assert_allclose(raised.safety_stock - plain.safety_stock, extra, rtol=1e-12)
    np.testing.assert_allclose(raised.reorder_point - plain.reorder_point, extra, rtol=1e-12)
    np.testing.assert_allclose(raised.order_up_to - plain.order_up_to, extra, rtol=1e-12)


def decided(position, *, daily=10.0, chronic=False, death_row=False, moq=0.0, multiple=1.0, maximum=NAN):
    """10 a day, L = R = 30, SS = 110: so 600 until the next arrival, S = 710, and 1010 with one more review period."""
    decision = decide(
        position=np.array([float(position)]),
        daily_demand=np.array([daily]),
        lead_time=np.array([30.0]),
        review=30.0,
        levels=StockLevels(*(np.array([level]) for level in (110.0, 410.0, 710.0))),
        chronic=np.array([chronic]),
        death_row=np.array([death_row]),
        moq=np.array([moq]),
        multiple=np.array([multiple]),
        maximum=np.array([maximum]),
    )
    return decision.urgency.item(), decision.need.item(), decision.suggested.item(), decision.pull_forward.item()


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (-40, (MUST, 750, 750, 300)),
        (0, (MUST, 710, 710, 300)),
        (599, (MUST, 111, 111, 300)),
        (599.5, (MUST, 110.5, 111, 300)),
        (600, (SHOULD, 110, 110, 300)),
        (709, (SHOULD, 1, 1, 300)),
        (710, (OPTIONAL, 0, 0, 300)),
        (1009, (OPTIONAL, 0, 0, 1)),
        (1010, (SKIP, 0, 0, 0)),
        (5000, (SKIP, 0, 0, 0)),
    ],
)
def test_the_urgency_follows_the_inventory_position(position, expected):
    assert decided(position) == expected


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (599, (MUST, 411, 411, 0)),
        (600, (MUST, 410, 410, 0)),
        (709, (MUST, 301, 301, 0)),
        (710, (SHOULD, 300, 300, 0)),
        (1009, (SHOULD, 1, 1, 0)),
        (1010, (SKIP, 0, 0, 0)),
    ],
)
def test_chronic_stockouts_raise_the_urgency_one_step_and_the_target_one_review_period(position, expected):
    assert decided(position, chronic=True) == expected


@pytest.mark.parametrize("chronic", [False, True])
@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (599, (MUST, 111, 111, 300)),
        (600, (SKIP, 0, 0, 0)),
        (709, (SKIP, 0, 0, 0)),
        (710, (SKIP, 0, 0, 0)),
        (1010, (SKIP, 0, 0, 0)),
    ],
)
def test_a_sku_being_discontinued_is_ordered_only_if_it_must_be_and_never_raised(position, expected, chronic):
    assert decided(position, death_row=True, chronic=chronic) == expected


@pytest.mark.parametrize("position", [-100, 0, 100])
@pytest.mark.parametrize("chronic", [False, True])
def test_without_demand_nothing_is_ordered_even_under_backorders(position, chronic):
    assert decided(position, daily=0.0, chronic=chronic) == (SKIP, 0, 0, 0)


@pytest.mark.parametrize(
    ("position", "rules", "suggested", "pull_forward"),
    [
        pytest.param(45, {"multiple": 12.0}, 672, 300, id="672 of 665, then 972 of 965"),
        pytest.param(700, {"moq": 500.0}, 500, 0, id="the minimum covers the next review too"),
        pytest.param(800, {"moq": 500.0}, 0, 500, id="optional: all of it is pulled forward"),
        pytest.param(0, {"maximum": 710.0}, 710, 0, id="the maximum leaves nothing to pull forward"),
        pytest.param(0, {"maximum": 800.0}, 710, 90, id="the maximum leaves a part of it"),
        pytest.param(0, {"maximum": 100.0, "multiple": 40.0}, 80, 0, id="capped at a multiple"),
    ],
)
def test_pull_forward_is_what_the_next_review_would_add(position, rules, suggested, pull_forward):
    assert decided(position, **rules)[2:] == (suggested, pull_forward)


def test_a_line_checked_by_hand():
    # With z = 1 and 72 + 7 * 7 = 11 * 11: SS = sqrt(60 * 1200 / 10 + 100 * 49) = 110.
    lines = lines_of(on_hand=20.0, orders=[(0, 25, -9, 3, False)], lead_time_std=7.0, multiple=12.0, z=np.ones((3, 3)))

    def value(array):
        return array.item()

    assert value(lines.daily_demand) == 10
    assert value(lines.levels.safety_stock) == pytest.approx(110, rel=1e-14)
    assert value(lines.levels.reorder_point) == pytest.approx(410, rel=1e-14)
    assert value(lines.levels.order_up_to) == pytest.approx(710, rel=1e-14)
    assert value(lines.position) == 45
    assert value(lines.decision.urgency) == MUST
    assert value(lines.decision.need) == pytest.approx(665, rel=1e-14)
    assert value(lines.decision.suggested) == 672
    assert value(lines.decision.pull_forward) == 300
    assert value(lines.decision.constraints) == MULTIPLE
    assert value(lines.coverage_days) == 4.5
    assert value(lines.coverage_months_after) == 2.39
    assert value(lines.arrival_days) == 30
    assert value(lines.problems) == 0


@pytest.mark.parametrize(("days", "daily"), [(28, 10), (29, 280 / 29), (30, 28 / 3), (31, 280 / 31)])
def test_daily_demand_spreads_the_month_over_its_own_days(days, daily):
    lines = lines_of(forecast=280.0, days=days)

    assert lines.daily_demand.item() == pytest.approx(daily, rel=1e-14)
    sigma = 0.2 * 280 / math.sqrt(days)
    assert lines.levels.safety_stock.item() == pytest.approx(z(0.9) * math.sqrt(60) * sigma, rel=1e-12)


def test_backorders_cover_no_day_and_no_month():
    lines = lines_of(on_hand=-90.0, maximum=150.0)

    assert lines.coverage_days.item() == 0
    assert lines.coverage_months_after.item() == 0.5


@pytest.mark.parametrize(("lead_time", "days"), [(30, 30), (30.2, 31), (30.0000000001, 30), (0, 0)])
def test_an_order_placed_today_arrives_on_a_whole_day(lead_time, days):
    assert lines_of(lead_time=lead_time).arrival_days.item() == days


def test_without_demand_a_line_says_nothing_of_coverage():
    lines = lines_of(forecast=0.0, on_hand=5.0)

    assert lines.decision.urgency.item() == SKIP
    assert lines.decision.suggested.item() == 0
    assert (lines.levels.safety_stock.item(), lines.levels.order_up_to.item()) == (0, 0)
    assert math.isnan(lines.coverage_days.item())
    assert math.isnan(lines.coverage_months_after.item())
    assert lines.problems.item() == 0


def test_a_pair_without_forecast_and_history_is_no_problem_and_no_order():
    lines = lines_of(has_forecast=False, forecast=NAN, confidence=NAN)

    assert lines.demand.source.item() == DemandSourceCode.NONE
    assert lines.decision.urgency.item() == SKIP
    assert lines.problems.item() == 0


@pytest.mark.parametrize("shape", [(0, 1), (0, 4), (1, 0)])
def test_an_empty_block_gives_no_lines(shape):
    lines = lines_of(shape)

    assert flat(lines) != {}
    assert {values.shape for name, values in flat(lines).items() if "orders" not in name} == {shape}


def flat(result, prefix="") -> dict[str, np.ndarray]:
    """Every array of nested results under a dotted name."""
    found = {}
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        nested = dataclasses.is_dataclass(value)
        found |= flat(value, f"{prefix}{field.name}.") if nested else {prefix + field.name: value}
    return found


def test_the_kernels_leave_their_inputs_alone():
    inputs = a_block(
        (2, 2), orders=[(0, 10, -5, NAN, False)], on_hand=[[1.0, 2.0], [NAN, 4.0]], multiple=[[0.0], [3.0]]
    )
    before = copy.deepcopy(inputs)

    recommend(inputs, policy=POLICY)

    np.testing.assert_equal(flat(inputs), flat(before))


BAD = [
    *[({"forecast": value}, Problem.FORECAST) for value in (NAN, INF, -INF, -0.001)],
    *[({"confidence": value}, Problem.CONFIDENCE) for value in (NAN, INF, -0.001, 1.001)],
    *[({"has_history": True, "history": value}, Problem.HISTORY) for value in (NAN, INF, -INF, -0.001)],
    *[({"cv": value}, Problem.CV) for value in (NAN, INF, -0.001)],
    *[({"lead_time": value}, Problem.LEAD_TIME) for value in (NAN, INF, -0.001, 3650.001)],
    *[({"lead_time_std": value}, Problem.LEAD_TIME) for value in (NAN, INF, -0.001)],
    *[({"forecast": value}, Problem.QUANTITY) for value in (1e12, 1e300)],
    ({"forecast": NAN, "confidence": 2.0, "cv": -1.0}, Problem.FORECAST | Problem.CONFIDENCE | Problem.CV),
    ({"forecast": INF, "lead_time": INF}, Problem.FORECAST | Problem.LEAD_TIME),
]
GOOD = {"forecast": 300.0, "confidence": 0.6, "has_history": True, "history": 240.0, "cv": 0.4}
GOOD |= {"lead_time": 20.0, "lead_time_std": 4.0}
SOME_ORDERS = [(cell, 40, -10, arrival, False) for cell in range(6) for arrival in (NAN, 35, 200)]


@pytest.mark.parametrize(("bad", "problem"), BAD, ids=str)
def test_bad_input_marks_its_own_cell_and_no_other(bad, problem):
    def block(changes):
        grids = {name: np.full((3, 2), value) for name, value in GOOD.items()}
        for name, value in changes.items():
            grids[name][1, 1] = value
        return lines_of((3, 2), orders=SOME_ORDERS, **grids)

    fine, marked = block({}), block(bad)

    assert fine.problems.tolist() == [[0, 0], [0, 0], [0, 0]]
    assert marked.problems.tolist() == [[0, 0], [0, problem], [0, 0]]
    assert_equal_elsewhere(fine, marked, cells=[3])


@pytest.mark.parametrize("multiple", [0, -12, NAN])
def test_an_impossible_multiple_marks_its_own_sku_and_no_other(multiple):
    grids = {name: np.full((3, 2), value) for name, value in GOOD.items()}

    fine = lines_of((3, 2), orders=SOME_ORDERS, **grids)
    marked = lines_of((3, 2), orders=SOME_ORDERS, **grids, multiple=np.array([[1.0], [multiple], [1.0]]))

    assert marked.problems.tolist() == [[0, 0], [Problem.MULTIPLE] * 2, [0, 0]]
    assert_equal_elsewhere(fine, marked, cells=[2, 3])


def assert_equal_elsewhere(one, other, *, cells):
    other = flat(other)
    for name, values in flat(one).items():
        of_orders = name.startswith("orders.")
        spoiled = np.isin([order[0] for order in SOME_ORDERS], cells) if of_orders else np.isin(np.arange(6), cells)
        np.testing.assert_array_equal(values.ravel()[~spoiled], other[name].ravel()[~spoiled], err_msg=name)


def test_what_is_not_read_is_no_problem():
    lines = lines_of(
        (1, 2), has_forecast=[[False, True]], forecast=[[-1.0, 5.0]], confidence=[[9.0, 0.9]], history=-1.0
    )

    assert lines.problems.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "edge",
    [
        {"forecast": 0.0},
        {"confidence": 0.0},
        {"confidence": 1.0},
        {"cv": 0.0},
        {"lead_time": 0.0},
        {"lead_time": 3650.0},
        {"has_history": True, "history": 0.0},
    ],
    ids=str,
)
def test_the_edge_of_what_is_possible_is_no_problem(edge):
    assert lines_of(**edge).problems.item() == 0


@pytest.mark.parametrize(("maximum", "problem"), [(2_147_483_647.0, 0), (2_147_483_648.0, Problem.QUANTITY)])
def test_a_quantity_may_be_as_large_as_the_database_stores(maximum, problem):
    assert lines_of(forecast=1e12, maximum=maximum).problems.item() == problem


def test_a_quantity_with_what_may_be_pulled_forward_must_fit_too():
    # Without variation S is 60 days, 2,000,000,000; the next review would add half of that.
    assert lines_of(forecast=1e9, cv=0.0).problems.item() == Problem.QUANTITY


def test_a_minimum_that_is_no_number_gives_no_quantity():
    assert lines_of((2, 1), moq=[[NAN], [1.0]]).problems.tolist() == [[Problem.QUANTITY], [0]]


def test_bad_input_raises_no_warning():
    with np.errstate(all="raise"):
        lines = lines_of((1, 3), forecast=[[NAN, INF, -1.0]], multiple=0.0, lead_time=[[NAN, INF, 1e308]])

    assert (lines.problems > 0).all()


@pytest.mark.parametrize(
    "changes",
    [{"forecast": 1e300}, {"forecast": 1e160}, {"forecast": 1e155, "maximum": 100.0}, {"cv": 1e200, "maximum": 100.0}],
)
def test_numbers_that_overflow_are_a_problem_even_under_a_maximum(changes):
    assert lines_of(**changes).problems.item() == Problem.QUANTITY
