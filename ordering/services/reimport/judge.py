"""What the rows of an edited export would change, and why one is refused.

Whole columns at once: the rows of `rows.SCHEMA` with what `match.add_lines` adds.
"""

from typing import Final

import polars as pl

from ordering.services.editing.decide import LARGEST
from ordering.services.reimport.match import add_seen, without_apostrophe

LONGEST_NOTE = 2_000  # as on the pages

UNKNOWN: Final = "unknown line"
TWICE: Final = "stands twice in the file"
NOT_WHOLE: Final = "not a whole number"
NEGATIVE: Final = "negative"
TOO_LARGE: Final = "too large"
NO_VERSION: Final = "missing version"
LOCKED: Final = "locked"
CHANGED: Final = "changed by somebody else since the export"
LONG_NOTE: Final = "a note of more than 2,000 characters"

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
THOUSANDS = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.0*)?$"


def judge(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `new_qty`, `new_note` (null for no change), `edited`, and `reason` where one is refused.

    A row that says what the line says already, or what the export said, is not edited, whatever else is wrong with it.
    """
    number, version = _number("confirmed_qty"), _number("version")
    version = pl.when(version == version.floor()).then(version)
    rows = add_seen(
        rows.with_columns(
            number=number,
            new_qty=number.cast(pl.Int64, strict=False),
            new_note=_plain_note("notes"),
            seen_version=version.cast(pl.Int64, strict=False),
        )
    )
    moved, noted = _differs("qty"), pl.col("notes").is_not_null() & _differs("note")
    rows = rows.with_columns(edited=moved | noted, new_note=pl.when(noted).then("new_note"))
    reason = pl.coalesce(*(pl.when(condition).then(pl.lit(text)) for condition, text in _refusals()))
    return rows.with_columns(reason=reason).with_columns(edited=pl.col("edited") & pl.col("reason").is_null())


def _number(column: str) -> pl.Expr:
    """The number that a cell holds, with commas between thousands or without; null for anything else."""
    text = pl.col(column)
    digits = pl.when(text.str.contains(THOUSANDS)).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    return pl.when(digits.str.contains(NUMBER)).then(digits).cast(pl.Float64, strict=False)


def _plain_note(column: str) -> pl.Expr:
    """A note as it was before the export made it safe and a browser or a sheet chose its line breaks."""
    return without_apostrophe(pl.col(column)).str.replace_all("\r\n", "\n", literal=True).str.strip_chars()


def _differs(name: str) -> pl.Expr:
    """From what is now, and from what the export showed."""
    new, now, seen = pl.col(f"new_{name}"), pl.col(f"now_{name}"), pl.col(f"seen_{name}")
    if name == "note":
        now, seen = _plain_note("now_note"), _plain_note("seen_note")
    known = pl.col("seen_version") < pl.col("now_version")
    return new.ne_missing(now) & (~known.fill_null(False) | new.ne_missing(seen))


def _refusals() -> tuple[tuple[pl.Expr, str], ...]:
    """Conditions that leave a row out; the first that holds is told."""
    number, written, edited = pl.col("number"), pl.col("confirmed_qty") != "", pl.col("edited")
    return (
        (pl.col("id").is_null(), UNKNOWN),
        (pl.len().over("id") > 1, TWICE),
        (written & number.is_null(), NOT_WHOLE),
        (number > LARGEST, TOO_LARGE),
        (number < 0, NEGATIVE),
        (number != number.floor(), NOT_WHOLE),
        (edited & pl.col("seen_version").is_null(), NO_VERSION),
        (edited & pl.col("locked"), LOCKED),
        (edited & (pl.col("seen_version") != pl.col("now_version")), CHANGED),
        (pl.col("new_note").str.len_chars() > LONGEST_NOTE, LONG_NOTE),
    )
