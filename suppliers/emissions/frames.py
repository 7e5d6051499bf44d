"""Results and errors of a chunk as frames."""

import numpy as np
import polars as pl

from suppliers.emissions.book import FactorBook
from suppliers.emissions.lookups import taken
from suppliers.emissions.provenance import METHODS, NUMBERS, hashed_factor, provenance_hashes
from suppliers.emissions.reasons import rejected_texts
from suppliers.emissions.records import Records
from suppliers.emissions.tables import Ints
from suppliers.emissions.values import as_text
from suppliers.emissions.waterfall import Priced
from suppliers.kernels import emissions as kernels
from suppliers.kernels.emissions import Tier

SIGMA_ACTIVITY = kernels.lognormal_sigma(kernels.ACTIVITY_UNCERTAINTY)
COLUMNS = (
    "record",
    "record_id",
    "tier",
    "method",
    "rejected",
    "emissions_kgco2e",
    "p5_kgco2e",
    "p95_kgco2e",
    "dqi",
    "factor_id",
    "footprint_id",
    "factor_value",
    "factor_unit",
    "activity_amount",
    "unit_rate",
    "currency_rate",
    "price_index_ratio",
    "spend_usd",
    "provenance_hash",
)
TIER_TEXTS = pl.Series("tier", [None, 1, 2, 3], dtype=pl.Int8)
METHOD_TEXTS = pl.Series("method", METHODS)


def result_frame(records: Records, priced: Priced, at: Ints, *, key: pl.Series, book: FactorBook) -> pl.DataFrame:
    """One row per record at these positions, columns as `COLUMNS`.

    At 1,000 rows each call into Polars costs more than its work, so columns are made from arrays and lists and the
    frame at once.
    """
    row, tier = priced.row[at], priced.tier[at]
    by_spend = tier == Tier.SPEND_BASED
    emissions = priced.emissions[at]
    sigma_factor = kernels.lognormal_sigma(priced.uncertainty[at])
    p5, p95 = kernels.interval(emissions, SIGMA_ACTIVITY[tier], sigma_factor)
    numbers = {
        "emissions_kgco2e": emissions,
        "p5_kgco2e": p5,
        "p95_kgco2e": p95,
        "dqi": kernels.data_quality(tier, book.factors.score[row]),
        "factor_value": priced.value[at],
        "activity_amount": priced.activity[at],
        "unit_rate": np.where(by_spend, np.nan, priced.rate[at]),
        "currency_rate": priced.currency_rate[at],
        "price_index_ratio": np.where(by_spend, priced.rate[at], np.nan),
        "spend_usd": priced.spend_usd[at],
    }
    factors, kinds = pl.Series(row % len(book.factors), dtype=pl.UInt32), pl.Series(tier, dtype=pl.UInt32)
    units, hashed = book.factors.unit_text[factors], book.factors.hashed[row].tolist()
    own = np.flatnonzero(priced.by_own_pcf[at])
    if len(own):
        pcf_units = [as_text(unit) for unit in taken(records.raw["pcf_unit"], at[own])]
        units = units.scatter(own, pcf_units)
        for i, value, unit in zip(own.tolist(), priced.value[at[own]].tolist(), pcf_units, strict=True):
            hashed[i] = hashed_factor("", "", Tier.SUPPLIER_SPECIFIC, value, unit)
    record_ids = taken(records.record_id, at)
    series = [
        (key if len(at) == len(key) else key[at]).alias("record"),
        pl.Series("record_id", record_ids, dtype=pl.String),
        TIER_TEXTS[kinds],
        METHOD_TEXTS[kinds],
        rejected_texts(priced.reasons[:, at]),
        book.factors.factor_id[factors],
        book.factors.footprint_id[factors],
        units.alias("factor_unit"),
        *(pl.Series(name, values, nan_to_null=True) for name, values in numbers.items()),
        provenance_hashes(hashed, record_ids, [numbers[name] for name in NUMBERS]),
    ]
    by_name = {column.name: column for column in series}
    return pl.DataFrame([by_name[name] for name in COLUMNS])


def error_frame(records: Records, *, key: pl.Series) -> pl.DataFrame:
    """`record`, `record_id`, `code` and `sentence` of each record that was refused."""
    at = sorted(records.refusals)
    return pl.DataFrame(
        {
            "record": key[at],
            "record_id": pl.Series([records.record_id[i] for i in at], dtype=pl.String),
            "code": pl.Series([records.refusals[i][0] for i in at], dtype=pl.String),
            "sentence": pl.Series([records.refusals[i][1] for i in at], dtype=pl.String),
        }
    )
