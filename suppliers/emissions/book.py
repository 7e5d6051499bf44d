"""Everything a calculation looks up: factors, footprints, rates and what categories were mapped to."""

from dataclasses import dataclass

import polars as pl

from suppliers.emissions.checks import checked, refuse_repeated
from suppliers.emissions.footprints import Footprints
from suppliers.emissions.lookups import Lookup, lookup_of, redirected
from suppliers.emissions.tables import ActivityIndex, Factors, Rates
from suppliers.emissions.units import Units

REQUIRED = True
SPEND_FACTORS = {
    "id": (pl.Int64, REQUIRED),
    "set_hash": (pl.String, REQUIRED),
    "base_year": (pl.Int64, REQUIRED),
    "code": (pl.String, REQUIRED),
    "region": (pl.String, REQUIRED),
    "unit": (pl.String, REQUIRED),
    "value": (pl.Float64, REQUIRED),
    "uncertainty": (pl.Float64, not REQUIRED),
}
ACTIVITY_FACTORS = {
    "id": (pl.Int64, REQUIRED),
    "set_hash": (pl.String, REQUIRED),
    "code": (pl.String, REQUIRED),
    "region": (pl.String, REQUIRED),
    "unit": (pl.String, REQUIRED),
    "value": (pl.Float64, REQUIRED),
    "uncertainty": (pl.Float64, not REQUIRED),
    "score": (pl.Float64, not REQUIRED),
}
FOOTPRINTS = {
    "id": (pl.Int64, REQUIRED),
    "set_hash": (pl.String, REQUIRED),
    "reference": (pl.String, REQUIRED),
    "supplier": (pl.String, REQUIRED),
    "product_code": (pl.String, not REQUIRED),
    "product_name": (pl.String, not REQUIRED),
    "pcf": (pl.Float64, REQUIRED),
    "declared_unit": (pl.String, REQUIRED),
    "valid_from": (pl.Date, REQUIRED),
    "valid_until": (pl.Date, REQUIRED),
    "status": (pl.String, REQUIRED),
    "uncertainty": (pl.Float64, not REQUIRED),
    "score": (pl.Float64, not REQUIRED),
}
CURRENCY_RATES = {
    "currency": (pl.String, REQUIRED),
    "year": (pl.Int64, REQUIRED),
    "usd_per_unit": (pl.Float64, REQUIRED),
}
PRICE_INDEX = {"year": (pl.Int64, REQUIRED), "index": (pl.Float64, REQUIRED)}
CATEGORIES = {
    "name": (pl.String, REQUIRED),
    "sector_code": (pl.String, not REQUIRED),
    "factor_code": (pl.String, not REQUIRED),
}


@dataclass(frozen=True)
class FactorBook:
    """What `calculate` looks up; made by `make_book`, never changed but for the units it meets.

    Attributes
    ----------
    units : Units
    factors : Factors
        Every spend factor, average-data factor and footprint in one table; a row of it is a "factor row".
    sectors : dict
        Factor row of a sector code.
    activities : ActivityIndex
        Factor rows of a code in a region.
    footprints : Footprints
        Factor rows of a supplier's product, with when they are valid.
    rates : Rates
        Currency rates and price index by year.
    sector_of_category : dict
        What sector code people mapped a category to; categories that were not are left out.
    sectors_by_category : dict
        Factor row of that code, `NOT_THERE` where there is none.
    codes_by_category : dict
        Number in `activities` of the factor code that people mapped a category to, or of the category's own name.
    """

    units: Units
    factors: Factors
    sectors: Lookup
    activities: ActivityIndex
    footprints: Footprints
    rates: Rates
    sector_of_category: dict[str, str]
    sectors_by_category: Lookup
    codes_by_category: Lookup


