import gzip
import io
import re
import resource
import struct
import zipfile
import zlib
from contextlib import contextmanager

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from core import uploads
from core.tabular import FileRefused
from core.uploads import LimitedUploadHandler, check_data_file, check_size, check_workbook, store_data_files

KINDS = {"skus": 1, "inventory": 2}
CSV = b"sku,warehouse,on_hand\nA-1,uk,5\n"
MEGABYTE = 1024 * 1024


def a_file(folder, content, name="inventory.csv"):
    path = folder / name
    path.write_bytes(content)
    return path


def an_archive(folder, parts, name="orders.xlsx", **options):
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for part, content in {"[Content_Types].xml": b"<Types/>", **parts}.items():
            archive.writestr(part, content)
    return path


def a_workbook(folder, name="orders.xlsx", rows=1000):
    path = folder / name
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row in range(rows):
            sheet.write_row(row, 0, [f"A-{row}", "uk", row])
    return path


def refusal(check, *arguments):
    with pytest.raises(FileRefused) as refused:
        check(*arguments)
    return str(refused.value)


# Data files


def test_good_files_are_stored_under_the_names_of_their_kinds(tmp_path):
    files = [SimpleUploadedFile("Inventory.CSV", CSV), SimpleUploadedFile("skus.csv.gz", gzip.compress(CSV))]
    paths = store_data_files(files, tmp_path, kinds=KINDS)
    assert [path.name for path in paths] == ["inventory.csv", "skus.csv.gz"]
    assert paths[0].read_bytes() == CSV


@pytest.mark.parametrize("name", ["skus.xlsx", "skus.txt", "skus", "skus.csv.exe", "skus.csv.zip", ".csv.", ""])
def test_a_file_of_another_type_is_refused(name):
    assert "is not a CSV file. Save it as CSV (UTF-8), plain or packed" in refusal(uploads.data_file_name, name, KINDS)


@pytest.mark.parametrize(
    "name",
    ["notes.csv", ".csv", "skus.csv.csv", "skus.gz.csv", "../skus.csv", "..\\skus.csv", "/etc/skus.csv", "skus\0.csv"],
)
def test_a_name_that_is_not_a_kind_or_is_a_path_is_refused(name):
    sentence = refusal(uploads.data_file_name, name, KINDS)
    assert sentence == f"{name!r} does not say what it holds. Name it skus, inventory, with .csv or .csv.gz behind."


def test_a_long_name_is_cut_in_the_sentence():
    assert len(refusal(uploads.data_file_name, "x" * 10_000 + ".csv", KINDS)) < 150


def test_the_same_file_twice_is_refused(tmp_path):
    files = [SimpleUploadedFile("skus.csv", CSV), SimpleUploadedFile("SKUS.csv", CSV)]
    with pytest.raises(FileRefused, match=r"skus.csv was given twice. Choose it once."):
        store_data_files(files, tmp_path, kinds=KINDS)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("inventory.csv", b"PK\x03\x04rest", "is an Excel or zip file with the name of a CSV file."),
        (
            "inventory.csv",
            b"\xd0\xcf\x11\xe0rest",
            "inventory.csv is an Excel or zip file with the name of a CSV file.",
        ),
        ("inventory.csv", b"\x7fELF\x00\x00", "inventory.csv is a binary file and no text. Save it as CSV (UTF-8)."),
        ("inventory.csv", gzip.compress(CSV), "inventory.csv is packed with gzip. Upload it as inventory.csv.gz."),
        ("inventory.csv.gz", CSV, "is not packed with gzip, though its name says so. Upload it as inventory.csv."),
        ("inventory.csv.gz", gzip.compress(b"PK\x03\x04"), "inventory.csv.gz is an Excel or zip file"),
        ("inventory.csv.gz", gzip.compress(b"a\0b"), "inventory.csv.gz is a binary file and no text."),
        ("inventory.csv.gz", gzip.compress(CSV)[:-9], "is damaged or incomplete. Pack it again and upload it again."),
        ("inventory.csv.gz", b"\x1f\x8b\x08junk junk junk", "is damaged or incomplete."),
    ],
)
def test_content_that_is_not_what_the_name_says_is_refused(tmp_path, name, content, sentence):
    assert sentence in refusal(check_data_file, a_file(tmp_path, content, name))


