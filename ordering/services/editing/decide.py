"""What an action makes of order lines: new quantities and locks on whole columns, and why a line is left out.

The columns are those of `read.LINE_SCHEMA`; some actions need more, which `read.read_lines` adds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from ordering.models import BulkEdit

Action = BulkEdit.Action
LARGEST = 2_147_483_647

LOCKED = "locked"
CHANGED = "changed by somebody meanwhile"
CONFIRMED = "confirmed already"
NO_SUGGESTION = "without a suggestion, because its data are bad"
NO_QUANTITY = "without a quantity"
NOT_LOCKED = "not locked"
TOO_LARGE = "too large a quantity"

confirmed, suggested, quantity = pl.col("confirmed_qty"), pl.col("suggested_qty"), pl.col("order_qty")
is_locked, notes = pl.col("locked"), pl.col("notes")
is_changed = pl.col("decided") | pl.col("switched") | pl.col("noted")


@dataclass(frozen=True)
class Rule:
    """New values of a line, and the conditions that leave it out; the first that holds is told."""

    confirmed: pl.Expr = confirmed
    locked: pl.Expr = is_locked
    notes: pl.Expr = notes
    leave_out: tuple[tuple[pl.Expr, str], ...] = ((is_locked, LOCKED),)


def multiply(percent: Decimal) -> Rule:
    """The quantity times a percentage, rounded half up to full packs."""
    pack = pl.max_horizontal(pl.col("order_multiple"), pl.lit(1))
    packs = (quantity * float(percent) / 100 / pack + 0.5 + 1e-9).floor()
    product = packs * pack
    return Rule(
        confirmed=pl.when(product <= LARGEST).then(product).cast(pl.Int64),
        leave_out=(CLOSED, EMPTY, (product > LARGEST, TOO_LARGE)),
    )


CLOSED = (is_locked, LOCKED)
UNKNOWN = (suggested.is_null(), NO_SUGGESTION)
EMPTY = (quantity.is_null(), NO_QUANTITY)
SINCE_CHANGED = (pl.col("wanted_version").is_not_null() & (pl.col("wanted_version") != pl.col("version")), CHANGED)

RULES: dict[str, Callable[[BulkEdit], Rule]] = {
    # What somebody decided stays; to take the suggestion instead is a wish of its own.
    Action.CONFIRM: lambda edit: Rule(
        confirmed=suggested, leave_out=(CLOSED, UNKNOWN, (confirmed.is_not_null(), CONFIRMED))
    ),
    Action.REPLACE: lambda edit: Rule(confirmed=suggested, leave_out=(CLOSED, UNKNOWN)),
    Action.ZERO: lambda edit: Rule(confirmed=pl.lit(0)),
    Action.PERCENT: lambda edit: multiply(Decimal(100) if edit.percent is None else edit.percent),
    Action.APPROVE: lambda edit: Rule(confirmed=quantity, locked=pl.lit(True), leave_out=(CLOSED, EMPTY)),
    Action.LOCK: lambda edit: Rule(locked=pl.lit(True), leave_out=(CLOSED, EMPTY)),
    Action.UNLOCK: lambda edit: Rule(locked=pl.lit(False), leave_out=((~is_locked, NOT_LOCKED),)),
    Action.QUANTITIES: lambda edit: Rule(
        confirmed=pl.col("wanted_qty"),
        notes=pl.coalesce("wanted_notes", "notes"),
        leave_out=(CLOSED, SINCE_CHANGED, (pl.col("wanted_qty") > LARGEST, TOO_LARGE)),
    ),
    Action.UNDO: lambda edit: Rule(
        confirmed=pl.when("undoes_confirmed").then("wanted_qty").otherwise(confirmed),
        locked=pl.when("undoes_locked").then("wanted_locked").otherwise(is_locked),
        notes=pl.when("undoes_notes").then("wanted_notes").otherwise(notes),
        leave_out=(SINCE_CHANGED, (is_locked & ~pl.col("undoes_locked"), LOCKED)),
    ),
}


def decide(edit: BulkEdit, lines: pl.DataFrame) -> pl.DataFrame:
    """The lines with `new_confirmed`, `new_locked`, `new_notes`, and `reason` where one is left out."""
    rule = RULES[edit.action](edit)
    reason = pl.coalesce(*(pl.when(condition).then(pl.lit(text)) for condition, text in rule.leave_out))
    return lines.with_columns(
        new_confirmed=rule.confirmed.cast(pl.Int64), new_locked=rule.locked, new_notes=rule.notes, reason=reason
    ).with_columns(
        decided=pl.col("reason").is_null() & confirmed.ne_missing(pl.col("new_confirmed")),
        switched=pl.col("reason").is_null() & (is_locked != pl.col("new_locked")),
        noted=pl.col("reason").is_null() & (notes != pl.col("new_notes")),
    )
