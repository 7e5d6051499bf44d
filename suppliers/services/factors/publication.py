"""What a file of emission factors holds, whoever published it."""

import re
from dataclasses import dataclass, field, replace
from typing import Self

import polars as pl

from core.errors import WorkbenchError

LONGEST = {"publisher": 100, "version": 100, "price_basis": 40, "gwp_basis": 40}


@dataclass(frozen=True)
class Statement:
    """What is said about a whole set, under the names of FactorSet; empty where nothing is said.

    Raises
    ------
    WorkbenchError
        If a word is too long, or a currency or year is none.
    """

    publisher: str = ""
    version: str = ""
    base_year: int | None = None
    currency: str = ""
    price_basis: str = ""
    gwp_basis: str = ""

    def __post_init__(self) -> None:
        if self.currency and not re.fullmatch("[A-Z]{3}", self.currency):
            raise WorkbenchError(f"{self.currency!r} is not a currency code like USD.")
        if self.base_year is not None and not 1900 <= self.base_year <= 2199:
            raise WorkbenchError(f"{self.base_year} is not a year from 1900 to 2199.")
        for name, longest in LONGEST.items():
            if len(getattr(self, name)) > longest:
                raise WorkbenchError(f"The {_words(name)} has more than {longest} characters.")

    def completed_by(self, other: Self) -> Self:
        """The other's word where this one says nothing.

        Raises
        ------
        WorkbenchError
            If both speak and differ.
        """
        theirs = {name: value for name, value in vars(other).items() if value}
        for name, value in theirs.items():
            if (mine := getattr(self, name)) not in ("", None, value):
                raise WorkbenchError(f"The {_words(name)} is given as {mine}, but the file says {value}.")
        return replace(self, **theirs)


NOTHING_STATED = Statement()


@dataclass(frozen=True)
class Publication:
    """`factors` has the columns of Factor but for the set; `left_out` counts the file's other rows by what they are."""

    statement: Statement
    factors: pl.DataFrame
    left_out: dict[str, int] = field(default_factory=dict)


def _words(name: str) -> str:
    return name.replace("_", " ")
