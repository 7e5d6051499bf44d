"""What must hold for any pair, whatever its numbers."""

import dataclasses
import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordering.kernels import Inputs, LeadTimes, OpenOrders, Policy, UrgencyCode, blend_demand, recommend
from tests.ordering.test_kernels import flat, lines_of
from tests.ordering.test_kernels_against_twin import STANDARD, as_inputs, policy_of, random_books

POLICY = Policy()
MONTH, AS_OF = dt.date(2026, 12, 1), dt.date(2026, 11, 20)
repeatable = settings(deadline=None, max_examples=100, derandomize=True)

quantities = st.integers(0, 5000).map(float)
shares = st.floats(0, 1)
orders = st.lists(
    st.tuples(
        st.just(0),
        st.integers(0, 500),
        st.integers(-120, 30),
        st.one_of(st.just(float("nan")), st.integers(-40, 150)),
        st.booleans(),
    ),
    max_size=4,
)
pairs = st.fixed_dictionaries(
    {
        "days": st.integers(28, 31),
        "forecast": st.floats(0, 10_000),
        "cv": st.floats(0, 2),
        "lead_time": st.floats(0, 200),
        "lead_time_std": st.floats(0, 60),
        "reliability": shares,
        "abc": st.integers(-1, 2),
        "xyz": st.integers(-1, 2),
        "moq": quantities,
        "multiple": st.integers(1, 200).map(float),
        "maximum": st.one_of(st.just(float("nan")), quantities),
        "death_row": st.booleans(),
        "chronic": st.booleans(),
        "orders": orders,
    }
)
stocks = st.integers(-2000, 50_000).map(float)


def repeated(orders, cells):
    """The same open orders in each of so many cells."""
    return [(cell, *order[1:]) for cell in range(cells) for order in orders]


def from_backorders_to_plenty(pair, **changes):
    """The pair's lines with stock for -1 to 30 months, ascending, so that every urgency occurs."""
    on_hand = np.linspace(-1, 30, 250) * max(pair["forecast"], 1)
    orders = repeated(pair["orders"], len(on_hand))
    return lines_of((1, len(on_hand)), on_hand=on_hand, **pair | {"orders": orders} | changes)


@repeatable
@given(pair=pairs)
def test_more_stock_never_raises_the_suggestion_nor_the_urgency(pair):
    decision = from_backorders_to_plenty(pair).decision

    assert (np.diff(decision.suggested) <= 0).all()
    assert (np.diff(decision.urgency) >= 0).all()


@repeatable
@given(pair=pairs, lead_times=st.lists(st.floats(0, 400), min_size=2, max_size=20))
def test_a_longer_lead_time_never_lowers_the_order_up_to_level(pair, lead_times):
    levels = lines_of((1, len(lead_times)), **pair | {"lead_time": np.sort(lead_times)}).levels

    for values in (levels.order_up_to, levels.reorder_point, levels.safety_stock):
        assert (np.diff(values) >= 0).all()


@repeatable
@given(pair=pairs)
def test_a_suggestion_is_a_multiple_and_never_passes_the_maximum(pair):
    decision = from_backorders_to_plenty(pair).decision
    most = np.inf if np.isnan(pair["maximum"]) else pair["maximum"]

    for quantity in (decision.suggested, decision.suggested + decision.pull_forward):
        assert (quantity % pair["multiple"] == 0).all()
        assert ((quantity >= 0) & (quantity <= most)).all()


@repeatable
@given(pair=pairs)
def test_a_suggestion_fills_the_need_and_the_minimum_without_a_multiple_to_spare(pair):
    decision = from_backorders_to_plenty(pair, maximum=float("nan")).decision
    least = np.where(decision.need > 0, np.maximum(decision.need, pair["moq"]), 0)

    assert (decision.suggested >= least - 1e-6).all()
    assert (decision.suggested < least + pair["multiple"]).all()


@repeatable
@given(pair=pairs)
def test_only_urgent_lines_carry_a_need(pair):
    decision = from_backorders_to_plenty(pair).decision
    urgent = np.isin(decision.urgency, (UrgencyCode.MUST_ORDER, UrgencyCode.SHOULD_ORDER))

    assert (decision.need[urgent] > 0).all()
    assert (decision.need[~urgent] == 0).all()
    assert (decision.pull_forward[decision.urgency == UrgencyCode.SKIP] == 0).all()


