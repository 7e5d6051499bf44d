"""Import one CSV file: check whole chunks, refuse row by row, upsert what is good."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from django.db import DatabaseError, DataError, IntegrityError, models, transaction
from numpy.typing import NDArray

from core.batch import with_retries
from core.columns import Column
from core.tabular import CsvFile, FileRefused, Refusal, RefusalFile, RowChunk, is_readable_text
from core.upsert import upsert

LINE = "__line"


@dataclass(frozen=True)
class RowCheck:
    """A condition over several columns that makes a row bad."""

    column: str
    is_bad: pl.Expr
    reason: str


@dataclass(frozen=True)
class ImportKind:
    """What a kind of file holds and where it goes.

    Attributes
    ----------
    key : the model's columns that identify a row, in the file and in the database
    code : the column that other files refer to this one's rows by; compared without regard to case
    snapshot : the file can be the whole truth, so `replace` may delete what it does not hold
    resolve : last step before writing, for rows whose parent comes in the same file: values, dry run,
        and a memory that lives as long as the file; answers the rows to write and a reason or null for each
    """

    name: str
    model: type[models.Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    code: str = ""
    checks: tuple[RowCheck, ...] = ()
    snapshot: bool = False
    resolve: Callable[[pl.DataFrame, bool, dict[str, Any]], tuple[pl.DataFrame, pl.Series]] | None = None
    constants: dict[str, Any] = field(default_factory=dict)


@dataclass
class FileReport:
    kind: str
    file: str
    rows: int = 0
    accepted: int = 0
    refused: int = 0
    deleted: int = 0


class KnownCodes:
    """Codes to ids, read once per model; a dry run adds the codes that would have been imported."""

    def __init__(self) -> None:
        self._frames: dict[type[models.Model], pl.DataFrame] = {}

    def ids_of(self, model: type[models.Model]) -> pl.DataFrame:
        if model not in self._frames:
            key = "sku_key" if any(item.name == "sku_key" for item in model._meta.fields) else "code_key"
            rows = list(model._default_manager.order_by().values_list(key, "pk"))
            self._frames[model] = pl.DataFrame(rows, schema={"key": pl.String, "id": pl.Int64}, orient="row")
        return self._frames[model]

    def pretend(self, model: type[models.Model], codes: pl.Series) -> None:
        new = pl.DataFrame({"key": codes.str.to_lowercase(), "id": np.full(len(codes), -1, dtype=np.int64)})
        self._frames[model] = pl.concat([self.ids_of(model), new]).unique("key", keep="first")

    def forget(self, model: type[models.Model]) -> None:
        self._frames.pop(model, None)


class SeenKeys:
    """Which keys a file had already and on which line, in 16 bytes a row.

    Sorted runs of 64-bit hashes, merged when they get as long as their neighbour, so that tens of
    millions of rows need neither a Python set nor a quadratic merge.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def first_lines(self, keys: NDArray[np.uint64], lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """The line on which each key stood first, 0 where this is the first time; remembers the new ones."""
        first = np.zeros(len(keys), dtype=np.int64)
        for run_keys, run_lines in self._runs:
            position = np.minimum(np.searchsorted(run_keys, keys), len(run_keys) - 1)
            first = np.where(run_keys[position] == keys, run_lines[position], first)
        unique, index, inverse = np.unique(keys, return_index=True, return_inverse=True)
        first = np.where((first == 0) & (index[inverse] != np.arange(len(keys))), lines[index[inverse]], first)
        fresh = first[index] == 0
        self._add(unique[fresh], lines[index[fresh]])
        return first

    def _add(self, keys: NDArray[np.uint64], lines: NDArray[np.int64]) -> None:
        while len(keys) and self._runs and len(self._runs[-1][0]) <= 2 * len(keys):
            other_keys, other_lines = self._runs.pop()
            keys, lines = np.concatenate([other_keys, keys]), np.concatenate([other_lines, lines])
            order = np.argsort(keys, kind="stable")
            keys, lines = keys[order], lines[order]
        if len(keys):
            self._runs.append((keys, lines))

    def holds(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        found = np.zeros(len(keys), dtype=bool)
        for run_keys, _ in self._runs:
            position = np.minimum(np.searchsorted(run_keys, keys), len(run_keys) - 1)
            found |= run_keys[position] == keys
        return found


def import_file(
    kind: ImportKind,
    path: Path,
    *,
    codes: KnownCodes,
    refusals: RefusalFile,
    dry_run: bool = False,
    replace: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> FileReport:
    """Check every row and upsert the good ones, a transaction per chunk. Doing it twice changes nothing.

    `replace` deletes nothing when a row was refused: the refused one may be the very row that is missing.

    Raises
    ------
    FileRefused
        Before anything is written, if the file is no CSV or its columns are not those of the kind.
    """
    report = FileReport(kind.name, path.name)
    seen, memory = SeenKeys(), dict[str, Any]()
    with CsvFile(path) as source:
        columns = _match_columns(kind, source)
        for chunk in source.chunks():
            bad = list(chunk.refusals)
            good = _check(kind, source, columns, chunk, codes, bad)
            good = _refuse_duplicates(kind, source, good, seen, bad)
            if kind.resolve:
                good, reasons = kind.resolve(good, dry_run, memory)
                good = _split(good, reasons, source, kind.key[0], bad)
            if not dry_run:
                good = _write(kind, source, good, bad)
            elif kind.code:
                codes.pretend(kind.model, good[kind.code])
            report.rows += len(chunk.rows) + len(chunk.refusals)
            report.accepted += good.height
            report.refused += len(bad)
            refusals.add(sorted(bad, key=lambda refusal: refusal.line))
            on_progress(chunk.bytes_read, source.size)
        if replace and kind.snapshot and not report.refused:
            report.deleted = _delete_unseen(kind, seen, dry_run=dry_run)
    if kind.code and not dry_run:
        codes.forget(kind.model)
    return report


def _match_columns(kind: ImportKind, source: CsvFile) -> list[Column]:
    header, known = source.header, {column.name: column for column in kind.columns}
    unknown = [name for name in header if name not in known]
    missing = [column.name for column in kind.columns if column.name not in header and not column.optional]
    twice = sorted({name for name in header if header.count(name) > 1}) if len(header) <= 100 else []
    complaints = [
        f"{what}: {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        for what, names in (("missing columns", missing), ("unknown columns", unknown), ("repeated columns", twice))
        if names
    ]
    if complaints:
        expected = ", ".join(column.name for column in kind.columns)
        raise FileRefused(
            f"{source.path.name} was not imported: {'; '.join(complaints)}. "
            f"{kind.name} files have the columns {expected}, separated by commas."
        )
    return [known[name] for name in header]


def _check(
    kind: ImportKind, source: CsvFile, columns: Sequence[Column], chunk: RowChunk, codes: KnownCodes, bad: list[Refusal]
) -> pl.DataFrame:
    """The chunk's good rows as values; everything else goes to `bad`, one refusal a row."""
    text = _as_text_frame(source, chunk, columns, bad)
    values = {LINE: text[LINE]}
    refused = pl.Series([False]).new_from_index(0, text.height)
    for column in columns:
        values[column.target], reasons = column.check(text[column.name], codes.ids_of)
        hits = (reasons.is_not_null() & ~refused).arg_true()
        bad.extend(
            source.refusal(line, column.name, value, reason)
            for line, value, reason in zip(text[LINE][hits], text[column.name][hits], reasons[hits], strict=True)
        )
        refused |= reasons.is_not_null()
    frame = pl.DataFrame(values).with_columns(
        pl.lit(column.default, dtype=column.dtype).alias(column.target)
        for column in kind.columns
        if column.target not in values
    )
    frame = frame.filter(~refused)
    for check in kind.checks:
        is_bad = frame.select(hit=check.is_bad.fill_null(False))["hit"]
        named = next(column for column in kind.columns if column.name == check.column)
        bad.extend(
            source.refusal(frame[LINE][hit], check.column, str(frame[named.target][hit]), check.reason)
            for hit in is_bad.arg_true()
        )
        frame = frame.filter(~is_bad)
    return frame


def _as_text_frame(source: CsvFile, chunk: RowChunk, columns: Sequence[Column], bad: list[Refusal]) -> pl.DataFrame:
    schema = {LINE: pl.Int64} | {column.name: pl.String for column in columns}
    rows, lines = chunk.rows, chunk.lines
    if not all(map(is_readable_text, rows)):
        reason = "The row has characters that are not UTF-8. Save the file as CSV (UTF-8)"
        readable = [is_readable_text(row) for row in rows]
        bad.extend(
            source.refusal(line, "", ",".join(row)[:200], reason)
            for row, line, fine in zip(rows, lines, readable, strict=True)
            if not fine
        )
        rows = [row for row, fine in zip(rows, readable, strict=True) if fine]
        lines = [line for line, fine in zip(lines, readable, strict=True) if fine]
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    frame = pl.DataFrame([lines, *cells], schema=schema, orient="col")
    return frame.with_columns(pl.col(pl.String).str.strip_chars())


def _key_hashes(kind: ImportKind, frame: pl.DataFrame) -> NDArray[np.uint64]:
    keys = frame.select(pl.col(kind.code).str.to_lowercase()) if kind.code else frame.select(_file_key(kind, frame))
    return keys.hash_rows(seed=0).to_numpy()


def _file_key(kind: ImportKind, frame: pl.DataFrame) -> list[str]:
    """The key's columns in the file; a parent that is resolved later stands there by its name."""
    return [name if name in frame.columns else name.removesuffix("_id") for name in kind.key]


def _refuse_duplicates(
    kind: ImportKind, source: CsvFile, frame: pl.DataFrame, seen: SeenKeys, bad: list[Refusal]
) -> pl.DataFrame:
    first = seen.first_lines(_key_hashes(kind, frame), frame[LINE].to_numpy())
    reasons = pl.Series([f"The same key stands on line {line} already" if line else None for line in first.tolist()])
    return _split(frame, reasons.cast(pl.String), source, kind.key[0].removesuffix("_id"), bad)


def _split(frame: pl.DataFrame, reasons: pl.Series, source: CsvFile, column: str, bad: list[Refusal]) -> pl.DataFrame:
    hits = reasons.is_not_null()
    bad.extend(
        source.refusal(line, column, "", reason)
        for line, reason in zip(frame[LINE].filter(hits), reasons.filter(hits), strict=True)
    )
    return frame.filter(~hits)


def _write(kind: ImportKind, source: CsvFile, frame: pl.DataFrame, bad: list[Refusal]) -> pl.DataFrame:
    """Upsert the rows; where the database itself refuses one, find it and let the others in."""
    rows = frame.drop(LINE).with_columns(pl.lit(value).alias(name) for name, value in kind.constants.items())
    updated = [name for name in rows.columns if name not in kind.key]

    def store(part: pl.DataFrame) -> None:
        with transaction.atomic():
            upsert(kind.model, part, unique_fields=kind.key, update_fields=updated)

    refused: list[int] = []
    for start, size, error in _isolate(rows, store):
        refused.extend(range(start, start + size))
        bad.append(source.refusal(frame[LINE][start], "", "", f"The database refuses the row: {error.args[-1]}"))
    return frame.filter(~pl.Series(np.isin(np.arange(frame.height), refused)))


def _isolate(
    rows: pl.DataFrame, store: Callable[[pl.DataFrame], None], start: int = 0
) -> Iterator[tuple[int, int, DatabaseError]]:
    """Store the rows in halves until only single bad ones are left; yield those."""
    if rows.is_empty():
        return
    try:
        with_retries(lambda: store(rows))
    except (DataError, IntegrityError) as error:
        if rows.height == 1:
            yield start, 1, error
            return
        half = rows.height // 2
        yield from _isolate(rows[:half], store, start)
        yield from _isolate(rows[half:], store, start + half)


def _delete_unseen(kind: ImportKind, seen: SeenKeys, *, dry_run: bool, size: int = 50_000) -> int:
    """Delete the rows whose key the file did not hold, by primary-key ranges; return how many."""
    deleted, after = 0, 0
    while True:
        rows = kind.model._default_manager.filter(pk__gt=after).order_by("pk").values_list("pk", *kind.key)[:size]
        table = list(rows)
        if not table:
            return deleted
        after = table[-1][0]
        frame = pl.DataFrame(table, schema=["pk", *kind.key], orient="row")
        gone = frame["pk"].filter(pl.Series(~seen.holds(_key_hashes(kind, frame)))).to_list()
        deleted += len(gone)
        if gone and not dry_run:
            kind.model._default_manager.filter(pk__in=gone).delete()
