"""The same purchases in every format, and what only one of them can hold."""

import datetime as dt
import gzip
import io
import zipfile
from decimal import Decimal

import openpyxl
import polars as pl
import pytest

from core.tabular import FileRefused
from suppliers.models import PurchaseImport, PurchaseRecord
from suppliers.services.purchases import lines, parquet_source, xlsx_source
from tests.suppliers.test_import_purchases import load_file

pytestmark = pytest.mark.django_db

COLUMNS = ("supplier", "product_name", "sector_code", "quantity", "spend", "currency", "purchase_date", "supplier_pcf")
ROWS = [
    ("Costain Ltd", "Rail 60E1", 331110, 12.5, 1_000_000, "GBP", dt.date(2021, 3, 4), 2100.25),
    ("Société Générale", "", None, None, -0.1, "EUR", dt.date(2021, 12, 31), None),
    ("  Costain Ltd ", 'say "hello", twice', 331110, 3, 1e-7, "GBP", dt.date(1999, 1, 1), 1 / 3),
    ("", "nobody sold this", 331110, 1, 1, "GBP", dt.date(2021, 3, 4), 1),
]


def as_csv(path):
    pl.DataFrame(ROWS, schema=COLUMNS, orient="row").write_csv(path)


def as_gzip(path):
    packed = io.BytesIO()
    pl.DataFrame(ROWS, schema=COLUMNS, orient="row").write_csv(packed)
    path.write_bytes(gzip.compress(packed.getvalue()))


def as_workbook(path):
    book = openpyxl.Workbook()
    for row in (COLUMNS, *ROWS):
        book.active.append(row)
    book.save(path)


def as_parquet(path):
    pl.DataFrame(ROWS, schema=COLUMNS, orient="row").write_parquet(path)


WRITERS = {"p.csv": as_csv, "p.csv.gz": as_gzip, "p.xlsx": as_workbook, "p.parquet": as_parquet}


def stored():
    left_out = {"id", "source_id"}
    columns = [field.attname for field in PurchaseRecord._meta.concrete_fields if field.attname not in left_out]
    return list(PurchaseRecord.objects.order_by("line").values_list(*columns))


def test_the_same_rows_are_the_same_records_in_every_format(tmp_path):
    found = {}
    for name, write in WRITERS.items():
        write(tmp_path / name)
        report, refused = load_file(tmp_path / name)
        found[name] = stored(), [(line, column, reason) for line, column, _value, reason in refused]
        assert report.rows == len(ROWS)
        PurchaseRecord.objects.all().delete()

    assert found["p.csv"][1] == [(5, "supplier", "is empty")]
    assert len(found["p.csv"][0]) == 3
    for answer in found.values():
        assert answer == found["p.csv"]


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_read_in_pieces(tmp_path, monkeypatch, name):
    for module, limit in ((lines, "ROWS"), (xlsx_source, "PIECE"), (parquet_source, "ROWS")):
        monkeypatch.setattr(module, limit, 2)
    WRITERS[name](tmp_path / name)
    progress = []

    load_file(tmp_path / name, on_progress=lambda done, total: progress.append((done, total)))

    assert len(progress) >= (1 if "csv" in name else 2)
    assert PurchaseRecord.objects.count() == 3
    assert progress == sorted(progress)


def a_workbook(path, *rows, **sheets):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, state in sheets.items():
        book.create_sheet(title, 0).sheet_state = state
    book.active = len(book.sheetnames) - 1
    book.save(path)
    return path


HEADER = ("supplier", "spend", "purchase_date")
DAY = dt.date(2021, 3, 4)
NOON = dt.datetime(2021, 3, 4, 12, 5)  # noqa: DTZ001 - cells have no zone


def test_a_workbook_is_read_from_its_first_visible_sheet_and_row(tmp_path):
    path = a_workbook(tmp_path / "p.xlsx", (), (None, *HEADER), (), (" ",), (None, "A", 5, DAY), notes="hidden")

    load_file(path)

    assert PurchaseRecord.objects.values_list("line", "spend", "purchase_date").get() == (5, 5, DAY)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("#N/A", "is an error of the spreadsheet and no value"),
        ("=1/0", "is an error of the spreadsheet and no value"),  # openpyxl stores no result
        (True, "is not a number"),
        (dt.date(2021, 3, 4), "is not a number"),
        ("many", "is not a number"),
    ],
)
def test_a_cell_without_a_value_costs_its_row_only(tmp_path, cell, reason):
    path = a_workbook(tmp_path / "p.xlsx", HEADER, ("A", cell, DAY), ("B", 2, DAY))

    report, refused = load_file(path)

    assert (report.accepted, [(line, why) for line, _, _, why in refused]) == (1, [(2, reason)])


@pytest.mark.parametrize("day", [NOON, "2021-03-04", "04/03/2021", 44259])
def test_a_sheet_may_hold_a_date_in_any_way(tmp_path, day):
    load_file(a_workbook(tmp_path / "p.xlsx", HEADER, ("A", 1, day)))

    assert PurchaseRecord.objects.get().purchase_date == DAY


