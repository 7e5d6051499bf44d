"""Why a tier was not used, and when that is the record's fault."""

from enum import IntEnum
from functools import cache
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray

Codes = NDArray[np.int8]


class Reason(IntEnum):
    """Why a tier cannot price a record; USED where it can, or was not asked."""

    USED = 0
    NO_FOOTPRINT = 1
    PCF_NOT_POSITIVE = 2
    INACTIVE_FOOTPRINT = 3
    EXPIRED_FOOTPRINT = 4
    NO_FACTOR = 5
    LOW_QUALITY = 6
    NO_QUANTITY = 7
    ZERO_QUANTITY = 8
    NO_UNIT = 9
    UNKNOWN_UNIT = 10
    UNIT_MISMATCH = 11
    NO_SPEND = 12
    NO_SECTOR = 13
    UNKNOWN_SECTOR = 14
    NO_CURRENCY = 15
    UNKNOWN_CURRENCY = 16
    NO_RATE = 17


# Something is given and wrong, not just missing: if no tier prices the record, it is an error with this code.
FAULTS = np.isin(
    np.arange(len(Reason)),
    [
        Reason.EXPIRED_FOOTPRINT,
        Reason.UNKNOWN_UNIT,
        Reason.UNIT_MISMATCH,
        Reason.UNKNOWN_SECTOR,
        Reason.UNKNOWN_CURRENCY,
        Reason.NO_RATE,
    ],
)


def rejected_texts(reasons: Codes) -> pl.Series:
    """Texts such as "1:no_footprint,2:unit_mismatch", one per record.

    Parameters
    ----------
    reasons : int8, shape (3, n), tiers 1 to 3
    """
    number = (reasons[0].astype(np.uint32) * len(Reason) + reasons[1]) * len(Reason) + reasons[2]
    texts: pl.Series = _texts()[pl.Series(number.astype(np.uint32))]
    return texts


@cache
def _texts() -> pl.Series:
    """The text of every combination, in the order of its number."""
    texts = [
        ",".join(f"{tier}:{reason.name.lower()}" for tier, reason in enumerate(three, start=1) if reason)
        for three in product(Reason, repeat=3)
    ]
    return pl.Series("rejected", texts)
