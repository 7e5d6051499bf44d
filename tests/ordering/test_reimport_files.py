"""Uploads that are no edited export, by mistake or on purpose: each is answered with a sentence."""

import io
import random
import re
import resource
import zipfile

import openpyxl
import pytest
import xlsxwriter
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile

from core.tabular import FileRefused
from core.xlsx.sheet import Sheet
from ordering.models import OrderConfirmation
from ordering.services.reimport import rows
from tests.builders import MONTH, a_sku, a_supplier, a_warehouse

PAGE = "/months/2026-12/reimport/"
MEGABYTE = 1024 * 1024
HEADER = ("sku", "warehouse", "confirmed_qty", "version")
CSV = "sku,warehouse,confirmed_qty,version\nPAN-1,burnaby,7,0\n"

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def relations(**targets):
    links = "".join(
        f'<Relationship Id="r{number}" Type="{DOCUMENT}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def a_book(path, rows="", *, texts="", sheet=None, **parts):
    """A workbook from its XML, so that it can hold what no spreadsheet program writes."""
    content = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": relations(officeDocument="xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": relations(
            worksheet="worksheets/sheet1.xml", sharedStrings="/xl/sharedStrings.xml", styles="styles.xml"
        ),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><sheets>'
        '<sheet name="Orders" sheetId="1" r:id="r0"/></sheets></workbook>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"/>',
        "xl/worksheets/sheet1.xml": sheet or f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in (content | parts).items():
            if text is not None:
                archive.writestr(part, text)
    return path


def the_rows(path):
    return list(Sheet(path, "Orders"))


def rows_of(folder, *arguments, **options):
    return the_rows(a_book(folder / "orders.xlsx", *arguments, **options))


def inline(reference, text):
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def header(numbers=(1, 2, 3, 4)):
    return (
        f'<row r="1">{"".join(inline(f"{chr(64 + n)}1", name) for n, name in zip(numbers, HEADER, strict=True))}</row>'
    )


@pytest.fixture
def line(db):
    sku = a_sku("PAN-1")
    fields = {"month": MONTH, "sku": sku, "warehouse": a_warehouse(), "supplier": a_supplier()}
    return OrderConfirmation.objects.create(suggested_qty=4, **fields)


