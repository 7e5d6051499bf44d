"""What the program says when it cannot go on."""

from django.db import DatabaseError


class WorkbenchError(Exception):
    """An expected failure, told as one sentence: what was wrong, where, and what to do."""


def explain_database_error(error: DatabaseError) -> str:
    """One sentence for a database failure that an administrator can act on."""
    text = " ".join(str(part) for part in error.args).lower()
    if "readonly" in text or "read-only" in text or "read only" in text:
        return "The database is read-only. Nothing more was written; allow writing and start again."
    if "no such table" in text or "doesn't exist" in text:
        return "The database has no tables yet. Run `python manage.py migrate` first."
    if "can't connect" in text or "unable to open database" in text or "access denied" in text:
        return f"The database cannot be reached. Check DATABASE_URL. The database said: {error}"
    return f"The database refused the work: {error}"
