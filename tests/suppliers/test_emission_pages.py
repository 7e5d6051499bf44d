"""The pages of the emissions. By hand: 1,000,000 USD of 2020 at index 320 and 292.655, times 0.333, is 304,544 kg."""

import contextlib
import csv
import datetime as dt
import hashlib
import io
import os
import time
import uuid

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisDown

from core import queue
from core.errors import WorkbenchError
from core.runs import RunLost, RunStatus
from suppliers.jobs import calculate_emissions_job, import_purchases_job
from suppliers.models import (
    Category,
    EmissionResult,
    EmissionRun,
    PurchaseImport,
    PurchaseMapping,
    PurchaseRecord,
    PurchaseUpload,
    Restriction,
    Supplier,
)
from suppliers.services import upload_purchases
from suppliers.services.calculate_emissions import calculate_emissions, continue_calculation
from suppliers.services.import_purchases import import_purchases
from suppliers.services.keep_comparison import keep_comparison
from suppliers.summaries import rating_of
from suppliers.views import purchases as purchase_views
from suppliers.views import runs as run_views
from tests.builders import a_supplier, a_user, a_warehouse
from tests.suppliers.emission_rows import a_category, a_factor_set, a_name, a_purchase, the_rates

pytestmark = pytest.mark.django_db

HAND = 1_000_000 * (292.655 / 320) * 0.333
BOOK = """Vendor,Text,spend,purchase_date,product_category
Acme,Bolts,1000,2020-02-01,Steel
=Evil,Nuts,many,2020-02-02,Steel
"""


@pytest.fixture(autouse=True)
def enqueued(monkeypatch, settings, tmp_path):
    """What was put into the queue, without a queue."""
    calls = []
    settings.UPLOADS_DIR = tmp_path / "uploads"
    for views in (run_views, purchase_views):
        monkeypatch.setattr(views, "enqueue", lambda job, *arguments: calls.append((job, *arguments)))
        monkeypatch.setattr(views, "describe_trouble", lambda: "")
    return calls


@pytest.fixture
def manager(client):
    client.force_login(a_user("manager"))
    return client


@pytest.fixture
def book():
    """A purchase that is priced, one that is not, and one that fails."""
    the_rates()
    a_factor_set(n111110=0.333)
    a_purchase(1_000_000.0, product_name="Beams")
    a_purchase(250_000.0, category=a_category("Services", ""), supplier_name=a_name("Zen"))
    a_purchase(5.0, sector_code="999999", product_name="=cmd()")


@pytest.fixture
def run(book):
    return calculate_emissions(year=2020, who="anna")


def text_of(answer):
    return " ".join(answer.content.decode().split())


# Calculating


def test_an_empty_installation_says_what_to_do_next(manager):
    page = text_of(manager.get("/emissions/"))
    assert "There are no purchases yet." in page
    assert "python manage.py load_factors" in page
    assert "Calculate a year" not in page


def test_a_calculation_is_queued_with_the_chosen_factors(manager, book, enqueued):
    older = a_factor_set("0.9", n111110=0.2)
    manager.post("/emissions/calculate/", {"year": 2020, "spend_factors": older.pk})
    run = EmissionRun.objects.get()
    assert enqueued == [(calculate_emissions_job, run.pk)]
    assert (run.status, run.who, run.spend_factors) == (RunStatus.QUEUED, "manager", older)
    page = text_of(manager.get("/emissions/"))
    assert "Waiting for a worker." in page
    assert 'hx-trigger="every 1s"' in page
    calculate_emissions_job(run.pk)
    assert "Look at the results" in text_of(manager.get("/emissions/"))


def test_a_year_without_purchases_is_refused_with_a_sentence(manager, book, enqueued):
    page = text_of(manager.post("/emissions/calculate/", {"year": 1999}, follow=True))
    assert "The calculation was not started." in page
    assert not enqueued


