"""An export that somebody edits and uploads: what it changes, what is refused and why, and how it is taken back."""

import csv
import datetime as dt
import io
import os
import time
from pathlib import Path

import openpyxl
import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ordering.models import BulkEdit, LineChange, OrderConfirmation, Sku
from ordering.services.edit_order_line import edit_order_line
from ordering.services.export_orders import export_lines
from ordering.services.read_edited_export import read_edited_export
from ordering.services.reimport import match
from ordering.views import bulk as bulk_views
from suppliers.access import scope_of
from suppliers.models import Restriction
from tests.builders import MONTH, a_sku, a_supplier, a_warehouse

pytestmark = pytest.mark.django_db

PAGE = "/months/2026-12/reimport/"
UNDO = "/bulk/{}/undo/"


@pytest.fixture(autouse=True)
def _own_uploads(settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path / "uploads"


@pytest.fixture
def lines():
    a_line("PAN-1")
    a_line("PAN-2", confirmed_qty=20, suggested_when_confirmed=4)
    a_line("CUP-1", supplier=a_supplier("OTHER"))


@pytest.fixture
def buyer(client):
    client.force_login(a_user("buyer"))
    return client


def a_user(role):
    user, _ = User.objects.get_or_create(username=role)
    user.groups.add(Group.objects.get(name=role))
    return user


def a_line(code, **fields):
    sku = a_sku(code, supplier=fields.pop("supplier", None) or a_supplier())
    defaults = {
        "month": MONTH,
        "sku": sku,
        "warehouse": a_warehouse(),
        "supplier": sku.supplier,
        "urgency": "must_order",
        "suggested_qty": 4,
        "unit_cost": "2.50",
        "currency": "USD",
    }
    return OrderConfirmation.objects.create(**defaults | fields)


def the(code):
    return OrderConfirmation.objects.get(sku__sku=code, month=MONTH)


def quantities():
    return dict(OrderConfirmation.objects.order_by("sku__sku").values_list("sku__sku", "confirmed_qty"))


def exported(folder, ending="xlsx"):
    path = folder / f"orders-2026-12.{ending}"
    export_lines(lines=OrderConfirmation.objects.for_month(MONTH), month=MONTH, output=path)
    return path


def edited(path, change, column="confirmed_qty"):
    """The workbook with other cells in a column, by SKU."""
    book = openpyxl.load_workbook(path)
    sheet = book["Orders"]
    places = {cell.value: cell.column for cell in sheet[1]}
    for row in sheet.iter_rows(min_row=2):
        if row[0].value in change:
            sheet.cell(row[0].row, places[column]).value = change[row[0].value]
    book.save(path)
    return path


def edited_csv(path, change, column="confirmed_qty"):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row[column] = change.get(row["sku"], row[column])
    return a_csv(path, rows)


def a_csv(path, rows, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def a_row(code="PAN-1", quantity="7", **cells):
    return {"sku": code, "warehouse": "burnaby", "confirmed_qty": quantity, "version": "0"} | cells


def read(path, user=None):
    file = SimpleUploadedFile(path.name, path.read_bytes())
    return read_edited_export(file=file, month=MONTH, user=user or a_user("buyer"))


def read_csv(folder, *rows, user=None):
    return read(a_csv(folder / "orders.csv", rows), user)


def wanted(found):
    return {line["sku"]: line["new_qty"] for line in found.changed.to_dicts()}


def reasons(found):
    return [(row["sku"], row["reason"]) for row in found.refused.to_dicts()]


def upload(client, path, **options):
    with Path(path).open("rb") as file:
        return client.post(PAGE, {"file": file}, **options)


def apply(client, preview, **options):
    return client.post(f"{PAGE}{preview.context['token']}/", **options)


# There and back


def test_an_export_comes_back_edited_with_history_and_is_undone(buyer, lines, tmp_path):
    path = edited(exported(tmp_path), {"PAN-1": 12, "PAN-2": None, "CUP-1": 0})
    preview = upload(buyer, edited(path, {"CUP-1": "ask Ann"}, "notes"))

    assert "3 lines will change. Nothing has been changed yet." in preview.content.decode()
    assert quantities() == {"PAN-1": None, "PAN-2": 20, "CUP-1": None}
    answer = apply(buyer, preview)

    assert (answer.status_code, answer.url) == (302, "/months/2026-12/lines/")
    assert quantities() == {"PAN-1": 12, "PAN-2": None, "CUP-1": 0}
    assert the("CUP-1").notes == "ask Ann"
    (bulk,) = BulkEdit.objects.all()
    changes = LineChange.objects.order_by("field", "line__sku__sku").values_list("field", "old", "new", "bulk_id")
    assert list(changes) == [
        ("confirmed_qty", "", "0", bulk.pk),
        ("confirmed_qty", "", "12", bulk.pk),
        ("confirmed_qty", "20", "", bulk.pk),
        ("notes", "", "ask Ann", bulk.pk),
    ]

    buyer.post(UNDO.format(bulk.pk))

    assert quantities() == {"PAN-1": None, "PAN-2": 20, "CUP-1": None}
    assert the("CUP-1").notes == ""


def test_a_csv_comes_back_too(buyer, lines, tmp_path):
    path = edited_csv(exported(tmp_path, "csv"), {"PAN-1": " 1,200 ", "PAN-2": ""})

    apply(buyer, upload(buyer, path))

    assert quantities() == {"PAN-1": 1200, "PAN-2": None, "CUP-1": None}


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_an_export_that_nobody_edited_changes_nothing(buyer, lines, tmp_path, ending):
    page = upload(buyer, exported(tmp_path, ending))

    assert "Nothing would change." in page.content.decode()
    assert page.context["unchanged"] == 3
    assert page.context["refused"] == 0
    assert b'<button class="btn btn-primary"' not in page.content


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_text_that_the_export_made_safe_comes_back_as_it_was(buyer, tmp_path, ending):
    notes = [
        "=SUM(A1)", "+1", "-1", "@x", "\t=x", "'=x", "'quoted'", ' "a" , b\r\nnext line ', "Größe 5 日本",
        "<r><t>no markup</r>", "007", "_x000D_", "a\x07b", "TRUE", "1,200", "x" * 2_000,
    ]  # fmt: skip
    for number, note in enumerate(notes):
        a_line(f"=A-{number}", notes=note)
    path = exported(tmp_path, ending)
    assert upload(buyer, path).context["unchanged"] == len(notes)

    change = {f"'=A-{number}": number for number in range(len(notes))}
    apply(buyer, upload(buyer, (edited if ending == "xlsx" else edited_csv)(path, change)))

    assert quantities() == {f"=A-{number}": number for number in range(len(notes))}
    assert [the(f"=A-{number}").notes for number in range(len(notes))] == notes


def test_a_sku_that_begins_with_an_apostrophe_is_itself(tmp_path):
    a_line("'=A-1")
    a_line("=A-2")

    found = read_csv(tmp_path, a_row("'=A-1"), a_row("'=A-2"), a_row("'PAN"))

    assert wanted(found) == {"'=A-1": 7, "'=A-2": 7}
    assert reasons(found) == [("'PAN", "unknown line")]


def test_a_row_that_could_be_two_skus_is_neither(tmp_path):
    a_line("'=A-1")
    a_line("=A-1")

    assert reasons(read_csv(tmp_path, a_row("'=A-1"))) == [("'=A-1", "unknown line")]


def test_columns_and_rows_may_move_and_go(buyer, lines, tmp_path):
    path = edited(exported(tmp_path), {"PAN-1": 12, "PAN-2": 20, "CUP-1": 3})
    book = openpyxl.load_workbook(path)
    rows = list(book["Orders"].iter_rows(values_only=True))
    places = [rows[0].index(name) for name in ("version", "confirmed_qty", "warehouse", "on_hand", "sku")]
    book.remove(book["Orders"])
    sheet = book.create_sheet("Orders")
    sheet.append(["December, second round"])
    sheet.append([])
    for row in (row for row in [rows[0], *reversed(rows[1:])] if row[0] != "CUP-1"):
        sheet.append([None, *(row[place] for place in places)])
    book.save(path)

    apply(buyer, upload(buyer, path))

    assert quantities() == {"PAN-1": 12, "PAN-2": 20, "CUP-1": None}
    assert LineChange.objects.count() == 1


def test_codes_are_found_in_any_case(lines, tmp_path):
    assert wanted(read_csv(tmp_path, a_row(" pan-1 ", warehouse="BURNABY"))) == {"pan-1": 7}


def test_the_headings_of_a_sheet_that_was_saved_as_csv_are_no_lines(lines, tmp_path):
    headings = [a_row("ACME", "", warehouse=text, version="") for text in ("2 lines", "1 line", "1,200 lines", "2")]

    found = read_csv(tmp_path, *headings, a_row(), a_row("", "", warehouse=""))

    assert (wanted(found), found.refused.height, found.unchanged) == ({"PAN-1": 7}, 0, 0)


# What is in a cell


@pytest.mark.parametrize(
    ("cell", "quantity"),
    [
        (12, 12),
        (12.0, 12),
        ("12", 12),
        ("12.0", 12),
        (" 1,200 ", 1_200),
        ("1,234,567.00", 1_234_567),
        ("1e3", 1_000),
        (0, 0),
        ("0", 0),
        ("+5", 5),
        (2_147_483_647, 2_147_483_647),
    ],
)
def test_a_whole_number_is_taken_however_it_is_written(lines, tmp_path, cell, quantity):
    assert wanted(read(edited(exported(tmp_path), {"PAN-1": cell}))) == {"PAN-1": quantity}
    assert wanted(read(edited_csv(exported(tmp_path, "csv"), {"PAN-1": cell}))) == {"PAN-1": quantity}


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.5", "not a whole number"),
        (1.5, "not a whole number"),
        ("many", "not a whole number"),
        ("1,20", "not a whole number"),
        ("1.200,00", "not a whole number"),
        ("NaN", "not a whole number"),
        ("inf", "not a whole number"),
        ("１２", "not a whole number"),
        ("0x10", "not a whole number"),
        (-1, "negative"),
        ("-1,200", "negative"),
        (2_147_483_648, "too large"),
        (1e308, "too large"),
        ("1e999", "too large"),
        ("9" * 400, "too large"),
    ],
)
def test_what_is_no_quantity_is_refused_with_its_row_and_reason(lines, tmp_path, cell, reason):
    (row,) = read(edited(exported(tmp_path), {"PAN-1": cell})).refused.to_dicts()
    assert (row["row"], row["sku"], row["warehouse"], row["reason"]) == (3, "PAN-1", "burnaby", reason)

    (row,) = read(edited_csv(exported(tmp_path, "csv"), {"PAN-1": cell})).refused.to_dicts()
    assert (row["row"], row["value"], row["reason"]) == (2, str(cell), reason)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("#N/A", "#N/A"), ("=1+1", "a formula without a result"), (True, "TRUE"), (dt.date(2026, 2, 1), "2026-02-01")],
)
def test_a_cell_that_is_no_number_never_takes_a_confirmation_back(lines, tmp_path, cell, value):
    found = read(edited(exported(tmp_path), {"PAN-2": cell}))

    assert wanted(found) == {}
    assert [(row["value"], row["reason"]) for row in found.refused.to_dicts()] == [(value, "not a whole number")]


