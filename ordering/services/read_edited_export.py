"""Read an export that somebody edited: what it would change, and which rows are refused."""

import datetime as dt
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile

from core.errors import WorkbenchError, database_errors_explained
from core.tabular import FileRefused, Refusal
from core.uploads import MEGABYTE, WORKBOOK_LIMIT, check_data_file, check_workbook
from ordering.services.reimport.judge import judge
from ordering.services.reimport.match import add_lines
from ordering.services.reimport.rows import read_rows

logger = logging.getLogger(__name__)

LONGEST_NAME = 60  # characters, so that the file system takes it in any alphabet

CHANGED = ("id", "sku", "warehouse", "now_qty", "new_qty", "now_note", "new_note", "now_version")
REFUSED = {"row": pl.Int64} | dict.fromkeys(("sku", "warehouse", "value", "reason"), pl.String)


@dataclass(frozen=True)
class EditedExport:
    """In the order of the file.

    Attributes
    ----------
    changed : the lines that would change, with the columns of CHANGED; a note is null where it stays
    unchanged : number of rows that say what the line says
    refused : the rows that are left out, with the columns of REFUSED
    """

    changed: pl.DataFrame
    unchanged: int
    refused: pl.DataFrame

    @property
    def wanted(self) -> dict[int, tuple[int | None, int]]:
        """Quantities by line, each with the version that the export showed."""
        lines = self.changed.select("id", "new_qty", "now_version").iter_rows()
        return {pk: (quantity, version) for pk, quantity, version in lines}

    @property
    def notes(self) -> dict[int, str]:
        """Notes by line, where they change."""
        return dict(self.changed.drop_nulls("new_note").select("id", "new_note").iter_rows())


def read_edited_export(*, file: "UploadedFile[bytes]", month: dt.date, user: User) -> EditedExport:
    """Compare an uploaded workbook or CSV file with the month's lines that the person may see; nothing is stored.

    Raises
    ------
    WorkbenchError
        With one sentence, if the file is no export, is hostile or does not have the columns that are needed.
    """
    started = time.perf_counter()
    logger.info("read_edited_export started month=%s user=%s bytes=%s", month, user.pk, file.size)
    try:
        with tempfile.TemporaryDirectory(prefix="reimport-") as folder:
            found = read_rows(_store(file, Path(folder)))
    except OSError as error:
        raise WorkbenchError(f"The file cannot be stored: {error.strerror}. Tell your administrator.") from error
    with database_errors_explained():
        rows = judge(add_lines(found.table, month=month, user=user))
    edited = EditedExport(
        changed=rows.filter("edited").select(CHANGED),
        unchanged=rows.filter(~pl.col("edited") & pl.col("reason").is_null()).height,
        refused=_refused(rows, found.unreadable),
    )
    seconds = time.perf_counter() - started
    logger.info(
        "read_edited_export done rows=%d changed=%d seconds=%.2f rows_per_second=%.0f",
        rows.height,
        edited.changed.height,
        seconds,
        rows.height / seconds,
    )
    return edited


def _store(file: "UploadedFile[bytes]", folder: Path) -> Path:
    """On disk under the end of its own name, which the sentences show; checked before anything reads it."""
    path = folder / (file.name or "")[-LONGEST_NAME:]
    is_csv = path.suffix.lower() == ".csv"
    if is_csv and (file.size or 0) > WORKBOOK_LIMIT:
        raise FileRefused(f"{path.name} is larger than {WORKBOOK_LIMIT // MEGABYTE} MB. Upload it in parts.")
    with path.open("xb") as stream:
        stream.writelines(file.chunks())
    (check_data_file if is_csv else check_workbook)(path)
    return path


def _refused(rows: pl.DataFrame, unreadable: list[Refusal]) -> pl.DataFrame:
    refused = rows.filter(pl.col("reason").is_not_null()).rename({"confirmed_qty": "value"}).select(*REFUSED)
    lines = [(row.line, "", "", _readable(row.value), row.reason) for row in unreadable]
    return pl.concat([refused, pl.DataFrame(lines, REFUSED, orient="row")]).sort("row", maintain_order=True)


def _readable(text: str) -> str:
    """Bytes that are no UTF-8 come as surrogates, which nothing can store."""
    return text.encode(errors="replace").decode()
