"""The UK government's conversion factors for company reporting, flat file: by kg, kWh, km and other units of activity.

Loaded is the row of each activity that has the total in kg CO2e. Left out are

- its shares by gas (kg CO2e of CO2, CH4 and N2O): parts of the total, adding them would count it twice;
- its energy content (kWh, net calorific value): no emissions;
- totals without a value, which the publisher leaves blank where it has none;
- the row END and empty rows.

A scope 1 factor is what burning or driving emits and lacks the supply chain; the title says the scope, so that nobody
maps a purchase to it unknowingly. A title also has the unit as published, where the unit is spelled differently here.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl

from core.columns import Number, Text
from core.tabular import FileRefused
from core.xlsx.sheet import Sheet
from suppliers.services.factors.publication import Publication, Statement
from suppliers.services.loading.columns import Pattern
from suppliers.services.loading.table import Table, check_cells, find_duplicates, refuse_file
from suppliers.services.loading.workbook import check_published, read_sheet

FRONT_PAGE, FACTORS = "Front page", "Factors by Category"
ID, KIND, VALUE = "ID", "GHG/Unit", "GHG Conversion Factor"
TOTAL = "kg CO2e"
LEVELS = ("Level 1", "Level 2", "Level 3", "Level 4", "Column Text")

# The publisher's spelling to one that a units library knows; all others stay as they are.
UNITS = {
    "tonnes": "tonne",
    "litres": "litre",
    "million litres": "megalitre",
    "miles": "mile",
    "cubic metres": "cubic metre",
    "kWh (Net CV)": "kWh",
    "kWh (Gross CV)": "kWh",
}


def read_desnz(path: Path, stated: Statement) -> Publication:
    """Version and year are taken from the front page.

    Raises
    ------
    FileRefused
        If a single row is bad, or the workbook has other sheets and columns.
    """
    check_published(path, FRONT_PAGE, FACTORS)
    version, year = _read_front_page(path)
    value = f"{VALUE} {year}"
    columns = (
        Pattern(ID, "code", max_length=64, pattern="[0-9]+(?:_[0-9]+)+", form="an ID like 1_100_1000_15_1"),
        Text("Scope", max_length=16),
        *(Text(level, blank=True, default="") for level in LEVELS),
        Text("UOM", "published_unit", max_length=40),
        Text(KIND),
        Number(value, "value"),
    )
    table = read_sheet(path, FACTORS, columns)
    totals, left_out = _pick_totals(table, value)
    values, refusals = check_cells(totals, columns)
    refuse_file(path.name, [*refusals, *find_duplicates(totals, values, columns, ID)])
    statement = stated.completed_by(Statement(version=f"{year} v{version}"))
    statement = replace(statement, publisher=statement.publisher or "UK DESNZ")
    return Publication(statement, _as_factors(path, values), left_out)


def _read_front_page(path: Path) -> tuple[str, str]:
    """What stands right of `Version:` and `Year:`."""
    found: dict[str, str] = {}
    for _number, cells in Sheet(path, FRONT_PAGE):
        for label, text in pairwise(cells.values()):
            found.setdefault(label.strip(), text.strip())
    version, year = _as_shown(found.get("Version:", "")), _as_shown(found.get("Year:", ""))
    if not (version and year.isdecimal()):
        raise FileRefused(f"The sheet {FRONT_PAGE!r} of {path.name} does not say a version and a year.")
    return version, year


def _as_shown(text: str) -> str:
    """A sheet stores the version 1.1 as 1.1000000000000001."""
    try:
        return f"{float(text):.15g}"
    except ValueError:
        return text


def _pick_totals(table: Table, value: str) -> tuple[Table, dict[str, int]]:
    """The rows with a total, and how many others there are by what they are."""
    kind = (
        pl.when((pl.col(ID) == "") & (pl.col(KIND) == ""))
        .then(pl.lit("no factor"))
        .when((pl.col(KIND) == TOTAL) & (pl.col(value) == ""))
        .then(pl.lit("no value published"))
        .otherwise(KIND)
        .alias("kind")
    )
    kinds = table.cells.select(kind)["kind"]
    is_total = kinds == TOTAL
    left_out = dict(kinds.filter(~is_total).value_counts().sort("kind").iter_rows())
    rows = [row for row, kept in zip(table.rows, is_total, strict=True) if kept]
    return Table(table.file, rows, table.cells.filter(is_total)), left_out


def _as_factors(path: Path, values: pl.DataFrame) -> pl.DataFrame:
    if values.is_empty():
        raise FileRefused(f"{path.name} was not loaded: it has no row with a total in {TOTAL}.")
    levels = pl.concat_list(pl.when(pl.col(level) != "").then(level) for level in LEVELS).list.drop_nulls()
    title = pl.format("{}: {} [{}]", "Scope", levels.list.join(" > "), "published_unit")
    return values.select(
        "source_row",
        "code",
        title.alias("title"),
        pl.lit("GB").alias("region"),
        pl.col("published_unit").replace(UNITS).alias("unit"),
        "value",
    )