def test_an_empty_quantity_takes_back_what_there_is(lines, tmp_path):
    found = read_csv(tmp_path, a_row("PAN-1", ""), a_row("PAN-2", "  "))

    assert (wanted(found), found.unchanged) == ({"PAN-2": None}, 1)


def test_a_note_is_cut_at_no_length_but_refused(lines, tmp_path):
    found = read_csv(tmp_path, a_row(notes="x" * 2_000), a_row("CUP-1", notes="x" * 2_001))

    assert list(wanted(found)) == ["PAN-1"]
    assert reasons(found) == [("CUP-1", "a note of more than 2,000 characters")]


def test_a_note_alone_can_change_and_be_removed(buyer, tmp_path):
    a_line("PAN-1", notes="old", confirmed_qty=5)
    a_line("PAN-2", notes="old")
    path = a_csv(tmp_path / "orders.csv", [a_row(quantity="5", notes="'=new"), a_row("PAN-2", "", notes="")])

    apply(buyer, upload(buyer, path))

    assert [the(code).notes for code in ("PAN-1", "PAN-2")] == ["=new", ""]
    assert (the("PAN-1").confirmed_qty, the("PAN-1").confirmed_by) == (5, None)  # nobody decided on it again


# Which lines


def test_a_line_that_is_not_there_is_unknown(lines, tmp_path):
    a_sku("NO-LINE")
    a_line("NEXT", month=dt.date(2027, 1, 1))
    rows = [a_row("NEXT"), a_row("NO-LINE"), a_row("NOBODY"), a_row(warehouse="uk"), a_row(""), a_row("x" * 9_000)]

    found = read_csv(tmp_path, *rows)

    assert [reason for _sku, reason in reasons(found)] == ["unknown line"] * 6


