"""Load a published set of emission factors."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from core.errors import database_errors_explained
from suppliers.emissions.units import parse_unit
from suppliers.models import Factor, FactorSet
from suppliers.services.factors.desnz import read_desnz
from suppliers.services.factors.epa import read_epa
from suppliers.services.factors.own_csv import read_own_csv
from suppliers.services.factors.publication import NOTHING_STATED, Publication, Statement
from suppliers.services.loading.publish import LoadReport, find_published, hash_file, store_published

logger = logging.getLogger(__name__)

READERS: dict[str, Callable[[Path, Statement], Publication]] = {
    "epa": read_epa,
    "desnz": read_desnz,
    "csv": read_own_csv,
}


def load_factors(*, source: str, path: Path, stated: Statement = NOTHING_STATED) -> LoadReport:
    """Store the file's factors as one set that nobody changes, all of them or none.

    Loading the same file again adds nothing. `source` is a key of READERS.

    Raises
    ------
    WorkbenchError
        With file, row, column, value and reason if a row is bad; if another file was loaded under this publisher and
        version; if the database refuses the work.
    """
    started = time.perf_counter()
    logger.info("load_factors started source=%s file=%s", source, path.name)
    file_hash = hash_file(path)
    publication = READERS[source](path, stated)
    statement = vars(publication.statement)
    wanted = FactorSet(file_name=path.name[-255:], file_hash=file_hash, **statement)
    with database_errors_explained():
        known = find_published(wanted, key=("publisher", "version"), stated=list(statement))
        if known is None:
            rows = [Factor(**row) for row in publication.factors.iter_rows(named=True)]
            store_published(wanted, rows, parent="factor_set")
    added = 0 if known else publication.factors.height
    report = LoadReport(known or wanted, added, publication.left_out, _unusable_units(publication))
    rows_read = publication.factors.height + sum(publication.left_out.values())
    seconds = time.perf_counter() - started
    logger.info(
        "load_factors done set=%s rows=%d added=%d seconds=%.2f rows_per_second=%.0f",
        report.published, rows_read, report.added, seconds, rows_read / seconds,
    )  # fmt: skip
    return report


def _unusable_units(publication: Publication) -> dict[str, int]:
    units = Counter(publication.factors["unit"])
    money = publication.statement.currency
    return {unit: count for unit, count in units.most_common() if unit != money and parse_unit(unit) is None}
