"""What the program says when it cannot go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError


class WorkbenchError(Exception):
    """An expected failure, told as one sentence: what was wrong, where, and what to do."""


def explain_database_error(error: Exception) -> str:
    """One sentence for a database failure that an administrator can act on."""
    text = " ".join(str(part) for part in error.args).lower()
    if "readonly" in text or "read-only" in text or "read only" in text:
        return "The database is read-only. Nothing more was written; allow writing and start again."
    if "no such table" in text or "doesn't exist" in text:
        return "The database has no tables yet. Run `python manage.py migrate` first."
    if "can't connect" in text or "unable to open database" in text or "access denied" in text:
        return f"The database cannot be reached. Check DATABASE_URL. The database said: {error}"
    if "denied" in text:
        return f"The database user lacks a right. Grant it and start again. The database said: {error}"
    return f"The database refused the work: {error}"


@contextmanager
def database_errors_explained() -> Iterator[None]:
    """Turn a database failure that escapes the block into its one sentence."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        raise WorkbenchError(explain_database_error(error)) from error