def test_a_line_that_stands_twice_is_refused_each_time(lines, tmp_path):
    found = read_csv(tmp_path, a_row(), a_row("pan-1", "8"), a_row("PAN-2"))

    assert reasons(found) == [("PAN-1", "stands twice in the file"), ("pan-1", "stands twice in the file")]
    assert wanted(found) == {"PAN-2": 7}


@pytest.mark.parametrize("version", ["", "new", "0.5"])
def test_without_the_version_a_change_is_refused(lines, tmp_path, version):
    found = read_csv(tmp_path, a_row(version=version), a_row("PAN-2", "20", version=version))

    assert reasons(found) == [("PAN-1", "missing version")]
    assert found.unchanged == 1


def test_a_locked_line_stays_and_is_told_only_where_the_row_differs(lines, tmp_path):
    OrderConfirmation.objects.update(locked=True)

    found = read_csv(tmp_path, a_row("PAN-1"), a_row("PAN-2", "20"))

    assert (reasons(found), found.unchanged) == ([("PAN-1", "locked")], 1)


def test_a_line_that_somebody_changed_since_is_left_alone(buyer, lines, tmp_path):
    path = edited(exported(tmp_path), {"PAN-1": 12, "CUP-1": 5})
    edit_order_line(line=the("PAN-1"), user=a_user("manager"), confirmed_qty=50)

    preview = upload(buyer, path)
    apply(buyer, preview)

    assert [row["reason"] for row in preview.context["refusals"]] == ["changed by somebody else since the export"]
    assert quantities() == {"PAN-1": 50, "PAN-2": 20, "CUP-1": 5}


