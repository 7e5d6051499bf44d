"""The rows of an edited export as text, whether it is a workbook or a CSV file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import polars as pl

from core.tabular import CsvFile, FileRefused, Refusal
from core.xlsx.sheet import LAST_ROW, Sheet
from ordering.exports import ORDERS_SHEET

NEEDED = ("sku", "warehouse", "confirmed_qty", "version")
WANTED = (*NEEDED, "notes")
HEADER_WITHIN = 20  # rows; people write titles above
ROWS_A_FRAME = 20_000
ROWS_LIMIT = LAST_ROW

SCHEMA = {"row": pl.Int64} | dict.fromkeys(WANTED, pl.String)
# A supplier's heading counts its lines in the column of the warehouse; saved as CSV it says "12 lines".
HEADING = r"^[0-9,.]+( lines?)?$"

Cells = tuple[int, list[str | None]]


@dataclass(frozen=True)
class FileRows:
    """`table` has the columns of SCHEMA, blanks stripped; `notes` are null where the file has no such column."""

    table: pl.DataFrame
    unreadable: list[Refusal] = field(default_factory=list)


def read_rows(path: Path) -> FileRows:
    """All rows that could be about a line.

    Raises
    ------
    FileRefused
        If the file is damaged, or does not have the columns.
    """
    unreadable: list[Refusal] = []
    rows = _of_csv(path, unreadable) if path.suffix.lower() == ".csv" else _of_workbook(path)
    frames = [pl.DataFrame(schema=SCHEMA), *_frames(path, rows)]
    return FileRows(_without_headings(pl.concat(frames)), unreadable)


def _of_csv(path: Path, unreadable: list[Refusal]) -> Iterator[Cells]:
    with CsvFile(path) as file:
        places = _find_columns(path, dict(enumerate(file.header)))
        if places is None:
            raise FileRefused(
                f"{path.name} does not name the columns {', '.join(NEEDED)} in its first line, separated by commas. "
                "Upload an export that you edited."
            )
        for chunk in file.chunks():
            unreadable += chunk.refusals
            for line, row in zip(chunk.lines, chunk.rows, strict=True):
                yield line, [row[places[name]] if name in places else None for name in WANTED]


def _of_workbook(path: Path) -> Iterator[Cells]:
    sheet = Sheet(path, ORDERS_SHEET)
    places = None
    for number, cells in sheet:
        if places is not None:
            yield number, [cells.get(places[name], "") if name in places else None for name in WANTED]
        elif places := _find_columns(path, cells):
            sheet.columns = {*places.values()}
        elif number > HEADER_WITHIN:
            break
    if places is None:
        raise FileRefused(
            f"The sheet {ORDERS_SHEET} of {path.name} has no row that names the columns {', '.join(NEEDED)}; "
            "the last is hidden in an export. Upload an export that you edited, not a copy of some of its cells."
        )


def _find_columns(path: Path, header: Mapping[int, str]) -> dict[str, int] | None:
    names = [name.strip().lower() for name in header.values()]
    if twice := [name for name in WANTED if names.count(name) > 1]:
        raise FileRefused(f"{path.name} has two columns {twice[0]}. Delete the one that does not count.")
    places = dict(zip(names, header, strict=True))
    return {name: places[name] for name in WANTED if name in places} if places.keys() >= {*NEEDED} else None


def _frames(path: Path, rows: Iterable[Cells]) -> Iterator[pl.DataFrame]:
    rest, count = iter(rows), 0
    while part := [(number, *cells) for number, cells in islice(rest, ROWS_A_FRAME)]:
        count += len(part)
        if count > ROWS_LIMIT:
            raise FileRefused(f"{path.name} has more than {ROWS_LIMIT:,} rows. Upload it in parts.")
        yield pl.DataFrame(part, schema=SCHEMA, orient="row").with_columns(pl.col(*WANTED).str.strip_chars())


def _without_headings(table: pl.DataFrame) -> pl.DataFrame:
    is_blank: Sequence[pl.Expr] = [pl.col(name) == "" for name in NEEDED]
    sku, warehouse, quantity, version = is_blank
    heading = quantity & version & pl.col("warehouse").str.contains(HEADING)
    return table.filter(~(heading | (sku & warehouse & quantity)))
