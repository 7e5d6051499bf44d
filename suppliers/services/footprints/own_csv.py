"""Product footprints in a CSV file of our own format; README.md has its columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.columns import Choice, Date, Number, Text, Whole
from core.tabular import Refusal
from suppliers.models import ProductFootprint
from suppliers.services.footprints.declared import BadFootprint, Declared, validity
from suppliers.services.loading.columns import KnownUnit, Positive
from suppliers.services.loading.table import ROW, Table, check_cells, good_rows, read_csv, refuse_row

COLUMNS = (
    Text("id", "external_id", max_length=100),
    Text("supplier"),
    Text("product_name"),
    Positive("pcf"),
    KnownUnit("declared_unit", max_length=40),
    Text("product_code", max_length=100, blank=True, default="", optional=True),
    Whole("version", blank=True, default=0, optional=True),
    Positive("weight_kg", blank=True, optional=True),
    Date("period_start", blank=True, optional=True),
    Date("period_end", blank=True, optional=True),
    Date("valid_from", blank=True, optional=True),
    Date("valid_until", blank=True, optional=True),
    Choice("status", choices=ProductFootprint.Status.values, blank=True, default="active", optional=True),
    Text("geography", max_length=100, blank=True, default="", optional=True),
    Number("primary_data_share", maximum=100, blank=True, optional=True),
    Number("score", maximum=100, blank=True, optional=True),
    Number("uncertainty", maximum=1, blank=True, optional=True),
)


def read_own_csv(path: Path) -> Iterator[Declared | Refusal]:
    """One footprint a row; a bad row is refused alone."""
    table = read_csv(path, COLUMNS)
    values, refusals = good_rows(*check_cells(table, COLUMNS))
    yield from refusals
    for row in values.iter_rows(named=True):
        yield _declare(table, row)


def _declare(table: Table, row: dict[str, Any]) -> Declared | Refusal:
    place, company = row.pop(ROW), row.pop("supplier")
    stated = row["valid_from"], row["valid_until"]
    try:
        if row["period_start"] and row["period_end"] and row["period_end"] < row["period_start"]:
            raise BadFootprint("period_end", row["period_end"], "is before the start of the period")
        row["valid_from"], row["valid_until"] = validity(row["period_end"], *stated)
    except BadFootprint as error:
        return refuse_row(table, place, error.column, error.value, error.reason)
    return Declared(place, company, ProductFootprint(**row))
