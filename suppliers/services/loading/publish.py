"""A published set is loaded once: the same file adds nothing, another file under its name is refused."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from django.db import IntegrityError, models, transaction

from core.tabular import FileRefused
from suppliers.models.factors import PublishedSet

SetT = TypeVar("SetT", bound=PublishedSet)
ROWS_A_STATEMENT = 500


@dataclass(frozen=True)
class LoadReport:
    """What became of a file.

    Attributes
    ----------
    added : rows that went in; 0 where the file was loaded before
    left_out : rows of the file that are none of ours, by what they are
    unusable : rows that went in with a unit that no quantity converts to, by unit
    """

    published: PublishedSet
    added: int
    left_out: dict[str, int] = field(default_factory=dict)
    unusable: dict[str, int] = field(default_factory=dict)


def hash_file(path: Path) -> str:
    """The SHA-256 of a file.

    Raises
    ------
    FileRefused
        If it cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileRefused(f"{path} cannot be opened: {error.strerror}.") from error


def find_published(wanted: SetT, *, key: Sequence[str], stated: Sequence[str]) -> SetT | None:
    """The set that this file was loaded as before.

    Parameters
    ----------
    wanted : the set as it would be stored
    key : the fields that a set is known by
    stated : what else was said about it

    Raises
    ------
    FileRefused
        If a set of this name came from another file, or more or less was said about it.
    """
    model = type(wanted)
    known = model._default_manager.filter(**{name: getattr(wanted, name) for name in key}).first()
    if known is None:
        return None
    if known.file_hash != wanted.file_hash:
        raise FileRefused(
            f"{wanted.file_name} was not loaded: {known} came from another file, {known.file_name}, on "
            f"{known.loaded_at:%Y-%m-%d}, and a published set never changes. Load this one under another version."
        )
    if others := [name for name in stated if getattr(known, name) != getattr(wanted, name)]:
        raise FileRefused(
            f"{wanted.file_name} was loaded as {known} with another {' and '.join(others).replace('_', ' ')}, "
            "and a published set never changes. Load it under another version."
        )
    return known


def store_published(wanted: PublishedSet, rows: Sequence[models.Model], *, parent: str) -> None:
    """Store a set and its rows, all or nothing; `parent` is what the rows call their set.

    Raises
    ------
    FileRefused
        If the database takes two rows for one, or somebody else stores the set at the same moment.
    """
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
            for row in rows:
                setattr(row, parent, wanted)
            type(rows[0])._default_manager.bulk_create(rows, batch_size=ROWS_A_STATEMENT)
    except IntegrityError as error:
        raise FileRefused(
            f"{wanted.file_name} was not loaded: either somebody else is loading {wanted}, or the database takes two "
            f"rows for one. It said: {error.args[-1]}."
        ) from error
