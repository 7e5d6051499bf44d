import statistics

import numpy as np
import pytest

from suppliers.kernels import measure_lead_times, measure_on_time, weighted_mean


def measured(group, days, *, min_count=3):
    return measure_lead_times(np.array(group, dtype=np.int64), np.array(days, dtype=np.float64), min_count=min_count)


def test_statistics_checked_by_hand():
    found = measured([7, 7, 7, 7, 7], [10, 30, 20, 50, 40])

    assert (found.group.tolist(), found.count.tolist()) == ([7], [5])
    assert found.mean_days.tolist() == [30]
    assert found.std_days == pytest.approx([250**0.5], rel=1e-15)
    assert found.median_days.tolist() == [30]
    assert found.p95_days == pytest.approx([48], rel=1e-15)
    assert found.reliability == pytest.approx([1 - 250**0.5 / 30], rel=1e-15)


def test_the_median_of_an_even_number_of_shipments_lies_between_the_middle_two():
    assert measured([1, 1, 1, 1], [4, 1, 3, 10]).median_days.tolist() == [3.5]


@pytest.mark.parametrize("min_count", [2, 3, 6])
def test_thousands_of_shipments_agree_with_a_plain_loop(min_count):
    rng = np.random.default_rng(42)
    group = rng.integers(0, 2500, 12_000) * 1_000_003
    days = rng.integers(-5, 90, len(group)) * rng.choice([1.0, 0.0, 1.5], len(group))

    found = measured(group, days, min_count=min_count)

    groups = {}
    for number, value in zip(group.tolist(), days.tolist(), strict=True):
        if value >= 0:
            groups.setdefault(number, []).append(value)
    kept = {number: values for number, values in sorted(groups.items()) if len(values) >= min_count}
    means = [statistics.fmean(values) for values in kept.values()]
    stds = [statistics.stdev(values) for values in kept.values()]
    assert 0 < len(kept) < 2500
    assert found.group.tolist() == list(kept)
    assert found.count.tolist() == [len(values) for values in kept.values()]
    np.testing.assert_allclose(found.mean_days, means, rtol=1e-12)
    np.testing.assert_allclose(found.std_days, stds, rtol=1e-12)
    np.testing.assert_allclose(found.median_days, [statistics.median(v) for v in kept.values()], rtol=1e-12)
    np.testing.assert_allclose(found.p95_days, [np.quantile(v, 0.95) for v in kept.values()], rtol=1e-12)
    reliability = [1.0 if mean == 0 else min(max(1 - std / mean, 0), 1) for mean, std in zip(means, stds, strict=True)]
    assert {0.0, 1.0} < set(reliability)
    np.testing.assert_allclose(found.reliability, reliability, rtol=1e-12, atol=1e-15)


def test_two_shipments_are_too_few():
    found = measured([1, 1, 2, 2, 2], [10, 20, 10, 20, 30])

    assert found.group.tolist() == [2]


def test_a_line_received_before_it_was_ordered_never_counts():
    found = measured([1, 1, 1, 2, 2, 2, 2], [10, 20, -1, -30, 5, 6, 7])

    assert (found.group.tolist(), found.count.tolist()) == ([2], [3])
    assert found.mean_days.tolist() == [6]


def test_a_line_received_on_the_day_it_was_ordered_counts():
    assert measured([1, 1, 1], [0, 3, 6]).mean_days.tolist() == [3]


def test_an_unknown_duration_never_counts():
    assert measured([1, 1, 1, 1], [2, np.nan, 4, 6]).count.tolist() == [3]


@pytest.mark.parametrize(
    ("days", "reliability"),
    [
        pytest.param([20, 20, 20], 1.0, id="always the same"),
        pytest.param([10, 20, 30], 0.5, id="half the mean"),
        pytest.param([0, 0, 90], 0.0, id="deviation over the mean is not under 0"),
        pytest.param([0, 0, 0], 1.0, id="always at once"),
    ],
)
def test_reliability_is_what_the_deviation_leaves_of_the_mean(days, reliability):
    assert measured([1, 1, 1], days).reliability.tolist() == [reliability]


