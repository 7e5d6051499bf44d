"""Import a distributor's files in the order in which they depend on each other."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DatabaseError

from core.batch import batch_connection
from core.errors import WorkbenchError, explain_database_error
from core.imports import FileReport, ImportKind, KnownCodes, import_file
from core.tabular import FileRefused, RefusalFile
from ordering.imports import KINDS as ORDERING_KINDS
from ordering.models import PlanningPolicy
from suppliers.imports import KINDS as SUPPLIER_KINDS
from suppliers.services.refresh_lead_times import refresh_lead_times

logger = logging.getLogger(__name__)

KINDS = (*SUPPLIER_KINDS[:2], ORDERING_KINDS[0], *SUPPLIER_KINDS[2:], *ORDERING_KINDS[1:])
SUFFIXES = (".csv", ".csv.gz")


@dataclass
class ImportReport:
    """What became of each file. `refused_files` holds a sentence for each that did not go in at all."""

    files: list[FileReport] = field(default_factory=list)
    refused_files: list[str] = field(default_factory=list)
    ignored_files: list[str] = field(default_factory=list)
    refused_rows: int = 0
    measured_lead_times: int | None = None


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
    started = time.perf_counter()
    report, codes = ImportReport(), KnownCodes()
    files = _find_files(paths, report)
    logger.info("import_data started files=%d dry_run=%s", len(files), dry_run)
    try:
        with batch_connection():
            for kind, path in files:
                try:
                    result = import_file(
                        kind,
                        path,
                        codes=codes,
                        refusals=refusals,
                        dry_run=dry_run,
                        replace=replace,
                        on_progress=lambda done, total, name=path.name: on_progress(name, done, total),  # type: ignore[misc]
                    )
                except FileRefused as refusal:
                    report.refused_files.append(str(refusal))
                else:
                    report.files.append(result)
            if not dry_run and any(file.kind == "shipments" and file.accepted for file in report.files):
                report.measured_lead_times = _measure(as_of or dt.date.today())
    except DatabaseError as error:
        raise WorkbenchError(explain_database_error(error)) from error
    report.refused_rows = sum(file.refused for file in report.files)
    rows, seconds = sum(file.rows for file in report.files), time.perf_counter() - started
    logger.info(
        "import_data done rows=%d refused=%d seconds=%.2f rows_per_second=%.0f",
        rows, report.refused_rows, seconds, rows / seconds,
    )  # fmt: skip
    return report


def _find_files(paths: Sequence[Path], report: ImportReport) -> list[tuple[ImportKind, Path]]:
    kinds = {kind.name: kind for kind in KINDS}
    found: list[tuple[ImportKind, Path]] = []
    for path in paths:
        if not path.exists():
            raise WorkbenchError(f"There is no file or folder {path}.")
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            kind = kinds.get(file.name.removesuffix(".gz").removesuffix(".csv"))
            if kind and file.name.endswith(SUFFIXES):
                found.append((kind, file))
            elif path.is_dir():
                report.ignored_files.append(file.name)
            else:
                names = ", ".join(kinds)
                raise WorkbenchError(f"{file.name} does not say what it holds. Name it after one of: {names}.")
    if not found:
        raise WorkbenchError(f"There is nothing to import in {', '.join(map(str, paths))}.")
    order = list(kinds)
    return sorted(found, key=lambda item: order.index(item[0].name))


def _measure(as_of: dt.date) -> int:
    policy = PlanningPolicy.current()
    return refresh_lead_times(
        as_of=as_of,
        window_months=policy.lead_time_window_months,
        min_shipments=policy.lead_time_min_shipments,
    )
