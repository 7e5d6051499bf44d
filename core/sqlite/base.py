"""Django's SQLite backend, made to agree with the servers: Unicode case, bulk statements, one writer at a time."""

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base, features
from django.utils.functional import cached_property


class DatabaseFeatures(features.DatabaseFeatures):
    @cached_property
    def max_query_params(self) -> int:  # type: ignore[override]  # a constant there, a question to SQLite here
        """What this SQLite really takes, as in Django 6; Django 5 assumes 999 and cuts bulk statements small."""
        self.connection.ensure_connection()
        return int(self.connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures

    def get_connection_params(self) -> dict[str, Any]:
        """WAL and a patient, immediate writer; no cache of statements that have 200,000 parameters each."""
        parameters = super().get_connection_params()
        self.transaction_mode = "IMMEDIATE"
        self.init_commands = ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"]
        return {"timeout": 20, "cached_statements": 0} | parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        # SQLite's own LOWER knows ASCII only; codes are unique without regard to case in every alphabet.
        connection.create_function("LOWER", 1, _lower, deterministic=True)
        return connection


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