@repeatable
@given(pair=pairs)
def test_what_counts_of_open_orders_never_passes_what_is_open(pair):
    lines = lines_of(**pair)

    assert 0 <= lines.pending_effective.item() <= lines.pending_raw.item()
    assert lines.pending_raw.item() == sum(order[1] for order in pair["orders"])


@repeatable
@given(forecast=st.floats(0, 1e6), history=st.floats(0, 1e6), confidence=shares, step=st.floats(0, 0.01))
def test_demand_is_continuous_in_confidence(forecast, history, confidence, step):
    forecasts, histories, yes = np.full(2, forecast), np.full(2, history), np.full(2, True)
    confidences = np.clip([confidence, confidence + step], 0, 1)

    one, other = blend_demand(forecasts, confidences, yes, histories, yes, policy=POLICY).monthly

    tolerance = 1e-9 * max(forecast, history)
    assert abs(one - other) <= abs(forecast - history) * step / 0.25 + tolerance
    assert min(forecast, history) - tolerance <= one <= max(forecast, history) + tolerance


@pytest.mark.parametrize("edge", [0.5, 0.75])
def test_demand_does_not_jump_where_the_forecasts_weight_begins_and_ends(edge):
    confidences = np.array([np.nextafter(edge, 0), edge, np.nextafter(edge, 1)])
    forecasts, histories, yes = np.full(3, 500.0), np.full(3, 100.0), np.full(3, True)

    demand = blend_demand(forecasts, confidences, yes, histories, yes, policy=POLICY).monthly

    np.testing.assert_allclose(demand, demand[1], rtol=1e-12)


def some_rows(inputs: Inputs, rows: np.ndarray) -> Inputs:
    """These SKUs in this order, with their open orders."""
    count, width = inputs.on_hand.shape
    place = np.full(count, -1)
    place[rows] = np.arange(len(rows))
    row, column = np.divmod(inputs.orders.cell, width)
    mine = place[row] >= 0
    orders = {name: values[mine] for name, values in vars(inputs.orders).items()}
    orders["cell"] = (place[row] * width + column)[mine]
    per_row = {
        name: values[rows]
        for name, values in vars(inputs).items()
        if isinstance(values, np.ndarray) and name not in ("z", "service_levels")
    }
    lead_times = LeadTimes(**{name: values[rows] for name, values in vars(inputs.lead_times).items()})
    return dataclasses.replace(inputs, **per_row, lead_times=lead_times, orders=OpenOrders(**orders))


def bits_of(inputs: Inputs) -> list[dict]:
    """What each SKU's lines are made of, byte by byte."""
    rows = inputs.orders.cell // inputs.on_hand.shape[1]
    results = flat(recommend(inputs, policy=policy_of(STANDARD)))
    return [
        {name: values[rows == row if name.startswith("orders.") else row].tobytes() for name, values in results.items()}
        for row in range(len(inputs.on_hand))
    ]


BOOKS = as_inputs(
    random_books(np.random.default_rng(7), STANDARD, MONTH, AS_OF, skus=60), policy_of(STANDARD), MONTH, AS_OF
)
WHOLE = bits_of(BOOKS)


@repeatable
@given(cuts=st.sets(st.integers(1, len(WHOLE) - 1), max_size=8))
def test_splitting_the_skus_in_chunks_changes_nothing(cuts):
    chunks = np.split(np.arange(len(WHOLE)), sorted(cuts))

    assert [line for rows in chunks for line in bits_of(some_rows(BOOKS, rows))] == WHOLE


@repeatable
@given(rows=st.permutations(range(len(WHOLE))))
def test_the_order_of_the_skus_changes_nothing(rows):
    assert bits_of(some_rows(BOOKS, np.array(rows))) == [WHOLE[row] for row in rows]


@repeatable
@given(pair=pairs, on_hand=stocks, crowd=st.integers(1, 40))
def test_a_pair_in_a_crowd_gets_the_line_it_gets_alone(pair, on_hand, crowd):
    alone = flat(lines_of(on_hand=on_hand, **pair))
    crowded = pair | {"orders": repeated(pair["orders"], crowd * 3)}
    together = flat(lines_of((crowd, 3), on_hand=on_hand, **crowded))

    for name, values in alone.items():
        last = together[name].ravel()[together[name].size - values.size :]
        assert last.tobytes() == values.tobytes(), name
