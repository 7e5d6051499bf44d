"""Results and errors of a chunk as frames."""

import numpy as np
import polars as pl

from suppliers.emissions.book import FactorBook
from suppliers.emissions.lookups import taken
from suppliers.emissions.provenance import METHODS, NUMBERS, RATES, hashed_pcf, provenance_hashes
from suppliers.emissions.reasons import rejected_texts
from suppliers.emissions.records import Records
from suppliers.emissions.tables import Floats, Ints
from suppliers.emissions.values import as_texts
from suppliers.emissions.waterfall import Priced
from suppliers.kernels.emissions import Tier, interval

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
FLOATS = (*NUMBERS, *RATES, "p5_kgco2e", "p95_kgco2e", "dqi", "factor_value", "spend_usd")
TIER_TEXTS = pl.Series("tier", [None, 1, 2, 3], dtype=pl.Int8)
METHOD_TEXTS = pl.Series("method", METHODS)


def result_frame(records: Records, priced: Priced, at: Ints, *, key: pl.Series, book: FactorBook) -> pl.DataFrame:
    """One row per record at these positions, columns as `COLUMNS`.

    At 1,000 rows a call into Polars costs more than its work, so there are few of them, and none that asks its thread
    pool, which waits for a free core.
    """
    size, row, tier = len(at), priced.row[at], priced.tier[at]
    floats = _floats(priced, at)
    units, hashed = _factor_texts(records, priced, at, book)
    factors, tiers = pl.Series((row % len(book.factors)).astype(np.uint32)), pl.Series(tier.astype(np.uint32))
    flat = pl.Series(values=floats.ravel(), nan_to_null=True)
    numbers = [flat.slice(i * size, size).alias(name) for i, name in enumerate(FLOATS)]
    columns = [
        (key if size == len(key) else key[at]).alias("record"),
        pl.Series("record_id", taken(records.record_id, at), dtype=pl.String),
        TIER_TEXTS[tiers],
        METHOD_TEXTS[tiers],
        rejected_texts(priced.reasons[:, at]),
        book.factors.factor_id[factors],
        book.factors.footprint_id[factors],
        pl.Series("factor_unit", units, dtype=pl.String),
        *numbers,
        provenance_hashes(hashed, taken(records.encoded_id, at), floats[:2], floats[2:5]),
    ]
    by_name = {column.name: column for column in columns}
    return pl.DataFrame([by_name[name] for name in COLUMNS])


def _floats(priced: Priced, at: Ints) -> Floats:
    """The columns `FLOATS`, shape (10, n)."""
    by_spend = priced.tier == Tier.SPEND_BASED
    p5, p95 = interval(priced.emissions, priced.spread)
    columns = {
        "activity_amount": priced.activity,
        "emissions_kgco2e": priced.emissions,
        "unit_rate": np.where(by_spend, np.nan, priced.rate),
        "currency_rate": priced.currency_rate,
        "price_index_ratio": np.where(by_spend, priced.rate, np.nan),
        "p5_kgco2e": p5,
        "p95_kgco2e": p95,
        "dqi": priced.dqi,
        "factor_value": priced.value,
        "spend_usd": priced.spend_usd,
    }
    floats = np.stack([columns[name] for name in FLOATS])
    return floats if len(at) == floats.shape[1] else floats[:, at]


def _factor_texts(records: Records, priced: Priced, at: Ints, book: FactorBook) -> tuple[list[str], list[bytes]]:
    """Each factor's unit, and what the provenance hash takes of it."""
    units, hashed = book.factors.unit_text[priced.row[at]], book.factors.hashed[priced.row[at]]
    own = priced.by_own_pcf[at].nonzero()[0]
    if len(own):
        pcf_units = as_texts(taken(records.raw["pcf_unit"], at[own]))
        units[own] = pcf_units
        hashed[own] = list(map(hashed_pcf, priced.value[at[own]].tolist(), pcf_units))
    return units.tolist(), hashed.tolist()


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
