"""The order lines as an XLSX workbook: a sheet of lines grouped by supplier, and one that explains the columns."""

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import xlsxwriter

from core.errors import WorkbenchError
from core.tabular import neutralise
from ordering.exports import (
    COLUMNS,
    COLUMNS_SHEET,
    DECIMALS,
    HEADING_COLOUR,
    LINE_COUNT_FORMAT,
    NUMBER_FORMATS,
    ORDERS_SHEET,
    URGENCY_COLOURS,
    Kind,
)
from ordering.services.export.selection import Export, SupplierGroup, rows_of

SHEET_ROWS = 1_048_576


def write_xlsx(export: Export, path: Path) -> int:
    if len(export.ids) + len(export.groups) >= SHEET_ROWS:
        raise WorkbenchError(
            f"{len(export.ids):,} lines do not fit into a sheet of {SHEET_ROWS:,} rows. "
            "Export fewer suppliers or warehouses, or write a .csv file."
        )
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(path, options) as book:
        book.use_zip64()
        rows = _fill_orders_sheet(book, export)
        _fill_columns_sheet(book)
    return rows


def _fill_orders_sheet(book: Any, export: Export) -> int:
    """The lines, each supplier's under a heading that folds them."""
    sheet = book.add_worksheet(ORDERS_SHEET)
    _lay_out(sheet, book.add_format({"bold": True}), [(column.header, column.width) for column in COLUMNS])
    for number, column in enumerate(COLUMNS):
        if column.hidden:
            sheet.set_column(number, number, column.width, None, {"hidden": True})
    sheet.outline_settings(symbols_below=False)
    write_heading = _heading_writer(book, sheet)
    writers = _cell_writers(book, sheet)
    row = rows = 0
    for group, lines in groupby(rows_of(export), key=itemgetter(0)):
        row += 1
        write_heading(row, export.groups[group])
        for _group, values in lines:
            row += 1
            rows += 1
            sheet.set_row(row, None, None, {"level": 1})
            for write, value in zip(writers, values, strict=True):
                if value is not None and value != "":
                    write(row, value)
            # xlsxwriter would keep 400 bytes a row for good; the row above is on disk by now.
            sheet.row_info.pop(row - 1, None)
            sheet.row_sizes.clear()
    sheet.autofilter(0, 0, row, len(COLUMNS) - 1)
    return rows


def _heading_writer(book: Any, sheet: Any) -> Callable[[int, SupplierGroup], None]:
    look = {"bold": True, "bg_color": HEADING_COLOUR}
    text, right = book.add_format(look), book.add_format(look | {"align": "right"})
    count = book.add_format(look | {"num_format": LINE_COUNT_FORMAT})
    money = book.add_format(look | {"num_format": NUMBER_FORMATS[Kind.MONEY]})
    value_column = [column.header for column in COLUMNS].index("order_value")

    def write_heading(row: int, group: SupplierGroup) -> None:
        sheet.set_row(row, None, text)
        sheet.write_string(row, 0, _cell_text(group.code), text)
        sheet.write_string(row, 1, _cell_text(group.name), text)
        sheet.write_number(row, 2, group.lines, count)
        if len(group.value) == 1:
            ((currency, value),) = group.value.items()
            sheet.write_string(row, value_column - 1, _cell_text(currency), right)
            sheet.write_number(row, value_column, float(value), money)
        else:  # a sum over currencies is no amount of anything
            amounts = (f"{value:,.2f} {currency}".strip() for currency, value in group.value.items())
            sheet.write_string(row, value_column, " + ".join(amounts), right)

    return write_heading


def _cell_writers(book: Any, sheet: Any) -> list[Callable[[int, Any], None]]:
    formats = {kind: book.add_format({"num_format": number_format}) for kind, number_format in NUMBER_FORMATS.items()}
    return [
        _urgency_writer(book, sheet, number)
        if column.header == "urgency"
        else _cell_writer(sheet, number, column.kind, formats.get(column.kind))
        for number, column in enumerate(COLUMNS)
    ]


def _urgency_writer(book: Any, sheet: Any, number: int) -> Callable[[int, str], None]:
    colours = {
        urgency.value: book.add_format({"bg_color": background, "font_color": letters})
        for urgency, (background, letters) in URGENCY_COLOURS.items()
    }
    return lambda row, value: sheet.write_string(row, number, value, colours[value])


def _cell_writer(sheet: Any, number: int, kind: Kind, cell_format: Any) -> Callable[[int, Any], None]:
    match kind:
        case Kind.TEXT:
            return lambda row, value: sheet.write_string(row, number, _cell_text(value))
        case Kind.DATE:
            return lambda row, value: sheet.write_datetime(row, number, value, cell_format)
        case Kind.FLAG:
            return lambda row, value: sheet.write_boolean(row, number, value)
        case Kind.EXACT:
            return lambda row, value: sheet.write_number(row, number, ExactFloat(value), cell_format)
        case _:
            return lambda row, value: sheet.write_number(row, number, round(value, DECIMALS), cell_format)


def _cell_text(text: str) -> str:
    """A text cell does not run, but it would after F2 and Enter, or from a CSV file saved out of the sheet."""
    text = str(neutralise(text)).replace("\r\n", "\n")
    # xlsxwriter takes text between these tags for markup and writes it as it is, which can break the file.
    return f" {text}" if text.startswith("<r>") else text


class ExactFloat(float):
    """A number that xlsxwriter, which formats with 16 digits, writes with the 17 that a float can need."""

    def __format__(self, spec: str) -> str:
        return repr(float(self))


def _fill_columns_sheet(book: Any) -> None:
    sheet = book.add_worksheet(COLUMNS_SHEET)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    _lay_out(sheet, book.add_format({"bold": True}), [("column", 24), ("what it says", 100)])
    for row, column in enumerate(COLUMNS, start=1):
        sheet.write_string(row, 0, column.header, wrapped)
        sheet.write_string(row, 1, column.explanation, wrapped)


def _lay_out(sheet: Any, bold: Any, columns: Sequence[tuple[str, int]]) -> None:
    """A header that stays in sight, as does the first column, and room for what the columns hold."""
    sheet.freeze_panes(1, 1)
    for number, (header, width) in enumerate(columns):
        sheet.set_column(number, number, width)
        sheet.write_string(0, number, header, bold)