def test_what_others_changed_and_the_file_did_not_is_no_conflict(lines, tmp_path):
    path = edited(exported(tmp_path), {"CUP-1": 5})
    for quantity in (50, 60, None, 70):
        edit_order_line(line=the("PAN-1"), user=a_user("manager"), confirmed_qty=quantity)
    edit_order_line(line=the("PAN-2"), user=a_user("manager"), notes="call first")
    edit_order_line(line=the("PAN-2"), user=a_user("manager"), notes="called")

    found = read(path)

    assert (wanted(found), found.unchanged, found.refused.height) == ({"CUP-1": 5}, 2, 0)


def test_a_line_changed_between_preview_and_apply_is_left_alone(buyer, lines, tmp_path):
    preview = upload(buyer, edited(exported(tmp_path), {"PAN-1": 12, "CUP-1": 5}))
    edit_order_line(line=the("PAN-1"), user=a_user("manager"), confirmed_qty=50)

    apply(buyer, preview)

    assert BulkEdit.objects.get().left_out["counts"] == {"changed by somebody meanwhile": 1}
    assert quantities() == {"PAN-1": 50, "PAN-2": 20, "CUP-1": 5}


def test_the_lines_of_others_are_unknown_to_a_limited_user(lines, tmp_path):
    user = a_user("buyer")
    Restriction.objects.create(user=user, supplier=a_supplier("OTHER"))

    found = read_csv(tmp_path, a_row("PAN-1"), a_row("CUP-1"), user=user)

    assert (wanted(found), reasons(found)) == ({"CUP-1": 7}, [("PAN-1", "unknown line")])


