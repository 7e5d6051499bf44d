"""Purchases in a Parquet file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import polars as pl
from polars.exceptions import PolarsError

from core.tabular import FileRefused, Refusal
from suppliers.services.purchases.lines import DAMAGED, ROWS, TextLines

FIRST_LINE = 2  # as in the other formats, where the names of the columns are line 1
LONGEST_TEXT = 32_767  # as in a workbook; no field takes so much, so that what is cut is refused
ROWS_A_BYTE = 20  # a real ledger has one third; the same row for ever has 500
ROWS_FLOOR = 1_000_000
OTHER_KINDS = (pl.Binary, pl.Object, pl.Time, pl.Duration)


class ParquetSource:
    def __init__(self, path: Path) -> None:
        self._file, self._table = path.name, pl.scan_parquet(path, glob=False)
        try:
            self._schema = self._table.collect_schema()
            self.size: int = self._table.select(pl.len()).collect().item()
        except PolarsError as error:
            raise FileRefused(f"{path.name} is damaged or no Parquet file. Write it again.") from error
        if self.size > max(ROWS_FLOOR, ROWS_A_BYTE * path.stat().st_size):
            raise FileRefused(f"{path.name} has {self.size:,} rows, too many for its size. Import it in parts.")
        self.header = list(self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def pieces(self, places: Mapping[str, int]) -> Iterator[TextLines]:
        texts = [self._as_text(self.header[place]).alias(name) for name, place in places.items()]
        return self._read(self._table.select(texts))

    def _read(self, table: pl.LazyFrame) -> Iterator[TextLines]:
        """Slice by slice: 6 million rows in one row group take 4 s and 50 MB so, and 500 MB as a stream of batches."""
        for read in range(0, self.size, ROWS):
            try:
                cells = table.slice(read, ROWS).collect()
            except PolarsError:
                damage = Refusal(self._file, read + FIRST_LINE, "", "", DAMAGED)
                yield TextLines(pl.DataFrame(schema=table.collect_schema()), [], [damage], read)
                return
            lines = range(read + FIRST_LINE, read + FIRST_LINE + cells.height)
            yield TextLines(cells, lines, [], read + cells.height)

    def _as_text(self, name: str) -> pl.Expr:
        """A cell as a CSV file would have it; a whole number without the .0 that it has where others are missing."""
        column, kind = pl.col(name), self._schema[name]
        if kind.is_nested() or kind in OTHER_KINDS:
            raise FileRefused(
                f"{self._file} was not imported: its column {name!r} holds {str(kind)[:40]}. "
                "Write it as text, numbers or dates."
            )
        if kind == pl.Datetime:
            column = column.dt.date()
        text = column.cast(pl.String)
        if kind.is_float():
            text = text.str.strip_suffix(".0")
        return text.str.slice(0, LONGEST_TEXT).str.strip_chars().fill_null("")
