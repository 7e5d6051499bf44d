"""The rows of a published file as text, and every cell that is not what its column says."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import polars as pl
from django.db import models

from core.columns import Column
from core.imports import enumerate_some
from core.tabular import SHOWN_CHARACTERS, CsvFile, FileRefused, Refusal
from core.uploads import check_data_file

SHOWN = 3
ROW = "source_row"


@dataclass(frozen=True)
class Table:
    """`cells` holds text without blanks around it, by the names of the header; `rows` are numbered as in the file."""

    file: str
    rows: list[int]
    cells: pl.DataFrame
    unreadable: list[Refusal] = field(default_factory=list)


def read_csv(path: Path, columns: Sequence[Column]) -> Table:
    """A CSV file, plain or gzip.

    Raises
    ------
    FileRefused
        If it is none, or its columns are not these.
    """
    check_data_file(path)
    with CsvFile(path) as source:
        check_header(path.name, source.header, columns)
        chunks = list(source.chunks())
    rows = chain.from_iterable(chunk.rows for chunk in chunks)
    return Table(
        path.name,
        [line for chunk in chunks for line in chunk.lines],
        as_cells(source.header, list(rows)),
        [refusal for chunk in chunks for refusal in chunk.refusals],
    )


def as_cells(header: Sequence[str], rows: Sequence[Sequence[str]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
    return frame.select(pl.all().str.strip_chars())


def check_header(file: str, header: Sequence[str], columns: Sequence[Column], *, others: bool = False) -> None:
    """Refuse the file if its columns are not these; `others` may stand beside them."""
    given, known = Counter(header), {column.name for column in columns}
    wrong = {
        "missing columns": [column.name for column in columns if column.name not in given and not column.optional],
        "unknown columns": [] if others else [name for name in given if name not in known],
        "repeated columns": [name for name, count in given.items() if count > 1 and name in known],
    }
    if complaints := [f"{what} {enumerate_some(names)}" for what, names in wrong.items() if names]:
        expected = ", ".join(f"{column.name} (optional)" if column.optional else column.name for column in columns)
        raise FileRefused(f"{file} was not loaded: {'; '.join(complaints)}. Its columns have to be {expected}.")


def check_cells(table: Table, columns: Sequence[Column]) -> tuple[pl.DataFrame, list[Refusal]]:
    """All rows as values under the names of the model, with `source_row`, and a refusal for each bad cell.

    A column that the file may lack has its default in every row.
    """
    values: list[pl.Series] = [pl.Series(ROW, table.rows, dtype=pl.Int64)]
    refusals = list(table.unreadable)
    for column in columns:
        if column.name not in table.cells.columns:
            nothing = pl.Series([column.default], dtype=column.dtype).new_from_index(0, len(table.rows))
            values.append(nothing.alias(column.target))
            continue
        cells = table.cells[column.name]
        checked, reasons = column.check(cells, _no_references)
        values.append(checked.alias(column.target))
        refusals += [
            refuse_row(table, table.rows[place], column.name, cells[place], reasons[place])
            for place in reasons.is_not_null().arg_true().to_list()
        ]
    return pl.DataFrame(values), refusals


def find_duplicates(table: Table, values: pl.DataFrame, columns: Sequence[Column], *names: str) -> list[Refusal]:
    """A refusal for each row whose values in the columns of these names stood in the file before."""
    key = [column.target for column in columns if column.name in names]
    first: dict[tuple[object, ...], int] = {}
    refusals = []
    for row, *found in values.select(ROW, *key).drop_nulls().iter_rows():
        if (earlier := first.setdefault(tuple(found), row)) != row:
            reason = f"stands on row {earlier:,} already"
            refusals.append(refuse_row(table, row, ", ".join(names), ", ".join(map(str, found)), reason))
    return refusals


def refuse_row(table: Table, row: int, column: str, value: str, reason: str) -> Refusal:
    return Refusal(table.file, row, column, value[:SHOWN_CHARACTERS], reason)


def good_rows(values: pl.DataFrame, refusals: Sequence[Refusal]) -> tuple[pl.DataFrame, list[Refusal]]:
    """The rows without a refusal, and one refusal for each other row."""
    first = {refusal.line: refusal for refusal in reversed(refusals)}
    return values.filter(~pl.col(ROW).is_in(list(first))), sorted(first.values(), key=lambda refusal: refusal.line)


def refuse_file(file: str, refusals: Sequence[Refusal]) -> None:
    """Raise for the bad cells, if there are any: what is published as a whole goes in as a whole."""
    if not refusals:
        return
    shown = "; ".join(map(_describe, sorted(refusals, key=lambda refusal: refusal.line)[:SHOWN]))
    more = f"; and {len(refusals) - SHOWN:,} more" if len(refusals) > SHOWN else ""
    raise FileRefused(f"{file} was not loaded, for a set goes in whole or not at all: {shown}{more}.")


def _describe(refusal: Refusal) -> str:
    if not refusal.column:
        return f"row {refusal.line:,}: {refusal.reason}"
    return f"row {refusal.line:,}, column {refusal.column}: {refusal.value[:40]!r} {refusal.reason}"


def _no_references(model: type[models.Model]) -> pl.DataFrame:
    raise AssertionError(f"{model.__name__} is not referred to by any of these columns")
