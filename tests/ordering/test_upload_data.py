import datetime as dt
import gzip
import itertools
import os
import time

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisDown

from core import queue
from core.errors import WorkbenchError
from core.runs import DEAD_AFTER, RunLost, RunStatus, cancel_run
from ordering.jobs import import_upload_job
from ordering.models import DataUpload, Inventory
from ordering.services import upload_data
from ordering.services.import_data import KINDS
from ordering.services.upload_data import cancel_upload, continue_upload, queue_upload
from ordering.views import uploads as view
from suppliers.models import Restriction, SupplierLeadTime, Warehouse
from tests.builders import a_sku, a_supplier, a_warehouse, stock

pytestmark = pytest.mark.django_db

PAGE = "/data/"
WAREHOUSES = "code,name\nuk,United Kingdom\n"
INVENTORY = "sku,warehouse,on_hand\n"
HTMX = {"hx-request": "true"}


def a_file(name="warehouses.csv", text=WAREHOUSES):
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def a_user(role="manager"):
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    return user


def an_upload(*files, replace=False, user=None):
    return queue_upload(files=files or [a_file()], replace=replace, user=user or User(username="anna", pk=0))


def stored(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def messages_of(answer):
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return settings.UPLOADS_DIR


@pytest.fixture
def enqueued(monkeypatch):
    """What was put into the queue, without a queue."""
    calls = []
    monkeypatch.setattr(view, "enqueue", lambda job, *arguments: calls.append((job, *arguments)))
    monkeypatch.setattr(view, "describe_trouble", lambda: "")
    return calls


@pytest.fixture
def manager(client, enqueued):
    client.force_login(a_user("manager"))
    return client


# Storing


def test_the_files_wait_in_a_folder_that_only_its_owner_reads(folder):
    upload = an_upload(a_file(), a_file("skus.csv.gz", gzip.compress(b"sku\n")))
    assert stored(folder) == [f"{upload.pk}/skus.csv.gz", f"{upload.pk}/warehouses.csv"]
    assert upload.folder.stat().st_mode & 0o077 == 0
    assert (upload.status, upload.files, upload.who) == (RunStatus.QUEUED, ["warehouses.csv", "skus.csv.gz"], "anna")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "No file was chosen. Choose at least one."),
        ([("warehouses.csv", WAREHOUSES), ("notes.csv", "x")], "'notes.csv' does not say what it holds."),
        ([("warehouses.csv", WAREHOUSES), ("skus.csv", b"PK\x03\x04")], "skus.csv is an Excel or zip file"),
        ([("warehouses.csv", WAREHOUSES), ("WAREHOUSES.csv", WAREHOUSES)], "warehouses.csv was given twice."),
    ],
)
def test_a_refused_file_leaves_no_file_and_no_row(folder, files, sentence):
    with pytest.raises(WorkbenchError, match=sentence.replace("(", r"\(")):
        queue_upload(files=[a_file(*file) for file in files], replace=False, user=User(pk=0))
    assert not stored(folder)
    assert not DataUpload.objects.exists()


def test_one_import_waits_at_a_time_however_long_it_waits(folder):
    first = an_upload()
    DataUpload.objects.update(heartbeat_at=timezone.now() - DEAD_AFTER * 10)
    with pytest.raises(WorkbenchError, match=f"Upload {first.pk} of anna waits for a worker. Wait until it ends, or"):
        an_upload()
    assert stored(folder) == [f"{first.pk}/warehouses.csv"]


def test_one_import_runs_at_a_time(folder):
    an_upload()
    DataUpload.objects.update(status=RunStatus.RUNNING)
    with pytest.raises(WorkbenchError, match=r"is in progress \(run .*Wait until it ends, or cancel it"):
        an_upload()


def test_a_killed_import_makes_room_for_the_next_upload(folder):
    killed = an_upload()
    DataUpload.objects.update(
        status=RunStatus.RUNNING, heartbeat_at=timezone.now() - DEAD_AFTER - dt.timedelta(seconds=1)
    )
    following = an_upload()
    killed.refresh_from_db()
    assert (killed.status, killed.error[:13]) == (RunStatus.FAILED, "This run died")
    assert stored(folder) == [f"{following.pk}/warehouses.csv"]


