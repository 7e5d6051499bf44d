"""CSV and XLSX, in and out: hostile files in, nothing that a spreadsheet would run out."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from core.errors import WorkbenchError

CHUNK_ROWS = 20_000
SHOWN_CHARACTERS = 200  # of a refused cell
BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DAMAGE = (OSError, EOFError, zlib.error, UnicodeError)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class FileRefused(WorkbenchError):
    """The whole file cannot be read as a table."""


@dataclass(frozen=True)
class Refusal:
    """One row that did not go in."""

    file: str
    line: int
    column: str
    value: str
    reason: str


@dataclass
class RowChunk:
    """Rows as text, all as wide as the header; `lines[i]` is the line on which row i starts."""

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    bytes_read: int = 0


class CsvFile:
    """A CSV file, plain or gzip, as chunks of text rows; a row that cannot be read becomes a refusal.

    The csv module and not polars cuts the rows: it knows each row's line and goes on after a bad one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as opened:
            try:
                self.size = path.stat().st_size
                self._raw = opened.enter_context(path.open("rb"))
            except OSError as error:
                raise FileRefused(f"{path.name} cannot be opened: {error.strerror}.") from error
            self._reader = csv.reader(opened.enter_context(self._text()), strict=True)
            self.header = self._read_header()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._opened.close()

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[RowChunk]:
        """All rows, at most `size` at a time; a chunk may hold refusals only."""
        while True:
            chunk = RowChunk()
            more = self._fill(chunk, size)
            chunk.bytes_read = self._raw.tell()
            if chunk.rows or chunk.refusals:
                yield chunk
            if not more:
                return

    def refusal(self, line: int, column: str, value: str, reason: str) -> Refusal:
        return Refusal(self.path.name, line, column, value[:SHOWN_CHARACTERS], reason)

    def _text(self) -> IO[str]:
        stream: io.BufferedReader | gzip.GzipFile = self._raw
        if self.path.suffix == ".gz":
            stream = gzip.GzipFile(fileobj=self._raw)
        try:
            start = stream.read(2)
            stream.seek(0)
        except DAMAGE as error:
            raise FileRefused(f"{self.path.name} cannot be read; it is damaged or not a gzip file.") from error
        # Bytes that are no UTF-8 come through as surrogates; the row that holds them is refused later.
        return io.TextIOWrapper(stream, encoding=BOMS.get(start, "utf-8-sig"), errors="surrogateescape", newline="")

    def _read_header(self) -> list[str]:
        name = self.path.name
        try:
            header = [column.strip() for column in next(self._reader, [])]
        except csv.Error as error:
            raise FileRefused(f"{name} is not a CSV file: its first line cannot be read ({error}).") from error
        except DAMAGE as error:
            raise FileRefused(f"{name} is damaged: its first line cannot be read.") from error
        if not any(header):
            raise FileRefused(f"{name} is empty. It needs a first line with the column names.")
        if not all(map(_is_text, header)):
            raise FileRefused(f"{name} is not a text file in UTF-8. Save it as CSV (UTF-8).")
        return header

    def _fill(self, chunk: RowChunk, size: int) -> bool:
        """Read rows until the chunk is full; False at the end of the file."""
        reader = self._reader
        while len(chunk.rows) + len(chunk.refusals) < size:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return False
            except csv.Error as error:
                chunk.refusals.append(self.refusal(line, "", "", self._explain(error, line)))
            except DAMAGE:
                reason = "The file is damaged from here on; nothing after this line was read"
                chunk.refusals.append(self.refusal(line, "", "", reason))
                return False
            else:
                self._take(chunk, line, row)
        return True

    def _take(self, chunk: RowChunk, line: int, row: list[str]) -> None:
        if not any(map(str.strip, row)):
            return
        if len(row) != len(self.header):
            reason = f"The row and the header differ in their number of cells: {len(row)} and {len(self.header)}"
            chunk.refusals.append(self.refusal(line, "", ",".join(row), reason))
        elif not _is_text("".join(row)):
            column, cell = next((name, cell) for name, cell in zip(self.header, row, strict=True) if not _is_text(cell))
            chunk.refusals.append(self.refusal(line, column, cell, "is not UTF-8 text; save the file as CSV (UTF-8)"))
        else:
            chunk.rows.append(row)
            chunk.lines.append(line)

    def _explain(self, error: csv.Error, line: int) -> str:
        last = self._reader.line_num
        lost = f"; lines {line} to {last} were not read, look for a quote that is not closed" if last > line else ""
        return f"The row cannot be read: {error}{lost}"


def _is_text(cell: str) -> bool:
    """No bytes that are no UTF-8, which come as surrogates, and no NUL, which only binary files have."""
    try:
        return b"\0" not in cell.encode()
    except UnicodeEncodeError:
        return False


def neutralise(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; all else stays."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


class RefusalFile:
    """A CSV file of refusals; at the end it is gone again if there were none."""

    HEADER = ("file", "line", "column", "value", "reason")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self._may_be_overwritten():
                raise WorkbenchError(f"{self.path} is not an error file and stays as it is. Name another one.")
            self._stream = self.path.open("w", newline="", encoding="utf-8", errors="replace")
        except OSError as error:
            raise WorkbenchError(f"The error file {self.path} cannot be written: {error.strerror}.") from error
        self._writer = csv.writer(self._stream)
        self._writer.writerow(self.HEADER)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stream.close()
        if not self.count and self.path.is_file() and not self.path.is_symlink():
            self.path.unlink()

    def add(self, refusals: Sequence[Refusal]) -> None:
        self.count += len(refusals)
        self._writer.writerows(
            [refusal.file, refusal.line, refusal.column, neutralise(refusal.value), refusal.reason]
            for refusal in refusals
        )

    def _may_be_overwritten(self) -> bool:
        """A slip on the command line must not cost an input file: only an empty or an error file goes."""
        if not self.path.is_file():
            return True
        header = ",".join(self.HEADER).encode()
        with self.path.open("rb") as stream:
            return stream.read(len(header)) in (b"", header)
