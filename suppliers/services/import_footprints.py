"""Import the carbon footprints that suppliers declare for their products."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import database_errors_explained
from core.tabular import FileRefused, Refusal, RefusalFile
from suppliers.models import ProductFootprint
from suppliers.services.footprints.carbon_catalogue import read_carbon_catalogue
from suppliers.services.footprints.declared import Declared
from suppliers.services.footprints.own_csv import read_own_csv
from suppliers.services.footprints.pact import read_pact
from suppliers.services.footprints.store import store_footprints
from suppliers.services.loading.publish import hash_file

logger = logging.getLogger(__name__)

READERS: dict[str, Callable[[Path], Iterator[Declared | Refusal]]] = {
    ProductFootprint.Source.CSV: read_own_csv,
    ProductFootprint.Source.CARBON_CATALOGUE: read_carbon_catalogue,
    ProductFootprint.Source.PACT: read_pact,
}


@dataclass(frozen=True)
class FootprintFile:
    """Footprints of a file by what became of them: they add up to its rows."""

    file: str
    rows: int
    added: int
    replaced: int
    unchanged: int
    older: int
    refused: int


@dataclass
class FootprintReport:
    """`refused_files` has a sentence for each file that did not go in at all."""

    files: list[FootprintFile] = field(default_factory=list)
    refused_files: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return sum(file.refused for file in self.files)


def import_footprints(*, source: str, paths: Sequence[Path], refusals: RefusalFile) -> FootprintReport:
    """Store the files' footprints, a transaction a file. Doing it twice changes nothing.

    A bad footprint goes to `refusals` with file, row, column, value and reason, the good ones go in. A file without
    rows, as JSON is, counts its footprints from 1. `source` is a key of READERS.

    Raises
    ------
    WorkbenchError
        If the database refuses the work.
    """
    started, report = time.perf_counter(), FootprintReport()
    logger.info("import_footprints started source=%s files=%d", source, len(paths))
    for path in paths:
        try:
            with database_errors_explained():
                report.files.append(_import_file(source, path, refusals))
        except FileRefused as refusal:
            report.refused_files.append(str(refusal))
    rows, seconds = sum(file.rows for file in report.files), time.perf_counter() - started
    logger.info(
        "import_footprints done rows=%d refused=%d seconds=%.2f rows_per_second=%.0f",
        rows, report.refused, seconds, rows / seconds,
    )  # fmt: skip
    return report


def _import_file(source: str, path: Path, refusals: RefusalFile) -> FootprintFile:
    file_hash = hash_file(path)
    found = list(READERS[source](path))
    declared = [item for item in found if isinstance(item, Declared)]
    outcome = store_footprints(path.name, source, declared, file_hash)
    refused = [item for item in found if isinstance(item, Refusal)] + outcome.refusals
    refusals.add(sorted(refused, key=lambda refusal: refusal.line))
    return FootprintFile(
        file=path.name,
        rows=len(found),
        added=len(outcome.added),
        replaced=len(outcome.replaced),
        unchanged=outcome.unchanged,
        older=outcome.older,
        refused=len(refused),
    )