def test_a_year_has_one_calculation_at_a_time(manager, book, enqueued):
    for _ in range(2):
        answer = manager.post("/emissions/calculate/", {"year": 2020}, follow=True)
    assert len(enqueued) == 1
    assert "is in progress" in text_of(answer)


def test_a_queue_that_is_down_takes_the_run_back_and_says_so(manager, book, monkeypatch):
    def refuse(*arguments, **options):
        raise RedisDown("refused")

    monkeypatch.setattr(run_views, "enqueue", queue.enqueue)
    monkeypatch.setattr(queue.django_rq, "get_queue", refuse)
    monkeypatch.setattr(queue.django_rq, "get_connection", refuse)
    monkeypatch.setattr(run_views, "describe_trouble", queue.describe_trouble)
    page = text_of(manager.post("/emissions/calculate/", {"year": 2020}, follow=True))
    assert "The queue for background work cannot be reached. Tell your administrator." in page
    assert "so no run can be started from here" in page
    assert not EmissionRun.objects.exclude(active_key=None).exists()


def test_progress_is_one_fragment_and_polling_stops_when_the_run_ends(manager, book):
    manager.post("/emissions/calculate/", {"year": 2020})
    pk = EmissionRun.objects.get().pk
    polled = manager.get(f"/emissions/runs/{pk}/progress/", headers={"hx-request": "true"})
    assert polled.status_code == 200
    assert b"<html" not in polled.content
    continue_calculation(run_id=pk)
    ended = manager.get(f"/emissions/runs/{pk}/progress/", headers={"hx-request": "true"})
    assert (ended.status_code, ended["HX-Redirect"]) == (286, "/emissions/")
    assert manager.get(f"/emissions/runs/{pk}/progress/").url == "/emissions/"


def test_a_calculation_can_be_cancelled_and_started_again(manager, book, enqueued):
    manager.post("/emissions/calculate/", {"year": 2020})
    run = EmissionRun.objects.get()
    manager.post(f"/emissions/runs/{run.pk}/cancel/")
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    assert manager.get(f"/emissions/runs/{run.pk}/").url == "/emissions/"
    manager.post(f"/emissions/runs/{run.pk}/retry/")
    assert [arguments for _job, *arguments in enqueued] == [[run.pk], [EmissionRun.objects.latest("pk").pk]]


def test_a_failed_run_says_why(manager, book):
    EmissionRun.objects.create(year=2020, status=RunStatus.FAILED, error="The disk is full.")
    assert "The disk is full." in text_of(manager.get("/emissions/"))


# A run


def test_the_list_shows_total_interval_and_the_share_that_is_unaccounted(manager, run):
    page = text_of(manager.get("/emissions/"))
    assert "304.5</td>" in page
    assert f"{run.p5_kgco2e / 1000:,.1f} to {run.p95_kgco2e / 1000:,.1f}" in page
    assert "20.0 %" in page  # 250,000 of 1,250,000
    assert "<td>anna</td>" in page


def test_a_run_shows_tiers_hot_spots_and_errors(manager, run):
    answer = manager.get(f"/emissions/runs/{run.pk}/")
    page, context = text_of(answer), answer.context
    assert "3 purchases: 1 accounted, 1 unaccounted, 1 failed." in page
    assert [(tier.label, tier.records) for tier in context["totals"].tiers] == [("Spend-based", 1), ("Unaccounted", 1)]
    assert context["totals"].unaccounted_percent == pytest.approx(20)
    assert (context["totals"].dqi, context["totals"].rating) == (pytest.approx(40), "fair")
    assert [(share.name, round(share.kgco2e)) for share in context["suppliers"]] == [("Acme Ltd", 304_544), ("Zen", 0)]
    assert context["hot_spots"][0].record.product_name == "Beams"
    assert context["errors"] == [("unknown_sector", 1)]


