"""Files of purchases that come by browser: looked at first, then imported by a worker.

What is known of an upload lies in a file beside it and not in the database: what counts is the import that it
becomes, and until then it is one person's and gone after a day.
"""

import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from core.errors import WorkbenchError
from core.tabular import FileRefused, RefusalFile
from core.uploads import check_size
from suppliers.services.import_purchases import PurchaseReport, import_purchases
from suppliers.services.purchases.fields import FIELDS
from suppliers.services.purchases.mapping import ColumnMapping, find_places
from suppliers.services.purchases.sources import FORMATS, open_source

logger = logging.getLogger(__name__)

LOOKED_AT, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = (
    "looked at", "waiting", "running", "completed", "failed", "cancelled",
)  # fmt: skip
OPEN = (QUEUED, RUNNING)
KEPT_SECONDS = 24 * 3600
DEAD_SECONDS = 60
LONGEST_NAME = 100
PREFIX = "purchases-"
STATE, REFUSED, STOP = "state.json", "refused.csv", "cancelled"


@dataclass
class PurchaseUpload:
    """One file, from its upload to the end of its import."""

    token: str
    file: str
    who: str
    status: str = LOOKED_AT
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    credits_negative: bool = False
    save_as: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    touched: float = 0.0

    @property
    def folder(self) -> Path:
        return _folder_of(self.token)

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def refused_path(self) -> Path:
        return self.folder / REFUSED

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def looks_dead(self) -> bool:
        return self.status == RUNNING and time.time() - self.touched > DEAD_SECONDS

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    @property
    def has_refusals(self) -> bool:
        return not self.is_open and self.refused_path.is_file()


@dataclass(frozen=True)
class Preview:
    header: list[str]
    rows: list[tuple[str, ...]]


