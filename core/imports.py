"""Import one CSV file: check whole chunks, refuse row by row, upsert what is good."""

from collections import Counter
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
from core.fields import CodeField
from core.seen_keys import SeenKeys
from core.tabular import CsvFile, FileRefused, Refusal, RefusalFile, RowChunk
from core.upsert import upsert

PLACE = "__place"
DELETED_AT_ONCE = 10_000


@dataclass(frozen=True)
class RowCheck:
    """A condition over several columns that makes a row bad."""

    column: str
    is_bad: pl.Expr
    reason: str


class Batch:
    """A chunk on its way into the database.

    Attributes
    ----------
    rows : the rows that are good so far, as values; `PLACE` is their place in the chunk
    refusals : one for each row that is not
    """

    def __init__(self, source: CsvFile, chunk: RowChunk) -> None:
        cells = list(zip(*chunk.rows, strict=True)) or [()] * len(source.header)
        text = pl.DataFrame(cells, schema=dict.fromkeys(source.header, pl.String), orient="col")
        self._source, self._lines = source, np.array(chunk.lines, dtype=np.int64)
        self._text = text.select(pl.all().str.strip_chars())
        self.rows = pl.DataFrame({PLACE: np.arange(len(chunk.rows))})
        self.refusals: list[Refusal] = list(chunk.refusals)

    def cells(self, column: str) -> pl.Series:
        """The rows' text as it stands in the file, without the blanks around it."""
        return self._text[column].gather(self.rows[PLACE])

    def lines(self) -> NDArray[np.int64]:
        return self._lines.take(self.rows[PLACE].to_numpy())

    def refuse(self, reasons: pl.Series, *columns: str) -> None:
        """Take out the rows that have a reason; their refusals show the cells of these columns, or of all."""
        refused = reasons.is_not_null()
        if not refused.any():
            return
        places = self.rows[PLACE].filter(refused)
        cells = self._text.select(columns or pl.all())[places]
        self.refusals += [
            self._source.refusal(line, ", ".join(columns), ", ".join(row), reason)
            for line, row, reason in zip(
                self._lines.take(places.to_numpy()).tolist(), cells.iter_rows(), reasons.filter(refused), strict=True
            )
        ]
        self.rows = self.rows.filter(~refused)