@pytest.fixture
def buyer(client, db, settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path / "uploads"
    user = User.objects.create_user("buyer")
    user.groups.add(Group.objects.get(name="buyer"))
    client.force_login(user)
    return client


def answer(client, content, name="orders.xlsx"):
    """What the person reads, which is never an error page."""
    response = client.post(PAGE, {"file": SimpleUploadedFile(name, content)})
    if response.status_code == 200:
        return response.content.decode()
    assert (response.status_code, response.url) == (302, PAGE)
    return client.get(PAGE).content.decode()


# Cells of a sheet


def test_each_kind_of_cell_is_read_as_text(tmp_path):
    texts = (
        "<si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r><rPh><t>TSU</t></rPh></si>"
        "<si><t>a_x000D_b_x005F_</t></si>"
    )
    cells = (
        '<c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c>'
        '<c r="D1" t="b"><v>1</v></c><c r="E1" t="e"><v>#N/A</v></c><c r="F1"><v>1e308</v></c>'
        '<c r="G1" t="str"><f>A1</f><v>result</v></c><c r="H1" t="str"><f>A1</f><v></v></c><c r="I1"><f>A1</f></c>'
        f'<c r="J1"/>{inline("AA1", "a &lt; b")}<c r="XFD1"><v>12</v></c>'
    )
    assert rows_of(tmp_path, f'<row r="1">{cells}</row>', texts=texts) == [
        (
            1,
            {
                1: "one",
                2: "two",
                3: "a\rb_",
                4: "TRUE",
                5: "#N/A",
                6: "1e308",
                7: "result",
                9: "a formula without a result",
                27: "a < b",
                16_384: "12",
            },
        )
    ]


def test_places_may_be_left_out_and_names_may_have_a_prefix(tmp_path):
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>'
        "<x:row><x:c><x:v>1</x:v></x:c><x:c/><x:c><x:v>3</x:v></x:c></x:row>"
        '<x:row r="7"><x:c r="B7"><x:v>4</x:v></x:c><x:c><x:v>5</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    assert rows_of(tmp_path, sheet=sheet) == [(1, {1: "1", 3: "3"}), (7, {2: "4", 3: "5"})]


@pytest.mark.parametrize(
    ("style", "text"),
    [
        *((style, "46054") for style in ("General", "#,##0", '0 "days"', "[Red]0.00")),
        *((style, "2026-02-01") for style in ("yyyy-mm-dd", "d. mmm", "m/d/yy", "[h]:mm")),
    ],
)
def test_a_number_that_is_shown_as_a_date_is_a_date(tmp_path, style, text):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as book:
        sheet = book.add_worksheet("Orders")
        sheet.write_number(0, 0, 46054, book.add_format({"num_format": style}))
        sheet.write_number(0, 1, 46054.75, book.add_format({"num_format": style}))
    ((_number, cells),) = the_rows(tmp_path / "orders.xlsx")
    assert cells[1] == text
    assert cells[2] in ("46054.75", "2026-02-01 18:00")


def test_a_row_that_is_cut_by_a_block_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("core.xlsx.markup.BLOCK", 7)
    cells = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="s"><v>0</v></c></row>' for n in (1, 2, 3))
    assert rows_of(tmp_path, cells, texts="<si><t>text</t></si>") == [(n, {1: str(n), 2: "text"}) for n in (1, 2, 3)]


def test_other_programs_write_sheets_that_are_read_alike(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Orders"
    book.active.append(["PAN-1", 12, 1.5, None, True])
    book.save(tmp_path / "one.xlsx")
    with xlsxwriter.Workbook(tmp_path / "two.xlsx") as other:
        other.add_worksheet("first")
        other.add_worksheet("Orders").write_row(0, 0, ["PAN-1", 12, 1.5, None, True])
    expected = [(1, {1: "PAN-1", 2: "12", 3: "1.5", 5: "TRUE"})]
    assert the_rows(tmp_path / "one.xlsx") == the_rows(tmp_path / "two.xlsx") == expected


# Sheets that no program writes


@pytest.mark.parametrize(
    "options",
    [
        {"rows": '<row r="1"><c r="A1" t="s"><v>7</v></c></row>'},
        {"rows": '<row r="1"><c r="A1" t="s"><v>x</v></c></row>'},
        {"rows": '<row r="x"></row>'},
        {"rows": '<row r="0"></row>'},
        {"rows": '<row r="1048577"></row>'},
        {"rows": f'<row r="{"9" * 5000}"></row>'},
        {"rows": '<row r="1"><c r="XFE1"><v>1</v></c></row>'},
        {"rows": '<row r="1"><c r="é1"><v>1</v></c></row>'},
        {"rows": "<row>"},
        {"rows": "<c><v>1</v></c>"},
        {"sheet": "no markup"},
        {"sheet": '<?xml version="1.0" encoding="utf-7"?><worksheet/>'},
        {"sheet": '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'},
        {"sheet": '<!DOCTYPE w SYSTEM "file:///etc/passwd"><worksheet/>'},
        {"xl/workbook.xml": "<workbook><sheets><sheet/></sheets></workbook>"},
        {"xl/workbook.xml": '<workbook><sheets><sheet name="Orders"/></sheets></workbook>'},
        {"xl/workbook.xml": None},
        {"xl/styles.xml": "<numFmt/>"},
        {"xl/sharedStrings.xml": None},
        {"xl/worksheets/sheet1.xml": None},
        {"_rels/.rels": None},
        {"_rels/.rels": relations(officeDocument="../../../etc/passwd")},
    ],
)
def test_a_sheet_that_makes_no_sense_is_damaged(tmp_path, options):
    with pytest.raises(FileRefused, match=r"^orders\.xlsx is damaged\. Open it in a spreadsheet program and save it"):
        rows_of(tmp_path, **options)


def test_a_tag_that_never_ends_is_given_up(tmp_path):
    with pytest.raises(FileRefused, match="is damaged") as refused:
        rows_of(tmp_path, sheet=f'<worksheet a="{"x" * 60 * MEGABYTE}"/>')
    assert str(refused.value.__cause__) == "A tag is too long"


def test_parts_that_are_kept_whole_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("core.xlsx.workbook.TEXTS_LIMIT", 100)
    with pytest.raises(FileRefused) as refused:
        rows_of(tmp_path, texts="<si><t>a</t></si>" * 10)
    assert str(refused.value.__cause__) == "There are too many texts"
    monkeypatch.setattr("core.xlsx.markup.LARGEST_LIST", 100)
    with pytest.raises(FileRefused) as refused:
        rows_of(tmp_path)
    assert str(refused.value.__cause__) == "A part is too large"


def test_little_files_need_little_memory_whatever_they_hold(tmp_path):
    """A cell in each corner, and 50,000 cells that share one long text: others make 400 GB and 1.6 GB of them."""
    corners = f'{header()}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 50_001))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(rows_of(tmp_path, corners)) == 2
    for _number, found in Sheet(
        a_book(tmp_path / "x.xlsx", cells, texts=f"<si><t>{'x' * MEGABYTE}</t></si>"), "Orders"
    ):
        assert len(found[1]) == 32_767
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # kilobytes


# What the person reads


def test_10_megabytes_in_a_cell_are_one_refused_row(buyer, line, tmp_path):
    noise = random.Random(1).randbytes(5 * MEGABYTE).hex()
    row = f'<row r="2">{inline("A2", "PAN-1")}{inline("B2", "burnaby")}{inline("C2", noise)}</row>'
    page = answer(buyer, a_book(tmp_path / "orders.xlsx", header() + row).read_bytes())
    assert "Nothing would change." in page
    assert "not a whole number" in page
    assert len(page) < 20_000


def test_a_sheet_with_1000_columns_is_read_where_it_counts(buyer, line, tmp_path):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as book:
        sheet = book.add_worksheet("Orders")
        sheet.write_row(0, 0, [*HEADER, *(f"mine {number}" for number in range(1_000))])
        sheet.write_row(1, 0, ["PAN-1", "burnaby", 7, 0, *range(1_000)])
    assert "1 line will change." in answer(buyer, (tmp_path / "orders.xlsx").read_bytes())


@pytest.mark.parametrize(
    ("number", "reason"), [("1e308", "too large"), ("NaN", "not a whole number"), ("1e999", "too large")]
)
def test_numbers_beyond_all_bounds_are_refused(buyer, line, tmp_path, number, reason):
    row = f'<row r="2">{inline("A2", "PAN-1")}{inline("B2", "burnaby")}<c r="C2"><v>{number}</v></c></row>'
    assert f"<td>{reason}</td>" in answer(buyer, a_book(tmp_path / "orders.xlsx", header() + row).read_bytes())


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("orders.xlsx", b"", "The submitted file is empty|not an Excel workbook|No file was chosen"),
        ("orders.xlsx", b"just text", "orders.xlsx is not an Excel workbook, though its name says so."),
        ("orders.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "orders.xlsx has a password or the old .xls format."),
        ("orders.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "orders.xls is not an XLSX file. Save it as"),
        ("orders.pdf", b"%PDF-1.7", "orders.pdf is not an XLSX file."),
        ("orders", b"sku", "orders is not an XLSX file."),
        ("orders.csv", b"PK\x03\x04rest", "orders.csv is an Excel or zip file with the name of a CSV file."),
        ("orders.csv", b"\x7fELF\0\0", "orders.csv is a binary file and no text."),
        ("orders.csv", b"\n\n", "orders.csv is empty."),
        ("orders.csv", b"sku;warehouse;confirmed_qty;version\n", "in its first line, separated by commas."),
        ("orders.csv", b"sku,warehouse,confirmed_qty\n", "does not name the columns sku, warehouse, confirmed_qty,"),
        ("orders.csv", b"sku,SKU,warehouse,confirmed_qty,version\n", "orders.csv has two columns sku."),
        ("orders.csv", b"\xff\xfe\xff", "orders.csv is not a text file in UTF-8."),
        ("orders.csv", "sku,warehouse,größe\n".encode("latin-1"), "orders.csv is not a text file in UTF-8."),
        ("..csv", CSV.encode(), "1 line will change."),
        (f"{'ü' * 200}.csv", CSV.encode(), "1 line will change."),
        ("ORDERS.CSV", CSV.encode("utf-16"), "1 line will change."),
        ("orders.csv", CSV.encode("utf-8-sig"), "1 line will change."),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_answered_with_a_sentence(buyer, line, name, content, sentence):
    assert re.search(sentence, answer(buyer, content, name))


def test_a_csv_in_another_encoding_is_refused_row_by_row(buyer, line):
    content = CSV.encode() + "GRÖSSE,burnaby,1,0\n".encode("latin-1") + b"PAN-2,burnaby\n" + b'"open,burnaby,1,0\n'
    page = answer(buyer, content, "orders.csv")
    assert "1 line will change." in page
    for reason in (
        "is not UTF-8 text; save the file as CSV (UTF-8)",
        "in their number of cells: 2 and 4",
        "The row cannot be read: ",
    ):
        assert reason in page


def test_a_zip_bomb_is_refused(buyer, tmp_path):
    bomb = a_book(tmp_path / "orders.xlsx", sheet="0" * 40 * MEGABYTE)
    assert "unpacks to far more than a workbook of its size holds" in answer(buyer, bomb.read_bytes())


def test_macros_are_refused(buyer, tmp_path):
    book = a_book(tmp_path / "orders.xlsx", **{"xl/vbaProject.bin": "Sub Auto_Open()"})
    assert "orders.xlsx holds macros." in answer(buyer, book.read_bytes())


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.csv"])
def test_100_megabytes_are_refused_unread(buyer, name):
    assert f"{name} is larger than 50 MB." in answer(buyer, b"0" * 100 * MEGABYTE, name)


def test_what_is_above_the_limit_of_uploads_is_never_kept(buyer, settings, monkeypatch):
    settings.UPLOAD_LIMIT_MB = 1
    assert "The files are larger than 1 MB together." in answer(buyer, b"0" * 3 * MEGABYTE)


def test_a_workbook_without_the_sheet_or_the_columns_is_refused(buyer, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    assert "orders.xlsx has no sheet Orders. Upload an export that you edited." in answer(buyer, saved(book))
    book.active.title = "Orders"
    book.active.delete_cols(4)
    assert "no row that names the columns sku, warehouse, confirmed_qty, version" in answer(buyer, saved(book))
    book.active.delete_rows(1)
    for number in range(100):
        book.active.append([number])
    assert "no row that names the columns" in answer(buyer, saved(book))


def saved(book):
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_more_rows_than_a_sheet_can_have_are_refused(buyer, line, monkeypatch):
    monkeypatch.setattr(rows, "ROWS_LIMIT", 2)
    monkeypatch.setattr(rows, "ROWS_A_FRAME", 2)
    assert "1 line will change." in answer(buyer, CSV.encode() + b"X,uk,1,0\n", "orders.csv")
    assert "orders.csv has more than 2 rows." in answer(buyer, CSV.encode() + b"X,uk,1,0\n" * 2, "orders.csv")


def test_a_disk_that_is_full_is_told(buyer, line, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    assert "The file cannot be stored: No space left on device." in answer(buyer, CSV.encode(), "orders.csv")


def test_an_ending_that_no_disk_takes_is_refused_as_any_other(buyer):
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="orders.%s"\r\n\r\nsku\r\n--x--\r\n'
    response = buyer.post(PAGE, part % (b"x" * 300), content_type="multipart/form-data; boundary=x", follow=True)
    assert "orders.xxx" in response.content.decode()
    assert ".xlsx or .csv" in response.content.decode()


def test_nothing_is_left_on_the_disk(buyer, line, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    answer(buyer, CSV.encode(), "orders.csv")
    answer(buyer, b"junk", "orders.xlsx")
    assert [*(tmp_path / "scratch").glob("reimport-*")] == []
