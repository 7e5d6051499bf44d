"""Purchase records in, emissions out, without a database."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from suppliers.emissions.book import FactorBook
from suppliers.emissions.frames import error_frame, result_frame
from suppliers.emissions.records import FIELDS, Records, read_records
from suppliers.emissions.sums import Sums
from suppliers.emissions.tables import SIGMA_ACTIVITY, Ints
from suppliers.emissions.waterfall import Priced, price

ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Outcome:
    """What became of records: every one is in `results` or in `errors`, in the records' order.

    Attributes
    ----------
    results : one row per record that was calculated
        `record` (the key as given), `record_id`, then the columns of the model `EmissionResult` with its names:
        `tier` Int8 (null where unaccounted), `method`, `rejected`, `emissions_kgco2e`, `p5_kgco2e`, `p95_kgco2e`,
        `dqi`, `factor_id`, `footprint_id`, `factor_value`, `factor_unit`, `activity_amount`, `unit_rate`,
        `currency_rate`, `price_index_ratio`, `spend_usd`, `provenance_hash`. What there is not is null; texts are
        empty.
    errors : `record`, `record_id`, `code`, `sentence`
    sums : emissions by factor, for the total and its interval
    """

    results: pl.DataFrame
    errors: pl.DataFrame
    sums: Sums

    @property
    def accounted(self) -> int:
        return self.results.height - self.unaccounted

    @property
    def unaccounted(self) -> int:
        return self.results["tier"].null_count()

    @property
    def failed(self) -> int:
        return self.errors.height


def calculate(records: pl.DataFrame, book: FactorBook) -> Outcome:
    """Emissions of each record by the most specific tier that its data allows, without a database.

    Parameters
    ----------
    records
        One row per record: `record` (any key, returned as it is) and the fields of a purchase record, `records.FIELDS`,
        by name; a field that is left out is not given. Texts, numbers and dates may be of the column's own type or
        text. `supplier` is what `footprints.supplier` of the book says; `year` goes before the year of
        `purchase_date` where money is concerned, which itself may be a year.
    book
        From `make_book`.
    """
    total = Sums()
    results, errors = [], []
    for part in records.iter_slices(ROWS_AT_ONCE) if records.height else [records]:
        columns = {name: _column(part, name) for name in FIELDS}
        outcome = calculate_chunk(read_records(columns), key=part["record"], book=book)
        results.append(outcome.results)
        errors.append(outcome.errors)
        total.merge(outcome.sums)
    return Outcome(pl.concat(results), pl.concat(errors), total)


def calculate_chunk(records: Records, *, key: pl.Series, book: FactorBook) -> Outcome:
    priced = price(records, book)
    at = records.sound()
    return Outcome(
        results=result_frame(records, priced, at, key=key, book=book),
        errors=error_frame(records, key=key),
        sums=_sums(records, priced, at[priced.tier[at] > 0], book=book),
    )


def _column(records: pl.DataFrame, name: str) -> list[Any]:
    return records[name].to_list() if name in records.columns else [None] * records.height


def _sums(records: Records, priced: Priced, at: Ints, *, book: FactorBook) -> Sums:
    """Sums of the accounted records, by factor."""
    own_keys: dict[str, int] = {}
    factor = priced.row[at]
    own = priced.by_own_pcf[at].nonzero()[0]
    numbers = [own_keys.setdefault(_own_key(records, i), len(own_keys)) for i in at[own].tolist()]
    factor[own] = len(book.factors) + np.array(numbers, dtype=np.int64)
    distinct, first, position = np.unique(factor, return_index=True, return_inverse=True)
    keys = [*map(book.factors.key, distinct[: len(distinct) - len(own_keys)].tolist()), *own_keys]
    sigma_activity = SIGMA_ACTIVITY[priced.tier[at]]
    return Sums.of(keys, priced.uncertainty[at[first]], position, priced.emissions[at], sigma_activity)


def _own_key(records: Records, at: int) -> str:
    """A supplier's PCFs are one factor where they are the same number for the same unit, equally uncertain."""
    number, uncertainty = float(records.supplier_pcf[at]), float(records.pcf_uncertainty[at])
    return f"pcf:{number!r}:{uncertainty!r}:{records.text('pcf_unit', at)}:{records.supplier[at]}"
