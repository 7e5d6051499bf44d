"""Registered product footprints, found by supplier and product."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from suppliers.emissions.tables import Bools, Groups, Ints


@dataclass(frozen=True)
class Footprints:
    """Footprints by supplier and product; in a group the one that became valid last is the preferred.

    Attributes
    ----------
    suppliers : those who have any
    by_code, by_name, by_name_alone : dict
        Group of (supplier, product code), of (supplier, key of the product's name), and of the latter among
        footprints that have no code.
    usable : bool, shape (n_footprints,), active and with a positive PCF
    valid_from, valid_until : int64, shape (n_footprints,) [days since 1970]
    first_row : the factor row of the first footprint
    """

    suppliers: frozenset[str]
    by_code: dict[tuple[str, str], int]
    by_name: dict[tuple[str, str], int]
    by_name_alone: dict[tuple[str, str], int]
    groups: Groups
    usable: Bools
    valid_from: Ints
    valid_until: Ints
    first_row: int

    @classmethod
    def of(cls, footprints: pl.DataFrame, *, first_row: int) -> Self:
        latest = footprints.with_row_index("row", first_row).sort("valid_from", "reference", descending=True)
        by_code: dict[tuple[str, str], list[int]] = {}
        by_name: dict[tuple[str, str], list[int]] = {}
        by_name_alone: dict[tuple[str, str], list[int]] = {}
        columns = latest.select("row", "supplier", "product_code", "product_name")
        for row, supplier, code, name in columns.iter_rows():
            if code:
                by_code.setdefault((supplier, code), []).append(row)
            if name:
                by_name.setdefault((supplier, name_key(name)), []).append(row)
            if name and not code:
                by_name_alone.setdefault((supplier, name_key(name)), []).append(row)
        groups = [*by_code.values(), *by_name.values(), *by_name_alone.values()]
        return cls(
            suppliers=frozenset(footprints["supplier"]),
            by_code=_numbered(by_code),
            by_name=_numbered(by_name, first=len(by_code)),
            by_name_alone=_numbered(by_name_alone, first=len(by_code) + len(by_name)),
            groups=Groups.of(groups),
            usable=((footprints["status"] == "active") & (footprints["pcf"] > 0)).to_numpy(),
            valid_from=footprints["valid_from"].cast(pl.Int64).to_numpy(),
            valid_until=footprints["valid_until"].cast(pl.Int64).to_numpy(),
            first_row=first_row,
        )


def name_key(name: str) -> str:
    """A product's name without regard to case and blanks."""
    return " ".join(name.split()).casefold()


def _numbered(groups: dict[tuple[str, str], list[int]], *, first: int = 0) -> dict[tuple[str, str], int]:
    return {key: number for number, key in enumerate(groups, start=first)}
