"""Import a distributor's files in the order in which they depend on each other."""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from core.batch import batch_connection, refresh_table_statistics
from core.errors import WorkbenchError, database_errors_explained
from core.imports import FileReport, ImportKind, KnownCodes, import_file
from core.tabular import FileRefused, RefusalFile
from ordering.imports import KINDS as ORDERING_KINDS
from ordering.models import PlanningPolicy
from suppliers.imports import KINDS as SUPPLIER_KINDS
from suppliers.services.refresh_lead_times import refresh_lead_times

logger = logging.getLogger(__name__)

KINDS = {kind.name: kind for kind in (*SUPPLIER_KINDS, *ORDERING_KINDS)}
Files = list[tuple[ImportKind, Path]]


@dataclass
class ImportReport:
    """What became of each file.

    Attributes
    ----------
    refused_files : a sentence for each file that did not go in at all
    ignored_files : names in a folder that are no import files
    lead_times_as_of : up to when lead times were measured, if shipments came in
    """

    files: list[FileReport] = field(default_factory=list)
    refused_files: list[str] = field(default_factory=list)
    ignored_files: list[str] = field(default_factory=list)
    lead_times_as_of: dt.date | None = None
    measured_lead_times: int = 0

    @property
    def refused_rows(self) -> int:
        return sum(file.refused for file in self.files)


def import_data(
    *,
    paths: Sequence[Path],
    refusals: RefusalFile,
    dry_run: bool = False,
    replace: bool = False,
    as_of: dt.date | None = None,
    on_progress: Callable[[str, int, int], None] = lambda file, done, total: None,
) -> ImportReport:
    """Import files, or the files of folders; a file's name says what it holds.

    Good rows go in; refused ones go to `refusals` with file, line, column, value and reason. A file
    with the wrong columns is refused whole. Where shipments came in, lead times are measured again.

    Raises
    ------
    WorkbenchError
        If a path does not exist or holds nothing to import, or the database refuses the work.
    """
    started, report = time.perf_counter(), ImportReport()
    files = _find_files(paths, report)
    if replace:
        _refuse_rival_snapshots(files)
    logger.info("import_data started files=%d dry_run=%s", len(files), dry_run)
    import_one = partial(import_file, codes=KnownCodes(), refusals=refusals, dry_run=dry_run, replace=replace)
    with database_errors_explained(), batch_connection():
        for kind, path in files:
            try:
                report.files.append(import_one(kind, path, on_progress=partial(on_progress, path.name)))
            except FileRefused as refusal:
                report.refused_files.append(str(refusal))
        if not dry_run and any(file.kind == "shipments" and file.accepted for file in report.files):
            _measure_lead_times(report, as_of or dt.date.today())
        if not dry_run:
            refresh_table_statistics({kind.model for kind, _path in files})
    rows, seconds = sum(file.rows for file in report.files), time.perf_counter() - started
    logger.info(
        "import_data done rows=%d refused=%d seconds=%.2f rows_per_second=%.0f",
        rows, report.refused_rows, seconds, rows / seconds,
    )  # fmt: skip
    return report


def _find_files(paths: Sequence[Path], report: ImportReport) -> Files:
    """The import files, those first that others depend on."""
    found: Files = []
    for path in paths:
        for file in _list_files(path):
            if kind := _kind_of(file):
                found.append((kind, file))
            elif file != path:
                report.ignored_files.append(file.name)
            else:
                raise WorkbenchError(
                    f"{file.name} does not say what it holds. Name it {', '.join(KINDS)}, with .csv or .csv.gz behind."
                )
    if not found:
        raise WorkbenchError(f"There is nothing to import in {', '.join(map(str, paths))}.")
    order = list(KINDS)
    return sorted(found, key=lambda item: order.index(item[0].name))


def _list_files(path: Path) -> list[Path]:
    try:
        path.stat()
        return sorted(path.iterdir()) if path.is_dir() else [path]
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be read: {error.strerror}.") from error


def _kind_of(file: Path) -> ImportKind | None:
    if not file.name.endswith((".csv", ".csv.gz")):
        return None
    return KINDS.get(file.name.removesuffix(".gz").removesuffix(".csv"))


def _refuse_rival_snapshots(files: Files) -> None:
    counts = Counter(kind.name for kind, _ in files if kind.snapshot)
    if rivals := [name for name, count in counts.items() if count > 1]:
        raise WorkbenchError(
            f"There is more than one file of {' and '.join(rivals)}. Each would replace the other; give only one."
        )


def _measure_lead_times(report: ImportReport, as_of: dt.date) -> None:
    policy = PlanningPolicy.current()
    report.lead_times_as_of = as_of
    report.measured_lead_times = refresh_lead_times(
        as_of=as_of,
        window_months=policy.lead_time_window_months,
        min_shipments=policy.lead_time_min_shipments,
    )
