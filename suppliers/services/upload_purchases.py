"""Files of purchases that come by browser: looked at first, then imported by a worker, removed afterwards."""

import datetime as dt
import logging
import re
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.utils import timezone

from core.errors import WorkbenchError, database_errors_explained
from core.runs import RunStatus, advance_run, cancel_run, closing_run, finish_run, take_over
from core.tabular import FileRefused, RefusalFile
from core.uploads import check_size
from suppliers.models import PurchaseUpload
from suppliers.models.uploads import FOLDER_PREFIX, REFUSED
from suppliers.services.import_purchases import PurchaseReport, import_purchases
from suppliers.services.purchases.fields import FIELDS
from suppliers.services.purchases.mapping import ColumnMapping, find_places
from suppliers.services.purchases.sources import FORMATS, open_source

logger = logging.getLogger(__name__)

KEPT = dt.timedelta(days=1)
LONGEST_NAME = 100


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
    upload = PurchaseUpload(file=_safe_name(file.name or ""), who=who)
    try:
        with database_errors_explained():
            _forget_old_uploads()
            upload.folder.mkdir(mode=0o700, parents=True)
            with upload.path.open("xb") as stream:
                stream.writelines(file.chunks())
            read_preview(upload=upload, limit=1)
            upload.save()
    except (OSError, WorkbenchError) as error:
        shutil.rmtree(upload.folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise WorkbenchError(f"The file cannot be stored: {error.strerror}. Tell your administrator.") from error
        raise
    logger.info("keep_purchases done upload=%s kilobytes=%d", upload.pk, upload.path.stat().st_size // 1024)
    return upload


def find_upload(*, token: uuid.UUID) -> PurchaseUpload:
    """Raises WorkbenchError where it is not there any more."""
    upload = PurchaseUpload.objects.filter(token=token).first()
    if upload is None or (upload.awaits_mapping and not upload.path.is_file()):
        raise WorkbenchError("This upload is not there any more. Upload the file again.")
    return upload


def latest_upload() -> PurchaseUpload | None:
    """The newest of those that wait or run, or ended within the last day."""
    shown = Q(finished_at__gte=timezone.now() - KEPT) | Q(active_key__isnull=False)
    return PurchaseUpload.objects.filter(shown, is_mapped=True).first()


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
    """Check the mapping against the file and let a worker import it; the caller enqueues it, or takes it back.

    Raises
    ------
    WorkbenchError
        If the mapping does not fit, or the upload is past that.
    """
    already = WorkbenchError(f"{upload.file} is imported already.")
    if not upload.awaits_mapping:
        raise already
    mapping.constant_values()
    with open_source(upload.path) as source:
        find_places(mapping, source.header, upload.file)
        size = source.size
    waiting = PurchaseUpload.objects.filter(pk=upload.pk, is_mapped=False, status=RunStatus.QUEUED)
    with database_errors_explained():
        queued = waiting.update(
            is_mapped=True,
            active_key=f"purchases {upload.token}",
            columns=dict(mapping.columns),
            constants=dict(mapping.constants),
            credits_negative=credits_negative,
            save_as=save_as.strip(),
            progress_total=size,
        )
        if not queued:
            raise already
        upload.refresh_from_db()


def take_back(*, upload: PurchaseUpload) -> None:
    """Where it cannot be put into the queue: back to the mapping, or to an import that is dead and can go on."""
    was_dead = upload.attempt > 1
    before = {"status": RunStatus.RUNNING} if was_dead else {"is_mapped": False, "active_key": None}
    PurchaseUpload.objects.filter(pk=upload.pk, status=RunStatus.QUEUED).update(**before)
    upload.refresh_from_db()


def queue_again(*, upload: PurchaseUpload) -> None:
    """Put an import whose process died back into the queue; the caller enqueues it.

    Raises
    ------
    WorkbenchError
        If it is alive or has ended.
    """
    if not upload.looks_dead or not take_over(upload, status=RunStatus.QUEUED):
        raise WorkbenchError(f"{upload.file} is not waiting for somebody to go on with it.")


def cancel_upload(*, upload: PurchaseUpload) -> bool:
    """A running import stops at its next sign of life; what went in stays until the file comes again."""
    cancelled = cancel_run(upload)
    if cancelled:
        upload.path.unlink(missing_ok=True)
    return cancelled


def continue_purchase_upload(*, upload_id: int) -> PurchaseUpload | None:
    """Import a waiting upload, or a dead one again; None where somebody else does or it has ended."""
    with database_errors_explained():
        upload = PurchaseUpload.objects.get(pk=upload_id)
        if upload.active_key is None or not take_over(upload):
            return None
        started = time.perf_counter()
        try:
            with closing_run(upload):
                report = _import(upload)
                seconds = round(time.perf_counter() - started, 3)
                finish_run(upload, RunStatus.COMPLETED, report=asdict(report), timings={"total": seconds})
        finally:
            if PurchaseUpload.objects.filter(pk=upload_id, active_key=None).exists():
                upload.path.unlink(missing_ok=True)
    return upload


def _import(upload: PurchaseUpload) -> PurchaseReport:
    """An import that died begins at the top of its file again and adds nothing twice."""
    next_sign = 0.0

    def on_progress(done: int, total: int) -> None:
        """How much is read, and with it a sign of life, at most once a second."""
        nonlocal next_sign
        if time.monotonic() >= next_sign:
            next_sign = time.monotonic() + 1
            total = total or upload.progress_total
            advance_run(upload, checkpoint=upload.checkpoint, progress_done=done, progress_total=total)

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
    if not plain.lower().endswith(tuple(FORMATS)) or plain == REFUSED:
        raise FileRefused(f"{name[-40:]!r} is no file of purchases by its name, which ends in {', '.join(FORMATS)}.")
    return plain


def _forget_old_uploads() -> None:
    """Those that nobody mapped, and folders of those that ended."""
    long_ago = timezone.now() - KEPT
    PurchaseUpload.objects.filter(is_mapped=False, created_at__lt=long_ago).delete()
    in_use = PurchaseUpload.objects.filter(Q(active_key__isnull=False) | Q(created_at__gte=long_ago))
    tokens = {str(token) for token in in_use.values_list("token", flat=True)}
    for folder in settings.UPLOADS_DIR.glob(f"{FOLDER_PREFIX}*") if settings.UPLOADS_DIR.is_dir() else ():
        is_old = time.time() - folder.stat().st_mtime > KEPT.total_seconds()
        if is_old and folder.name.removeprefix(FOLDER_PREFIX) not in tokens:
            shutil.rmtree(folder, ignore_errors=True)