def test_a_limit_that_comes_after_the_preview_holds(buyer, lines, tmp_path):
    preview = upload(buyer, edited(exported(tmp_path), {"PAN-1": 12, "CUP-1": 5}))
    Restriction.objects.create(user=a_user("buyer"), supplier=a_supplier("OTHER"))

    apply(buyer, preview)

    assert quantities() == {"PAN-1": None, "PAN-2": 20, "CUP-1": 5}


# The pages


def test_a_viewer_may_do_none_of_it(client, lines, tmp_path):
    client.force_login(a_user("viewer"))
    token = "00000000-0000-4000-8000-000000000000"

    answers = [client.get(PAGE), upload(client, exported(tmp_path)), client.post(f"{PAGE}{token}/")]
    answers.append(client.get(f"{PAGE}{token}/refused/"))

    assert [answer.status_code for answer in answers] == [403] * 4


def test_an_upload_without_a_token_of_the_site_is_refused(lines, tmp_path, client):
    client.handler.enforce_csrf_checks = True
    client.force_login(a_user("buyer"))

    assert upload(client, exported(tmp_path)).status_code == 403


def test_the_form_says_what_to_do(buyer):
    page = buyer.get(PAGE).content.decode()
    assert "Upload an edited export" in page
    assert 'type="file"' in page
    assert "No file was chosen." in buyer.post(PAGE, follow=True).content.decode()


def test_the_preview_shows_200_rows_of_each_and_a_file_has_all_that_were_refused(buyer, lines, tmp_path):
    many_lines(201)
    rows = [a_row(f"M-{number:05}") for number in range(201)] + [a_row(f"=X-{number}", "-1") for number in range(201)]

    page = upload(buyer, a_csv(tmp_path / "orders.csv", rows))
    refused = buyer.get(f"{PAGE}{page.context['token']}/refused/")

    assert (page.context["changed"], len(page.context["changes"])) == (201, 200)
    assert (page.context["refused"], len(page.context["refusals"])) == (201, 200)
    assert "The first 200 of 201." in page.content.decode()
    kept = list(csv.reader(io.StringIO(b"".join(refused.streaming_content).decode())))
    assert kept[:2] == [
        ["row", "sku", "warehouse", "value", "reason"],
        ["203", "'=X-0", "burnaby", "'-1", "unknown line"],
    ]
    assert len(kept) == 202


def test_the_value_of_the_change_is_told_in_its_currency(buyer, lines, tmp_path):
    page = upload(buyer, a_csv(tmp_path / "orders.csv", [a_row(quantity="100")]))
    assert page.context["effect"] == [("USD", 10.0, 250.0)]


def test_text_of_the_file_is_never_markup(buyer, lines, tmp_path):
    markup = "<script>alert(1)</script>"
    rows = [a_row(notes=markup), a_row(markup, markup)]
    assert markup.encode() not in upload(buyer, a_csv(tmp_path / f"{markup[1:8]}.csv", rows)).content


def test_a_file_of_another_month_is_pointed_out(buyer, lines, tmp_path):
    path = exported(tmp_path)
    assert b"The name of the file says" not in upload(buyer, path).content
    renamed = path.rename(tmp_path / "orders-2026-11 (2).xlsx")
    assert b"The name of the file says 2026-11." in upload(buyer, renamed).content


def test_a_preview_is_applied_once(buyer, lines, tmp_path):
    preview = upload(buyer, edited(exported(tmp_path), {"PAN-1": 12}))
    apply(buyer, preview)

    page = apply(buyer, preview, follow=True)

    assert "This upload was applied already, or is older than a day." in page.content.decode()
    assert BulkEdit.objects.count() == 1
    assert list((tmp_path / "uploads" / "reimports").iterdir()) == []


