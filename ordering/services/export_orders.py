"""Write a month's order lines to a CSV or XLSX file; memory stays flat however many lines there are."""

import csv
import datetime as dt
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from xlsxwriter.exceptions import FileCreateError

from core.errors import WorkbenchError, database_errors_explained
from ordering.exports import COLUMNS, CSV_TEXT
from ordering.services.export.selection import Export, find_lines, rows_of, select_export
from ordering.services.export.xlsx import write_xlsx

if TYPE_CHECKING:
    from ordering.services.export.selection import Lines

logger = logging.getLogger(__name__)


def export_orders(
    *,
    month: dt.date,
    output: Path,
    suppliers: Sequence[str] = (),
    warehouses: Sequence[str] = (),
    urgencies: Sequence[str] = (),
) -> int:
    """Write the lines sorted by supplier, urgency, SKU and warehouse; return how many.

    The file appears whole or not at all: an older one stays as it is until the new one is complete.

    Parameters
    ----------
    month
        First day of the order month.
    output
        A path that ends in .csv or .xlsx.
    suppliers, warehouses, urgencies
        Codes and urgencies such as `must_order`; none means all.

    Raises
    ------
    WorkbenchError
        With one sentence: an unknown ending, code or urgency, no lines, too many lines for a sheet,
        a folder that is missing or refuses the file, a database that refuses the reading.
    """
    with database_errors_explained():
        lines = find_lines(month, suppliers=suppliers, warehouses=warehouses, urgencies=urgencies)
    return export_lines(lines=lines, month=month, output=output)


def export_lines(*, lines: "Lines", month: dt.date, output: Path) -> int:
    """The same for any lines of a month."""
    started = time.perf_counter()
    write = _writer_for(output)
    logger.info("export_orders started month=%s output=%s", month, output)
    with database_errors_explained(), _replacing(output) as scratch:
        rows = write(select_export(lines, month), scratch)
    seconds = time.perf_counter() - started
    logger.info("export_orders done rows=%d seconds=%.2f rows_per_second=%.0f", rows, seconds, rows / seconds)
    return rows


def _writer_for(output: Path) -> Callable[[Export, Path], int]:
    writers = {".csv": write_csv, ".xlsx": write_xlsx}
    try:
        return writers[output.suffix.lower()]
    except KeyError:
        raise WorkbenchError(f"{output.name} does not say what to write. Name it .csv or .xlsx.") from None


@contextmanager
def _replacing(output: Path) -> Iterator[Path]:
    """A path to write to; what stands there in the end takes the output's place, after a failure nothing does."""
    if not output.parent.is_dir():
        raise WorkbenchError(f"There is no folder {output.parent}. Create it, or choose another one.")
    if output.is_dir():
        raise WorkbenchError(f"{output} is a folder. Name a file in it.")
    try:
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=".export-") as folder:
            scratch = Path(folder, output.name)
            yield scratch
            os.replace(scratch, output)
    except (OSError, FileCreateError) as error:
        reason = error.args[0] if isinstance(error, FileCreateError) else error
        reason = getattr(reason, "strerror", None) or reason
        raise WorkbenchError(f"{output} cannot be written: {reason}.") from error


def write_csv(export: Export, path: Path) -> int:
    # Without a byte order mark: other programs would read it as part of the first header. Excel gets the XLSX.
    renderers = [CSV_TEXT[column.kind] for column in COLUMNS]
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(column.header for column in COLUMNS)
        for _group, values in rows_of(export):
            writer.writerow(
                "" if value is None else render(value) for render, value in zip(renderers, values, strict=True)
            )
            rows += 1
    return rows