def test_a_full_disk_is_told_in_a_sentence(monkeypatch, folder):
    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(upload_data, "store_data_files", fail)
    with pytest.raises(WorkbenchError, match=r"cannot be stored: No space left on device. Tell your administrator."):
        an_upload()
    assert not stored(folder)
    assert not DataUpload.objects.exists()


def test_a_folder_left_by_a_database_that_is_gone_is_not_mixed_in(folder):
    an_upload()
    leftover = folder / str(DataUpload.objects.get().pk + 1)
    leftover.mkdir()
    (leftover / "errors.csv").write_text("somebody else's")
    cancel_upload(upload=DataUpload.objects.get())
    upload = an_upload()
    assert stored(folder) == [f"{upload.pk}/warehouses.csv"]


def test_folders_older_than_a_month_go_at_the_next_upload(folder):
    for name, days in (("1", 31), ("2", 29), ("incoming-crashed", 31)):
        (folder / name).mkdir(parents=True)
        (folder / name / "errors.csv").touch()
        then = time.time() - days * 86_400
        os.utime(folder / name, (then, then))
    DataUpload.objects.create(pk=100, status=RunStatus.COMPLETED)
    upload = an_upload()
    assert stored(folder) == sorted(["2/errors.csv", f"{upload.pk}/warehouses.csv"])


# Importing


def test_the_job_imports_reports_and_removes_what_was_uploaded(folder):
    upload = an_upload(a_file(), a_file("inventory.csv", INVENTORY + "A-1,uk,5\nA-1,mars,5\n"))
    a_sku("A-1")
    import_upload_job(upload.pk)
    upload.refresh_from_db()
    assert Warehouse.objects.filter(code="uk").exists()
    assert Inventory.objects.get().on_hand == 5
    assert (upload.status, upload.row_count, upload.refused_count) == (RunStatus.COMPLETED, 3, 1)
    assert upload.progress_done == upload.progress_total
    assert stored(folder) == [f"{upload.pk}/errors.csv"]
    assert upload.errors_path.read_text().splitlines() == [
        "file,line,column,value,reason",
        "inventory.csv,3,warehouse,mars,is an unknown warehouse",
    ]


@pytest.mark.django_db(transaction=True)
def test_signs_of_life_come_through_the_connection_that_the_batch_uses(monkeypatch):
    monkeypatch.setattr(upload_data.time, "monotonic", itertools.count(step=2).__next__)  # a chunk, a sign
    upload = an_upload(a_file(), a_file("inventory.csv", INVENTORY + "no-such-sku,uk,5\n"))
    before = upload.heartbeat_at
    continue_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert upload.heartbeat_at > before
    assert (upload.status, upload.row_count, upload.refused_count) == (RunStatus.COMPLETED, 2, 1)


def test_without_refused_rows_nothing_is_kept(folder):
    upload = an_upload()
    import_upload_job(upload.pk)
    assert list(folder.iterdir()) == []
    upload.refresh_from_db()
    assert not upload.has_errors_file


def test_a_file_with_wrong_columns_is_refused_and_the_others_go_in():
    upload = an_upload(a_file(), a_file("inventory.csv", "sku,on_hand\n"))
    continue_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert upload.status == RunStatus.COMPLETED
    [sentence] = upload.report["refused_files"]
    assert sentence.startswith("inventory.csv was not imported: missing columns 'warehouse'.")
    assert Warehouse.objects.count() == 1


@pytest.mark.parametrize(("replace", "left"), [(False, 2), (True, 1)])
def test_replace_makes_the_stock_equal_to_the_file(replace, left):
    for code in ("A-1", "A-2"):
        stock(a_sku(code), 1, a_warehouse("uk"))
    upload = an_upload(a_file("inventory.csv", INVENTORY + "A-1,uk,5\n"), replace=replace)
    continue_upload(upload_id=upload.pk)
    assert Inventory.objects.count() == left


