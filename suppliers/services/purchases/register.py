"""The files that were imported: each once, unless it is given up for another."""

import hashlib
from pathlib import Path
from typing import Any

from core.errors import WorkbenchError
from suppliers.models import EmissionError, EmissionResult, PurchaseImport, PurchaseRecord

DELETED_AT_ONCE = 10_000


def begin_import(*, path: Path, mapping: dict[str, Any], replaces: int | None, who: str) -> PurchaseImport:
    """The file's own row; complete where the file went through before.

    An import that died begins again from the top and overwrites what it left. What another mapping left of the
    file goes first, because its records may have other ids.

    Raises
    ------
    WorkbenchError
        If the file went through with another mapping, or the import to be replaced has to stay.
    """
    if replaces is not None:
        forget_import(import_id=replaces)
    with path.open("rb") as stream:
        file_hash = hashlib.file_digest(stream, "sha256").hexdigest()
    defaults = {"file_name": path.name[-255:], "mapping": mapping, "who": who}
    kept, _is_new = PurchaseImport.objects.get_or_create(file_hash=file_hash, defaults=defaults)
    if kept.mapping != mapping:
        if kept.complete:
            raise WorkbenchError(
                f"{path.name} went in before as import {kept.pk}, with another mapping. "
                f"To have it with this one, replace import {kept.pk}."
            )
        forget_import(import_id=kept.pk)
        kept = PurchaseImport.objects.create(file_hash=file_hash, **defaults)
    return kept


def forget_import(*, import_id: int) -> None:
    """Delete an import with its records.

    Raises
    ------
    WorkbenchError
        If there is none, or a calculation used it.
    """
    kept = PurchaseImport.objects.filter(pk=import_id).first()
    if kept is None:
        raise WorkbenchError(f"There is no import {import_id}.")
    for outcome in (EmissionResult, EmissionError):
        used = outcome._default_manager.filter(record__source=kept).first()
        if used is not None:
            raise WorkbenchError(f"Import {import_id} stays, because run {used.run_id} calculated with it.")
    records = PurchaseRecord.objects.filter(source=kept)
    while keys := list(records.order_by("pk").values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        PurchaseRecord.objects.filter(pk__in=keys).delete()
    kept.delete()
