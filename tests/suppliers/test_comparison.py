"""Why two runs differ. Numbers by hand; index 2020 is 320, 2021 is 400, 2022 is 292.655."""

import math
import random

import polars as pl
import pytest

from suppliers.comparison import CELLS, PARTS, compare_runs, split_changes
from suppliers.models import EmissionRun, PurchaseRecord
from suppliers.services.calculate_emissions import calculate_emissions
from suppliers.services.map_categories import CategoryCodes, map_categories
from tests.builders import a_supplier
from tests.suppliers.emission_rows import a_category, a_factor_set, a_name, a_purchase, the_rates

pytestmark = pytest.mark.django_db


def parts_of(comparison):
    assert sum(comparison.parts.values()) == comparison.difference == comparison.after - comparison.before
    return tuple(comparison.parts[name] for name in PARTS)


def about(*parts):
    """Within a kilogram, to which everything is rounded."""
    return pytest.approx(parts, abs=1)


@pytest.fixture
def factors():
    the_rates(y2020=1.25, y2021=1.5)
    return a_factor_set(n111110=0.5, n222220=2.0)


def test_the_same_run_twice_differs_in_nothing(factors):
    a_purchase(1_000_000.0)
    comparison = compare_runs(calculate_emissions(year=2020), calculate_emissions(year=2020))
    assert parts_of(comparison) == (0, 0, 0, 0)
    assert comparison.groups == []


def test_more_money_is_activity_and_dearer_goods_are_prices(factors):
    a_purchase(1_000_000.0, 2020)
    a_purchase(1_500_000.0, 2021)
    comparison = compare_runs(calculate_emissions(year=2020), calculate_emissions(year=2021))
    before = 1_000_000 * 292.655 / 320 * 0.5
    after = 1_500_000 * 292.655 / 400 * 0.5
    assert parts_of(comparison) == about(round(0.5 * before), round(1.5 * before * (320 / 400 - 1)), 0, 0)
    assert (comparison.before, comparison.after) == (round(before), round(after))


def test_a_stronger_pound_is_currency(factors):
    a_purchase(1_000_000.0, 2020, currency="GBP")
    a_purchase(1_000_000.0, 2021, currency="GBP")
    comparison = compare_runs(calculate_emissions(year=2020), calculate_emissions(year=2021))
    before = 1_250_000 * 292.655 / 320 * 0.5
    assert parts_of(comparison) == about(0, round(before * (1.5 / 1.25 * 320 / 400 - 1)), 0, 0)


def test_new_factors_are_factors_also_where_their_money_is_of_another_year(factors):
    a_purchase(1_000_000.0)
    first = calculate_emissions(year=2020)
    a_factor_set("2", base_year=2018, n111110=0.8)
    second = calculate_emissions(year=2020)
    before, after = 1_000_000 * 292.655 / 320 * 0.5, 1_000_000 * 250 / 320 * 0.8
    assert parts_of(compare_runs(first, second)) == about(0, 0, round(after) - round(before), 0)


def test_a_category_mapped_anew_is_method(factors):
    a_purchase(1_000_000.0)
    first = calculate_emissions(year=2020)
    map_categories(codes={a_category().pk: CategoryCodes("222220")})
    comparison = compare_runs(first, calculate_emissions(year=2020))
    assert parts_of(comparison) == about(0, 0, 0, round(1_000_000 * 292.655 / 320 * 1.5))


def test_a_footprint_in_place_of_spend_is_method_and_no_less_activity(factors):
    """40 of 100 thousand dollars are now priced by quantity: 50 kg x 3."""
    a_purchase(60_000.0)
    half = a_purchase(40_000.0, quantity=50.0, unit="kg")
    first = calculate_emissions(year=2020)
    PurchaseRecord.objects.filter(pk=half.pk).update(supplier_pcf=3.0, pcf_unit="kg")
    comparison = compare_runs(first, calculate_emissions(year=2020))
    saved = 40_000 * 292.655 / 320 * 0.5
    assert parts_of(comparison) == about(0, 0, 0, round(150 - saved))


def test_what_is_priced_by_quantity_has_quantity_as_activity_whatever_it_costs(factors):
    for year, quantity, spend, pcf in ((2020, 100.0, 500.0, 30.0), (2021, 150.0, 900.0, 40.0)):
        a_purchase(spend, year, quantity=quantity, unit="kg", supplier_pcf=pcf, pcf_unit="kg")
    comparison = compare_runs(calculate_emissions(year=2020), calculate_emissions(year=2021))
    assert parts_of(comparison) == about(1_500, 0, 1_500, 0)


def test_a_new_supplier_is_activity_and_linked_names_are_one(factors):
    a_purchase(1_000_000.0)
    a_purchase(1_000_000.0, 2021, supplier_name=a_name("ACME Limited"))
    runs = calculate_emissions(year=2020), calculate_emissions(year=2021)
    activity, price, _factors, _method = parts_of(compare_runs(*runs))
    assert (activity, price) == (compare_runs(*runs).difference, 0)
    for name in (a_name(), a_name("ACME Limited")):
        name.supplier = a_supplier()
        name.save()
    activity, price, _factors, _method = parts_of(compare_runs(*runs))
    assert (activity, price) == (0, compare_runs(*runs).difference)
    assert compare_runs(*runs).groups[0].supplier == "ACME ACME Ltd"


def test_what_becomes_accounted_is_method(factors):
    category = a_category("Services", "")
    a_purchase(1_000_000.0, category=category)
    first = calculate_emissions(year=2020)
    map_categories(codes={category.pk: CategoryCodes("111110")})
    comparison = compare_runs(first, calculate_emissions(year=2020))
    assert parts_of(comparison) == about(0, 0, 0, round(1_000_000 * 292.655 / 320 * 0.5))


def test_two_empty_runs_can_be_compared():
    runs = [EmissionRun.objects.create(year=2020) for _ in range(2)]
    assert parts_of(compare_runs(*runs)) == (0, 0, 0, 0)


def some_cells(seed):
    chance = random.Random(seed)
    rows = {}
    for _ in range(300):
        tier = chance.choice([None, 1, 2, 3])
        key = (chance.randrange(30), chance.choice([None, 1, 2]), "GBP", tier, chance.choice("xy"), "kg")
        money = chance.uniform(1, 500) if chance.random() < 0.98 else chance.choice([0.0, -50.0])
        emissions = chance.uniform(1, 1000) if tier else 0.0
        rows[key] = (*key, emissions, money, chance.uniform(0, 90), chance.uniform(0.5, 2))
    return pl.DataFrame(list(rows.values()), CELLS, orient="row")


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_add_up_whatever_the_cells_are(seed):
    a, b = some_cells(seed), some_cells(seed + 1000)
    changes = split_changes(a, b)
    together = math.fsum(changes[name].sum() for name in PARTS)
    assert together == pytest.approx(b["emissions"].sum() - a["emissions"].sum(), rel=1e-9)
    assert changes.select(pl.col(PARTS).is_finite().all()).row(0) == (True,) * 4
    assert changes["price"].abs().sum() > 0
    assert changes["factors"].abs().sum() > 0
