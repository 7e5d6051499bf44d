import csv
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from suppliers.kernels.emissions import (
    ACTIVITY_UNCERTAINTY,
    DEFAULT_DQI,
    FACTOR_UNCERTAINTY,
    Rating,
    Tier,
    average_data_quality,
    choose_tier,
    data_quality,
    emissions_of,
    factor_uncertainty,
    independent_variance,
    interval,
    interval_spread,
    lognormal_sigma,
    price_index_ratio,
    rate_quality,
    total_interval,
)
from suppliers.kernels.exact_sums import as_floats, sum_limbs

repeatable = settings(deadline=None, max_examples=200, derandomize=True)
amounts = st.floats(-1e15, 1e15)


def floats(*values):
    return np.array(values, dtype=np.float64)


def spend_emissions(spend, *, index, base=292.655, factor=0.333):
    ratio = price_index_ratio(floats(base), floats(index))
    activity, emissions = emissions_of(floats(spend), ratio, floats(factor))
    return activity.item(), emissions.item()


# The spend formula


def test_a_million_spent_after_the_base_year_is_less_money_of_the_base_year():
    activity, emissions = spend_emissions(1_000_000, index=320)

    assert activity == pytest.approx(914_546.875, rel=1e-15)
    assert round(activity) == 914_547
    assert round(emissions) == 304_544


def test_the_index_upside_down_would_be_another_number():
    upside_down = 1_000_000 * (320 / 292.655) * 0.333

    assert round(upside_down) == 364_115
    assert round(spend_emissions(1_000_000, index=320)[1]) != 364_115
    assert spend_emissions(1_000_000, index=320)[1] < spend_emissions(1_000_000, index=292.655)[1]


def test_money_of_the_base_year_stays_as_it_is():
    assert spend_emissions(1_000_000, index=292.655) == (1_000_000, 333_000)


def test_money_from_before_the_base_year_becomes_more():
    activity, _ = spend_emissions(1000, index=245.12)

    assert activity == pytest.approx(1000 * 292.655 / 245.12, rel=1e-15)
    assert round(activity, 2) == 1193.93


def test_a_credit_lowers_and_a_missing_amount_stays_missing():
    activity, emissions = emissions_of(floats(-100, np.nan, 0), floats(2, 2, 2), floats(0.5, 0.5, 0.5))

    assert activity.tolist()[::2] == [-200, 0]
    assert emissions.tolist()[::2] == [-100, 0]
    assert np.isnan([activity[1], emissions[1]]).all()


def test_published_columns_are_rounded_one_by_one_and_do_not_add_up(emissions_data):
    """Why the factor with margins is read and never recomputed."""
    with open(emissions_data / "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv") as file:
        rows = {row[0]: [float(value) for value in row[4:7]] for row in list(csv.reader(file))[1:]}

    assert rows["111130"] == [0.809, 0.040, 0.848]
    assert sum(round(without + margins, 3) != with_ for without, margins, with_ in rows.values()) == 110
    assert spend_emissions(1000, index=292.655, factor=rows["111130"][2])[1] == 848


# The choice of a tier


@pytest.mark.parametrize(
    ("usable", "tier"),
    [
        ((True, True, True), Tier.SUPPLIER_SPECIFIC),
        ((True, False, False), Tier.SUPPLIER_SPECIFIC),
        ((False, True, True), Tier.AVERAGE_DATA),
        ((False, False, True), Tier.SPEND_BASED),
        ((False, False, False), Tier.UNACCOUNTED),
    ],
)
def test_the_most_specific_tier_that_can_be_used_is_used(usable, tier):
    assert choose_tier(np.array(usable)[:, None]).tolist() == [tier]


def test_no_records_have_no_tiers():
    assert choose_tier(np.zeros((3, 0), dtype=bool)).tolist() == []


# Quality


def test_the_defaults_are_those_of_the_method():
    assert DEFAULT_DQI[1:].tolist() == [90, 70, 40]
    assert ACTIVITY_UNCERTAINTY[1:].tolist() == [0.05, 0.10, 0.15]
    assert FACTOR_UNCERTAINTY[1:].tolist() == [0.10, 0.30, 0.50]


@pytest.mark.parametrize(("score", "dqi"), [(80, 75), (100, 85), (30, 50), (29.8, 49.9), (0, 35), (np.nan, 70)])
def test_average_data_are_as_good_as_the_mean_of_seventy_and_the_factors_own_score(score, dqi):
    assert average_data_quality(floats(score)).item() == dqi