def make_book(
    *,
    spend_factors: pl.DataFrame | None = None,
    activity_factors: pl.DataFrame | None = None,
    footprints: pl.DataFrame | None = None,
    currency_rates: pl.DataFrame | None = None,
    price_index: pl.DataFrame | None = None,
    categories: pl.DataFrame | None = None,
) -> FactorBook:
    """Check plain frames and index them. A frame that is left out is empty, columns not named here are ignored.

    Text is compared character by character. "May be null" is said where it may; a blank text is as good as null.

    Parameters
    ----------
    spend_factors
        `id` Int64 (Factor.pk), `set_hash` String (FactorSet.file_hash), `base_year` Int64 (FactorSet.base_year),
        `code` String (six digits), `region` String, `unit` String, always USD, `value` Float64 [kg CO2e/USD of the
        base year], *with margins*, `uncertainty` Float64 (relative, 0..1, may be null). One row per code.
    activity_factors
        `id`, `set_hash`, `code` (product code, or a category's factor code or name), `region` (ISO 3166-1 alpha-2 or
        GLO), `unit`, `value` Float64 [kg CO2e/unit], `uncertainty` (may be null), `score` Float64 (0..100, may be
        null). One row per (code, region, unit); where several units convert, the first row counts.
    footprints
        `id` Int64 (ProductFootprint.pk), `set_hash` String (ProductFootprint.file_hash), `reference` String, the same
        on every database, as "csv:EXT-1:0" (source, external id, version), `supplier` String, the same text as in a
        record's `supplier` where they are the same supplier, `product_code`, `product_name` String (may be null; one
        of them is needed), `pcf` Float64 [kg CO2e/declared unit], `declared_unit` String, `valid_from`, `valid_until`
        Date (both days included), `status` String ("active" or another), `uncertainty`, `score` Float64 (may be null).
    currency_rates
        `currency` String (ISO 4217), `year` Int64, `usd_per_unit` Float64 [USD/unit]. USD needs no row.
    price_index
        `year` Int64, `index` Float64, any base.
    categories
        `name` String, `sector_code`, `factor_code` String (may be null).

    Raises
    ------
    ValueError
        If a column is missing, a required value is null, a number is not finite or out of range, a key stands
        twice, or a spend factor is not per USD.
    """
    spend = checked(spend_factors, SPEND_FACTORS, "spend_factors", nonnegative=("value", "uncertainty"))
    activity = checked(activity_factors, ACTIVITY_FACTORS, "activity_factors", nonnegative=("uncertainty", "score"))
    products = checked(footprints, FOOTPRINTS, "footprints", nonnegative=("uncertainty", "score"))
    currencies = checked(currency_rates, CURRENCY_RATES, "currency_rates", positive=("usd_per_unit",))
    index = checked(price_index, PRICE_INDEX, "price_index", positive=("index",))
    mapped = checked(categories, CATEGORIES, "categories")
    refuse_repeated(spend, "spend_factors", "code")
    refuse_repeated(activity, "activity_factors", "code", "region", "unit")
    refuse_repeated(currencies, "currency_rates", "currency", "year")
    refuse_repeated(index, "price_index", "year")
    refuse_repeated(mapped, "categories", "name")
    for unit in spend.filter(pl.col("unit") != "USD")["unit"].head(1):
        raise ValueError(f"spend_factors: the unit is {unit}; only factors per USD can be used")
    units = Units()
    sectors = lookup_of(spend["code"])
    activities = ActivityIndex.of(activity, first_row=spend.height)
    sector_of_category = _mapping(mapped, "sector_code")
    return FactorBook(
        units=units,
        factors=Factors.of(spend, activity, products, units),
        sectors=sectors,
        activities=activities,
        footprints=Footprints.of(products, first_row=spend.height + activity.height),
        rates=Rates.of(currencies, index),
        sector_of_category=sector_of_category,
        sectors_by_category=redirected(lookup_of(()), sector_of_category, sectors),
        codes_by_category=redirected(activities.codes, _mapping(mapped, "factor_code"), activities.codes),
    )


def _mapping(categories: pl.DataFrame, column: str) -> dict[str, str]:
    return dict(categories.filter(pl.col(column) != "").select("name", column).iter_rows())
