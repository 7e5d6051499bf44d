"""Which column of a file is which field of a purchase record."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from core.errors import WorkbenchError
from core.imports import enumerate_some
from core.tabular import FileRefused
from suppliers.models import PurchaseMapping
from suppliers.services.purchases.fields import FIELDS

LONGEST_NAME = 100
NO_CONSTANT = ("record_id",)
NEEDED = (("supplier",), ("purchase_date", "year"), ("spend", "quantity"))


@dataclass(frozen=True)
class ColumnMapping:
    """Fields by column header, where a header does not say it itself, and what every record has alike.

    A header that is mapped to no field ("") is left out, whatever it is called.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fields = [name for name in self.columns.values() if name]
        if unknown := [name for name in (*fields, *self.constants) if name not in FIELDS]:
            raise WorkbenchError(f"There is no field {enumerate_some(unknown)}. The fields are {', '.join(FIELDS)}.")
        if twice := [name for name, count in Counter([*fields, *self.constants]).items() if count > 1]:
            raise WorkbenchError(f"{twice[0]} is mapped twice. Give it one column or one constant.")
        if fixed := [name for name in NO_CONSTANT if name in self.constants]:
            raise WorkbenchError(f"{fixed[0]} cannot be the same for every record. Map a column to it.")

    def on_top_of(self, other: "ColumnMapping") -> "ColumnMapping":
        """Both; where they name the same header or field, this one counts."""
        fields = {*self.columns.values(), *self.constants}
        columns = {header: name for header, name in other.columns.items() if not name or name not in fields}
        constants = {name: value for name, value in other.constants.items() if name not in fields}
        return ColumnMapping({**columns, **self.columns}, {**constants, **self.constants})

    def constant_values(self) -> dict[str, Any]:
        """The constants, checked like cells."""
        values = {}
        for name, text in self.constants.items():
            checked, reasons = FIELDS[name].check(
                pl.Series([text.strip()], dtype=pl.String), lambda model: pl.DataFrame()
            )
            if reasons[0]:
                raise WorkbenchError(f"The constant {name}={text} cannot be used: it {reasons[0]}.")
            values[name] = checked[0]
        return values


def parse_mapping(columns: Iterable[str], constants: Iterable[str]) -> ColumnMapping:
    """From `Supplier Name=supplier` and `currency=GBP`; a header may hold an equals sign itself."""
    return ColumnMapping(
        {header.strip(): name.strip() for header, name in _pairs(columns, "HEADER=FIELD", last=True)},
        {name.strip(): value.strip() for name, value in _pairs(constants, "FIELD=VALUE", last=False)},
    )


def load_mapping(name: str) -> ColumnMapping:
    saved = PurchaseMapping.objects.filter(name=name).first()
    if saved is None:
        known = enumerate_some([*PurchaseMapping.objects.values_list("name", flat=True)]) or "none"
        raise WorkbenchError(f"There is no mapping {name!r}. Saved are: {known}.")
    return ColumnMapping(saved.columns, saved.constants)


def save_mapping(name: str, mapping: ColumnMapping) -> None:
    if len(name) > LONGEST_NAME:
        raise WorkbenchError(f"The name of a mapping has at most {LONGEST_NAME} characters.")
    fields = {"columns": dict(mapping.columns), "constants": dict(mapping.constants)}
    PurchaseMapping.objects.update_or_create(name=name, defaults=fields)


def find_places(mapping: ColumnMapping, header: Sequence[str], file: str) -> dict[str, int]:
    """The place of each field's column in the header.

    Raises
    ------
    FileRefused
        If a mapped header is not in the file or stands there twice, or a field that records need has no column.
    """
    headers = {name: column for column, name in mapping.columns.items() if name}
    for name, columns in _own_names(mapping, header).items():
        if name in mapping.constants or len(columns) > 1:
            raise FileRefused(
                f"{file} was not imported: {name} could be {enumerate_some([*columns, *_constant(mapping, name)])}. "
                "Map one of them to it, or a column to no field."
            )
        headers[name] = columns[0]
    if missing := [column for column in headers.values() if column not in header]:
        raise FileRefused(f"{file} was not imported: it has no column {enumerate_some(missing)}. {_columns_of(header)}")
    if repeated := [column for column in headers.values() if header.count(column) > 1]:
        raise FileRefused(f"{file} was not imported: it has more than one column {enumerate_some(repeated)}.")
    for names in NEEDED:
        if not any(name in headers or name in mapping.constants for name in names):
            raise FileRefused(
                f"{file} was not imported: no column is mapped to {' or '.join(names)}. {_columns_of(header)}"
            )
    return {name: header.index(column) for name, column in headers.items()}


def _own_names(mapping: ColumnMapping, header: Sequence[str]) -> dict[str, list[str]]:
    """Columns that are called like a field, by the field, where the mapping says nothing about either."""
    found: dict[str, list[str]] = {}
    for column in header:
        name = column.lower().replace(" ", "_")
        if name in FIELDS and column not in mapping.columns and name not in mapping.columns.values():
            found.setdefault(name, []).append(column)
    return found


def _constant(mapping: ColumnMapping, name: str) -> list[str]:
    return [f"{name}={mapping.constants[name]}"] if name in mapping.constants else []


def _columns_of(header: Sequence[str]) -> str:
    return f"Its columns are {enumerate_some([column for column in header if column])}."


def _pairs(texts: Iterable[str], form: str, *, last: bool) -> Iterator[tuple[str, str]]:
    for text in texts:
        left, equals, right = text.rpartition("=") if last else text.partition("=")
        if not equals or not left.strip():
            raise WorkbenchError(f"{text!r} is not of the form {form}.")
        yield left, right
