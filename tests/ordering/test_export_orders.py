import csv
import datetime as dt
import errno
from operator import attrgetter

import openpyxl
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from openpyxl.utils.escape import unescape

from core.errors import WorkbenchError
from ordering.exports import COLUMNS
from ordering.models import OrderConfirmation, Sku
from ordering.services import export_orders as service
from ordering.services.export import selection, xlsx
from ordering.services.export_orders import export_orders
from ordering.services.generate_recommendations import generate_recommendations
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_supplier, a_warehouse, stock, the_line

pytestmark = pytest.mark.django_db

HEADER = (
    "sku,description,warehouse,supplier,urgency,suggested_qty,confirmed_qty,order_qty,pull_forward_qty,unit_cost,"
    "order_value,on_hand,pending_raw,pending_effective,overdue_count,inventory_position,demand_source,"
    "forecast_monthly,history_monthly,forecast_confidence,blend_weight,monthly_demand,daily_demand,lead_time_days,"
    "lead_time_std_days,lead_time_source,reliability,cv,service_level,seasonal_factor,safety_stock,reorder_point,"
    "order_up_to,need,constraints,coverage_days,coverage_months_after,stockout_risk_date,expected_arrival,locked,"
    "kgco2e_per_unit,emissions_tier,notes,"
    "version"
)
EXACT = ("safety_stock", "reorder_point", "order_up_to")
SEVENTEEN_DIGITS = 0.1 + 0.2


def a_line(code, **fields):
    sku = a_sku(code, supplier=fields.pop("supplier", None) or a_supplier())
    return OrderConfirmation.objects.create(**as_line(sku, a_warehouse()) | fields)


def as_line(sku, warehouse):
    return {
        "month": MONTH,
        "sku": sku,
        "warehouse": warehouse,
        "supplier": sku.supplier,
        "urgency": "must_order",
        "suggested_qty": 4,
        "unit_cost": "2.50",
        "currency": "USD",
    }


def many_lines(count):
    supplier, warehouse = a_supplier(), a_warehouse()
    first = Sku.objects.count()
    Sku.objects.bulk_create(Sku(sku=f"M-{first + number:05}", supplier=supplier) for number in range(count))
    skus = Sku.objects.filter(order_lines=None)
    OrderConfirmation.objects.bulk_create(OrderConfirmation(**as_line(sku, warehouse)) for sku in skus)


