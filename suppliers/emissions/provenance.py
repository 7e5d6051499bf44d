"""The hash that says by exactly which numbers a result was formed."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

METHOD_VERSION = "1"
METHODS = ("unaccounted", "supplier_specific", "average_data", "spend_based")
SEPARATOR = "\x1f"
FIELDS = (
    "method_version",
    "set_hash",
    "reference",
    "tier",
    "method",
    "factor_value",
    "factor_unit",
    "record_id",
    "activity_amount",
    "unit_rate",
    "currency_rate",
    "price_index_ratio",
    "emissions_kgco2e",
)
NUMBERS = ("activity_amount", "emissions_kgco2e")
RATES = ("unit_rate", "currency_rate", "price_index_ratio")
OF_PCF = SEPARATOR.join((METHOD_VERSION, "", "", "1", METHODS[1], ""))
SMALL = 1e-4  # below it Polars writes 0.00001 and Python 1e-05; above it they agree
MOST_RATES = 10_000
_rate_texts: dict[bytes, bytes] = {}


def provenance_hashes(
    factors: Sequence[bytes], record_ids: Sequence[bytes], numbers: Floats, rates: Floats
) -> pl.Series:
    """SHA-256 of `FIELDS` in their order, in hexadecimal, one per record.

    A field is text in UTF-8: a number as Python's `repr` of the float64, a tier as its digit, nothing as nothing;
    between two fields stands the character 31. `set_hash` is that of the file which the factor came from and chains
    the result to it, `reference` names the factor's row there. Neither primary keys nor the run take part, so that the
    same record and factors have the same hash on every database.

    Parameters
    ----------
    factors : shape (n,), the first seven fields, by `hashed_factor`
    record_ids : shape (n,), in UTF-8
    numbers : float64, shape (2, n), `NUMBERS`, NaN for nothing
    rates : float64, shape (3, n), `RATES`, positive, NaN for nothing
    """
    size = len(record_ids)
    texts = number_texts(numbers.ravel()).cast(pl.Binary).to_list()
    fields = zip(factors, record_ids, texts[:size], _rate_fields(rates), texts[size:], strict=True)
    lines = map(SEPARATOR.encode().join, fields)
    return pl.Series("provenance_hash", [sha256(line).hexdigest() for line in lines], dtype=pl.String)


def _rate_fields(rates: Floats) -> list[bytes]:
    """The three rates of each record with what stands between them.

    They repeat, so each three is written once. Their 24 bytes as one key take 64 ns to look up, three floats 150.
    """
    threes = np.ascontiguousarray(rates.T).view("S24").ravel().tolist()
    try:
        return list(map(_rate_texts.__getitem__, threes))
    except KeyError:
        known = {three: _written_rates(three) for three in set(threes)}
        if len(_rate_texts) < MOST_RATES:
            _rate_texts.update(known)
        return list(map(known.__getitem__, threes))


def _written_rates(three: bytes) -> bytes:
    rates = np.frombuffer(three.ljust(24, b"\0"))  # numpy cuts zero bytes at the end off
    return SEPARATOR.join("" if np.isnan(rate) else repr(rate) for rate in rates.tolist()).encode()


def hashed_factor(set_hash: str, reference: str, tier: int, value: float | None, unit: str) -> bytes:
    """The fields of a result's hash that its factor decides."""
    fields = (METHOD_VERSION, set_hash, reference, str(tier or ""), METHODS[tier], "" if value is None else repr(value))
    return SEPARATOR.join((*fields, unit)).encode()


def hashed_pcf(value: float, unit: str) -> bytes:
    """`hashed_factor` of a PCF on the record, which stands in no file and has no row there."""
    return f"{OF_PCF}{value!r}{SEPARATOR}{unit}".encode()


def number_texts(numbers: Floats) -> pl.Series:
    """Python's `repr` of each number, empty for NaN. Polars writes a float in 33 ns, Python in 500."""
    texts = pl.Series(numbers).cast(pl.String)
    odd = (~(np.abs(numbers) >= SMALL) & (numbers != 0)).nonzero()[0]
    if len(odd):
        others = ["" if np.isnan(number) else repr(number) for number in numbers[odd].tolist()]
        texts = texts.scatter(odd, others)
    return texts
