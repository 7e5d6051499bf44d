"""Load a published table of yearly currency rates, or a price index."""

import logging
import time
from pathlib import Path

import polars as pl

from core.columns import Column, Text
from core.errors import WorkbenchError, database_errors_explained
from core.tabular import FileRefused
from suppliers.models import Rate, RateSet
from suppliers.services.loading.columns import Pattern, Positive, Year
from suppliers.services.loading.publish import LoadReport, find_published, hash_file, store_published
from suppliers.services.loading.table import check_cells, find_duplicates, read_csv, refuse_file

logger = logging.getLogger(__name__)

LONGEST = 100
COLUMNS: dict[str, tuple[Column, ...]] = {
    RateSet.Kind.CURRENCY: (
        Year("year"),
        Pattern("currency", pattern="[A-Z]{3}", form="a currency code like GBP", upper=True),
        Positive("usd_per_unit", "value"),
    ),
    RateSet.Kind.PRICE_INDEX: (
        Year("year"),
        Positive("index", "value"),
        Text("series", max_length=200, blank=True, default="", optional=True),
    ),
}


def load_rates(*, kind: str, path: Path, publisher: str = "", version: str = "") -> LoadReport:
    """Store the file's rates as one set that nobody changes, all of them or none.

    Loading the same file again adds nothing. A file does not say who published it: without a publisher the set has
    the file's name, without a version the years it covers.

    Raises
    ------
    WorkbenchError
        With file, row, column, value and reason if a row is bad; if another file was loaded under this publisher and
        version; if the database refuses the work.
    """
    started = time.perf_counter()
    logger.info("load_rates started kind=%s file=%s", kind, path.name)
    if max(len(publisher), len(version)) > LONGEST:
        raise WorkbenchError(f"The publisher or the version has more than {LONGEST} characters.")
    file_hash = hash_file(path)
    values = _read(path, COLUMNS[kind])
    wanted = RateSet(
        kind=kind,
        publisher=publisher or path.name.partition(".")[0][:LONGEST],
        version=version or _years(values),
        series=values["series"][0] if "series" in values else "",
        file_name=path.name[-255:],
        file_hash=file_hash,
    )
    with database_errors_explained():
        known = find_published(wanted, key=("kind", "publisher", "version"), stated=())
        if known is None:
            rows = [Rate(**row) for row in values.drop("series", strict=False).iter_rows(named=True)]
            store_published(wanted, rows, parent="rate_set")
    report = LoadReport(known or wanted, 0 if known else values.height)
    seconds = time.perf_counter() - started
    logger.info(
        "load_rates done set=%s rows=%d added=%d seconds=%.2f rows_per_second=%.0f",
        report.published, values.height, report.added, seconds, values.height / seconds,
    )  # fmt: skip
    return report


def _read(path: Path, columns: tuple[Column, ...]) -> pl.DataFrame:
    table = read_csv(path, columns)
    values, refusals = check_cells(table, columns)
    key = [name for name in ("year", "currency") if name in values.columns]
    refuse_file(path.name, [*refusals, *find_duplicates(table, values, columns, *key)])
    if values.is_empty():
        raise FileRefused(f"{path.name} was not loaded: it has no rows.")
    if "series" in values.columns and values["series"].n_unique() > 1:
        raise FileRefused(f"{path.name} was not loaded: it has rows of different series. Load each on its own.")
    return values


def _years(values: pl.DataFrame) -> str:
    years = values["year"].sort()
    return f"{years[0]}-{years[-1]}"