def csv_rows(folder, **scope):
    export_orders(month=MONTH, output=folder / "orders.csv", **scope)
    with (folder / "orders.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def codes(folder, **scope):
    return [row["sku"] for row in csv_rows(folder, **scope)]


def workbook(folder, **scope):
    export_orders(month=MONTH, output=folder / "orders.xlsx", **scope)
    return openpyxl.load_workbook(folder / "orders.xlsx")


def cells(sheet, row):
    return {head.value: cell for head, cell in zip(sheet[1], sheet[row], strict=True)}


def generated_line():
    sku = a_sku("A-1", description="Bolt", moq=10)
    stock(sku, 5)
    a_forecast(sku, 310 / 3, confidence=0.7)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    line = the_line(sku)
    line.notes, line.confirmed_qty = "ask Ann", 7
    line.save()
    return OrderConfirmation.objects.select_related("sku", "warehouse", "supplier").get()


def test_the_csv_has_the_columns_in_their_order(tmp_path):
    a_line("A-1")

    assert ",".join(csv_rows(tmp_path)[0]) == HEADER


def test_every_csv_value_is_that_of_the_line(tmp_path):
    line = generated_line()

    (row,) = csv_rows(tmp_path)

    assert len([text for text in row.values() if text]) > 30
    for column in COLUMNS:
        value, text = attrgetter((column.source or column.header).replace("__", "."))(line), row[column.header]
        if value is None:
            assert text == ""
        elif column.header in EXACT:
            assert float(text) == value
        elif isinstance(value, float):
            assert float(text) == round(value, 6)
        elif isinstance(value, bool):
            assert text == str(value).lower()
        elif column.header in {"unit_cost", "order_value"}:
            assert float(text) == float(value)
        else:
            assert text == str(value)


def test_every_xlsx_value_is_that_of_the_line(tmp_path):
    line = generated_line()

    found = cells(workbook(tmp_path)["Orders"], 3)

    for column in COLUMNS:
        value, cell = attrgetter((column.source or column.header).replace("__", "."))(line), found[column.header]
        if isinstance(value, dt.date):
            assert cell.value.date() == value
            assert cell.number_format == "yyyy-mm-dd"
        elif value in (None, ""):
            assert cell.value is None
        elif isinstance(value, float) and column.header not in EXACT:
            assert cell.value == round(value, 6)
        else:
            assert cell.value == value


def test_numbers_have_six_decimals_and_no_exponent(tmp_path):
    a_line("A-1", cv=1 / 3, daily_demand=0.00001, need=-1e-9, monthly_demand=1e20, history_monthly=12.0)

    (row,) = csv_rows(tmp_path)

    assert row["cv"] == "0.333333"
    assert row["daily_demand"] == "0.00001"
    assert row["need"] == "0"
    assert row["monthly_demand"] == "100000000000000000000"
    assert row["history_monthly"] == "12"


def test_safety_stock_keeps_every_digit_in_both_files(tmp_path):
    a_line("A-1", safety_stock=SEVENTEEN_DIGITS, reorder_point=1e-7, order_up_to=120.0)

    (row,) = csv_rows(tmp_path)
    sheet = cells(workbook(tmp_path)["Orders"], 3)

    assert row["safety_stock"] == "0.30000000000000004"
    assert row["reorder_point"] == "0.0000001"
    assert float(row["order_up_to"]) == 120
    assert sheet["safety_stock"].value == SEVENTEEN_DIGITS
    assert sheet["reorder_point"].value == 1e-7


def test_a_line_without_a_quantity_has_empty_cells(tmp_path):
    a_line("A-1", urgency=None, suggested_qty=None)

    (row,) = csv_rows(tmp_path)
    sheet = cells(workbook(tmp_path)["Orders"], 3)

    assert (row["urgency"], row["order_qty"], row["order_value"], row["safety_stock"]) == ("", "", "", "")
    assert sheet["order_qty"].value is None


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_in_the_text_is_neutralised(tmp_path, start):
    text = f"{start}SUM(A1:A9)"
    line = a_line("A-1", notes=text)
    Sku.objects.filter(pk=line.sku_id).update(description=text)

    (row,) = csv_rows(tmp_path)
    sheet = cells(workbook(tmp_path)["Orders"], 3)

    for name in ("description", "notes"):
        assert row[name] == f"'{text}"
        assert unescape(sheet[name].value) == f"'{text}"
        assert sheet[name].data_type == "s"


def test_a_note_may_hold_anything_that_people_write(tmp_path):
    texts = ['a "quote", a comma\nand a line', "Größe 5 日本", "<r><t>no markup</r>", "https://example.com", "007"]
    for number, text in enumerate(texts):
        a_line(f"A-{number}", notes=text)

    sheet = workbook(tmp_path)["Orders"]

    assert [row["notes"] for row in csv_rows(tmp_path)] == texts
    assert [cells(sheet, row)["notes"].value.strip() for row in range(3, 8)] == texts
    assert all(cells(sheet, row)["notes"].hyperlink is None for row in range(3, 8))


def test_a_line_break_from_a_browser_is_one_in_the_sheet(tmp_path):
    a_line("A-1", notes="two\r\nlines")

    assert cells(workbook(tmp_path)["Orders"], 3)["notes"].value == "two\nlines"


def test_lines_come_by_supplier_urgency_sku_and_warehouse(tmp_path):
    west, east = a_warehouse("west"), a_warehouse("EAST")
    acme, zeta = a_supplier("acme"), a_supplier("Zeta")
    a_line("z-none", supplier=acme, urgency=None)
    a_line("z-skip", supplier=acme, urgency="skip")
    a_line("z-optional", supplier=acme, urgency="optional")
    a_line("z-should", supplier=acme, urgency="should_order")
    b_must = a_line("B-must", supplier=acme, warehouse=west).sku
    OrderConfirmation.objects.create(**as_line(b_must, east))
    a_line("a-must", supplier=acme)
    a_line("a-zeta", supplier=zeta, urgency="skip")
    orphan = Sku.objects.create(sku="a-orphan")
    OrderConfirmation.objects.create(**as_line(orphan, west))

    rows = csv_rows(tmp_path)

    expected = ["a-must", "B-must", "B-must", "z-should", "z-optional", "z-skip", "z-none", "a-zeta", "a-orphan"]
    assert [row["sku"] for row in rows] == expected
    assert [row["warehouse"] for row in rows[1:3]] == ["EAST", "west"]
    assert rows[-1]["supplier"] == ""


def test_small_pages_and_blocks_write_the_same_file(tmp_path, monkeypatch):
    for number in range(20):
        supplier, urgency = a_supplier(f"S{number % 3}"), ("skip", "must_order", None)[number % 7 % 3]
        a_line(f"A-{number * 7 % 20:02}", supplier=supplier, urgency=urgency)
    whole = csv_rows(tmp_path)

    monkeypatch.setattr(selection, "SKUS_A_PAGE", 2)
    monkeypatch.setattr(selection, "IDS_A_QUERY", 3)

    assert csv_rows(tmp_path) == whole
    assert len(whole) == 20


def test_the_filters_take_codes_in_any_case(tmp_path):
    a_line("A-1", supplier=a_supplier("S1"))
    a_line("A-2", supplier=a_supplier("S2"), urgency="skip")
    a_line("A-3", supplier=a_supplier("S2"), warehouse=a_warehouse("calgary"))

    assert codes(tmp_path, suppliers=["s2"]) == ["A-3", "A-2"]
    assert codes(tmp_path, suppliers=["S1", "S2"], warehouses=["Burnaby"]) == ["A-1", "A-2"]
    assert codes(tmp_path, urgencies=["skip"]) == ["A-2"]
    assert codes(tmp_path, warehouses=["CALGARY"], urgencies=["must_order", "skip"]) == ["A-3"]


def test_lines_of_other_months_stay_out(tmp_path):
    a_line("A-1")
    a_line("A-2", month=dt.date(2027, 1, 1))

    assert codes(tmp_path) == ["A-1"]


def test_the_sheet_has_a_frozen_header_and_a_filter(tmp_path):
    a_line("A-1")

    sheet = workbook(tmp_path)["Orders"]

    assert ",".join(cell.value for cell in sheet[1]) == HEADER
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:AR3"
    assert all(sheet.column_dimensions[cell.column_letter].width >= 12 for cell in sheet[1])


def test_the_version_alone_is_hidden(tmp_path):
    a_line("A-1", version=3)

    sheet = workbook(tmp_path)["Orders"]

    assert cells(sheet, 3)["version"].value == 3
    assert [cell.value for cell in sheet[1] if sheet.column_dimensions[cell.column_letter].hidden] == ["version"]


def test_urgency_is_coloured_and_stays_readable(tmp_path):
    for urgency in ("must_order", "should_order", "optional", "skip"):
        a_line(f"A-{urgency}", urgency=urgency)

    sheet = workbook(tmp_path)["Orders"]

    coloured = [cells(sheet, row)["urgency"] for row in range(3, 7)]
    assert [cell.value for cell in coloured] == ["must_order", "should_order", "optional", "skip"]
    assert [cell.fill.fgColor.rgb[2:] for cell in coloured] == ["C00000", "FFC000", "BDD7EE", "D9D9D9"]
    assert all(contrast(cell.fill.fgColor.rgb, cell.font.color.rgb) > 4.5 for cell in coloured)


def contrast(background, letters):
    dark, light = sorted((luminance(background), luminance(letters)))
    return (light + 0.05) / (dark + 0.05)


def luminance(argb):
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(argb[start : start + 2], 16) / 255 for start in (2, 4, 6)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_lines_are_folded_under_their_supplier(tmp_path):
    a_line("A-1", supplier=a_supplier("ACME"))
    a_line("A-2", supplier=a_supplier("ACME"), confirmed_qty=10)
    a_line("B-1", supplier=a_supplier("BETA"))

    sheet = workbook(tmp_path)["Orders"]

    assert [sheet.cell(row, 1).value for row in range(2, 7)] == ["ACME", "A-1", "A-2", "BETA", "B-1"]
    assert [sheet.row_dimensions[row].outlineLevel for row in range(2, 7)] == [0, 1, 1, 0, 1]
    assert sheet.sheet_properties.outlinePr.summaryBelow is False


def test_a_heading_counts_and_totals_its_lines(tmp_path):
    a_line("A-1")
    a_line("A-2", confirmed_qty=10)

    heading = [cell for cell in workbook(tmp_path)["Orders"][2] if cell.value is not None]

    assert [cell.value for cell in heading] == ["ACME", "ACME Ltd", 2, "USD", 35]
    assert heading[-1].column == HEADER.split(",").index("order_value") + 1
    assert all(cell.font.bold for cell in heading)


def test_a_heading_adds_up_no_different_currencies(tmp_path):
    a_line("A-1")
    a_line("A-2", currency="EUR", suggested_qty=800)

    heading = cells(workbook(tmp_path)["Orders"], 2)

    assert heading["order_value"].value == "2,000.00 EUR + 10.00 USD"
    assert heading["warehouse"].value == 2


def test_the_second_sheet_explains_every_column_of_the_first(tmp_path):
    a_line("A-1")

    book = workbook(tmp_path)

    (_header, *explained) = book["Columns"].iter_rows(values_only=True)
    assert book.sheetnames == ["Orders", "Columns"]
    assert [name for name, _text in explained] == [cell.value for cell in book["Orders"][1]]
    assert all(text.endswith(".") and len(text) > 15 for _name, text in explained)
    assert book["Columns"].freeze_panes == "B2"


def test_more_lines_than_a_sheet_has_rows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 4)
    many_lines(3)

    with pytest.raises(WorkbenchError, match=r"3 lines do not fit .* write a \.csv file"):
        workbook(tmp_path)

    assert len(csv_rows(tmp_path)) == 3


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        ({"suppliers": ["ACME", "nobody"]}, "There is no supplier with the code nobody."),
        ({"warehouses": ["nowhere"]}, "There is no warehouse with the code nowhere."),
        ({"urgencies": ["panic"]}, "There is no urgency panic. Choose from must_order, should_order, optional, skip."),
        ({"urgencies": ["skip"]}, "No order line of 2026-12 fits these filters."),
    ],
)
def test_a_filter_that_finds_nothing_is_told(tmp_path, scope, sentence):
    a_line("A-1")

    with pytest.raises(WorkbenchError, match=sentence):
        csv_rows(tmp_path, **scope)

    assert list(tmp_path.iterdir()) == []


