"""The demo's SKUs: what they are, what they cost, how fast they move and when."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ordering.models import Sku
from ordering.services.demo.partners import Partners
from ordering.services.demo.words import BRANDS, CATEGORIES, COLOURS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Strings = NDArray[np.str_]

FIRST_NUMBER = 10_001
MEDIAN_MONTHLY = 12.0
NO_SUPPLIER = -1
STATUSES = {Sku.Status.ACTIVE: 0.90, Sku.Status.DEATH_ROW: 0.06, Sku.Status.DISCONTINUED: 0.04}


@dataclass(frozen=True)
class Skus:
    """A chunk of SKUs, every array of shape (n_skus,) unless it says more.

    Attributes
    ----------
    first : int
        How many SKUs come before this chunk.
    supplier : int64
        Row number among the partners' suppliers; -1 for none.
    monthly : float64 [units/month]
        Long-run demand at the largest warehouse.
    months_on_sale : int64
        Months before the planning date in which the SKU was sold.
    seasonal, chronic, out_in_season : bool
        Whether sales have a season, the SKU is often out of stock, or runs out in its season.
    peak : bool, shape (n_skus, 12)
    """

    first: int
    category: Ints
    supplier: Ints
    status: Strings
    monthly: Floats
    months_on_sale: Ints
    unit_cost: Floats
    moq: Ints
    order_multiple: Ints
    seasonal: Bools
    strength: Floats
    peak: Bools
    chronic: Bools
    out_in_season: Bools

    def __len__(self) -> int:
        return len(self.category)


def draw_skus(rng: np.random.Generator, *, first: int, count: int, partners: Partners) -> Skus:
    shares = np.array([category.share for category in CATEGORIES])
    category = rng.choice(len(CATEGORIES), count, p=shares / shares.sum())
    median_cost = np.array([category.unit_cost for category in CATEGORIES])[category]
    monthly = rng.lognormal(np.log(MEDIAN_MONTHLY), 1.4, count)
    monthly[rng.random(count) < 0.04] = 0
    has_pack = rng.random(count) < np.where(monthly < 8, 0.2, 0.6)
    multiple = np.where(has_pack, rng.choice([6, 12, 24], count, p=[0.4, 0.45, 0.15]), 1)
    seasonal, strength, peak = _draw_seasons(rng, category)
    return Skus(
        first=first,
        category=category,
        supplier=_draw_suppliers(rng, count, partners),
        status=rng.choice(list(STATUSES), count, p=list(STATUSES.values())),
        monthly=monthly,
        months_on_sale=np.where(rng.random(count) < 0.08, rng.integers(1, 13, count), 13),
        unit_cost=(median_cost * rng.lognormal(0, 0.5, count)).round(2),
        moq=multiple * rng.choice([1, 2, 4, 10], count, p=[0.6, 0.2, 0.15, 0.05]),
        order_multiple=multiple,
        seasonal=seasonal,
        strength=strength,
        peak=peak,
        chronic=rng.random(count) < 0.03,
        out_in_season=rng.random(count) < np.where(seasonal, 0.1, 0.01),
    )


def _draw_suppliers(rng: np.random.Generator, count: int, partners: Partners) -> Ints:
    """A few suppliers have many SKUs, most have few, and some SKUs have none."""
    weights = (1.0 + np.arange(partners.suppliers.height)) ** -0.7
    supplier = rng.choice(len(weights), count, p=weights / weights.sum())
    return np.where(rng.random(count) < 0.015, NO_SUPPLIER, supplier)


def _draw_seasons(rng: np.random.Generator, category: Ints) -> tuple[Bools, Floats, Bools]:
    count = len(category)
    of_category = np.array([[month in c.peak_months for month in range(1, 13)] for c in CATEGORIES])
    has_season = np.array([bool(c.peak_months) for c in CATEGORIES])[category]
    start = rng.integers(12, size=(count, 1))
    its_own = (np.arange(12) - start) % 12 < 2
    seasonal = rng.random(count) < np.where(has_season, 0.85, 0.08)
    strength = np.where(seasonal, rng.uniform(0.32, 0.95, count), rng.uniform(0, 0.3, count))
    return seasonal, strength, np.where(has_season[:, None], of_category[category], its_own)


def sku_rows(rng: np.random.Generator, skus: Skus, partners: Partners, *, yearly: Floats, cv: Floats) -> pl.DataFrame:
    """The SKUs as rows; `supplier` is a row number, or null.

    Parameters
    ----------
    yearly : float64, shape (n_skus,) [units/year]
        Demand of all warehouses.
    cv : float64, shape (n_skus,)
        Coefficient of variation of monthly demand, NaN where unknown.
    """
    count = len(skus)
    prefixes = np.array([category.prefix for category in CATEGORIES])
    has_maximum = rng.random(count) < 0.03
    packs = np.ceil(np.maximum(skus.moq, skus.monthly * rng.uniform(0.5, 3, count)) / skus.order_multiple)
    abc = _blank(rng, _abc(yearly * skus.unit_cost), 0.04)
    xyz = np.array(["X", "Y", "Z"])[np.digitize(cv, [0.25, 0.5])]
    words = pl.DataFrame(
        {
            "brand": rng.choice(BRANDS, count),
            "material": _pick(rng, skus.category, [category.materials for category in CATEGORIES]),
            "product": _pick(rng, skus.category, [category.products for category in CATEGORIES]),
            "size": _pick(rng, skus.category, [category.sizes for category in CATEGORIES]),
            "colour": rng.choice(COLOURS, count),
        }
    )
    return words.select(
        sku=pl.format("{}-{}", pl.Series(prefixes[skus.category]), pl.int_range(count) + FIRST_NUMBER + skus.first),
        description=pl.format("{} {} {} {}, {}", "brand", "material", "product", "size", "colour"),
        supplier=pl.Series(skus.supplier).replace(NO_SUPPLIER, None),
        status=pl.Series(skus.status),
        abc=pl.Series(abc),
        xyz=pl.Series(_blank(rng, np.where(np.isnan(cv), "", xyz), 0.08)),
        unit_cost=pl.Series(skus.unit_cost),
        currency=pl.Series(partners.currency[skus.supplier]),
        moq=pl.Series(skus.moq),
        order_multiple=pl.Series(skus.order_multiple),
        max_order_qty=pl.Series(np.where(has_maximum, packs * skus.order_multiple, np.nan))
        .fill_nan(None)
        .cast(pl.Int64),
    )


def _pick(rng: np.random.Generator, category: Ints, words: Sequence[Sequence[str]]) -> Strings:
    """One of its category's words for each SKU."""
    sizes = np.array([len(group) for group in words])
    starts = np.cumsum(sizes) - sizes
    flat = np.array([word for group in words for word in group])
    picked: Strings = flat[starts[category] + rng.integers(sizes[category])]
    return picked


def _abc(value: Floats) -> Strings:
    """A for the SKUs that make the first 80 % of the value, B up to 95 %, C for the rest."""
    order = np.argsort(-value, kind="stable")
    before = np.cumsum(value[order]) - value[order]
    letters = np.empty(len(value), dtype="U1")
    letters[order] = np.array(["A", "B", "C"])[np.digitize(before / max(value.sum(), 1e-9), [0.80, 0.95])]
    return letters


def _blank(rng: np.random.Generator, letters: Strings, share: float) -> Strings:
    return np.where(rng.random(len(letters)) < share, "", letters)