@pytest.mark.parametrize(
    ("group", "days"),
    [
        pytest.param([], [], id="no shipment"),
        pytest.param([1], [10], id="one shipment"),
        pytest.param([1, 1, 1], [-1, -2, -3], id="no possible shipment"),
        pytest.param([1, 2, 3], [10, 10, 10], id="one shipment each"),
    ],
)
def test_without_enough_shipments_there_are_no_statistics(group, days):
    found = measured(group, days)

    assert {name: values.shape for name, values in vars(found).items()} == dict.fromkeys(vars(found), (0,))
    assert found.group.dtype == np.int64


def test_the_order_of_the_shipments_changes_no_bit():
    rng = np.random.default_rng(3)
    group, days = rng.integers(0, 40, 1000), rng.uniform(0, 100, 1000)
    shuffled = rng.permutation(1000)

    one, other = measured(group, days), measured(group[shuffled], days[shuffled])

    for name, values in vars(one).items():
        assert values.tobytes() == getattr(other, name).tobytes(), name


def test_a_deviation_needs_two_shipments():
    with pytest.raises(ValueError, match="min_count must be at least 2"):
        measured([1], [10], min_count=1)


def test_two_shipments_are_enough_where_the_policy_says_so():
    found = measured([1, 1], [10, 20], min_count=2)

    assert found.std_days == pytest.approx([50**0.5], rel=1e-15)
    assert found.p95_days == pytest.approx([19.5], rel=1e-15)


def on_time(group, days, limit):
    found = measure_on_time(np.array(group, dtype=np.int64), np.array(days, dtype=np.float64), np.array(limit))
    return found.count.tolist(), [None if np.isnan(share) else share for share in found.share]


def test_what_takes_as_long_as_the_limit_is_on_time():
    assert on_time([0, 0, 0, 0], [10, 30, 31, 40], [30.0]) == ([4], [0.5])


def test_each_group_has_its_own_limit():
    assert on_time([0, 1, 1, 2], [10, 10, 11, 50], [9.0, 10.0, 50.0]) == ([1, 2, 1], [0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("group", "days", "limit"),
    [
        pytest.param([], [], [30.0], id="no delivery"),
        pytest.param([0], [10], [np.nan], id="no limit"),
        pytest.param([0], [np.nan], [30.0], id="no duration"),
        pytest.param([0], [-1], [30.0], id="received before it was ordered"),
    ],
)
def test_what_cannot_be_judged_is_neither_late_nor_on_time(group, days, limit):
    assert on_time(group, days, limit) == ([0], [None])


def test_no_group_has_no_share():
    assert on_time([], [], np.empty(0)) == ([], [])


def test_a_delivery_on_the_day_it_was_ordered_is_on_time_within_0_days():
    assert on_time([0, 0], [0, 1], [0.0]) == ([2], [0.5])


def test_rounding_in_a_mean_makes_nobody_late():
    a_mean_of_means = np.float64(60) - 1e-9
    assert on_time([0], [60], [a_mean_of_means]) == ([1], [1.0])


def test_thousands_of_deliveries_agree_with_a_plain_loop():
    rng = np.random.default_rng(11)
    limit = np.where(rng.random(300) < 0.1, np.nan, rng.integers(0, 90, 300))
    group, days = rng.integers(0, 300, 9_000), rng.integers(-3, 90, 9_000)

    count, share = on_time(group, days, limit)

    for number in range(300):
        judged = [
            int(value)
            for of, value in zip(group, days, strict=True)
            if of == number and value >= 0 and not np.isnan(limit[number])
        ]
        assert count[number] == len(judged)
        met = sum(value <= limit[number] for value in judged)
        assert share[number] == (pytest.approx(met / len(judged)) if judged else None)


def mean_of(group, value, weight, n_groups=1):
    arrays = (np.array(values, dtype=kind) for values, kind in ((group, "int64"), (value, float), (weight, float)))
    return weighted_mean(*arrays, n_groups=n_groups).tolist()


def test_a_mean_weighs_each_value():
    assert mean_of([0, 0, 1], [20, 32, 7], [3, 1, 5], 2) == [23, 7]


def test_values_without_any_weight_count_the_same():
    assert mean_of([0, 0, 1, 1], [20, 40, 20, 40], [0, 0, 0, 2], 2) == [30, 40]


def test_an_unknown_value_has_no_weight():
    assert mean_of([0, 0, 0], [20, np.nan, 40], [0, 9, 0]) == [30]


@pytest.mark.parametrize("value", [[], [np.nan]])
def test_the_mean_of_nothing_known_is_unknown(value):
    assert np.isnan(mean_of([0] * len(value), value, [5] * len(value), 2)).all()