def test_a_month_without_lines_names_the_command_to_run(tmp_path):
    with pytest.raises(WorkbenchError, match="generate_recommendations --month 2026-12"):
        csv_rows(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["orders.pdf", "orders", "orders.csv.gz"])
def test_an_unknown_ending_is_refused(tmp_path, name):
    with pytest.raises(WorkbenchError, match=r"Name it \.csv or \.xlsx"):
        export_orders(month=MONTH, output=tmp_path / name)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(WorkbenchError, match=r"There is no folder .*missing"):
        export_orders(month=MONTH, output=tmp_path / "missing" / "orders.csv")


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path):
    (tmp_path / "orders.csv").mkdir()

    with pytest.raises(WorkbenchError, match="is a folder"):
        csv_rows(tmp_path)


def test_a_folder_that_takes_no_file_is_told(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.mkdir", refuse)

    with pytest.raises(WorkbenchError, match=r"orders\.csv cannot be written: Permission denied"):
        csv_rows(tmp_path)


@pytest.mark.parametrize("name", ["orders.csv", "orders.xlsx"])
@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "cannot be written: No space left on device"),
        (DatabaseError("gone"), "The database refused the work: gone"),
    ],
)
def test_a_failed_export_leaves_the_older_file_and_no_half_one(tmp_path, monkeypatch, name, failure, sentence):
    def fail_after_a_line(export):
        yield from list(all_rows(export))[:1]
        raise failure

    all_rows = selection.rows_of
    many_lines(3)
    (tmp_path / name).write_text("older")
    for module in (service, xlsx):
        monkeypatch.setattr(module, "rows_of", fail_after_a_line)

    with pytest.raises(WorkbenchError, match=sentence):
        export_orders(month=MONTH, output=tmp_path / name)

    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "older"


@pytest.mark.parametrize("write", [csv_rows, workbook])
def test_the_lines_of_a_block_cost_no_statement_each(tmp_path, write):
    def statements():
        with CaptureQueriesContext(connection) as queries:
            write(tmp_path)
        return len(queries)

    many_lines(10)
    few = statements()
    many_lines(selection.IDS_A_QUERY - 10)

    assert statements() == few
    assert few < 10


def test_the_command_says_how_many_lines_it_wrote(tmp_path, capsys):
    a_line("A-1")
    a_line("A-2", urgency="skip")
    output = tmp_path / "orders.csv"

    call_command("export_orders", "--month", "2026-12", "--supplier", "acme", "--urgency", "skip", "--output", output)

    assert capsys.readouterr().out == f"1 lines written to {output}\n"


def test_the_command_fails_with_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="There are no order lines for 2026-12"):
        call_command("export_orders", "--month", "2026-12", "--output", tmp_path / "orders.csv")