def test_two_files_of_one_kind_do_not_replace_each_other():
    upload = an_upload(
        a_file("inventory.csv", INVENTORY), a_file("inventory.csv.gz", gzip.compress(INVENTORY.encode())), replace=True
    )
    with pytest.raises(WorkbenchError):
        continue_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.error[:42]) == (RunStatus.FAILED, "There is more than one file of inventory. ")


def test_lead_times_measured_from_shipments_are_reported():
    a_supplier("V1"), a_warehouse("uk")
    day = dt.date.today() - dt.timedelta(days=100)
    lines = "".join(f"PO-{days},V1,uk,{day},{day + dt.timedelta(days)}\n" for days in (10, 20, 30))
    text = "po_number,supplier,warehouse,order_date,received_date\n" + lines
    upload = an_upload(a_file("shipments.csv", text))
    continue_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert (upload.report["measured_lead_times"], SupplierLeadTime.objects.count()) == (1, 1)
    assert upload.report["lead_times_as_of"] == dt.date.today().isoformat()


def test_progress_is_stored_with_a_sign_of_life_and_not_for_every_chunk(monkeypatch, django_assert_num_queries):
    upload = an_upload()
    DataUpload.objects.update(heartbeat_at=timezone.now() - DEAD_AFTER)
    progress = upload_data._Progress(upload)
    with django_assert_num_queries(1):
        for done in range(100):
            progress("warehouses.csv", done * 1024, 100 * 1024)
    upload.refresh_from_db()
    assert upload.is_alive
    progress._next = 0
    progress("skus.csv", 7 * 1024, 7 * 1024)
    upload.refresh_from_db()
    assert upload.progress_done == 99 + 7


def test_a_cancelled_import_stops_at_its_next_chunk_and_keeps_what_went_in(monkeypatch, folder):
    upload = an_upload()
    monkeypatch.setattr(upload_data, "advance_run", lambda run, **changes: (cancel_run(run), _advance(run, **changes)))
    with pytest.raises(RunLost, match="The run was cancelled"):
        continue_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert (upload.status, Warehouse.objects.count()) == (RunStatus.CANCELLED, 1)
    assert not stored(folder)


_advance = upload_data.advance_run


@pytest.mark.parametrize(
    ("failure", "status", "sentence"),
    [
        (OperationalError(1290, "--read-only"), RunStatus.FAILED, "The database is read-only."),
        (ValueError("surprise"), RunStatus.ERRORED, "ValueError: surprise"),
        (KeyboardInterrupt(), RunStatus.CANCELLED, "Cancelled from the keyboard."),
    ],
)
def test_an_import_that_fails_says_why_and_leaves_no_files(manager, monkeypatch, folder, failure, status, sentence):
    def fail(**arguments):
        raise failure

    upload = an_upload()
    monkeypatch.setattr(upload_data, "import_data", fail)
    with pytest.raises((type(failure), WorkbenchError)):
        continue_upload(upload_id=upload.pk)
    upload.refresh_from_db()
    assert (upload.status, upload.active_key) == (status, None)
    assert upload.error.startswith(sentence)
    assert sentence in manager.get(PAGE).content.decode()
    assert not stored(folder)


def test_a_killed_import_says_so_and_the_worker_that_comes_after_it_does_it_again(manager):
    upload = an_upload()
    DataUpload.objects.update(status=RunStatus.RUNNING)
    assert continue_upload(upload_id=upload.pk) is None
    DataUpload.objects.update(heartbeat_at=timezone.now() - DEAD_AFTER - dt.timedelta(seconds=1))
    assert "No sign of life for a minute: the import was killed." in manager.get(PAGE).content.decode()
    assert continue_upload(upload_id=upload.pk).status == RunStatus.COMPLETED
    assert Warehouse.objects.count() == 1


def test_a_job_that_comes_late_leaves_an_ended_upload_alone():
    upload = an_upload()
    cancel_upload(upload=upload)
    assert continue_upload(upload_id=upload.pk) is None
    assert not Warehouse.objects.exists()


# Pages


def test_an_empty_page_says_what_to_do_and_lists_every_kind_and_column(manager):
    page = manager.get(PAGE).content.decode()
    assert "Nothing has been uploaded yet." in page
    for kind in KINDS.values():
        assert f"<code>{kind.name}</code>" in page
        for column in kind.columns:
            assert f"<code>{column.name}</code>{' (optional)' if column.optional else ''}" in page
    assert "Replace inventory and pending_orders" in page


