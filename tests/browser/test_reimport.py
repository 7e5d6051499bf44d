import openpyxl
import pytest

from tests.browser.test_overview import keep_screenshot

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough


@pytest.fixture(autouse=True)
def _own_uploads(monkeypatch, tmp_path):
    monkeypatch.setenv("UPLOADS_DIR", str(tmp_path / "uploads"))


@pytest.fixture
def must_order_page(site):
    site.scratch.call("generate_recommendations")

    def open_as(name, **options):
        page = site.open_as(name, **options)
        page.get_by_role("link", name="Must order").click()
        page.wait_for_url("**/lines/**")
        return page

    return open_as


def export(page, folder):
    with page.expect_download() as download:
        page.get_by_role("link", name="Export XLSX").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def edit(path, quantities):
    """The first lines with these quantities; the SKUs and warehouses that were changed."""
    book = openpyxl.load_workbook(path)
    header = [cell.value for cell in book["Orders"][1]]
    place = {name: header.index(name) for name in ("sku", "warehouse", "confirmed_qty", "urgency")}
    lines = [row for row in book["Orders"].iter_rows(min_row=2) if row[place["urgency"]].value][: len(quantities)]
    for row, quantity in zip(lines, quantities, strict=True):
        row[place["confirmed_qty"]].value = quantity
    book.save(path)
    return [(row[place["sku"]].value, row[place["warehouse"]].value) for row in lines]


def upload(page, path):
    page.get_by_label("Edited export").set_input_files(path)
    page.get_by_role("button", name="Look at it first").click()


def confirmed(page):
    """SKU, warehouse and quantity of each confirmed line of the list."""
    page.goto(page.url.partition("?")[0] + "?state=confirmed")
    rows = page.locator("table.lines tbody tr:has(input[name=confirmed_qty])")
    return {row.inner_text().split()[0]: row.locator("input[name=confirmed_qty]").input_value() for row in rows.all()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_buyer_edits_an_export_uploads_it_and_takes_it_back(site, must_order_page, accessible, tmp_path, scheme):
    page = must_order_page("buyer", color_scheme=scheme)
    path = export(page, tmp_path)
    lines = edit(path, [7, "1,200", 1.5, 0])
    page.get_by_role("link", name="Upload an edited export").click()
    accessible(page)
    keep_screenshot(page, f"reimport-{scheme}")

    upload(page, path)
    page.get_by_text("3 lines will change. Nothing has been changed yet.").wait_for()
    changes = page.locator("section[aria-labelledby=changes] tbody tr").all_inner_texts()
    kept = [lines[0], lines[1], lines[3]]
    assert [tuple(text.split("\t")) for text in changes] == [
        (*line, "none", quantity) for line, quantity in zip(kept, ("7", "1,200", "0"), strict=True)
    ]
    refused = page.locator("section[aria-labelledby=refused] tbody tr").all_inner_texts()
    assert [text.split("\t")[1:] for text in refused] == [[*lines[2], "1.5", "not a whole number"]]
    accessible(page)
    keep_screenshot(page, f"reimport-preview-{scheme}")

    page.get_by_role("button", name="Change 3 lines").click()
    page.get_by_text("Set quantities: 3 lines changed.").first.wait_for()
    accessible(page)
    keep_screenshot(page, f"reimport-applied-{scheme}")
    assert confirmed(page) == {line[0]: quantity for line, quantity in zip(kept, ("7", "1200", "0"), strict=True)}

    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undo: 3 lines changed.").first.wait_for()
    assert confirmed(page) == {}
    assert site.complaints == []


def test_a_file_that_is_no_export_and_one_that_changes_nothing(site, must_order_page, accessible, tmp_path):
    page = must_order_page("buyer")
    path = export(page, tmp_path)
    page.get_by_role("link", name="Upload an edited export").click()

    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    upload(page, tmp_path / "old.xls")
    page.get_by_text("old.xls is not an XLSX file.").wait_for()
    accessible(page)
    keep_screenshot(page, "reimport-refused")

    upload(page, path)
    page.get_by_text("Nothing would change.").wait_for()
    assert page.get_by_role("button", name="Change").count() == 0
    accessible(page)
    keep_screenshot(page, "reimport-nothing")
    assert site.complaints == []


def test_it_works_without_javascript(site, must_order_page, tmp_path):
    page = must_order_page("buyer", java_script_enabled=False)
    path = export(page, tmp_path)
    edit(path, [7])
    page.get_by_role("link", name="Upload an edited export").click()
    upload(page, path)
    page.get_by_role("button", name="Change 1 line").click()
    assert page.get_by_text("Set quantities: 1 line changed.").first.is_visible()
    assert len(confirmed(page)) == 1
