"""Stock from day to day: cases by hand, and a plain loop over the days."""

import numpy as np
import pytest

from ordering.kernels.projection import NEVER, choose_horizon, project_stock


def a_projection(*, arrivals=(), on_hand=45.0, daily_demand=10.0, order_day=8, order_quantity=0.0, horizon=12):
    """45 in stock, 10 a day, nothing ordered; `arrivals` are pairs of day and quantity."""
    day, quantity = np.array(arrivals, dtype=np.float64).reshape(-1, 2).T
    return project_stock(
        on_hand=on_hand,
        daily_demand=daily_demand,
        arrival_day=day.astype(np.int64),
        arrival_quantity=quantity,
        order_day=order_day,
        order_quantity=order_quantity,
        horizon=horizon,
    )


def walk(on_hand, daily_demand, arrivals, horizon):
    """The same with one step for each day."""
    stock, waiting, morning, is_short = max(on_hand, 0.0), max(-on_hand, 0.0), [], []
    for today in range(horizon):
        stock += sum(quantity for day, quantity in arrivals if max(day, 0) == today)
        served = min(stock, waiting)
        stock, waiting = stock - served, waiting - served
        morning.append(stock)
        is_short.append(stock - waiting < daily_demand - 1e-9)
        stock = max(stock - daily_demand, 0.0)
    return morning, is_short


def test_the_stock_runs_down_and_what_is_asked_for_then_is_lost():
    projection = a_projection(arrivals=[(6, 25)])
    assert projection.without_order.units.tolist() == [45, 35, 25, 15, 5, 0, 25, 15, 5, 0, 0, 0]
    assert np.flatnonzero(projection.without_order.is_short).tolist() == [4, 5, 8, 9, 10, 11]
    assert projection.without_order.stockout_day == 4  # 5 in the morning are less than the 10 of the day


def test_the_order_comes_on_top_from_its_day_on():
    projection = a_projection(arrivals=[(6, 25)], order_quantity=100)
    assert projection.with_order.units.tolist() == [45, 35, 25, 15, 5, 0, 25, 15, 105, 95, 85, 75]
    assert projection.without_order.units[8] == 5
    assert projection.with_order.stockout_day == 4


def test_an_order_that_is_in_time_leaves_no_stockout():
    projection = a_projection(order_day=4, order_quantity=200)
    assert (projection.without_order.stockout_day, projection.with_order.stockout_day) == (4, NEVER)


def test_exactly_enough_for_the_day_is_no_stockout():
    assert a_projection(on_hand=40).without_order.stockout_day == 4
    assert a_projection(on_hand=0.3, daily_demand=0.1).without_order.stockout_day == 3


def test_what_is_overdue_arrives_on_the_planning_date_and_what_is_too_late_is_not_shown():
    projection = a_projection(arrivals=[(-9, 5), (0, 1), (12, 1_000)])
    assert projection.without_order.units.tolist()[:2] == [51, 41]
    assert projection.without_order.units.max() == 51


def test_waiting_customers_get_the_next_delivery_first():
    projection = a_projection(on_hand=-20, arrivals=[(2, 15), (3, 30)], horizon=6)
    assert projection.without_order.units.tolist() == [0, 0, 0, 25, 15, 5]
    assert projection.without_order.stockout_day == 0


@pytest.mark.parametrize("on_hand", [-5.0, 0.0, 7.0])
def test_without_demand_nothing_runs_out(on_hand):
    projection = a_projection(on_hand=on_hand, daily_demand=0.0, arrivals=[(2, 10)], horizon=4)
    assert projection.without_order.stockout_day == (0 if on_hand < 0 else NEVER)  # waiting customers are demand
    assert projection.without_order.units.tolist() == [max(on_hand, 0)] * 2 + [on_hand + 10] * 2


def test_one_day_and_nothing_at_all():
    projection = a_projection(on_hand=0, horizon=1)
    assert projection.without_order.units.tolist() == [0]
    assert (projection.without_order.stockout_day, projection.with_order.stockout_day) == (0, 0)


@pytest.mark.parametrize(
    ("order_day", "review_days", "days"), [(0, 30, 60), (29, 30, 60), (30, 30, 61), (20, 90, 111), (3_650, 30, 365)]
)
def test_the_horizon_shows_the_order_and_a_review_period(order_day, review_days, days):
    assert choose_horizon(order_day, review_days) == days


@pytest.mark.parametrize("seed", range(200))
def test_it_agrees_with_a_walk_day_by_day(seed):
    rng = np.random.default_rng(seed)
    horizon, count = int(rng.integers(1, 120)), int(rng.integers(0, 6))
    arrivals = list(zip(rng.integers(-5, 130, count).tolist(), rng.uniform(0, 200, count).tolist(), strict=True))
    on_hand, daily_demand = float(rng.integers(-50, 300)), float(rng.choice([0, 0.25, 3.7, 10, 45]))
    order = (int(rng.integers(0, 130)), float(rng.integers(0, 500)))
    projection = a_projection(
        on_hand=on_hand,
        daily_demand=daily_demand,
        arrivals=arrivals,
        order_day=order[0],
        order_quantity=order[1],
        horizon=horizon,
    )
    for stock, incoming in ((projection.without_order, arrivals), (projection.with_order, [*arrivals, order])):
        morning, is_short = walk(on_hand, daily_demand, incoming, horizon)
        assert stock.units == pytest.approx(morning, abs=1e-9)
        assert stock.is_short.tolist() == is_short
        assert stock.stockout_day == (is_short.index(True) if any(is_short) else NEVER)