def test_each_tier_has_its_quality():
    tier = np.array([0, 1, 1, 2, 2, 3, 3], dtype=np.int8)
    score = floats(np.nan, np.nan, 35, np.nan, 90, np.nan, 90)

    dqi = data_quality(tier, score)

    assert np.isnan(dqi[0])
    assert dqi[1:].tolist() == [90, 35, 70, 80, 40, 40]


@pytest.mark.parametrize(
    ("dqi", "rating"),
    [
        (100, Rating.EXCELLENT),
        (80, Rating.EXCELLENT),
        (79.99, Rating.GOOD),
        (60, Rating.GOOD),
        (59.99, Rating.FAIR),
        (40, Rating.FAIR),
        (39.99, Rating.POOR),
        (0, Rating.POOR),
    ],
)
def test_ratings_begin_at_eighty_sixty_and_forty(dqi, rating):
    assert rate_quality(floats(dqi)).tolist() == [rating]


# Uncertainty


@pytest.mark.parametrize("relative", [0.0, 0.05, 0.1, 0.3, 0.5, 1.0])
def test_sigma_gives_a_lognormal_of_that_relative_uncertainty(relative):
    sigma = lognormal_sigma(floats(relative)).item()

    assert sigma == pytest.approx(math.sqrt(math.log(1 + relative**2)), rel=1e-14)
    if relative:
        distribution = stats.lognorm(s=sigma)
        assert distribution.std() / distribution.mean() == pytest.approx(relative, rel=1e-12)


def test_a_published_uncertainty_goes_before_the_default_of_the_tier():
    tier = np.array([1, 1, 2, 2, 3, 3], dtype=np.int8)

    published = factor_uncertainty(tier, floats(np.nan, 0.0, np.nan, 0.2, np.nan, 0.9))

    assert published.tolist() == [0.10, 0.0, 0.30, 0.2, 0.50, 0.9]


@pytest.mark.parametrize(("tier", "p5", "p95"), [(1, 0.83233, 1.20145), (2, 0.60048, 1.66533), (3, 0.44269, 2.25892)])
def test_the_interval_of_one_record_of_each_tier_checked_by_hand(tier, p5, p95):
    """Tier 1: sigma^2 = ln 1.0025 + ln 1.01 = 0.012447, sigma = 0.111567, p5 = exp(-0.183528)."""
    sigmas = lognormal_sigma(ACTIVITY_UNCERTAINTY[[tier]]), lognormal_sigma(FACTOR_UNCERTAINTY[[tier]])

    low, high = interval(floats(1.0), interval_spread(*sigmas))

    assert (low.item(), high.item()) == pytest.approx((p5, p95), abs=5e-6)
    sigma = math.hypot(*(sigma.item() for sigma in sigmas))
    assert stats.lognorm(s=sigma).ppf([0.05, 0.95]) == pytest.approx([low.item(), high.item()], rel=1e-3)


def test_the_interval_of_a_credit_is_the_mirror_image():
    sigma = floats(0.2, 0.2)

    low, high = interval(floats(50, -50), interval_spread(sigma, sigma))

    assert low[1] == -high[0]
    assert high[1] == -low[0]
    assert low[1] < -50 < high[1] < 0


def test_nothing_emitted_has_no_spread_and_nothing_known_stays_unknown():
    low, high = interval(floats(0, np.nan), floats(1.2, 1.2))

    assert (low[0], high[0]) == (0, 0)
    assert np.isnan([low[1], high[1]]).all()


# Totals


def deviation_of(total, p5, p95):
    """The standard deviation behind a lognormal interval with this median, as a share of it."""
    sigma = math.log(p95 / total) / 1.645
    assert p5 == pytest.approx(total * math.exp(-1.645 * sigma))
    return math.sqrt(math.expm1(sigma**2))


def test_a_total_of_records_that_share_a_factor_is_as_uncertain_as_the_factor():
    """100 records of 10 kg, factor u = 0.5, activity u = 0.15: Var = 1000^2 0.25 + 100 10^2 0.0225 = 250,225."""
    sigma = lognormal_sigma(floats(0.5))
    independent = independent_variance(np.full(100, 10.0), lognormal_sigma(np.full(100, 0.15))).sum()

    relative = deviation_of(1000, *total_interval(floats(1000), sigma, independent))

    assert independent == pytest.approx(225, rel=1e-12)
    assert relative == pytest.approx(math.sqrt(250_225) / 1000, rel=1e-9)


