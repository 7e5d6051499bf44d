import csv
import gzip
import io

import pytest

from core.errors import WorkbenchError
from core.tabular import CsvFile, FileRefused, Refusal, RefusalFile

TABLE = "code,name\nuk,United Kingdom\nexport,Export\n"
ROWS = [(2, ["uk", "United Kingdom"]), (3, ["export", "Export"])]


def file_of(folder, content, name="warehouses.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path, size=20_000):
    """Rows with their lines, and refusals, of all chunks."""
    with CsvFile(path) as source:
        chunks = list(source.chunks(size))
    rows = [pair for chunk in chunks for pair in zip(chunk.lines, chunk.rows, strict=True)]
    return rows, [refusal for chunk in chunks for refusal in chunk.refusals]


def refused_whole(path):
    with pytest.raises(FileRefused) as refused:
        CsvFile(path)
    return str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        TABLE.rstrip("\n").encode(),
        TABLE.replace("uk", '"uk"').encode(),
        TABLE.replace("code,name", ' code ,"name"').encode(),
    ],
    ids=["plain", "bom", "utf-16", "utf-16-be", "crlf", "cr", "no-last-newline", "quotes", "blanks-in-header"],
)
def test_a_table_is_read_whatever_its_encoding_and_line_ends(tmp_path, content):
    assert read(file_of(tmp_path, content)) == (ROWS, [])


def test_a_gzip_file_of_several_members_is_read_to_the_end(tmp_path):
    members = [gzip.compress(part.encode()) for part in TABLE.splitlines(keepends=True)]

    assert read(file_of(tmp_path, b"".join(members), "warehouses.csv.gz")) == (ROWS, [])


def test_commas_and_doubled_quotes_stay_inside_quotes(tmp_path):
    rows, refusals = read(file_of(tmp_path, 'code,name\nuk,"Kingdom, ""United"""\n'))

    assert rows == [(2, ["uk", 'Kingdom, "United"'])]
    assert refusals == []


def test_line_breaks_inside_quotes_keep_the_line_numbers_right(tmp_path):
    rows, refusals = read(file_of(tmp_path, 'code,name\nuk,"United\nKingdom\r\n"\nshort\nexport,Export\n'))

    assert rows == [(2, ["uk", "United\nKingdom\r\n"]), (6, ["export", "Export"])]
    assert [(refusal.line, refusal.value) for refusal in refusals] == [(5, "short")]


def test_lines_without_any_text_are_no_rows(tmp_path):
    assert read(file_of(tmp_path, 'code,name\n\n,\n  , \n"",""\n\t\nuk,UK\n\n')) == ([(7, ["uk", "UK"])], [])


@pytest.mark.parametrize(("line", "cells"), [("uk", 1), ("uk,UK,", 3), ("uk;UK", 1), ("," * 4_999 + "x", 5_000)])
def test_a_row_of_another_width_is_refused(tmp_path, line, cells):
    rows, [refusal] = read(file_of(tmp_path, f"code,name\n{line}\nexport,Export\n"))

    assert rows == [(3, ["export", "Export"])]
    assert refusal == Refusal(
        "warehouses.csv", 2, "", line[:200], f"The row and the header differ in their number of cells: {cells} and 2"
    )


@pytest.mark.parametrize(
    "bad", [b"D\xfcsseldorf", b"D\0sseldorf", b"\xed\xa0\x80"], ids=["latin-1", "nul", "surrogate"]
)
def test_bytes_that_are_no_text_refuse_their_row_and_name_the_column(tmp_path, bad):
    rows, [refusal] = read(file_of(tmp_path, b"code,name\nde," + bad + b"\nuk,UK\n"))

    assert rows == [(3, ["uk", "UK"])]
    assert (refusal.line, refusal.column) == (2, "name")
    assert refusal.reason == "is not UTF-8 text; save the file as CSV (UTF-8)"


def test_a_cell_of_200_kilobytes_refuses_its_row_only(tmp_path):
    rows, [refusal] = read(file_of(tmp_path, f"code,name\nbig,{'x' * 200_000}\nuk,UK\n"))

    assert rows == [(3, ["uk", "UK"])]
    assert (refusal.line, refusal.reason) == (2, "The row cannot be read: field larger than field limit (131072)")


def test_text_behind_a_closing_quote_refuses_the_row(tmp_path):
    rows, [refusal] = read(file_of(tmp_path, 'code,name\nuk,"UK" or GB\nexport,Export\n'))

    assert rows == [(3, ["export", "Export"])]
    assert (refusal.line, refusal.reason) == (2, "The row cannot be read: ',' expected after '\"'")


def test_a_quote_that_is_never_closed_swallows_no_row_in_silence(tmp_path):
    rows, [refusal] = read(file_of(tmp_path, 'code,name\nuk,UK\nexport,"Export\nus,US\n'))

    assert rows == [(2, ["uk", "UK"])]
    assert refusal.line == 3
    assert "lines 3 to 4 were not read, look for a quote that is not closed" in refusal.reason


def test_after_an_unclosed_quote_a_long_file_is_read_on(tmp_path):
    lines = [f"w{line},{'x' * 1_000}" for line in range(300)]
    rows, [refusal] = read(file_of(tmp_path, "\n".join(["code,name", 'uk,"UK', *lines])))

    assert refusal.line == 2
    assert 0 < rows[0][0] - 2 < 140
    assert [line for line, _ in rows] == list(range(rows[0][0], 303))