def keep_purchases(*, file: "UploadedFile[bytes] | None", who: str) -> PurchaseUpload:
    """Store the file and see that it can be read.

    Raises
    ------
    WorkbenchError
        With one sentence and nothing stored.
    """
    if file is None:
        raise WorkbenchError("No file was chosen. Choose one.")
    check_size(file.size or 0)
    upload = PurchaseUpload(token=str(uuid.uuid4()), file=_safe_name(file.name or ""), who=who)
    try:
        _remove_old_folders()
        upload.folder.mkdir(mode=0o700, parents=True)
        with upload.path.open("xb") as stream:
            stream.writelines(file.chunks())
        read_preview(upload=upload, limit=1)
        _store(upload)
    except (OSError, WorkbenchError) as error:
        shutil.rmtree(upload.folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise WorkbenchError(f"The file cannot be stored: {error.strerror}. Tell your administrator.") from error
        raise
    logger.info("keep_purchases done token=%s kilobytes=%d", upload.token, upload.path.stat().st_size // 1024)
    return upload


def find_upload(*, token: str) -> PurchaseUpload:
    """Raises WorkbenchError where it is not there any more."""
    try:
        path = _folder_of(token) / STATE
        return PurchaseUpload(**json.loads(path.read_text(encoding="utf-8")), touched=path.stat().st_mtime)
    except FileNotFoundError as error:
        raise WorkbenchError("This upload is not there any more. Upload the file again.") from error


def list_uploads() -> list[PurchaseUpload]:
    """Those that wait or run, or ended within the last day; the newest first."""
    paths = settings.UPLOADS_DIR.glob(f"{PREFIX}*/{STATE}") if settings.UPLOADS_DIR.is_dir() else ()
    uploads = []
    for path in paths:
        with suppress(WorkbenchError):  # it may be removed meanwhile
            uploads.append(find_upload(token=path.parent.name.removeprefix(PREFIX)))
    return sorted((one for one in uploads if one.status != LOOKED_AT), key=lambda one: -one.touched)


def read_preview(*, upload: PurchaseUpload, limit: int = 8) -> Preview:
    """The header and the first rows."""
    with open_source(upload.path) as source:
        header = list(source.header)
        pieces = source.pieces({str(place): place for place in range(len(header))})
        first = next(iter(islice(pieces, 1)), None)
        rows = first.cells.head(limit).rows() if first else []
    return Preview(header, rows)


def guess_columns(header: list[str], saved: Mapping[str, str] | None = None) -> dict[str, str]:
    """Fields of columns that are called like one, and of those that a saved mapping names."""
    known = {name for name in (saved or {}).values() if name}
    guessed = dict(saved or {})
    for column in header:
        name = column.lower().replace(" ", "_")
        if name in FIELDS and name not in known and column not in guessed:
            guessed[column] = name
            known.add(name)
    return {column: name for column, name in guessed.items() if column in header}


def queue_purchases(
    *, upload: PurchaseUpload, mapping: ColumnMapping, credits_negative: bool = False, save_as: str = ""
) -> None:
    """Check the mapping against the file and let a worker import it; the caller enqueues it.

    Raises
    ------
    WorkbenchError
        If the mapping does not fit, or the upload is past that.
    """
    if upload.status != LOOKED_AT:
        raise WorkbenchError(f"{upload.file} is imported already.")
    mapping.constant_values()
    with open_source(upload.path) as source:
        find_places(mapping, source.header, upload.file)
        upload.total = source.size
    upload.columns, upload.constants = dict(mapping.columns), dict(mapping.constants)
    upload.credits_negative, upload.save_as, upload.status = credits_negative, save_as.strip(), QUEUED
    _store(upload)


def take_back(*, upload: PurchaseUpload) -> None:
    """Where it cannot be put into the queue: back to the mapping."""
    upload.status = LOOKED_AT
    _store(upload)


def cancel_upload(*, upload: PurchaseUpload) -> bool:
    """A running import stops at its next piece; what went in stays until the file comes again."""
    if not upload.is_open:
        return False
    (upload.folder / STOP).touch()
    if upload.status == QUEUED or upload.looks_dead:
        upload.status = CANCELLED
        _store(upload)
    return True


def continue_purchase_upload(*, token: str) -> PurchaseUpload | None:
    """Import a waiting upload, or a dead one again; None where somebody else does or it has ended."""
    upload = find_upload(token=token)
    if upload.status != QUEUED and not upload.looks_dead:
        return None
    upload.status = RUNNING
    _store(upload)
    try:
        report = _import(upload)
    except _Cancelled:
        upload.status, upload.error = CANCELLED, "It was cancelled. Upload the file again to import the rest."
    except WorkbenchError as error:
        upload.status, upload.error = FAILED, str(error)
    except BaseException as error:
        upload.status, upload.error = FAILED, f"{type(error).__name__}: {error}"
        raise
    else:
        upload.status, upload.report = COMPLETED, asdict(report)
    finally:
        _store(upload)
        if not upload.is_open:
            upload.path.unlink(missing_ok=True)
    return upload


class _Cancelled(WorkbenchError):
    """Somebody does not want the rest."""


def _import(upload: PurchaseUpload) -> PurchaseReport:
    next_sign = 0.0

    def on_progress(done: int, total: int) -> None:
        nonlocal next_sign
        if (upload.folder / STOP).exists():
            raise _Cancelled("It was cancelled.")
        upload.done, upload.total = done, total or upload.total
        if time.monotonic() >= next_sign:
            next_sign = time.monotonic() + 1
            _store(upload)

    with RefusalFile(upload.refused_path) as refusals:
        return import_purchases(
            path=upload.path,
            mapping=ColumnMapping(upload.columns, upload.constants),
            refusals=refusals,
            save_as=upload.save_as,
            credits_negative=upload.credits_negative,
            who=upload.who,
            on_progress=on_progress,
        )


def _safe_name(name: str) -> str:
    """The file's own name as far as no path can hide in it; its ending says what it is."""
    plain = re.sub(r"[^\w. -]", "_", Path(name.replace("\\", "/")).name).lstrip(".")[-LONGEST_NAME:]
    if not plain.lower().endswith(tuple(FORMATS)) or plain in (STATE, REFUSED):
        raise FileRefused(f"{name[-40:]!r} is no file of purchases by its name, which ends in {', '.join(FORMATS)}.")
    return plain


def _folder_of(token: str) -> Path:
    folder: Path = settings.UPLOADS_DIR / f"{PREFIX}{uuid.UUID(token)}"
    return folder


def _store(upload: PurchaseUpload) -> None:
    """At once or not at all: the page reads while the worker writes."""
    content = {name: value for name, value in asdict(upload).items() if name != "touched"}
    new = upload.folder / f"{STATE}.new"
    new.write_text(json.dumps(content), encoding="utf-8")
    os.replace(new, upload.folder / STATE)
    upload.touched = time.time()


def _remove_old_folders() -> None:
    folders = settings.UPLOADS_DIR.glob(f"{PREFIX}*") if settings.UPLOADS_DIR.is_dir() else ()
    for folder in folders:
        if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
