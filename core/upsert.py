"""One bulk upsert with three writers, chosen by what the database, the connection and the rows offer.

200,000 order lines, MariaDB 10.11, 2 cores: bulk_create takes 27 s, LOAD DATA LOCAL into a
temporary table and one INSERT ... SELECT takes 4 to 5 s. The README has the current numbers.
"""

import gc
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl
from django.db import DataError, OperationalError, connection, models, transaction
from django.db.backends.utils import CursorWrapper

logger = logging.getLogger(__name__)

# Server has LOCAL INFILE off (MySQL 3948, MariaDB 4166, both 1148); no right to make temporary tables (1044).
STAGING_REFUSED = {1044, 1148, 3948, 4166}


def upsert(
    model: type[models.Model],
    rows: pl.DataFrame,
    *,
    unique_fields: Sequence[str],
    update_fields: Sequence[str],
    likely_new: bool = False,
) -> None:
    """Insert rows; where the unique key exists, overwrite `update_fields` and nothing else.

    Parameters
    ----------
    rows
        One column per written field, named by the field's column on the instance (`sku_id`).
        JSON fields hold JSON text, null is null, times are UTC. Fields without a column get
        the model's default when a row is new. A key may stand in `rows` once only.
    unique_fields
        The fields of the unique constraint that decides what exists.
    update_fields
        What an existing row takes over.
    likely_new
        No key exists, as far as the caller knows; where one does nonetheless, the outcome is the same and slower.

    Raises
    ------
    DatabaseError
        If the database refuses a value; all writers refuse the whole call.
    """
    if rows.is_empty():
        return
    if staging_is_offered():
        try:
            if not (likely_new and write_by_loading(model, rows)):
                write_by_staging(model, rows, update_fields=update_fields)
            return
        except OperationalError as error:
            if error.args[0] not in STAGING_REFUSED:
                raise
            logger.warning("The server refuses LOAD DATA LOCAL; writing with bulk_create instead: %s", error)
            connection.settings_dict = connection.settings_dict | {
                "OPTIONS": connection.settings_dict["OPTIONS"] | {"local_infile": 0}
            }
    write_by_bulk_create(model, rows, unique_fields=unique_fields, update_fields=update_fields)


def staging_is_offered() -> bool:
    return connection.vendor == "mysql" and bool(connection.settings_dict["OPTIONS"].get("local_infile"))


def write_by_bulk_create(
    model: type[models.Model], rows: pl.DataFrame, *, unique_fields: Sequence[str], update_fields: Sequence[str]
) -> None:
    """The portable writer: Django's own upsert."""
    takes_target = connection.features.supports_update_conflicts_with_target
    with _garbage_collection_paused():
        model._default_manager.bulk_create(
            list(_as_instances(model, rows)),
            update_conflicts=True,
            update_fields=list(update_fields),
            unique_fields=list(unique_fields) if takes_target else None,
        )


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """bulk_create makes millions of values and no cycles; looking for some takes 1.1 of 1.7 s at 3,400 order lines."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_by_loading(model: type[models.Model], rows: pl.DataFrame) -> bool:
    """Rows whose keys do not exist, by LOAD DATA LOCAL alone; False, and nothing is written, where one does.

    LOCAL skips such a row, and one that the database refuses, with a warning. 300,000 purchases take 3.7 s, by staging
    5.2 s.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        _load(cursor, connection.ops.quote_name(model._meta.db_table), model, rows, _defaults(model, rows))
        if has_warnings := _has_warnings():
            transaction.set_rollback(True)
    return not has_warnings


def write_by_staging(model: type[models.Model], rows: pl.DataFrame, *, update_fields: Sequence[str]) -> None:
    """The fast upsert of MySQL and MariaDB: LOAD DATA LOCAL into a temporary table, then one INSERT ... SELECT."""
    quote = connection.ops.quote_name
    table, staging = quote(model._meta.db_table), quote(f"staging_{model._meta.db_table}")
    columns = [quote(_column(model, name)) for name in rows.columns]
    defaults = _defaults(model, rows)
    inserted = columns + [quote(name) for name in defaults]
    updated = [quote(_column(model, name)) for name in update_fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {staging} ENGINE=InnoDB AS SELECT {', '.join(columns)} FROM {table} LIMIT 0"
        )
        try:
            _load(cursor, staging, model, rows, {})
            if _has_warnings():
                _refuse_warnings(cursor)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(inserted)}) "
                f"SELECT {', '.join(columns + ['%s'] * len(defaults))} FROM {staging} "
                f"ON DUPLICATE KEY UPDATE {', '.join(f'{name} = VALUES({name})' for name in updated)}",
                [*defaults.values()],
            )
        finally:
            cursor.execute(f"DROP TEMPORARY TABLE {staging}")


def _load(
    cursor: CursorWrapper, table: str, model: type[models.Model], rows: pl.DataFrame, constants: dict[str, Any]
) -> None:
    """LOAD DATA LOCAL of the rows; `constants` by column are the same in all of them."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(_column(model, name)) for name in rows.columns)
    alike = f" SET {', '.join(f'{quote(name)} = %s' for name in constants)}" if constants else ""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        _for_load_data(rows).write_csv(file.name, include_header=False, null_value="NULL", quote_style="non_numeric")
        cursor.execute(
            f"LOAD DATA LOCAL INFILE %s INTO TABLE {table} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
            f"({columns}){alike}",
            [file.name, *constants.values()],
        )


def _defaults(model: type[models.Model], rows: pl.DataFrame) -> dict[str, Any]:
    """Values by column of the fields that `rows` have no column for."""
    missing = [field for field in _written_fields(model) if field.attname not in rows.columns]
    return {_column(model, field.name): field.get_db_prep_save(field.get_default(), connection) for field in missing}


def _has_warnings() -> bool:
    return "Warnings: 0" not in str(connection.connection.info())


def _refuse_warnings(cursor: CursorWrapper) -> None:
    """LOCAL turns errors into warnings and would clip a value in silence: make them errors again."""
    cursor.execute("SHOW WARNINGS")
    _level, _code, message = cursor.fetchone()
    raise DataError(f"LOAD DATA would have changed a value: {message}")


def _for_load_data(rows: pl.DataFrame) -> pl.DataFrame:
    """Booleans as 0 and 1, times without zone: what MySQL reads."""
    return rows.with_columns(
        pl.selectors.boolean().cast(pl.Int8), pl.selectors.datetime().dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    )


def _as_instances(model: type[models.Model], rows: pl.DataFrame) -> Iterator[models.Model]:
    json_fields = [name for name in rows.columns if isinstance(_field(model, name), models.JSONField)]
    for row in rows.iter_rows(named=True):
        for name in json_fields:
            if row[name] is not None:
                row[name] = json.loads(row[name])
        yield model(**row)


def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def _column(model: type[models.Model], name: str) -> str:
    column = _field(model, name).column
    assert column is not None
    return column


def _written_fields(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.local_concrete_fields if not field.generated and not field.primary_key]
