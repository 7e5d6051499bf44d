import pytest

from tests.browser.test_overview import keep_screenshot

pytestmark = pytest.mark.mariadb  # a page looks the same on every database; once is enough

INVENTORY = "sku,warehouse,on_hand\n"
WAREHOUSES = "code,name\nburnaby,Burnaby\nuk,United Kingdom\n"


@pytest.fixture(autouse=True)
def _own_uploads(monkeypatch, tmp_path):
    monkeypatch.setenv("UPLOADS_DIR", str(tmp_path / "uploads"))


@pytest.fixture
def two_files(tmp_path):
    """One that is good and one with a bad row."""
    paths = [tmp_path / "warehouses.csv", tmp_path / "inventory.csv"]
    for path, text in zip(paths, (WAREHOUSES, INVENTORY + "no-such-sku,uk,5\n"), strict=True):
        path.write_text(text)
    return paths


def open_data(site, name="manager", **options):
    page = site.open_as(name, **options)
    page.goto("/data/")
    return page


def upload(page, paths):
    page.get_by_label("CSV files").set_input_files(paths)
    page.get_by_role("button", name="Upload", exact=True).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_manager_uploads_two_files_and_fetches_what_was_refused(site, accessible, two_files, scheme):
    page = open_data(site, color_scheme=scheme)
    assert page.get_by_text("Nothing has been uploaded yet.").is_visible()
    accessible(page)
    keep_screenshot(page, f"uploads-empty-{scheme}")

    upload(page, two_files)
    page.get_by_text("Upload 1: Completed").wait_for(timeout=30_000)
    accessible(page)
    keep_screenshot(page, f"uploads-{scheme}")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows", exact=True).click()
    assert download.value.suggested_filename == "upload-1-errors.csv"
    assert download.value.path().read_text().splitlines()[1:] == [
        "inventory.csv,2,sku,no-such-sku,is an unknown SKU",
    ]
    assert site.complaints == []


def test_progress_is_shown_while_it_waits_and_it_can_be_cancelled(site, accessible, two_files):
    page = open_data(site)
    site.scratch.python(
        "from ordering.models import DataUpload;"
        "DataUpload.objects.create(files=['skus.csv'], who='somebody', active_key='import', progress_total=100)"
    )
    page.reload()
    assert page.get_by_text("Waiting for a worker.").is_visible()
    site.scratch.python("from ordering.models import *; DataUpload.objects.update(status='running', progress_done=37)")
    page.get_by_text("37 % read").wait_for(timeout=5_000)
    accessible(page)
    keep_screenshot(page, "uploads-running")

    upload(page, two_files)
    page.get_by_text("A run for import is in progress").wait_for()
    page.get_by_role("button", name="Cancel the upload").click()
    page.get_by_text("The upload was cancelled.").wait_for()
    assert site.complaints == []


def test_a_refused_file_is_told_above_the_form(site, accessible, tmp_path):
    page = open_data(site)
    path = tmp_path / "skus.xlsx"
    path.write_bytes(b"PK\x03\x04")
    upload(page, [path])
    page.get_by_text("'skus.xlsx' is not a CSV file. Save it as CSV (UTF-8)").wait_for()
    accessible(page)
    keep_screenshot(page, "uploads-refused")
    assert site.complaints == []


def test_it_works_without_javascript(site, two_files):
    page = open_data(site, java_script_enabled=False)
    upload(page, two_files)
    for _ in range(30):
        page.wait_for_timeout(500)
        page.reload()
        if page.get_by_text("Upload 1: Completed").count():
            break
    assert page.get_by_text("Upload 1: Completed").is_visible()
    assert page.get_by_role("link", name="Download the refused rows", exact=True).is_visible()
