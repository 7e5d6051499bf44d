"""Keep what an edited export would change on the server, from its preview until the person says yes.

In files and not in the page, because it can be 100,000 lines; and not as a BulkEdit that waits, because the newest of
those is what each list shows with its progress and its undo.
"""

import csv
import datetime as dt
import json
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from core.errors import WorkbenchError
from core.tabular import neutralise
from ordering.models import BulkEdit
from ordering.services.edit_order_lines import plan_quantities
from ordering.services.read_edited_export import EditedExport

KEPT = dt.timedelta(days=1)


def keep_edited_export(*, edited: EditedExport, month: dt.date, user: User) -> uuid.UUID:
    """Store the changes and the refused rows, and remove what others left behind; the answer is the key to them."""
    token = uuid.uuid4()
    content = {
        "user": user.pk,
        "month": month.isoformat(),
        "wanted": [*edited.wanted.items()],
        "notes": [*edited.notes.items()],
    }
    try:
        _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old_files()
        for path in (_changes_path(token), _refused_path(token)):
            path.touch(mode=0o600, exist_ok=False)
        _changes_path(token).write_text(json.dumps(content))
        _write_refused(edited, _refused_path(token))
    except OSError as error:
        raise WorkbenchError(f"The preview cannot be stored: {error.strerror}. Tell your administrator.") from error
    return token


def plan_kept_changes(*, token: uuid.UUID, month: dt.date, user: User) -> BulkEdit:
    """The changes as one action, which is not stored yet.

    Raises
    ------
    WorkbenchError
        If they are not there any more, or are somebody else's or of another month.
    """
    content = _read(token, month, user)
    wanted = {pk: (quantity, version) for pk, (quantity, version) in content["wanted"]}
    return plan_quantities(month=month, user=user, wanted=wanted, notes=dict(content["notes"]))


def find_refused_rows(*, token: uuid.UUID, month: dt.date, user: User) -> Path:
    """The CSV file of all refused rows; the same errors."""
    _read(token, month, user)
    return _refused_path(token)


def forget_edited_export(*, token: uuid.UUID) -> None:
    for path in (_changes_path(token), _refused_path(token)):
        path.unlink(missing_ok=True)


def _read(token: uuid.UUID, month: dt.date, user: User) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(_changes_path(token).read_text())
    except FileNotFoundError:
        content = {}
    if (content.get("user"), content.get("month")) != (user.pk, month.isoformat()) or _is_old(_changes_path(token)):
        raise WorkbenchError("This upload was applied already, or is older than a day. Upload the file again.")
    return content


def _write_refused(edited: EditedExport, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(edited.refused.columns)
        writer.writerows([neutralise(value) for value in row] for row in edited.refused.iter_rows())


def _folder() -> Path:
    """Beside the other uploads; nothing serves it."""
    folder: Path = settings.UPLOADS_DIR / "reimports"
    return folder


def _changes_path(token: uuid.UUID) -> Path:
    return _folder() / f"{token}.json"


def _refused_path(token: uuid.UUID) -> Path:
    return _folder() / f"{token}.csv"


def _remove_old_files() -> None:
    for path in _folder().iterdir():
        if _is_old(path):
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > KEPT.total_seconds()
