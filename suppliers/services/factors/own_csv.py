"""Emission factors of any other publisher, in a CSV file of our own format; README.md has its columns."""

from pathlib import Path

from core.columns import Number, Text, Whole
from core.errors import WorkbenchError
from core.tabular import FileRefused
from suppliers.services.factors.publication import Publication, Statement
from suppliers.services.loading.columns import Pattern
from suppliers.services.loading.table import check_cells, find_duplicates, read_csv, refuse_file

KEY = ("code", "region", "unit")
PEDIGREE = ("reliability", "completeness", "temporal", "geographical", "technological")
COLUMNS = (
    Text("code", max_length=64),
    Text("title", blank=True, default=""),
    Pattern(
        "region", blank=True, default="GLO", pattern="[A-Z]{2}|GLO", form="a country code like DE, or GLO", upper=True
    ),
    Text("unit", max_length=40),
    Number("value"),
    Number("without_margins", blank=True, optional=True),
    Number("margins", blank=True, optional=True),
    Text("sector", max_length=16, blank=True, default="", optional=True),
    Number("uncertainty", maximum=1, blank=True, optional=True),
    Number("score", maximum=100, blank=True, optional=True),
    *(Whole(name, minimum=1, maximum=5, blank=True, optional=True) for name in PEDIGREE),
)


def read_own_csv(path: Path, stated: Statement) -> Publication:
    """Publisher and version have to be stated, and for spend-based factors the currency and its year.

    Raises
    ------
    WorkbenchError
        If something is not stated, or a single row is bad.
    """
    if not (stated.publisher and stated.version):
        raise WorkbenchError(f"{path.name} does not say who published it. Give --publisher and --version.")
    if bool(stated.currency) != bool(stated.base_year):
        raise WorkbenchError("Spend-based factors need both --currency and --base-year: the year of that money.")
    table = read_csv(path, COLUMNS)
    values, refusals = check_cells(table, COLUMNS)
    refuse_file(path.name, [*refusals, *find_duplicates(table, values, COLUMNS, *KEY)])
    if values.is_empty():
        raise FileRefused(f"{path.name} was not loaded: it has no rows.")
    return Publication(stated, values)