def test_an_upload_is_queued_by_its_id_and_waits_for_a_worker(manager, enqueued, folder):
    answer = manager.post(PAGE, {"files": [a_file(), a_file("inventory.csv", INVENTORY)], "replace": "on"})
    upload = DataUpload.objects.get()
    assert answer.url == PAGE
    assert enqueued == [(import_upload_job, upload.pk)]
    assert (upload.who, upload.replace, upload.files) == ("manager", True, ["warehouses.csv", "inventory.csv"])
    page = manager.get(PAGE).content.decode()
    assert "Waiting for a worker." in page
    assert 'hx-trigger="every 1s"' in page


def test_a_path_in_a_name_leads_nowhere(manager, folder):
    body = (
        "--x\r\nContent-Disposition: form-data; name=files; filename=../../../warehouses.csv\r\n\r\n"
        f"{WAREHOUSES}\r\n--x--\r\n"
    )
    manager.post(PAGE, body.encode(), content_type="multipart/form-data; boundary=x")
    assert stored(folder) == [f"{DataUpload.objects.get().pk}/warehouses.csv"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "No file was chosen. Choose at least one."),
        ([("skus.xlsx", "x")], "'skus.xlsx' is not a CSV file."),
        ([("warehouses.csv", b"PK\x03\x04")], "warehouses.csv is an Excel or zip file with the name of a CSV file."),
    ],
)
def test_a_refused_upload_says_why(manager, enqueued, files, sentence):
    answer = manager.post(PAGE, {"files": [a_file(*file) for file in files]}, follow=True)
    assert messages_of(answer)[0].startswith(sentence)
    assert not enqueued


def test_more_than_the_limit_is_refused_and_nothing_of_it_is_left(manager, enqueued, settings, folder, tmp_path):
    settings.UPLOAD_LIMIT_MB, settings.FILE_UPLOAD_TEMP_DIR = 1, tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    answer = manager.post(PAGE, {"files": [a_file("skus.csv", b"x" * 5_000_000)]}, follow=True)
    assert messages_of(answer)[0].startswith("The files are larger than 1 MB together. Pack the large ones")
    assert not stored(folder)
    assert not stored(settings.FILE_UPLOAD_TEMP_DIR)
    assert not enqueued


def test_a_queue_that_is_down_takes_the_upload_back_and_says_so(manager, monkeypatch, folder):
    def refuse(*arguments, **options):
        raise RedisDown("refused")

    monkeypatch.setattr(view, "enqueue", queue.enqueue)
    monkeypatch.setattr(queue.django_rq, "get_queue", refuse)
    monkeypatch.setattr(queue.django_rq, "get_connection", refuse)
    monkeypatch.setattr(view, "describe_trouble", queue.describe_trouble)
    answer = manager.post(PAGE, {"files": [a_file()]}, follow=True)
    assert messages_of(answer) == ["The queue for background work cannot be reached. Tell your administrator."]
    assert "so no run can be started from here" in answer.content.decode()
    assert not DataUpload.objects.exclude(active_key=None).exists()
    assert not stored(folder)


def test_progress_is_one_fragment_and_polling_stops_when_the_import_ends(manager):
    upload = an_upload()
    polled = manager.get(f"{PAGE}{upload.pk}/", headers=HTMX)
    assert polled.status_code == 200
    assert b"<html" not in polled.content
    continue_upload(upload_id=upload.pk)
    ended = manager.get(f"{PAGE}{upload.pk}/", headers=HTMX)
    assert (ended.status_code, ended["HX-Redirect"]) == (286, PAGE)
    assert manager.get(f"{PAGE}{upload.pk}/").url == PAGE


def test_the_page_tells_rows_by_file_and_links_the_error_file(manager):
    inventory = a_file("inventory.csv", INVENTORY + "x,uk,1\n")
    upload = an_upload(a_file(text=WAREHOUSES + "UK,again\n"), inventory, replace=True)
    continue_upload(upload_id=upload.pk)
    page = manager.get(PAGE).content.decode()
    assert "inventory.csv deleted nothing, because rows were refused." in page
    assert f'href="{PAGE}{upload.pk}/errors/"' in page


