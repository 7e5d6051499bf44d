"""The lookup arrays of a book: text to number once, then arrays by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suppliers.emissions.checks import FIRST_YEAR, LAST_YEAR
from suppliers.emissions.lookups import Lookup, lookup_of
from suppliers.emissions.provenance import hashed_factor
from suppliers.emissions.units import NO_UNIT, Units
from suppliers.kernels import emissions as kernels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SIGMA_ACTIVITY = kernels.lognormal_sigma(kernels.ACTIVITY_UNCERTAINTY)
GLOBAL = "GLO"
HOME_CURRENCY = "USD"
NO_ROW = -1


@dataclass(frozen=True)
class Factors:
    """Spend factors, then average-data factors, then footprints, then one row of nothing, which is row -1.

    Attributes
    ----------
    factor_id, footprint_id : Int64, null where the row is of the other kind
    unit_text, hashed : str and bytes, shape (n_rows,); the latter is what the provenance hash takes of a factor
    value : float64 [kg CO2e/unit]
    uncertainty : float64, relative, the tier's default where none is published
    spread : float64, of the interval of a result
    dqi : float64, 0 to 100, of a result
    unit : int64, its number in `Units`; 0 for money
    base_year : int64, of the money; 1900, which no index reaches, for physical units
    """

    factor_id: pl.Series
    footprint_id: pl.Series
    unit_text: NDArray[np.object_]
    hashed: NDArray[np.object_]
    value: Floats
    uncertainty: Floats
    spread: Floats
    dqi: Floats
    unit: Ints
    base_year: Ints

    @classmethod
    def of(cls, spend: pl.DataFrame, activity: pl.DataFrame, footprints: pl.DataFrame, units: Units) -> Self:
        by_code = pl.concat_str("code", "region", "unit", separator="/").alias("reference")
        kinds = [
            spend.with_columns(by_code, factor_id="id", tier=3),
            activity.with_columns(by_code, factor_id="id", tier=2),
            footprints.rename({"id": "footprint_id", "pcf": "value", "declared_unit": "unit"}).with_columns(tier=1),
            pl.DataFrame({"set_hash": "", "reference": "", "unit": "", "tier": 0}),
        ]
        table = pl.concat(kinds, how="diagonal_relaxed")
        tier = table["tier"].to_numpy().astype(np.int8)
        uncertainty = kernels.factor_uncertainty(tier, _floats(table["uncertainty"]))
        hashed = table.select("set_hash", "reference", "tier", "value", "unit").iter_rows()
        return cls(
            factor_id=table["factor_id"],
            footprint_id=table["footprint_id"],
            unit_text=table["unit"].to_numpy().astype(object),
            hashed=np.array([hashed_factor(*of_row) for of_row in hashed], dtype=object),
            value=_floats(table["value"]),
            uncertainty=uncertainty,
            spread=kernels.interval_spread(SIGMA_ACTIVITY[tier], kernels.lognormal_sigma(uncertainty)),
            dqi=kernels.data_quality(tier, _floats(table["score"])),
            unit=np.where(table["tier"].is_in([1, 2]), units.numbers_of(table["unit"].to_list()), NO_UNIT),
            base_year=table["base_year"].fill_null(FIRST_YEAR).to_numpy(),
        )

    def __len__(self) -> int:
        return len(self.value)

    def key(self, row: int) -> str:
        """What a factor is called in sums, within one database."""
        factor = self.factor_id[row]
        return f"footprint:{self.footprint_id[row]}" if factor is None else f"factor:{factor}"


@dataclass(frozen=True)
class Groups:
    """Factor rows by key: rows[start[g] : start[g] + count[g]] belong to group g, the preferred first."""

    start: Ints
    count: Ints
    rows: Ints

    @classmethod
    def of(cls, groups: Sequence[Sequence[int]]) -> Self:
        count = np.array([len(group) for group in groups], dtype=np.int64)
        rows = np.array([row for group in groups for row in group], dtype=np.int64)
        return cls(np.cumsum(count) - count, count, rows)


@dataclass(frozen=True)
class ActivityIndex:
    """Average-data factors by code and region.

    Attributes
    ----------
    codes, regions : numbers by text
    group : int64, shape (n_codes + 3, n_regions + 3), number in `groups`, -1 where there is none
        The last rows and columns are those of the negative numbers that a lookup gives.
    """

    codes: Lookup
    regions: Lookup
    group: Ints
    groups: Groups

    @classmethod
    def of(cls, activity: pl.DataFrame, *, first_row: int) -> Self:
        codes, regions = lookup_of(activity["code"]), lookup_of([GLOBAL, *activity["region"]])
        by_place: dict[tuple[int, int], list[int]] = {}
        for row, (code, region) in enumerate(activity.select("code", "region").iter_rows(), start=first_row):
            by_place.setdefault((codes[code], regions[region]), []).append(row)
        group = np.full((len(codes) + 1, len(regions) + 1), NO_ROW)
        for number, place in enumerate(by_place):
            group[place] = number
        return cls(codes, regions, group, Groups.of(list(by_place.values())))


@dataclass(frozen=True)
class Rates:
    """Currency rates and price index by year; NaN where there is none.

    Attributes
    ----------
    currencies : dict, row of a currency in `usd_per_unit`
    usd_per_unit : float64, shape (n_currencies, n_years) [USD/unit]
    index : float64, shape (n_years,)
    """

    currencies: Lookup
    usd_per_unit: Floats
    index: Floats

    @classmethod
    def of(cls, currencies: pl.DataFrame, index: pl.DataFrame) -> Self:
        numbers = lookup_of([HOME_CURRENCY, *currencies["currency"]])
        table = np.full((max(numbers.values()) + 1, LAST_YEAR - FIRST_YEAR + 1), np.nan)
        rows = [numbers[currency] for currency in currencies["currency"]]
        table[rows, currencies["year"].to_numpy() - FIRST_YEAR] = currencies["usd_per_unit"].to_numpy()
        table[numbers[HOME_CURRENCY]] = 1.0
        by_year = np.full(LAST_YEAR - FIRST_YEAR + 1, np.nan)
        by_year[index["year"].to_numpy() - FIRST_YEAR] = index["index"].to_numpy()
        return cls(numbers, table, by_year)

    def knows(self, currency: str, year: int) -> bool:
        return not np.isnan(self.usd_per_unit[self.currencies[currency], year - FIRST_YEAR])


def _floats(values: pl.Series) -> Floats:
    return values.fill_null(np.nan).to_numpy().astype(np.float64)