def test_a_mean_of_equal_qualities_has_their_rating():
    """A run adds up products and divides again, which may leave 39.99999999999999."""
    assert [rating_of(dqi) for dqi in (39.99999999999999, 39.99, 40.0, 80.0, None)] == [
        "fair",
        "poor",
        "fair",
        "excellent",
        "",
    ]


def test_linked_names_are_one_supplier(manager, run):
    for name in (a_name(), a_name("Zen")):
        name.supplier = a_supplier("TWO", name="Two as one")
        name.save()
    suppliers = manager.get(f"/emissions/runs/{run.pk}/").context["suppliers"]
    assert [(share.name, share.records) for share in suppliers] == [("Two as one", 2)]


def test_the_report_names_every_set_with_its_hash_and_what_is_left_out(manager, run):
    page = text_of(manager.get(f"/emissions/runs/{run.pk}/report/"))
    assert "304.5 t CO2e" in page
    for file_hash in ("0" * 63 + "1", "1" * 64, "2" * 64):
        assert file_hash in page
    assert "1 failed (unknown sector: 1)" in page
    assert "<nav" not in page


def test_errors_are_a_file_that_no_spreadsheet_runs(manager, run):
    answer = manager.get(f"/emissions/runs/{run.pk}/errors.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [(row["record_id"], row["code"], row["product_name"]) for row in rows] == [
        ("R-3", "unknown_sector", "'=cmd()")
    ]
    assert "999999" in rows[0]["sentence"]


def test_results_as_csv_and_as_xlsx_hold_the_same(manager, run):
    answer = manager.get(f"/emissions/runs/{run.pk}/results.csv")
    assert answer.streaming
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["record_id"] for row in rows] == ["R-1", "R-2"]
    assert float(rows[0]["emissions_kgco2e"]) == pytest.approx(HAND)
    answer = manager.get(f"/emissions/runs/{run.pk}/results.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(answer))).active
    header, first, *_rest = sheet.iter_rows(values_only=True)
    assert dict(zip(header, first, strict=True))["emissions_kgco2e"] == pytest.approx(HAND)


def test_an_export_goes_over_its_pages(manager, run, monkeypatch):
    monkeypatch.setattr("suppliers.exports.ROWS_A_QUERY", 1)
    lines = b"".join(manager.get(f"/emissions/runs/{run.pk}/results.csv")).decode().splitlines()
    assert len(lines) == 3


# Results


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["R-1", "R-2"]),
        ("tier=3", ["R-1"]),
        ("tier=none", ["R-2"]),
        ("tier=1", []),
        ("supplier=zen", ["R-2"]),
        ("supplier=nobody", []),
        ("category=stee", ["R-1"]),
        ("dqi_min=40&dqi_max=50", ["R-1"]),
        ("dqi_min=41", []),
        ("tier=nonsense", ["R-1", "R-2"]),
    ],
)
def test_results_are_filtered_and_the_largest_stand_first(manager, run, query, expected):
    page = manager.get(f"/emissions/runs/{run.pk}/results/?{query}").context["page"]
    assert [result.record.record_id for result in page.rows] == expected


def test_results_are_paged_without_counting(manager, run):
    more = EmissionResult.objects.first()
    for number in range(59):
        purchase = a_purchase(1.0)
        more.pk, more.record, more.emissions_kgco2e = None, purchase, float(number)
        more.save(force_insert=True)
    with CaptureQueriesContext(connection) as statements:
        page = manager.get(f"/emissions/runs/{run.pk}/results/?rows=25&page=-1").context["page"]
    assert (page.number, page.previous, page.next, len(page.rows)) == (-1, -2, None, 25)
    assert page.rows[-1].record.record_id == "R-2"  # unaccounted, so at the very end
    assert not any("COUNT(" in statement["sql"] for statement in statements)