def test_the_error_file_is_a_download_and_never_a_page(manager):
    upload = an_upload(a_file(text=WAREHOUSES + "UK,=again()\n"))
    continue_upload(upload_id=upload.pk)
    answer = manager.get(f"{PAGE}{upload.pk}/errors/")
    assert b"warehouses.csv,3,code,UK,stands on line 2 already" in b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="upload-{upload.pk}-errors.csv"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_without_an_error_file_there_is_nothing_to_download(manager):
    upload = an_upload()
    continue_upload(upload_id=upload.pk)
    assert manager.get(f"{PAGE}{upload.pk}/errors/").status_code == 404
    assert "/errors/" not in manager.get(PAGE).content.decode()


def test_a_waiting_upload_can_be_cancelled(manager, folder):
    upload = an_upload()
    answer = manager.post(f"{PAGE}{upload.pk}/cancel/", follow=True)
    assert messages_of(answer) == ["The upload was cancelled. Rows imported so far are kept."]
    assert not stored(folder)
    manager.post(PAGE, {"files": [a_file()]})
    assert DataUpload.objects.filter(status=RunStatus.QUEUED).count() == 1


@pytest.mark.parametrize("role", ["viewer", "buyer"])
def test_only_managers_upload(client, enqueued, role):
    client.force_login(a_user(role))
    upload = an_upload(a_file(text=WAREHOUSES + "UK,again\n"))
    continue_upload(upload_id=upload.pk)
    assert client.post(PAGE, {"files": [a_file()]}).status_code == 403
    assert client.post(f"{PAGE}{upload.pk}/cancel/").status_code == 403
    for path in ("", f"{upload.pk}/", f"{upload.pk}/errors/"):
        assert client.get(PAGE + path).status_code == 403
    assert not enqueued


def test_who_may_only_look_sees_no_form(client, enqueued):
    from django.contrib.auth.models import Permission

    user = a_user("viewer")
    user.user_permissions.add(Permission.objects.get(codename="view_dataupload"))
    client.force_login(user)
    assert b'type="file"' not in client.get(PAGE).content
    assert client.post(PAGE, {"files": [a_file()]}).status_code == 403


def test_a_manager_with_limits_neither_uploads_nor_reads_refused_rows(client, enqueued, folder):
    user = a_user("manager")
    Restriction.objects.create(user=user, supplier=a_supplier())
    upload = an_upload(a_file(text=WAREHOUSES + "UK,again\n"))
    continue_upload(upload_id=upload.pk)
    client.force_login(user)
    page = client.get(PAGE).content.decode()
    assert "You see only some suppliers or warehouses" in page
    assert 'type="file"' not in page
    assert "/errors/" not in page
    assert client.get(f"{PAGE}{upload.pk}/errors/").status_code == 403
    answer = client.post(PAGE, {"files": [a_file()]}, follow=True)
    assert messages_of(answer)[0].startswith("You see only some suppliers or warehouses, and a file may hold others.")
    assert DataUpload.objects.count() == 1


def test_an_upload_without_the_token_is_refused(enqueued, folder):
    client = Client(enforce_csrf_checks=True)
    client.force_login(a_user("manager"))
    assert client.post(PAGE, {"files": [a_file()]}).status_code == 403
    assert not stored(folder)
    token = client.get(PAGE).cookies["csrftoken"].value
    client.post(PAGE, {"files": [a_file()], "csrfmiddlewaretoken": token})
    assert DataUpload.objects.count() == 1


def test_other_methods_are_refused(manager):
    assert manager.put(PAGE).status_code == 405


def test_the_page_asks_as_much_for_one_upload_as_for_many(manager, django_assert_max_num_queries):
    for number in range(12):
        DataUpload.objects.create(files=["skus.csv"], status=RunStatus.COMPLETED, report={"files": []}, who=str(number))
    with django_assert_max_num_queries(8):
        answer = manager.get(PAGE)
    assert len(answer.context["uploads"]) == 10