@pytest.mark.parametrize("content", [b"", CSV, CSV.decode().encode("utf-16"), "sku,Größe\n".encode("latin-1")])
def test_text_is_left_to_the_import(tmp_path, content):
    check_data_file(a_file(tmp_path, content))


def test_a_gzip_bomb_is_refused_without_unpacking_it_into_memory(tmp_path):
    bomb = zlib.compressobj(9, wbits=31)
    with (tmp_path / "inventory.csv.gz").open("wb") as stream:
        for _ in range(100):
            stream.write(bomb.compress(b"0" * MEGABYTE))
        stream.write(bomb.flush())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sentence = refusal(check_data_file, tmp_path / "inventory.csv.gz")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert re.search(r"unpacks to more than \d\d MB, too much for its size. Upload it unpacked, in parts.", sentence)
    assert grown < 20 * 1024  # kilobytes


def test_a_gzip_bomb_of_many_members_is_counted_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "RATIO_FLOOR", MEGABYTE)
    member = gzip.compress(b"0" * 900_000)
    assert "unpacks to more than" in refusal(check_data_file, a_file(tmp_path, member * 20, "inventory.csv.gz"))


def test_what_packs_well_below_the_limits_is_taken(tmp_path):
    rows = b"".join(b"A-%d,uk,%d\n" % (row, row % 7) for row in range(1_000_000))
    check_data_file(a_file(tmp_path, gzip.compress(b"sku,warehouse,on_hand\n" + rows), "inventory.csv.gz"))


def test_files_above_the_limit_are_refused_with_what_to_do(settings):
    settings.UPLOAD_LIMIT_MB = 3
    check_size(3 * MEGABYTE)
    sentence = refusal(check_size, 3 * MEGABYTE + 1)
    assert sentence.startswith("The files are larger than 3 MB together. Pack the large ones with gzip (.csv.gz)")


@contextmanager
def a_request(files):
    """A browser's upload, and the handler that takes it in."""
    request = RequestFactory().post("/", {"files": files, "last": "field"})
    handler = LimitedUploadHandler(request)
    request.upload_handlers = [handler]
    yield request, handler
    request.close()


def test_what_comes_in_goes_to_disk_up_to_the_limit(settings, tmp_path):
    settings.UPLOAD_LIMIT_MB, settings.FILE_UPLOAD_TEMP_DIR = 1, tmp_path
    small, large = SimpleUploadedFile("skus.csv", CSV), SimpleUploadedFile("inventory.csv", b"0" * 3 * MEGABYTE)
    with a_request([small, large]) as (request, handler):
        assert [file.name for file in request.FILES.getlist("files")] == ["skus.csv"]
        assert handler.received > MEGABYTE
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == len(CSV)


def test_below_the_limit_everything_arrives(settings):
    settings.UPLOAD_LIMIT_MB = 1
    both = [SimpleUploadedFile("skus.csv", CSV), SimpleUploadedFile("inventory.csv", CSV)]
    with a_request(both) as (request, handler):
        assert [file.read() for file in request.FILES.getlist("files")] == [CSV, CSV]
        assert request.POST["last"] == "field"
        assert handler.received == 2 * len(CSV)


# Workbooks


def test_a_workbook_as_excel_writes_it_is_taken(tmp_path):
    check_workbook(a_workbook(tmp_path))
    check_workbook(a_workbook(tmp_path, "ORDERS.XLSX"))


def test_the_sentence_names_the_file_as_its_owner_does(tmp_path):
    path = a_workbook(tmp_path, "tmp1234")
    check_workbook(path, name="orders.xlsx")
    with pytest.raises(FileRefused, match=r"^orders.xlsm is not an XLSX file"):
        check_workbook(path, name="orders.xlsm")


@pytest.mark.parametrize("name", ["orders.xlsm", "orders.xls", "orders.xlsb", "orders.ods", "orders.csv", "orders"])
def test_another_ending_is_refused(tmp_path, name):
    path = a_workbook(tmp_path).rename(tmp_path / name)
    assert refusal(check_workbook, path) == (
        f"{name} is not an XLSX file. Save it as an Excel workbook (.xlsx) without macros."
    )


