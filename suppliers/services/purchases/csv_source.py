"""Purchases in a CSV file, plain or gzip."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from core.tabular import CsvFile
from core.uploads import check_data_file
from suppliers.services.purchases.lines import PIECE, TextLines, as_cells


class CsvSource:
    def __init__(self, path: Path) -> None:
        check_data_file(path)
        self._file = CsvFile(path)
        self.header, self.size = self._file.header, self._file.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.__exit__(*exc_info)

    def pieces(self, places: Mapping[str, int]) -> Iterator[TextLines]:
        for chunk in self._file.chunks(PIECE):
            yield TextLines(as_cells(chunk.rows, places), chunk.lines, chunk.refusals, chunk.bytes_read)
