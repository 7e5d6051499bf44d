"""Import files that come by browser: stored at once, imported by a worker, removed afterwards."""

import datetime as dt
import logging
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from core.errors import WorkbenchError, database_errors_explained
from core.runs import RunStatus, advance_run, cancel_run, claim_run, closing_run, finish_run, take_over
from core.tabular import RefusalFile
from core.uploads import check_size, store_data_files
from ordering.models import DataUpload
from ordering.services.import_data import KINDS, ImportReport, import_data
from suppliers.access import scope_of

logger = logging.getLogger(__name__)

KEPT = dt.timedelta(days=30)
KILOBYTE = 1024


def queue_upload(*, files: "Sequence[UploadedFile[bytes]]", replace: bool, user: User) -> DataUpload:
    """Check and store the files that a worker will import. The caller enqueues the upload, or cancels it.

    Raises
    ------
    WorkbenchError
        With one sentence and nothing stored: a file that is no import file, another import that waits
        or is alive, a user who may not see everything, a disk that is full.
    """
    if scope_of(user).is_limited:
        raise WorkbenchError(
            "You see only some suppliers or warehouses, and a file may hold others. Ask somebody who sees all of them."
        )
    if not files:
        raise WorkbenchError("No file was chosen. Choose at least one.")
    check_size(sum(file.size or 0 for file in files))
    incoming = settings.UPLOADS_DIR / f"incoming-{secrets.token_hex(8)}"
    try:
        _remove_old_folders()
        incoming.mkdir(mode=0o700, parents=True)
        paths = store_data_files(files, incoming, kinds=KINDS)
        with database_errors_explained(), transaction.atomic():
            upload = _claim(paths, replace=replace, who=user.get_username())
            shutil.rmtree(upload.folder, ignore_errors=True)  # of a database that is gone
            incoming.rename(upload.folder)
    except OSError as error:
        raise WorkbenchError(
            f"The files cannot be stored: {error.strerror or error}. Tell your administrator."
        ) from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    logger.info("queue_upload done upload=%s files=%d kilobytes=%d", upload.pk, len(paths), upload.progress_total)
    return upload


def continue_upload(*, upload_id: int) -> DataUpload | None:
    """Import a waiting upload, or a dead one again; None where somebody else does or it has ended."""
    with database_errors_explained():
        upload = DataUpload.objects.get(pk=upload_id)
        if upload.active_key is None or not take_over(upload):
            return None
        try:
            with closing_run(upload):
                _import(upload)
        finally:
            if DataUpload.objects.filter(pk=upload_id, active_key=None).exists():
                _discard_files(upload)
    return upload


def cancel_upload(*, upload: DataUpload) -> bool:
    """End a waiting or running upload; an import that is running stops at its next chunk."""
    cancelled = cancel_run(upload)
    if cancelled:
        _discard_files(upload)
    return cancelled


class _Progress:
    """Stores how much is read, and with it a sign of life, at most once a second."""

    def __init__(self, upload: DataUpload) -> None:
        self._upload, self._next = upload, 0.0
        self._bytes: dict[str, int] = {}

    def __call__(self, file: str, done: int, total: int) -> None:
        self._bytes[file] = done
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 1
        read = sum(self._bytes.values()) // KILOBYTE
        advance_run(self._upload, checkpoint=self._upload.checkpoint, progress_done=read)


def _import(upload: DataUpload) -> None:
    started = time.perf_counter()
    with RefusalFile(upload.errors_path) as refusals:
        report = import_data(
            paths=[upload.folder / name for name in upload.files],
            refusals=refusals,
            replace=upload.replace,
            on_progress=_Progress(upload),
        )
    finish_run(
        upload,
        RunStatus.COMPLETED,
        report=_as_json(report),
        progress_done=upload.progress_total,
        timings={"total": round(time.perf_counter() - started, 3)},
    )


def _as_json(report: ImportReport) -> dict[str, Any]:
    return {
        "files": [asdict(file) for file in report.files],
        "refused_files": report.refused_files,
        "lead_times_as_of": report.lead_times_as_of and report.lead_times_as_of.isoformat(),
        "measured_lead_times": report.measured_lead_times,
    }


def _claim(paths: Sequence[Path], *, replace: bool, who: str) -> DataUpload:
    if waiting := DataUpload.objects.filter(status=RunStatus.QUEUED).first():
        raise WorkbenchError(f"{waiting} of {waiting.who} waits for a worker. Wait until it ends, or cancel it.")
    return claim_run(
        DataUpload,
        active_key="import",
        wanted={
            "status": RunStatus.QUEUED,
            "files": [path.name for path in paths],
            "replace": replace,
            "who": who,
            "progress_total": max(1, sum(path.stat().st_size for path in paths) // KILOBYTE),
        },
        may_resume=_discard_files,
    )


def _discard_files(upload: DataUpload) -> bool:
    """Remove what was uploaded and keep the error file; False, for nothing is left to resume."""
    for name in upload.files:
        (upload.folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        upload.folder.rmdir()  # unless the error file is in it
    return False


def _remove_old_folders() -> None:
    folders = settings.UPLOADS_DIR.iterdir() if settings.UPLOADS_DIR.is_dir() else ()
    for folder in folders:
        if time.time() - folder.stat().st_mtime > KEPT.total_seconds():
            shutil.rmtree(folder, ignore_errors=True)
