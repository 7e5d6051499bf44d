"""The lines of a file on their way to being records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.columns import Column
from core.seen_keys import SeenKeys
from core.tabular import SHOWN_CHARACTERS, Refusal
from core.xlsx.sheet import NO_RESULT

PLACE = "__place"
PIECE = 1_000  # rows in memory as Python text, whose cells may be long
ROWS = 20_000
BYTES = 16 * 1024 * 1024
DAMAGED = "The file is damaged from here on; nothing after this line was read"
# What a spreadsheet shows in place of a value.
NO_VALUE = r"^#(?:N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|DIV/0!|SPILL!|CALC!)$"


@dataclass(frozen=True)
class TextLines:
    """A piece of a file: the cells of the mapped columns as text, and on which line each row stands.

    Attributes
    ----------
    cells : a column for each field; blanks around the text are gone, an empty cell is empty text
    read : how far the file is read, in the unit of its size
    """

    cells: pl.DataFrame
    lines: Sequence[int]
    refusals: list[Refusal] = field(default_factory=list)
    read: int = 0


def as_cells(rows: Sequence[Sequence[str]], places: Mapping[str, int]) -> pl.DataFrame:
    """The columns at the places, by field."""
    columns = list(zip(*rows, strict=True))
    cells = {name: columns[place] if columns else () for name, place in places.items()}
    return pl.DataFrame(cells, schema=dict.fromkeys(places, pl.String)).select(pl.all().str.strip_chars())


def gather(pieces: Iterable[TextLines]) -> Iterator[TextLines]:
    """Small pieces put together up to a number of rows, or fewer where cells are long: memory stays the same."""
    held: list[TextLines] = []
    for piece in pieces:
        held.append(piece)
        rows, size = sum(part.cells.height for part in held), sum(part.cells.estimated_size() for part in held)
        if rows >= ROWS or size >= BYTES:
            yield _concatenate(held)
            held.clear()
    if held:
        yield _concatenate(held)


def _concatenate(pieces: Sequence[TextLines]) -> TextLines:
    return TextLines(
        pl.concat([piece.cells for piece in pieces]),
        [line for piece in pieces for line in piece.lines],
        [refusal for piece in pieces for refusal in piece.refusals],
        pieces[-1].read,
    )


class Lines:
    """Lines that are checked.

    Attributes
    ----------
    fields : those that the file has columns for
    rows : the lines that are good so far, as values; `PLACE` is their place among the cells
    refusals : one for each that is not
    """

    def __init__(self, file: str, headers: Mapping[str, str], text: TextLines) -> None:
        self._file, self._headers, self._text = file, headers, text
        self._numbers = np.array(text.lines, dtype=np.int64)
        self.fields = text.cells.columns
        self.rows = pl.DataFrame({PLACE: np.arange(text.cells.height)})
        self.refusals = list(text.refusals)

    def cells(self, name: str) -> pl.Series:
        return self._text.cells[name].gather(self.rows[PLACE])

    def lines(self) -> NDArray[np.int64]:
        return self._numbers.take(self.rows[PLACE].to_numpy())

    def check(self, column: Column) -> None:
        """Turn a field's cells into values, and refuse the lines whose cell is none."""
        self.refuse(_without_value(self.cells(column.name)), column.name)
        values, reasons = column.check(self.cells(column.name), lambda model: pl.DataFrame())
        self.rows = self.rows.with_columns(values.alias(column.name))
        self.refuse(reasons, column.name)

    def refuse_where(self, is_bad: pl.Expr, name: str, reason: str) -> None:
        self.refuse(self.rows.select(pl.when(is_bad).then(pl.lit(reason))).to_series(), name)

    def refuse_repeated(self, column: str, name: str, seen: SeenKeys) -> None:
        """Refuse the lines whose value stood in the file before."""
        first = seen.first_lines(self.rows[column].hash(seed=0).to_numpy(), self.lines())
        if first.any():
            reasons = [f"stands on line {line} already" if line else None for line in first.tolist()]
            self.refuse(pl.Series(reasons, dtype=pl.String), name)

    def refuse(self, reasons: pl.Series, name: str) -> None:
        """Take out the lines that have a reason; `name` is the field at fault."""
        refused = reasons.is_not_null()
        if not refused.any():
            return
        places = self.rows[PLACE].filter(refused)
        lines = self._numbers.take(places.to_numpy()).tolist()
        cells = self._text.cells[name].gather(places) if name in self._headers else [""] * len(lines)
        header = self._headers.get(name, name)
        self.refusals += [
            Refusal(self._file, line, header, cell[:SHOWN_CHARACTERS], reason)
            for line, cell, reason in zip(lines, cells, reasons.filter(refused), strict=True)
        ]
        self.rows = self.rows.filter(~refused)


def _without_value(cells: pl.Series) -> pl.Series:
    """A reason for each cell that is no value, whatever the field."""
    cell = pl.col("cell")
    is_error = cell.str.contains(NO_VALUE) | (cell == NO_RESULT)
    return (
        pl.DataFrame({"cell": cells})
        .select(
            pl.when(cell.str.starts_with("="))
            .then(pl.lit("is a formula; save the file with values"))
            .when(is_error)
            .then(pl.lit("is an error of the spreadsheet and no value"))
            .when(cell.str.contains("\0", literal=True))
            .then(pl.lit("holds a character that is no text"))
        )
        .to_series()
    )
