"""Purchases in the first sheet of a workbook."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from core.tabular import FileRefused, Refusal
from core.uploads import check_workbook
from core.xlsx.markup import read_elements
from core.xlsx.sheet import BROKEN, Row, Sheet
from core.xlsx.workbook import find_workbook
from suppliers.services.purchases.lines import DAMAGED, PIECE, TextLines, as_cells


class XlsxSource:
    """The first row with text is the header; a cell counts for its value, so a formula for its result."""

    def __init__(self, path: Path) -> None:
        check_workbook(path)
        self._file, self._rows = path.name, iter(Sheet(path, _first_sheet(path)))
        cells = next((cells for _number, cells in self._rows if _has_text(cells)), None)
        if cells is None:
            raise FileRefused(f"{path.name} is empty. Its first sheet needs a row with the column names.")
        self.header, self.size = [text.strip() for text in _spread(cells, max(cells))], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def pieces(self, places: Mapping[str, int]) -> Iterator[TextLines]:
        held: list[Row] = []
        number = 0
        try:
            for number, cells in self._rows:
                if _has_text(cells):
                    held.append((number, cells))
                if len(held) == PIECE:
                    yield self._piece(held, places)
                    held = []
            if held:
                yield self._piece(held, places)
        except FileRefused:
            yield self._piece(held, places, Refusal(self._file, number + 1, "", "", DAMAGED))

    def _piece(self, rows: list[Row], places: Mapping[str, int], *refusals: Refusal) -> TextLines:
        lines = [number for number, _cells in rows]
        texts = [_spread(cells, len(self.header)) for _number, cells in rows]
        return TextLines(as_cells(texts, places), lines, list(refusals), lines[-1] if lines else 0)


def _first_sheet(path: Path) -> str:
    """The name of the first sheet that is not hidden."""
    try:
        with zipfile.ZipFile(path) as archive:
            elements = read_elements(archive, find_workbook(archive))
        if any(tag == "workbookPr" and attributes.get("date1904") in ("1", "true") for tag, attributes in elements):
            raise FileRefused(f"{path.name} counts its days from 1904. Save it with the usual date system, from 1900.")
        sheets = [attributes for tag, attributes in elements if tag == "sheet"]
        return next(sheet["name"].strip() for sheet in sheets if sheet.get("state", "visible") == "visible")
    except (*BROKEN, StopIteration) as error:
        raise FileRefused(f"{path.name} is damaged. Open it in a spreadsheet program and save it again.") from error


def _has_text(cells: dict[int, str]) -> bool:
    return any(map(str.strip, cells.values()))


def _spread(cells: dict[int, str], width: int) -> list[str]:
    return [cells.get(column, "") for column in range(1, width + 1)]