@pytest.mark.parametrize("lost", [1, 4, 8, 500])
def test_a_truncated_gzip_file_says_where_it_ends(tmp_path, lost):
    whole = gzip.compress(
        "\n".join(["code,name", *(f"w{line},{line * 7919 % 1_000}" for line in range(2_000))]).encode()
    )
    rows, refusals = read(file_of(tmp_path, whole[:-lost], "warehouses.csv.gz"))

    assert [line for line, _ in rows] == list(range(2, len(rows) + 2))
    assert [refusal.reason for refusal in refusals] == [
        "The file is damaged from here on; nothing after this line was read"
    ]
    assert refusals[0].line == len(rows) + 2


def test_a_gzip_file_with_flipped_bits_is_damaged_not_a_failure(tmp_path):
    content = bytearray(gzip.compress(("code,name\n" + "uk,UK\n" * 5_000).encode()))
    content[-6] ^= 0xFF  # the checksum

    _, refusals = read(file_of(tmp_path, bytes(content), "warehouses.csv.gz"))

    assert "damaged" in refusals[-1].reason


def test_half_a_utf_16_character_is_damage(tmp_path):
    rows, [refusal] = read(file_of(tmp_path, TABLE.encode("utf-16")[:-1]))

    assert rows == ROWS[:1]
    assert "damaged" in refusal.reason


@pytest.mark.parametrize("content", [b"", b"\n", b" , \n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_refused(tmp_path, content):
    reason = refused_whole(file_of(tmp_path, content))

    assert reason == "warehouses.csv is empty. It needs a first line with the column names."


def test_an_empty_gzip_file_is_refused(tmp_path):
    for content in (b"", gzip.compress(b"")):
        assert "is empty" in refused_whole(file_of(tmp_path, content, "warehouses.csv.gz"))


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\x03\x04\x14\0\x06\0",
        b"c\0o\0d\0e\0,\0n\0a\0m\0e\0\n\0",
        b"code,n\xe4me\n",
        "code,name\n".encode("utf-32"),
        gzip.compress(TABLE.encode()),
    ],
    ids=["png", "xlsx", "utf-16-without-bom", "latin-1", "utf-32", "gzip-without-gz"],
)
def test_a_file_whose_header_is_no_text_is_refused(tmp_path, content):
    reason = refused_whole(file_of(tmp_path, content))

    assert reason == "warehouses.csv is not a text file in UTF-8. Save it as CSV (UTF-8)."


def test_a_header_that_the_csv_format_does_not_allow_is_refused(tmp_path):
    assert "its first line cannot be read" in refused_whole(file_of(tmp_path, 'code,"na"me\n'))
    assert "its first line cannot be read" in refused_whole(file_of(tmp_path, "x" * 200_000))


@pytest.mark.parametrize("content", [TABLE.encode(), b"\x1f\x8b\x08", gzip.compress(b"x" * 100)[:12]])
def test_a_gz_that_is_not_a_whole_gzip_file_is_refused(tmp_path, content):
    reason = refused_whole(file_of(tmp_path, content, "warehouses.csv.gz"))

    assert reason == "warehouses.csv.gz cannot be read; it is damaged or not a gzip file."


def test_a_folder_or_a_missing_file_is_refused(tmp_path):
    (tmp_path / "skus.csv").mkdir()

    assert refused_whole(tmp_path / "skus.csv") == "skus.csv cannot be opened: Is a directory."
    assert refused_whole(tmp_path / "gone.csv") == "gone.csv cannot be opened: No such file or directory."


def test_chunks_hold_at_most_the_asked_number_of_rows_and_report_the_bytes_read(tmp_path):
    path = file_of(tmp_path, "code,name\n" + "".join(f"w{number},\n" for number in range(7)) + "bad\n")
    with CsvFile(path) as source:
        chunks = list(source.chunks(size=3))

    assert [(len(chunk.rows), len(chunk.refusals)) for chunk in chunks] == [(3, 0), (3, 0), (1, 1)]
    assert chunks[-1].bytes_read == source.size


def test_reading_holds_one_chunk_and_not_the_file(tmp_path):
    path = file_of(tmp_path, b"code,name\n" + b"w,x\n" * 500_000)
    with CsvFile(path) as source:
        chunk = next(source.chunks(size=10))

    assert chunk.bytes_read < 20_000


def refusals_to(path, *refusals):
    with RefusalFile(path) as file:
        file.add(refusals)
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""))) if path.exists() else None


def test_the_error_file_lists_each_refusal(tmp_path):
    refusal = Refusal("skus.csv", 7, "unit_cost", "a lot", "is not a number")

    assert refusals_to(tmp_path / "deep" / "errors.csv", refusal) == [
        ["file", "line", "column", "value", "reason"],
        ["skus.csv", "7", "unit_cost", "a lot", "is not a number"],
    ]


@pytest.mark.parametrize("value", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_runs_nothing_in_the_error_file(tmp_path, value):
    assert refusals_to(tmp_path / "errors.csv", Refusal("skus.csv", 2, "sku", value, "is bad"))[1][3] == f"'{value}"


def test_the_error_file_takes_text_that_is_no_text(tmp_path):
    assert refusals_to(tmp_path / "errors.csv", Refusal("skus.csv", 2, "sku", "D\udcfc", "is bad"))[1][3] == "D?"


def test_without_refusals_there_is_no_error_file_and_an_old_one_goes(tmp_path):
    path = tmp_path / "errors.csv"
    refusals_to(path, Refusal("skus.csv", 2, "sku", "x", "is bad"))

    assert refusals_to(path) is None


def test_the_error_file_never_overwrites_another_file(tmp_path):
    path = file_of(tmp_path, TABLE)

    with pytest.raises(WorkbenchError, match="is not an error file and stays as it is"):
        refusals_to(path)

    assert path.read_text() == TABLE


def test_an_error_file_that_cannot_be_written_is_said_at_once(tmp_path):
    with pytest.raises(WorkbenchError, match="cannot be written: Is a directory"):
        refusals_to(tmp_path)