def test_records_of_as_many_factors_even_out():
    """The same records, each of a factor of its own: Var = 100 10^2 0.25 + 225 = 2,725."""
    sigma = lognormal_sigma(np.full(100, 0.5))

    relative = deviation_of(1000, *total_interval(np.full(100, 10.0), sigma, 225.0))

    assert relative == pytest.approx(math.sqrt(2_725) / 1000, rel=1e-9)


def test_totals_follow_the_rules_of_the_ipcc():
    """2006 Guidelines, volume 1, equation 3.2: independent terms add in quadrature, dependent ones do not."""
    amounts, shares = floats(300, 500, 200), floats(0.02, 0.05, 0.10)

    relative = deviation_of(1000, *total_interval(amounts, lognormal_sigma(shares), 0.0))

    assert relative == pytest.approx(math.sqrt(6**2 + 25**2 + 20**2) / 1000, rel=1e-12)


def test_the_variance_of_a_total_is_what_random_draws_have():
    rng = np.random.default_rng(7)
    amounts, factor = rng.uniform(1, 100, 60), rng.integers(0, 6, 60)
    sigma_factor, sigma_activity = lognormal_sigma(rng.uniform(0.05, 0.3, 6)), lognormal_sigma(np.full(60, 0.15))

    def drawn(sigma, *shape):
        return rng.lognormal(-(sigma**2) / 2, sigma, shape)  # of mean 1

    totals = (amounts * drawn(sigma_factor, 40_000, 6)[:, factor] * drawn(sigma_activity, 40_000, 60)).sum(axis=1)
    by_factor = np.bincount(factor, weights=amounts)
    independent = independent_variance(amounts, sigma_activity).sum()
    p5, p95 = total_interval(by_factor, sigma_factor, independent)

    assert deviation_of(amounts.sum(), p5, p95) == pytest.approx(totals.std() / totals.mean(), rel=0.02)


def test_a_total_of_one_record_is_nearly_as_uncertain_as_the_record():
    sigmas = lognormal_sigma(floats(0.05)), lognormal_sigma(floats(0.10))
    one = interval(floats(1000), interval_spread(*sigmas))

    total = total_interval(floats(1000), sigmas[1], independent_variance(floats(1000), sigmas[0]).item())

    assert total == pytest.approx([end.item() for end in one], rel=2e-4)


def test_credits_that_cancel_purchases_leave_a_normal_interval_around_nothing():
    sigma = lognormal_sigma(floats(0.5, 0.5))

    assert total_interval(floats(100, -100), sigma, 0.0) == pytest.approx((-1.645 * 5000**0.5, 1.645 * 5000**0.5))
    assert total_interval(floats(100, -99), sigma, 0.0)[0] < 0


def test_a_total_of_purchases_alone_is_never_negative():
    low, high = total_interval(floats(100), lognormal_sigma(floats(1.0)), 0.0225 * 100**2)

    assert 0 < low < 100 < high


def test_a_total_of_nothing_is_nothing():
    assert total_interval(floats(), floats(), 0.0) == (0, 0)


# Sums that do not depend on order


def sums_of(values, chunks=1):
    parts = [
        sum_limbs(np.zeros(len(part), dtype=np.int64), part, n_groups=1) for part in np.array_split(values, chunks)
    ]
    return as_floats(np.sum(parts, axis=0)).item()


@given(st.lists(amounts, max_size=40), st.integers(1, 7))
@repeatable
def test_a_sum_is_the_float_nearest_to_the_true_one_whatever_the_chunks(values, chunks):
    values = floats(*values)
    exact = sum((Fraction(value) for value in np.where(np.abs(values) < 1e-20, 0, values).tolist()), Fraction(0))

    assert sums_of(np.where(np.abs(values) < 1e-20, 0, values), chunks) == float(exact)


def test_a_sum_is_the_same_in_any_order_to_the_last_bit():
    rng = np.random.default_rng(5)
    values = rng.lognormal(3, 8, 20_000) * rng.choice([-1, 1], 20_000)
    orders = [values, values[::-1], np.sort(values), rng.permutation(values)]

    assert len({sums_of(order, chunks) for order, chunks in zip(orders, (1, 3, 700, 19_999), strict=True)}) == 1
    assert sums_of(values) == math.fsum(values)
    assert len({float(np.cumsum(order)[-1]) for order in orders}) > 1


def test_sums_are_kept_by_group():
    limbs = sum_limbs(np.array([2, 0, 2]), floats(1.5, -7, 2.25), n_groups=4)

    assert as_floats(limbs).tolist() == [-7, 0, 3.75, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e37])
def test_what_cannot_be_summed_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        sum_limbs(np.array([0]), floats(value), n_groups=1)
