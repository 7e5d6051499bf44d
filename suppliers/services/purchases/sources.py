"""Files of purchases, whatever their format: a header, and pieces of text."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, Self

from core.tabular import FileRefused
from suppliers.services.purchases.csv_source import CsvSource
from suppliers.services.purchases.lines import TextLines
from suppliers.services.purchases.parquet_source import ParquetSource
from suppliers.services.purchases.xlsx_source import XlsxSource

COLUMNS_LIMIT = 300


class Source(Protocol):
    """`size` is what `TextLines.read` counts up to; 0 where only reading tells."""

    header: list[str]
    size: int

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def pieces(self, places: Mapping[str, int]) -> Iterator[TextLines]: ...


FORMATS: dict[str, Callable[[Path], Source]] = {
    ".csv": CsvSource,
    ".csv.gz": CsvSource,
    ".xlsx": XlsxSource,
    ".parquet": ParquetSource,
}


def open_source(path: Path) -> Source:
    """The file as its name says.

    Raises
    ------
    FileRefused
        If it cannot be opened, is not what its name says, or is hostile.
    """
    kind = next((kind for ending, kind in FORMATS.items() if path.name.lower().endswith(ending)), None)
    if kind is None:
        raise FileRefused(f"{path.name} is no file of purchases by its name, which ends in {', '.join(FORMATS)}.")
    try:
        with path.open("rb"):
            source = kind(path)
    except OSError as error:
        raise FileRefused(f"{path.name} cannot be opened: {error.strerror}.") from error
    if len(source.header) > COLUMNS_LIMIT:
        source.__exit__()
        raise FileRefused(
            f"{path.name} has {len(source.header):,} columns; {COLUMNS_LIMIT} is the most. "
            "Delete those that are not needed."
        )
    return source