def test_a_result_can_be_redone_by_hand(manager, run):
    result = EmissionResult.objects.get(tier=3)
    answer = manager.get(f"/emissions/results/{result.pk}/")
    page = text_of(answer)
    assert "1,000,000 USD × 1 USD/USD" in page
    assert "Index of 2022 / index of 2020 = 292.655 / 320" in page
    assert "× 0.333 kg CO2e/USD" in page
    assert repr(result.emissions_kgco2e).split(".")[1] in page
    assert result.emissions_kgco2e == pytest.approx(304_544, abs=1)
    assert "factors-1.csv, row 2" in page
    assert "Supplier-specific: no footprint of this product by this supplier is known." in page
    assert "40, fair: what this method has by default." in page
    provenance = answer.context["provenance"]
    line = "\x1f".join(text for _name, text in provenance.fields)
    assert hashlib.sha256(line.encode()).hexdigest() == result.provenance_hash
    assert provenance.agrees
    assert "Calculated again just now, it is the same." in page


def test_a_result_by_quantity_shows_the_conversion(manager, book):
    a_factor_set("2024", base_year=None, bolt=2.5)
    a_purchase(10.0, quantity=2.0, unit="tonne", product_code="bolt")
    calculate_emissions(year=2020)
    result = EmissionResult.objects.get(tier=2)
    answer = manager.get(f"/emissions/results/{result.pk}/")
    assert "2 tonne × 1,000 kg/tonne" in text_of(answer)
    assert "5,000 kg CO2e" in text_of(answer)
    assert answer.context["provenance"].agrees


def test_a_result_by_the_purchases_own_footprint_shows_it(manager, book):
    a_purchase(10.0, quantity=2.0, unit="kg", supplier_pcf=3.0, pcf_unit="kg")
    calculate_emissions(year=2020)
    answer = manager.get(f"/emissions/results/{EmissionResult.objects.get(tier=1).pk}/")
    assert "the purchase brings the footprint of its product itself" in text_of(answer)
    assert answer.context["provenance"].agrees


def test_an_unaccounted_result_says_why_no_method_fits(manager, run):
    result = EmissionResult.objects.get(tier=None)
    answer = manager.get(f"/emissions/results/{result.pk}/")
    assert "Spend-based: neither the purchase nor its category has a sector code." in text_of(answer)
    assert answer.context["provenance"].agrees


def test_two_runs_are_compared(manager, run):
    a_factor_set("2", n111110=0.5)
    second = calculate_emissions(year=2020)
    answer = manager.get(f"/emissions/compare/?a={run.pk}&b={second.pk}")
    comparison = answer.context["comparison"]
    assert comparison.parts["factors"] == comparison.difference == round(HAND / 0.333 * 0.5) - round(HAND)
    assert "The factor sets differ" in text_of(answer)


@pytest.mark.parametrize("query", ["", "a=1", "a=x&b=y", "a=99999&b=99999"])
def test_a_comparison_with_nothing_leads_back(manager, run, query):
    assert manager.get(f"/emissions/compare/?{query}").url == "/emissions/"


# Purchases


def upload(client, text=BOOK, name="book.csv"):
    return client.post("/emissions/purchases/", {"file": SimpleUploadedFile(name, text.encode())})


def test_a_file_is_looked_at_mapped_and_imported(manager, enqueued):
    address = upload(manager).url
    page = manager.get(address)
    assert "Nothing has been stored yet." in text_of(page)
    assert [field.initial for field in page.context["form"].column_fields] == [
        "", "", "spend", "purchase_date", "product_category",
    ]  # fmt: skip
    assert "Bolts" in text_of(page)
    columns = {"column_0": "supplier", "column_1": "product_name", "column_2": "spend", "column_3": "purchase_date"}
    answer = manager.post(address, columns | {"column_4": "product_category", "currency": "gbp", "save_as": "Ledger"})
    assert answer.url == "/emissions/purchases/"
    ((job, token),) = enqueued
    assert job == import_purchases_job
    assert "Waiting for a worker." in text_of(manager.get("/emissions/purchases/"))
    import_purchases_job(token)
    record = PurchaseRecord.objects.get()
    assert (str(record.supplier_name), record.spend, record.currency, str(record.category)) == (
        "Acme",
        1000,
        "GBP",
        "Steel",
    )
    page = text_of(manager.get("/emissions/purchases/"))
    assert "1 of 2 purchases went in, 1 was refused." in page
    assert PurchaseImport.objects.get().file_name == "book.csv"
    assert PurchaseMapping.objects.get().name == "Ledger"
    refused = b"".join(manager.get(f"{address}refused/")).decode()
    assert "'=Evil" in refused
    import_purchases_job(token)
    assert PurchaseRecord.objects.count() == 1


