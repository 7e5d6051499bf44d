"""CSV and XLSX, in and out: hostile files in, nothing that a spreadsheet would run out."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from core.errors import WorkbenchError

CHUNK_ROWS = 20_000
SNIFFED_BYTES = 8_192
BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
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
        try:
            self.size = path.stat().st_size
            self._raw: IO[bytes] = path.open("rb")
        except OSError as error:
            raise FileRefused(f"{path.name} cannot be opened: {error.strerror}.") from error
        try:
            self._reader = csv.reader(self._text())
            self.header = [name.strip() for name in next(self._reader, [])]
        except (csv.Error, UnicodeError) as error:
            raise FileRefused(f"{path.name} is not a CSV file: its first line cannot be read.") from error
        except (OSError, EOFError, zlib.error) as error:
            raise FileRefused(f"{path.name} is not a whole gzip file.") from error
        if not any(self.header):
            raise FileRefused(f"{path.name} is empty. It needs a first line with the column names.")

    def __enter__(self) -> "CsvFile":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._raw.close()

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
        return Refusal(self.path.name, line, column, value, reason)

    def _fill(self, chunk: RowChunk, size: int) -> bool:
        width, reader = len(self.header), self._reader
        while len(chunk.rows) + len(chunk.refusals) < size:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return False
            except csv.Error as error:
                chunk.refusals.append(self.refusal(line, "", "", f"The row cannot be read: {error}"))
            except (OSError, EOFError, zlib.error):
                reason = "The gzip file is damaged from here on; nothing behind this line was read"
                chunk.refusals.append(self.refusal(line, "", "", reason))
                return False
            else:
                if len(row) == width:
                    chunk.rows.append(row)
                    chunk.lines.append(line)
                elif row:
                    reason = f"The row has {len(row)} columns; the header has {width}"
                    chunk.refusals.append(self.refusal(line, "", ",".join(row)[:200], reason))
        return True

    def _text(self) -> IO[str]:
        stream: IO[bytes] = self._raw
        if self.path.suffix == ".gz":
            stream = gzip.GzipFile(fileobj=self._raw)
        head = stream.read(SNIFFED_BYTES)
        stream.seek(0)
        encoding = BOMS.get(head[:2], "utf-8-sig")
        if encoding == "utf-8-sig" and b"\0" in head:
            raise FileRefused(f"{self.path.name} is not a text file. Save it as CSV (UTF-8).")
        # Bytes that are no UTF-8 come through as surrogates; the row that holds them is refused later.
        return io.TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline="")


def is_readable_text(row: Sequence[str]) -> bool:
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return False
    return True


def neutralise(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front; all else stays."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


class RefusalFile:
    """A CSV file of refusals, made when the first one comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._stream: IO[str] | None = None

    def __enter__(self) -> "RefusalFile":
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._stream:
            self._stream.close()

    def add(self, refusals: Sequence[Refusal]) -> None:
        if refusals and self._stream is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self.path.open("w", newline="", encoding="utf-8")
            csv.writer(self._stream).writerow(["file", "line", "column", "value", "reason"])
        for refusal in refusals:
            self.count += 1
            value = neutralise(refusal.value.encode("utf-8", "replace").decode())
            assert self._stream is not None
            csv.writer(self._stream).writerow([refusal.file, refusal.line, refusal.column, value, refusal.reason])