def test_days_that_count_from_1904_are_refused(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(HEADER)
    book.save(tmp_path / "p.xlsx")

    with pytest.raises(FileRefused, match="counts its days from 1904"):
        load_file(tmp_path / "p.xlsx")


def test_a_cell_far_away_takes_no_memory(tmp_path):
    book = openpyxl.Workbook()
    for row in (HEADER, ("A", 1, DAY)):
        book.active.append(row)
    book.active["XFD1048576"] = "far"
    book.save(tmp_path / "p.xlsx")

    report, refused = load_file(tmp_path / "p.xlsx")

    assert report.accepted == 1
    assert [(line, reason) for line, _, _, reason in refused] == [(1_048_576, "is empty")]


def test_a_workbook_of_too_many_columns_is_refused(tmp_path):
    with pytest.raises(FileRefused, match=r"p\.xlsx has 1,000 columns; 300 is the most"):
        load_file(a_workbook(tmp_path / "p.xlsx", range(1_000)))


def test_a_workbook_without_text_is_refused(tmp_path):
    with pytest.raises(FileRefused, match=r"p\.xlsx is empty"):
        load_file(a_workbook(tmp_path / "p.xlsx"))


def test_a_zip_bomb_is_refused(tmp_path):
    path = a_workbook(tmp_path / "p.xlsx", HEADER)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.xml", b"0" * 20_000_000)

    with pytest.raises(FileRefused, match="unpacks to far more than a workbook of its size holds"):
        load_file(path)


def test_a_sheet_that_is_cut_off_keeps_the_rows_before(tmp_path):
    path = a_workbook(tmp_path / "p.xlsx", HEADER, *(("A", number, DAY) for number in range(5_000)))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].partition(b'<row r="4990"')[0]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)

    report, [(line, *_, reason)] = load_file(path)

    assert reason == "The file is damaged from here on; nothing after this line was read"
    assert report.accepted == PurchaseRecord.objects.count() == line - 2 > 1_000


def a_parquet(path, **columns):
    pl.DataFrame({"supplier": ["A"], "spend": [1], "year": [2021]} | columns).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("columns", "field", "value"),
    [
        ({"spend": pl.Series([Decimal("1234.50")])}, "spend", 1234.5),
        ({"spend": pl.Series([0.1 + 0.2])}, "spend", 0.1 + 0.2),
        ({"spend": pl.Series([1e-300])}, "spend", 1e-300),
        ({"year": pl.Series([2021.0])}, "year", 2021),
        ({"sector_code": pl.Series([541511.0])}, "sector_code", "541511"),
        ({"sector_code": pl.Series([541511])}, "sector_code", "541511"),
        ({"sector_code": pl.Series([None])}, "sector_code", ""),
        ({"unit": pl.Series(["kg"], dtype=pl.Categorical)}, "unit", "kg"),
        ({"purchase_date": pl.Series([DAY])}, "purchase_date", DAY),
        ({"purchase_date": pl.Series([NOON])}, "purchase_date", DAY),
        ({"purchase_date": pl.Series(["04/03/2021"])}, "purchase_date", DAY),
        ({"notes": pl.Series([["a", "list"]])}, "spend", 1),
    ],
)
def test_parquet_columns_are_read_as_what_they_are(tmp_path, columns, field, value):
    load_file(a_parquet(tmp_path / "p.parquet", **columns))

    assert getattr(PurchaseRecord.objects.get(), field) == value


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pl.Series([["a", "list"]]), "List"),
        (pl.Series([{"a": "record"}]), "Struct"),
        (pl.Series([b"bytes"]), "Binary"),
        (pl.Series([dt.time(1)]), "Time"),
    ],
)
def test_a_parquet_column_of_another_kind_is_refused_where_it_is_mapped(tmp_path, column, kind):
    with pytest.raises(FileRefused, match=rf"its column 'product_name' holds {kind}.*Write it as text"):
        load_file(a_parquet(tmp_path / "p.parquet", product_name=column))
    assert not PurchaseImport.objects.exists()


def test_bad_cells_of_a_parquet_file_cost_their_rows_only(tmp_path):
    path = tmp_path / "p.parquet"
    names = ["A", "x" * 10_000_000, "a\0b", None, "B", "C", "D"]
    spend = [1.0, 1.0, 1.0, 1.0, float("nan"), 1e308, float("inf")]
    pl.DataFrame({"supplier": names, "spend": spend, "year": [2021] * 7}).write_parquet(path)

    report, refused = load_file(path)

    assert report.accepted == 1
    assert [(line, reason) for line, _, _, reason in refused] == [
        (3, "has more than 255 characters"),
        (4, "holds a character that is no text"),
        (5, "is empty"),
        (6, "is not a number"),
        (7, "is more than 1,000,000,000,000,000"),
        (8, "is not a number"),
    ]


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and so on PAR1")

    with pytest.raises(FileRefused, match=r"p\.parquet is damaged or no Parquet file"):
        load_file(tmp_path / "p.parquet")


def test_more_rows_than_a_file_of_its_size_can_hold_are_refused(tmp_path):
    path = tmp_path / "p.parquet"
    pl.select(supplier=pl.repeat("A", 3_000_000, dtype=pl.String)).write_parquet(path)

    with pytest.raises(FileRefused, match=r"has 3,000,000 rows, too many for its size"):
        load_file(path)


def test_a_damaged_page_keeps_the_rows_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_source, "ROWS", 100)
    path = tmp_path / "p.parquet"
    names = [f"name {number}" for number in range(1_000)]
    table = pl.DataFrame({"supplier": names, "spend": range(1_000), "year": [2021] * 1_000})
    table.write_parquet(path, row_group_size=100, compression="zstd")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)

    report, [(line, *_, reason)] = load_file(path)

    assert reason == "The file is damaged from here on; nothing after this line was read"
    assert 100 <= report.accepted == PurchaseRecord.objects.count() == line - 2 < 900
