"""Sheets of a published XLSX workbook as text."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from core.columns import Column
from core.tabular import FileRefused
from core.uploads import check_workbook
from core.xlsx.sheet import BROKEN, Row, Sheet
from core.xlsx.workbook import find_sheet, find_workbook
from suppliers.services.loading.table import Table, as_cells, check_header

HEADER_WITHIN = 20  # rows; publishers write titles above


def check_published(path: Path, *sheets: str) -> None:
    """Refuse what is no plain XLSX workbook, or has not all of these sheets.

    Raises
    ------
    FileRefused
        With what is wrong and what to do.
    """
    check_workbook(path)
    try:
        with zipfile.ZipFile(path) as archive:
            book = find_workbook(archive)
            missing = [sheet for sheet in sheets if find_sheet(archive, book, sheet) is None]
    except BROKEN as error:
        raise FileRefused(f"{path.name} is damaged. Open it in a spreadsheet program and save it again.") from error
    if missing:
        raise FileRefused(f"{path.name} has no sheet {missing[0]!r}. Load the workbook as it was published.")


def read_sheet(path: Path, name: str, columns: Sequence[Column]) -> Table:
    """The rows below the one that names the first of the columns; other columns may stand beside these.

    Raises
    ------
    FileRefused
        If a column is missing.
    """
    sheet = Sheet(path, name)
    rows = iter(sheet)
    header = _find_header(rows, columns[0].name)
    check_header(f"The sheet {name!r} of {path.name}", list(header.values()), columns, others=True)
    places = {text: column for column, text in header.items()}
    names = [column.name for column in columns if column.name in places]
    sheet.columns = {places[name] for name in names}
    found = [(number, [cells.get(places[name], "") for name in names]) for number, cells in rows]
    return Table(path.name, [number for number, _ in found], as_cells(names, [cells for _, cells in found]))


def _find_header(rows: Iterator[Row], first: str) -> Mapping[int, str]:
    for number, cells in rows:
        header = {column: text.strip() for column, text in cells.items()}
        if first in header.values():
            return header
        if number >= HEADER_WITHIN:
            break
    return {}