@dataclass(frozen=True)
class ImportKind:
    """What a kind of file holds and where it goes.

    Attributes
    ----------
    key : the model's columns that identify a row, in the file and in the database
    code : the column that other files refer to this one's rows by; compared without regard to case
    snapshot : the file can be the whole truth, so `replace` may delete what it does not hold
    resolve : last step before writing, for rows whose parent comes in the same file: the batch, a
        memory that lives as long as the file, and whether it is a dry run
    """

    name: str
    model: type[models.Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    code: str = ""
    checks: tuple[RowCheck, ...] = ()
    snapshot: bool = False
    resolve: Callable[[Batch, dict[str, Any], bool], None] | None = None
    constants: dict[str, Any] = field(default_factory=dict)

    @property
    def key_columns(self) -> list[str]:
        """The key as the file calls it."""
        return [self.code] if self.code else [column.name for column in self.columns if column.target in self.key]


@dataclass
class FileReport:
    """Rows of a file by what became of them. `kept_back`: the file could not replace what it does not hold."""

    kind: str
    file: str
    rows: int = 0
    accepted: int = 0
    refused: int = 0
    deleted: int = 0
    kept_back: bool = False


class KnownCodes:
    """Codes to ids, read once per model, so import it first; a dry run adds the codes that would have gone in."""

    def __init__(self) -> None:
        self._frames: dict[type[models.Model], pl.DataFrame] = {}

    def ids_of(self, model: type[models.Model]) -> pl.DataFrame:
        if model not in self._frames:
            code = next(item.name for item in model._meta.fields if isinstance(item, CodeField))
            rows = list(model._default_manager.order_by("pk").values_list(code, "pk"))
            frame = pl.DataFrame(rows, schema={"key": pl.String, "id": pl.Int64}, orient="row")
            self._frames[model] = _in_lower_case(frame)
        return self._frames[model]

    def pretend(self, model: type[models.Model], codes: pl.Series) -> None:
        known = self.ids_of(model)
        new = pl.DataFrame({"key": codes, "id": -1 - known.height - np.arange(len(codes))})
        self._frames[model] = _in_lower_case(pl.concat([known, new]))


def _in_lower_case(codes: pl.DataFrame) -> pl.DataFrame:
    """Lower case as polars has it, which also lowers the cells: SQLite's own leaves an É as it is."""
    return codes.with_columns(pl.col("key").str.to_lowercase()).unique("key", keep="first", maintain_order=True)


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
            batch = _check(kind, Batch(source, chunk), columns, codes)
            if kind.resolve:
                kind.resolve(batch, memory, dry_run)
            _refuse_duplicates(kind, batch, seen)
            if not dry_run:
                _write(kind, batch)
            elif kind.code:
                codes.pretend(kind.model, batch.rows[kind.code])
            report.rows += len(chunk.rows) + len(chunk.refusals)
            report.accepted += batch.rows.height
            report.refused += len(batch.refusals)
            refusals.add(sorted(batch.refusals, key=lambda refusal: refusal.line))
            on_progress(chunk.bytes_read, source.size)
    if replace and kind.snapshot:
        report.kept_back = report.refused > 0
        report.deleted = 0 if report.kept_back else _delete_unseen(kind, seen, dry_run=dry_run)
    return report


def enumerate_some(names: Sequence[str]) -> str:
    """The first five names, quoted so that nothing in them does harm, and how many more there are."""
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(repr(name[:40]) for name in names[:5]) + more


def _match_columns(kind: ImportKind, source: CsvFile) -> list[Column]:
    given, known = Counter(source.header), {column.name: column for column in kind.columns}
    wrong = {
        "missing columns": [column.name for column in kind.columns if column.name not in given and not column.optional],
        "unknown columns": [name for name in given if name not in known],
        "repeated columns": [name for name, count in given.items() if count > 1],
    }
    if complaints := [f"{what} {enumerate_some(names)}" for what, names in wrong.items() if names]:
        expected = ", ".join(f"{column.name} (optional)" if column.optional else column.name for column in kind.columns)
        raise FileRefused(
            f"{source.path.name} was not imported: {'; '.join(complaints)}. "
            f"{kind.name} files have the columns {expected}, separated by commas."
        )
    return [known[name] for name in source.header]


def _check(kind: ImportKind, batch: Batch, columns: Sequence[Column], codes: KnownCodes) -> Batch:
    """Turn text into values; a row is refused for its first bad cell."""
    for column in columns:
        values, reasons = column.check(batch.cells(column.name), codes.ids_of)
        batch.rows = batch.rows.with_columns(values.alias(column.target))
        batch.refuse(reasons, column.name)
    for check in kind.checks:
        reasons = batch.rows.select(reason=pl.when(check.is_bad).then(pl.lit(check.reason)))["reason"]
        batch.refuse(reasons, check.column)
    return batch


def _key_hashes(kind: ImportKind, rows: pl.DataFrame) -> NDArray[np.uint64]:
    keys = rows.select(pl.col(kind.code).str.to_lowercase()) if kind.code else rows.select(kind.key)
    return keys.hash_rows(seed=0).to_numpy()


def _refuse_duplicates(kind: ImportKind, batch: Batch, seen: SeenKeys) -> None:
    first = seen.first_lines(_key_hashes(kind, batch.rows), batch.lines())
    if first.any():
        reasons = [f"stands on line {line} already" if line else None for line in first.tolist()]
        batch.refuse(pl.Series(reasons, dtype=pl.String), *kind.key_columns)


def _write(kind: ImportKind, batch: Batch) -> None:
    """Upsert the rows; where the database itself refuses one, find it and let the others in."""
    rows = batch.rows.drop(PLACE).with_columns(pl.lit(value).alias(name) for name, value in kind.constants.items())
    updated = [name for name in rows.columns if name not in kind.key]

    def store(part: pl.DataFrame) -> None:
        with transaction.atomic():
            upsert(kind.model, part, unique_fields=kind.key, update_fields=updated)

    refused = {row: f"The database refuses the row: {error.args[-1]}" for row, error in _isolate(rows, store)}
    if refused:
        batch.refuse(pl.Series([refused.get(row) for row in range(rows.height)], dtype=pl.String))


def _isolate(
    rows: pl.DataFrame, store: Callable[[pl.DataFrame], None], start: int = 0
) -> Iterator[tuple[int, DatabaseError]]:
    """Store the rows in halves until only single bad ones are left; yield those and why."""
    if rows.is_empty():
        return
    try:
        with_retries(lambda: store(rows))
    except (DataError, IntegrityError) as error:
        if rows.height == 1:
            yield start, error
            return
        half = rows.height // 2
        yield from _isolate(rows[:half], store, start)
        yield from _isolate(rows[half:], store, start + half)


def _delete_unseen(kind: ImportKind, seen: SeenKeys, *, dry_run: bool) -> int:
    """Delete the rows whose key the file did not hold, by primary-key ranges; return how many."""
    deleted, after = 0, 0
    stored = kind.model._default_manager.order_by("pk").values_list("pk", *kind.key)
    while rows := list(stored.filter(pk__gt=after)[:DELETED_AT_ONCE]):
        after = rows[-1][0]
        frame = pl.DataFrame(rows, schema=["pk", *kind.key], orient="row")
        gone = frame["pk"].filter(pl.Series(~seen.holds(_key_hashes(kind, frame)))).to_list()
        deleted += len(gone)
        if gone and not dry_run:
            kind.model._default_manager.filter(pk__in=gone).delete()
    return deleted