def test_a_preview_belongs_to_its_person_and_month(buyer, lines, tmp_path):
    preview = upload(buyer, edited(exported(tmp_path), {"PAN-1": 12}))
    token = preview.context["token"]
    buyer.post(f"/months/2027-01/reimport/{token}/")
    buyer.force_login(a_user("manager"))
    apply(buyer, preview)

    assert buyer.get(f"{PAGE}{token}/refused/").status_code == 404
    assert quantities()["PAN-1"] is None
    buyer.force_login(a_user("buyer"))
    apply(buyer, preview)
    assert quantities()["PAN-1"] == 12


def test_a_preview_is_kept_for_a_day_and_readable_by_nobody_else(buyer, lines, tmp_path):
    path = edited(exported(tmp_path), {"PAN-1": 12})
    old = upload(buyer, path)
    folder = tmp_path / "uploads" / "reimports"
    assert {oct(file.stat().st_mode & 0o777) for file in [*folder.iterdir()]} == {"0o600"}
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    yesterday = time.time() - 25 * 3600
    for file in folder.iterdir():
        os.utime(file, (yesterday, yesterday))

    apply(buyer, old)
    assert quantities()["PAN-1"] is None
    upload(buyer, path)
    assert len([*folder.iterdir()]) == 2


def test_a_preview_that_cannot_be_stored_is_told(buyer, lines, tmp_path):
    (tmp_path / "uploads").write_text("a file in the place of the folder")
    page = upload(buyer, exported(tmp_path), follow=True)
    assert "The preview cannot be stored: Not a directory." in page.content.decode()


def test_many_lines_are_left_to_a_worker(buyer, lines, tmp_path, monkeypatch):
    queued = []
    monkeypatch.setattr(bulk_views, "LINES_AT_ONCE", 1)
    monkeypatch.setattr(bulk_views, "enqueue", lambda job, pk: queued.append(pk))

    apply(buyer, upload(buyer, edited(exported(tmp_path), {"PAN-1": 12, "CUP-1": 5})))

    assert queued == [BulkEdit.objects.get().pk]
    assert quantities()["PAN-1"] is None


# Size


def many_lines(count):
    supplier, warehouse = a_supplier(), a_warehouse()
    Sku.objects.bulk_create(Sku(sku=f"M-{number:05}", supplier=supplier) for number in range(count))
    OrderConfirmation.objects.bulk_create(
        OrderConfirmation(month=MONTH, sku=sku, warehouse=warehouse, supplier=supplier, suggested_qty=4)
        for sku in Sku.objects.filter(sku__startswith="M-")
    )


def test_the_lines_of_a_block_cost_no_statement_each(tmp_path):
    many_lines(3_000)
    OrderConfirmation.objects.update(version=1)
    user = a_user("buyer")
    scope_of(user)  # asked once

    def statements(lines):
        rows = [a_row(f"M-{number:05}") for number in range(lines)]
        with CaptureQueriesContext(connection) as queries:
            found = read_csv(tmp_path, *rows, user=user)
        assert reasons(found) == [(row["sku"], "changed by somebody else since the export") for row in rows]
        return len(queries)

    one, three = statements(10), statements(3_000)

    assert statements(match.IDS_A_QUERY) == one <= 4
    assert three - one == 3 * 3  # SKUs, lines and history, for each block after the first


def test_3_000_lines_are_changed_and_undone_as_one_action(buyer, tmp_path):
    many_lines(3_000)
    path = a_csv(tmp_path / "orders.csv", [a_row(f"M-{number:05}", str(number)) for number in range(3_000)])

    apply(buyer, upload(buyer, path))

    (bulk,) = BulkEdit.objects.all()
    assert bulk.changed == 3_000
    assert quantities() == {f"M-{number:05}": number for number in range(3_000)}
    buyer.post(UNDO.format(bulk.pk))
    assert {*quantities().values()} == {None}