@pytest.mark.parametrize("part", ["xl/vbaProject.bin", "XL/VBAPROJECT.BIN", "other/vbaProject.bin"])
def test_a_macro_file_is_refused_whatever_it_is_called(tmp_path, part):
    sentence = refusal(check_workbook, an_archive(tmp_path, {part: b"Sub Auto_Open()"}))
    assert sentence == "orders.xlsx holds macros. Save it as an Excel workbook (.xlsx) without macros."


def test_a_zip_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "orders.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inventory.csv", CSV)
    assert "is a zip file and no Excel workbook" in refusal(check_workbook, path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not an Excel workbook, though its name says so."),
        (CSV, "is not an Excel workbook, though its name says so."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "has a password or the old .xls format."),
        (b"PK\x03\x04 and nothing that follows", "is damaged. Open it in a spreadsheet program and save it again."),
    ],
)
def test_content_that_is_no_workbook_is_refused(tmp_path, content, sentence):
    assert sentence in refusal(check_workbook, a_file(tmp_path, content, "orders.xlsx"))


def test_a_damaged_part_is_refused(tmp_path):
    path = a_workbook(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)
    assert "is damaged" in refusal(check_workbook, path)


def test_an_encrypted_member_is_refused(tmp_path):
    path = an_archive(tmp_path, {"xl/workbook.xml": b"<workbook/>"})
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    assert refusal(check_workbook, path) == "orders.xlsx has a password. Save it as .xlsx without one."


def test_a_method_that_unpacks_without_limit_is_refused(tmp_path):
    path = tmp_path / "orders.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
    assert "is packed in a way that Excel does not use" in refusal(check_workbook, path)


def test_a_zip_bomb_is_refused(tmp_path):
    bomb = an_archive(tmp_path, {"xl/worksheets/sheet1.xml": b"0" * 40 * MEGABYTE})
    assert bomb.stat().st_size < 100_000
    assert "unpacks to far more than a workbook of its size holds" in refusal(check_workbook, bomb)


def test_a_zip_bomb_that_lies_about_its_size_is_refused(tmp_path):
    bomb = an_archive(tmp_path, {"xl/worksheets/sheet1.xml": b"0" * 40 * MEGABYTE})
    true, lie = struct.pack("<L", 40 * MEGABYTE), struct.pack("<L", 100)
    content = bomb.read_bytes()
    assert content.count(true) == 2
    bomb.write_bytes(content.replace(true, lie))
    assert zipfile.ZipFile(bomb).getinfo("xl/worksheets/sheet1.xml").file_size == 100
    assert "unpacks to far more than a workbook of its size holds" in refusal(check_workbook, bomb)


def test_all_members_together_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "WORKBOOK_UNPACKED_LIMIT", 2 * MEGABYTE)
    parts = {f"xl/media/{number}.bin": b"0" * 900_000 for number in range(3)}
    check_workbook(an_archive(tmp_path, dict(list(parts.items())[:2])))
    assert "unpacks to far more" in refusal(check_workbook, an_archive(tmp_path, parts))


def test_too_many_members_are_refused_before_they_are_listed(tmp_path, monkeypatch):
    path = an_archive(tmp_path, {f"xl/{number}": b"" for number in range(uploads.WORKBOOK_MEMBERS)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "has more than 10,000 parts" in refusal(check_workbook, path)


def test_a_large_workbook_is_refused_unread(tmp_path):
    path = tmp_path / "orders.xlsx"
    with path.open("wb") as stream:
        stream.truncate(51 * MEGABYTE)
    assert refusal(check_workbook, path) == "orders.xlsx is larger than 50 MB. Split it into several workbooks."


def test_a_crowded_sheet_is_no_bomb(tmp_path):
    sheet = io.StringIO()
    for row in range(200_000):
        sheet.write(f'<row r="{row}"><c r="A{row}"><v>{row % 7}</v></c></row>')
    check_workbook(an_archive(tmp_path, {"xl/worksheets/sheet1.xml": sheet.getvalue()}))