def test_whoever_looks_sees_the_progress_of_an_import(manager, client, enqueued):
    address = upload(manager).url
    manager.post(address, {"column_0": "supplier", "column_2": "spend", "column_3": "purchase_date"})
    client.force_login(a_user("viewer"))
    polled = client.get(f"{address}progress/", headers={"hx-request": "true"})
    assert "Waiting for a worker." in text_of(polled)
    assert b"<html" not in polled.content
    assert b"Cancel the import" not in polled.content
    import_purchases_job(enqueued[0][1])
    ended = client.get(f"{address}progress/", headers={"hx-request": "true"})
    assert (ended.status_code, ended["HX-Redirect"]) == (286, "/emissions/purchases/")
    assert client.get(f"{address}progress/").url == "/emissions/purchases/"


def test_a_saved_mapping_fills_the_form(manager):
    PurchaseMapping.objects.create(name="Ledger", columns={"Vendor": "supplier"}, constants={"currency": "GBP"})
    page = manager.get(f"{upload(manager).url}?mapping=Ledger")
    form = page.context["form"]
    assert form.column_fields[0].initial == "supplier"
    assert form["currency"].value() == "GBP"


def test_a_mapping_that_does_not_fit_is_refused_with_what_was_chosen(manager, enqueued):
    address = upload(manager).url
    page = manager.post(address, {"column_1": "product_name", "column_2": "spend", "currency": "GBP"})
    assert "no column is mapped to supplier" in text_of(page)
    assert page.context["form"].column_fields[1].value() == "product_name"
    assert not enqueued


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("book.exe", BOOK, "is no file of purchases by its name"),
        ("book.csv", "", "is empty"),
        ("book.xlsx", BOOK, "is not an Excel workbook"),
        ("../../state.json", BOOK, "is no file of purchases by its name"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(manager, settings, name, text, sentence):
    page = text_of(
        manager.post("/emissions/purchases/", {"file": SimpleUploadedFile(name, text.encode())}, follow=True)
    )
    assert sentence in page or "The submitted file is empty" in page
    assert not list(settings.UPLOADS_DIR.glob("purchases-*"))


def test_a_waiting_import_can_be_cancelled(manager, enqueued):
    address = upload(manager).url
    manager.post(address, {"column_0": "supplier", "column_2": "spend", "column_3": "purchase_date"})
    manager.post(f"{address}cancel/")
    import_purchases_job(enqueued[0][1])
    assert not PurchaseRecord.objects.exists()
    assert "cancelled" in text_of(manager.get("/emissions/purchases/"))


def a_mapped_upload(client, **options):
    address = upload(client, **options).url
    client.post(address, {"column_0": "supplier", "column_2": "spend", "column_3": "purchase_date"})
    return PurchaseUpload.objects.latest("pk")


def test_two_files_may_wait_at_once(manager, enqueued):
    first, second = a_mapped_upload(manager), a_mapped_upload(manager, text=BOOK.replace("1000", "2000"))
    for _job, pk in enqueued:
        import_purchases_job(pk)
    assert [one.status for one in PurchaseUpload.objects.all()] == [RunStatus.COMPLETED] * 2
    assert sorted(PurchaseRecord.objects.values_list("spend", flat=True)) == [1000, 2000]
    assert not first.path.exists()
    assert not second.path.exists()


def test_an_import_whose_process_died_goes_on(manager, enqueued, monkeypatch):
    found = a_mapped_upload(manager)

    def die(**options):
        import_purchases(**options)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(upload_purchases, "import_purchases", die)
        dying.setattr(upload_purchases, "closing_run", lambda run: contextlib.nullcontext())
        with pytest.raises(SystemExit):
            import_purchases_job(found.pk)
    assert "Go on with the import" not in text_of(manager.get("/emissions/purchases/"))
    import_purchases_job(found.pk)  # somebody works on it, as far as is known
    retry = f"/emissions/purchases/uploads/{found.token}/retry/"
    assert "is not waiting for somebody" in text_of(manager.post(retry, follow=True))
    PurchaseUpload.objects.update(heartbeat_at=timezone.now() - dt.timedelta(minutes=2))
    assert "Go on with the import" in text_of(manager.get("/emissions/purchases/"))
    manager.post(retry)
    assert enqueued == [(import_purchases_job, found.pk)] * 2
    assert "Waiting for a worker." in text_of(manager.get("/emissions/purchases/"))
    import_purchases_job(found.pk)
    found.refresh_from_db()
    assert found.status == RunStatus.COMPLETED
    assert PurchaseRecord.objects.count() == 1


def test_a_dead_import_stays_one_where_the_queue_is_down(manager, monkeypatch):
    found = a_mapped_upload(manager)
    PurchaseUpload.objects.update(
        status=RunStatus.RUNNING, attempt=2, heartbeat_at=timezone.now() - dt.timedelta(minutes=2)
    )

    def refuse(*arguments):
        raise WorkbenchError("The queue is down.")

    monkeypatch.setattr(purchase_views, "enqueue", refuse)
    page = text_of(manager.post(f"/emissions/purchases/uploads/{found.token}/retry/", follow=True))
    assert "The queue is down." in page
    found.refresh_from_db()
    assert (found.status, found.is_mapped, found.path.is_file()) == (RunStatus.RUNNING, True, True)


def test_a_file_goes_back_to_its_mapping_where_the_queue_is_down(manager, monkeypatch):
    def refuse(*arguments):
        raise WorkbenchError("The queue is down.")

    monkeypatch.setattr(purchase_views, "enqueue", refuse)
    found = a_mapped_upload(manager)
    assert (found.awaits_mapping, found.is_open) == (True, False)
    assert manager.get(f"/emissions/purchases/uploads/{found.token}/").status_code == 200


def test_a_running_import_stops_when_it_is_cancelled(manager, monkeypatch):
    found = a_mapped_upload(manager)

    def cancelled_meanwhile(*, on_progress, **options):
        def cancel(done, total):
            manager.post(f"/emissions/purchases/uploads/{found.token}/cancel/")
            on_progress(done, total)

        return import_purchases(on_progress=cancel, **options)

    monkeypatch.setattr(upload_purchases, "import_purchases", cancelled_meanwhile)
    with pytest.raises(RunLost):
        import_purchases_job(found.pk)
    found.refresh_from_db()
    assert found.status == RunStatus.CANCELLED
    assert "book.csv: cancelled" in text_of(manager.get("/emissions/purchases/"))


def test_an_import_that_fails_says_why(manager, monkeypatch):
    found = a_mapped_upload(manager)
    found.path.unlink()
    found.path.write_text("")
    with pytest.raises(WorkbenchError):
        import_purchases_job(found.pk)
    page = text_of(manager.get("/emissions/purchases/"))
    assert "book.csv: failed" in page
    assert "is empty" in page
    assert not found.path.exists()


def test_a_file_that_nobody_mapped_is_forgotten_after_a_day(manager):
    address, waiting = upload(manager).url, a_mapped_upload(manager)
    old = time.time() - 2 * 24 * 3600
    for found in PurchaseUpload.objects.all():
        os.utime(found.folder, (old, old))
    PurchaseUpload.objects.update(created_at=timezone.now() - dt.timedelta(days=2))
    upload(manager)
    assert manager.get(address).status_code == 404
    assert waiting.path.is_file()
    assert PurchaseUpload.objects.count() == 2


def test_an_upload_that_is_gone_is_not_found(manager):
    assert manager.get(f"/emissions/purchases/uploads/{uuid.uuid4()}/").status_code == 404


def test_duplicates_are_shown_when_asked_for(manager, book):
    a_purchase(77.0, product_name="Twice")
    a_purchase(77.0, product_name="Twice")
    assert "Twice" not in text_of(manager.get("/emissions/purchases/"))
    page = text_of(manager.get("/emissions/purchases/?duplicates=1"))
    assert "1 purchase looks like another" in page


# Categories and names


def test_categories_stand_unmapped_first_with_the_share_of_spend_that_is_mapped(manager, book):
    answer = manager.get("/emissions/categories/")
    assert [row.category.name for row in answer.context["rows"]] == ["Services", "Steel"]
    assert answer.context["shares"] == {"USD": pytest.approx(100 * 1_000_005 / 1_250_005)}
    assert '<option value="111110">Sector n111110</option>' in text_of(answer)


def test_a_category_is_mapped_in_place_and_without_javascript(manager, book):
    category = Category.objects.get(name="Services")
    codes = {"sector_code": "111110", "factor_code": "bolt"}
    row = manager.post(f"/emissions/categories/{category.pk}/", codes, headers={"hx-request": "true"})
    assert b"<html" not in row.content
    category.refresh_from_db()
    assert (category.sector_code, category.factor_code, category.changed_by.username) == ("111110", "bolt", "manager")
    assert manager.post(f"/emissions/categories/{category.pk}/", codes).url == "/emissions/categories/"


def test_a_code_that_is_none_is_refused_and_what_was_typed_stays(manager, book):
    category = Category.objects.get(name="Services")
    row = manager.post(f"/emissions/categories/{category.pk}/", {"sector_code": "12"}, headers={"hx-request": "true"})
    assert "is not a sector code of six digits" in text_of(row)
    assert 'value="12"' in text_of(row)
    assert Category.objects.get(pk=category.pk).sector_code == ""


def test_names_are_linked_and_taken_back(manager, book):
    other = a_name("ACME LTD")
    a_purchase(5.0, supplier_name=other)
    page = manager.get("/emissions/suppliers/")
    assert [proposal.key for proposal, _owner in page.context["proposals"]] == ["acme"]
    ids = [a_name().pk, other.pk]
    manager.post("/emissions/suppliers/link/", {"name_id": ids, "code": "AC", "new": "on"})
    assert {name.supplier.code for name in (a_name(), a_name("ACME LTD"))} == {"AC"}
    manager.post("/emissions/suppliers/unlink/", {"name_id": [other.pk]})
    assert a_name("ACME LTD").supplier is None


def test_a_code_that_no_supplier_has_needs_a_tick(manager, book):
    answer = manager.post("/emissions/suppliers/link/", {"name_id": [a_name().pk], "code": "AC"}, follow=True)
    assert "There is no supplier" in text_of(answer)
    assert not Supplier.objects.exists()


# Who may do what

READ = [
    "",
    "runs/{run}/",
    "runs/{run}/report/",
    "runs/{run}/results/",
    "runs/{run}/results.csv",
    "runs/{run}/results.xlsx",
    "runs/{run}/errors.csv",
    "results/{result}/",
    "compare/?a={run}&b={run}",
    "purchases/",
    "categories/",
    "suppliers/",
]
ACT = [
    "calculate/",
    "runs/{run}/cancel/",
    "runs/{run}/retry/",
    "purchases/",
    "categories/{category}/",
    "suppliers/link/",
    "suppliers/unlink/",
]


def addresses(paths, run):
    places = {"run": run.pk, "result": EmissionResult.objects.first().pk, "category": Category.objects.first().pk}
    return ["/emissions/" + path.format(**places) for path in paths]


def opened(client, path):
    """The answer, read to its end, so that no file stays open."""
    answer = client.get(path)
    if answer.streaming:
        b"".join(answer)
    return answer


@pytest.mark.parametrize("role", ["viewer", "buyer", "manager"])
def test_all_read_and_managers_act(client, run, role):
    client.force_login(a_user(role))
    assert {opened(client, path).status_code for path in addresses(READ, run)} == {200}
    acts = {path: client.post(path).status_code for path in addresses(ACT, run)}
    assert acts == dict.fromkeys(acts, 302 if role == "manager" else 403)
    token = f"/emissions/purchases/uploads/{uuid.uuid4()}/"
    assert client.get(token).status_code == (404 if role == "manager" else 403)


PUBLISHED = ("factorset", "factor", "rateset", "rate", "productfootprint")


@pytest.mark.parametrize("role", ["viewer", "buyer", "manager"])
def test_all_look_at_what_was_published_and_nobody_changes_it(client, run, role):
    user = a_user(role)
    user.is_staff = True
    user.save()
    client.force_login(user)
    for model in PUBLISHED:
        assert client.get(f"/admin/suppliers/{model}/").status_code == 200, model
        assert client.get(f"/admin/suppliers/{model}/add/").status_code == 403, model


def test_a_reader_is_offered_nothing_to_change(client, run):
    client.force_login(a_user("buyer"))
    for path in ("", "purchases/", "categories/", "suppliers/"):
        page = text_of(client.get(f"/emissions/{path}"))
        assert page.count('method="post"') == 1, path  # to log out


@pytest.mark.parametrize("limit", ["supplier", "warehouse"])
def test_who_is_limited_sees_no_emissions(client, run, limit):
    user = a_user("manager")
    Restriction.objects.create(user=user, **{limit: a_supplier() if limit == "supplier" else a_warehouse()})
    client.force_login(user)
    for path in addresses(READ, run):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "You see only some suppliers or warehouses" in text_of(answer)
    assert {client.post(path).status_code for path in addresses(ACT, run)} == {403}


def test_pages_ask_as_much_for_few_rows_as_for_many(manager, run):
    def statements(run):
        keep_comparison(first=run, second=run)  # the first look at two runs reads their results
        counts = []
        for path in addresses(READ, run):
            with CaptureQueriesContext(connection) as asked:
                opened(manager, path)
            counts.append(len(asked))
        return counts

    few = statements(run)
    for number in range(30):
        a_purchase(
            100.0 + number,
            supplier_name=a_name(f"Supplier {number} Ltd"),
            category=a_category(f"Category {number}"),
            sector_code="" if number % 2 else "888888",
        )
    EmissionRun.objects.filter(pk=run.pk).update(status=RunStatus.FAILED)  # the list of runs shows as many as before
    many = statements(calculate_emissions(year=2020))
    assert many == few
    assert max(many) <= 20


@pytest.mark.parametrize("path", ["runs/{run}/", "runs/{run}/report/"])
def test_the_pages_of_a_run_add_up_no_results(manager, run, path):
    with CaptureQueriesContext(connection) as statements:
        manager.get(f"/emissions/{path.format(run=run.pk)}")
    over_results = [
        one["sql"] for one in statements if 'FROM "suppliers_emissionresult' in one["sql"].replace("`", '"')
    ]
    assert not [sql for sql in over_results if "GROUP BY" in sql or "COUNT(" in sql]
    # With joins a database may sort all results before it takes twenty.
    assert not [sql for sql in over_results if "LIMIT" in sql and "JOIN" in sql]
