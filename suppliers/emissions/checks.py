"""Frames that a book is made of, refused where a calculation would go wrong in silence."""

from collections.abc import Mapping, Sequence

import polars as pl
from polars.datatypes import DataTypeClass

LARGEST = 1e15  # of any number; a product of a few of them is still finite
FIRST_YEAR, LAST_YEAR = 1900, 2200
Schema = Mapping[str, tuple[DataTypeClass, bool]]


def checked(
    frame: pl.DataFrame | None,
    schema: Schema,
    name: str,
    *,
    positive: Sequence[str] = (),
    nonnegative: Sequence[str] = (),
) -> pl.DataFrame:
    """The frame's columns in the schema's order and types, texts trimmed, optional texts empty rather than null."""
    if frame is None:
        return pl.DataFrame(schema={column: kind for column, (kind, _) in schema.items()})
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ValueError(f"{name}: there is no column {', '.join(missing)}")
    frame = frame.select(_trimmed(column, kind, required) for column, (kind, required) in schema.items())
    for column, (kind, required) in schema.items():
        if required:
            _refuse(frame, name, column, pl.col(column).is_null() | (pl.col(column).cast(pl.String) == ""), "is empty")
        if kind == pl.Float64:
            _refuse(frame, name, column, ~pl.col(column).is_between(-LARGEST, LARGEST), "is no number that can be used")
    for column in positive:
        _refuse(frame, name, column, pl.col(column) <= 0, "is not positive")
    for column in nonnegative:
        _refuse(frame, name, column, pl.col(column) < 0, "is negative")
    for column in {"year", "base_year"} & set(schema):
        _refuse(frame, name, column, ~pl.col(column).is_between(FIRST_YEAR, LAST_YEAR), "is no year")
    return frame


def refuse_repeated(frame: pl.DataFrame, name: str, *key: str) -> None:
    repeated = frame.select(key).filter(pl.struct(key).is_duplicated()).head(1)
    for values in repeated.iter_rows():
        raise ValueError(f"{name}: {' '.join(map(str, values))} stands twice")


def _trimmed(column: str, kind: DataTypeClass, required: bool) -> pl.Expr:
    value = pl.col(column).cast(kind)
    if kind != pl.String:
        return value
    value = value.str.strip_chars()
    return value if required else value.fill_null("")


def _refuse(frame: pl.DataFrame, name: str, column: str, wrong: pl.Expr, why: str) -> None:
    position = frame.select(wrong.fill_null(False).arg_true()).to_series()
    if len(position):
        raise ValueError(f"{name}: row {position[0] + 1}: {column} {why}: {frame[column][position[0]]}")
