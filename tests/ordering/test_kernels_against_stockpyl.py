"""stockpyl, the library of Snyder and Shen's textbook, as a second opinion on stock levels.

Its base-stock policy reviews every period: an order placed now and the next one to come must last
lead time + 1 periods, which is the method's L + R.
"""

import math
from statistics import NormalDist

import numpy as np
import pytest
from stockpyl.demand_source import DemandSource
from stockpyl.newsvendor import newsvendor_normal, newsvendor_normal_cost
from stockpyl.rq import r_q_eoqss_approximation
from stockpyl.sim import simulation
from stockpyl.supply_chain_network import single_stage_system

from ordering.kernels import stock_levels


def levels_of(mean, sd, lead_time, review, service_level, lead_time_sd=0.0):
    return stock_levels(
        daily_demand=np.array([float(mean)]),
        sigma_daily=np.array([float(sd)]),
        lead_time=np.array([float(lead_time)]),
        lead_time_std=np.array([float(lead_time_sd)]),
        review=float(review),
        z=NormalDist().inv_cdf(service_level),
    )


def for_random_items(count):
    """Holding cost, stockout cost, demand mean and deviation, lead time and review period of each item."""
    names = ("holding", "stockout", "mean", "sd", "lead_time", "review")
    low, high = [0.05, 0.5, 1, 0.1, 0, 1], [1, 20, 1000, 300, 120, 60]
    items = np.random.default_rng(1997).uniform(low, high, (count, len(names)))
    return pytest.mark.parametrize(names, items.tolist(), ids=[f"item {number}" for number in range(count)])


def test_the_textbooks_example_4_4_agrees():
    expected, _ = newsvendor_normal(0.18, 0.70, 50, 8, lead_time=4)

    levels = levels_of(50, 8, lead_time=4, review=1, service_level=0.70 / 0.88)

    assert levels.order_up_to[0] == pytest.approx(expected, rel=1e-12)


@for_random_items(50)
def test_the_order_up_to_level_is_the_newsvendors_base_stock_level(holding, stockout, mean, sd, lead_time, review):
    expected, _ = newsvendor_normal(holding, stockout, mean, sd, lead_time=lead_time + review - 1)

    levels = levels_of(mean, sd, lead_time, review, stockout / (stockout + holding))

    assert levels.order_up_to[0] == pytest.approx(expected, rel=1e-12)
    assert levels.safety_stock[0] == pytest.approx(expected - mean * (lead_time + review), rel=1e-9)


@for_random_items(20)
def test_no_other_order_up_to_level_costs_less(holding, stockout, mean, sd, lead_time, review):
    level = levels_of(mean, sd, lead_time, review, stockout / (stockout + holding)).order_up_to[0]

    def cost(base_stock_level):
        return newsvendor_normal_cost(base_stock_level, holding, stockout, mean, sd, lead_time=lead_time + review - 1)

    assert cost(level) < min(cost(level - 0.1 * sd), cost(level + 0.1 * sd))


@for_random_items(20)
def test_under_continuous_review_the_reorder_point_is_that_of_an_r_q_policy(
    holding, stockout, mean, sd, lead_time, review
):
    expected, _ = r_q_eoqss_approximation(holding, stockout, 100, mean, sd, lead_time)

    levels = levels_of(mean, sd, lead_time, 0, stockout / (stockout + holding))

    assert levels.reorder_point[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("chances", [{4: 1.0}, {3: 0.5, 5: 0.5}, {2: 0.2, 7: 0.5, 10: 0.3}, {1: 0.9, 30: 0.1}])
def test_safety_stock_covers_the_variance_of_demand_over_a_random_lead_time(chances):
    demand, review, service_level = DemandSource(type="N", mean=50, standard_deviation=8), 3, 0.95
    over = {days: demand.lead_time_demand_distribution(days + review) for days in chances}
    mean = sum(chance * over[days].mean() for days, chance in chances.items())
    square = sum(chance * (over[days].var() + over[days].mean() ** 2) for days, chance in chances.items())
    lead_time = sum(chance * days for days, chance in chances.items())
    lead_time_sd = math.sqrt(sum(chance * (days - lead_time) ** 2 for days, chance in chances.items()))

    levels = levels_of(50, 8, lead_time, review, service_level, lead_time_sd)

    expected, _ = newsvendor_normal(1 - service_level, service_level, mean, math.sqrt(square - mean**2))
    assert levels.order_up_to[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("service_level", [0.80, 0.95])
def test_a_simulated_stock_point_holds_the_service_level(service_level):
    level = levels_of(50, 8, lead_time=4, review=1, service_level=service_level).order_up_to[0]
    network = single_stage_system(
        holding_cost=1,
        stockout_cost=1,
        demand_type="N",
        mean=50,
        standard_deviation=8,
        shipment_lead_time=4,
        order_lead_time=1,
        policy_type="BS",
        base_stock_level=level,
        initial_inventory_level=level,
    )

    simulation(network, 4000, rand_seed=5, progress_bar=False, consistency_checks="N")

    states = network.nodes[0].state_vars[20:4000]
    in_stock = np.mean([min(state.inventory_level.values()) >= 0 for state in states])
    assert in_stock == pytest.approx(service_level, abs=0.015)
