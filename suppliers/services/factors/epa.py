"""Supply Chain Greenhouse Gas Emission Factors of the US EPA: spend-based, by NAICS 2017 code.

Ingwersen and Li, Supply Chain Greenhouse Gas Emission Factors for US Industries and Commodities, EPA/600/R-20/001. The
file without a table by gas, `..._NAICS_CO2e_USD2022.csv`. Its three columns are rounded one by one: they are kept as
published, also where 0.809 without margins and 0.040 of margins come with 0.848 and not 0.849.

Construction trades are made of up to eleven USEEIO sectors: a list that the field for the code cannot hold stands
behind the title instead.
"""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from core.columns import Choice, Number, Text
from core.tabular import FileRefused
from suppliers.models import Factor
from suppliers.services.factors.publication import Publication, Statement
from suppliers.services.loading.columns import Pattern
from suppliers.services.loading.table import check_cells, find_duplicates, read_csv, refuse_file

CODE = "2017 NAICS Code"
COLUMNS = (
    Pattern(CODE, "code", pattern="[0-9]{6}", form="a NAICS code of six digits"),
    Text("2017 NAICS Title", "title"),
    Choice("GHG", choices=("All GHGs",)),
    Pattern("Unit", pattern="kg CO2e/[0-9]{4} [A-Z]{3}, .{1,40}", form="like kg CO2e/2022 USD, purchaser price"),
    Number("Supply Chain Emission Factors without Margins", "without_margins"),
    Number("Margins of Supply Chain Emission Factors", "margins"),
    Number("Supply Chain Emission Factors with Margins", "value"),
    Text("Reference USEEIO Code", "sectors", max_length=120),
)
SECTOR_LENGTH = Factor._meta.get_field("sector").max_length
VERSION = re.compile(r"_(v[0-9]+(?:\.[0-9]+)+)_")
MONEY = re.compile(r"_([A-Z]{3})([0-9]{4})\.")


def read_epa(path: Path, stated: Statement) -> Publication:
    """The version is taken from the file's name, the money from its units.

    Raises
    ------
    FileRefused
        If a single row is bad, or the name and the units speak of different money.
    """
    table = read_csv(path, COLUMNS)
    values, refusals = check_cells(table, COLUMNS)
    refuse_file(path.name, [*refusals, *find_duplicates(table, values, COLUMNS, CODE)])
    statement = stated.completed_by(_read_units(path, values["Unit"])).completed_by(_read_name(path))
    if not statement.version:
        raise FileRefused(f"{path.name} does not say its version, as _v1.3.0_ does. Give it with --version.")
    factors = values.select(
        pl.exclude("GHG", "Unit", "sectors", "title"),
        *_place_sectors(),
        region=pl.lit("US"),
        unit=pl.lit(statement.currency),
    )
    return Publication(replace(statement, publisher=statement.publisher or "US EPA"), factors)


def _place_sectors() -> tuple[pl.Expr, pl.Expr]:
    fits = pl.col("sectors").str.len_chars() <= SECTOR_LENGTH
    listed = pl.format("{} (USEEIO {})", "title", "sectors")
    return (
        pl.when(fits).then("title").otherwise(listed).alias("title"),
        pl.when(fits).then("sectors").otherwise(pl.lit("")).alias("sector"),
    )


def _read_units(path: Path, units: pl.Series) -> Statement:
    if units.n_unique() != 1:
        raise FileRefused(f"{path.name} was not loaded: it has no rows, or rows in different units.")
    money, _, basis = units[0].removeprefix("kg CO2e/").partition(", ")
    year, currency = money.split()
    return Statement(base_year=int(year), currency=currency, price_basis=basis)


def _read_name(path: Path) -> Statement:
    version, money = VERSION.search(path.name), MONEY.search(path.name)
    return Statement(
        version=version[1] if version else "",
        currency=money[1] if money else "",
        base_year=int(money[2]) if money else None,
    )
