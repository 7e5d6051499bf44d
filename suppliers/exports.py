"""Results and errors of a run as files: the same columns in CSV and XLSX, nothing that a spreadsheet would run."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from core.errors import WorkbenchError
from core.tabular import neutralise
from suppliers.models import EmissionError, EmissionResult, EmissionRun

ROWS_A_QUERY = 5_000
SHEET_ROWS = 1_048_576
RESULTS = {
    "record_id": "record__record_id",
    "supplier": "supplier_name__name",
    "category": "category__name",
    "product_code": "record__product_code",
    "product_name": "record__product_name",
    "quantity": "record__quantity",
    "unit": "record__unit",
    "spend": "record__spend",
    "currency": "record__currency",
    "tier": "tier",
    "calculation_method": "method",
    "rejected": "rejected",
    "emissions_kgco2e": "emissions_kgco2e",
    "p5_kgco2e": "p5_kgco2e",
    "p95_kgco2e": "p95_kgco2e",
    "dqi": "dqi",
    "factor_set": "factor__factor_set__version",
    "factor_code": "factor__code",
    "footprint": "footprint__external_id",
    "factor_value": "factor_value",
    "factor_unit": "factor_unit",
    "activity_amount": "activity_amount",
    "unit_rate": "unit_rate",
    "currency_rate": "currency_rate",
    "price_index_ratio": "price_index_ratio",
    "spend_usd": "spend_usd",
    "provenance_hash": "provenance_hash",
}
ERRORS = {
    "record_id": "record__record_id",
    "file": "record__source__file_name",
    "line": "record__line",
    "supplier": "record__supplier_name__name",
    "product_name": "record__product_name",
    "code": "code",
    "sentence": "sentence",
}


class _Echo:
    """What csv writes into, handing each line on."""

    def write(self, line: str) -> str:
        return line


def results_csv(run: EmissionRun) -> Iterator[str]:
    return _csv_lines(RESULTS, _rows(EmissionResult, run, RESULTS))


def errors_csv(run: EmissionRun) -> Iterator[str]:
    return _csv_lines(ERRORS, _rows(EmissionError, run, ERRORS))


def write_results_xlsx(run: EmissionRun, path: Path) -> None:
    """Raises WorkbenchError where the results are more than a sheet takes."""
    if run.accounted + run.unaccounted >= SHEET_ROWS:
        raise WorkbenchError(f"The results do not fit into a sheet of {SHEET_ROWS:,} rows. Export them as CSV.")
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(path, options) as book:
        book.use_zip64()
        sheet = book.add_worksheet("Results")
        sheet.freeze_panes(1, 1)
        sheet.write_row(0, 0, list(RESULTS), book.add_format({"bold": True}))
        for number, row in enumerate(_rows(EmissionResult, run, RESULTS), start=1):
            for column, value in enumerate(row):
                _write_cell(sheet, number, column, value)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        text = str(neutralise(value))
        # xlsxwriter takes text between these tags for markup and writes it as it is, which can break the file.
        sheet.write_string(row, column, f" {text}" if text.startswith("<r>") else text)
    else:
        sheet.write_number(row, column, value)


def _csv_lines(header: dict[str, str], rows: Iterator[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([neutralise(value) for value in row])


def _rows(
    model: type[EmissionResult] | type[EmissionError], run: EmissionRun, columns: dict[str, str]
) -> Iterator[Sequence[Any]]:
    """In the order of the purchases, by the index that a run has on them; memory stays the same."""
    after = 0
    while True:
        rows = model._default_manager.filter(run=run, record_id__gt=after).order_by("record_id")
        page = list(rows.values_list("record_id", *columns.values())[:ROWS_A_QUERY])
        yield from (row[1:] for row in page)
        if len(page) < ROWS_A_QUERY:
            return
        after = page[-1][0]
