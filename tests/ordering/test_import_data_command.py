import gzip

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from ordering.management.commands import import_data as command
from suppliers.models import Warehouse
from tests.scratch import Scratch, scratch_database

WAREHOUSES = "code,name\nuk,United Kingdom\n"
INVENTORY = "sku,warehouse,on_hand\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_var(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"


@pytest.fixture
def run(capsys):
    """Run the command; answer its exit code and what it printed."""

    def run(*arguments):
        code = 0
        try:
            call_command("import_data", *map(str, arguments))
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr().out

    return run


def put(folder, **files):
    folder.mkdir(exist_ok=True)
    for kind, text in files.items():
        (folder / f"{kind}.csv").write_text(text)
    return folder


def test_when_all_goes_in_the_exit_code_is_0(run, tmp_path):
    code, output = run(put(tmp_path / "in", warehouses=WAREHOUSES))

    assert code == 0
    assert "Imported" in output
    assert "warehouses.csv" in output
    assert "efused rows" not in output
    assert Warehouse.objects.count() == 1
    assert list((tmp_path / "var" / "import-errors").iterdir()) == []


def test_when_a_row_is_refused_the_exit_code_is_3_and_the_error_file_is_named(run, tmp_path):
    code, output = run(put(tmp_path / "in", warehouses=WAREHOUSES + "UK,again\n"))

    [errors] = (tmp_path / "var" / "import-errors").iterdir()
    assert code == 3
    assert f"Refused rows: 1. The reasons are in {errors}" in output
    assert errors.read_text().splitlines() == [
        "file,line,column,value,reason",
        "warehouses.csv,3,code,UK,stands on line 2 already",
    ]
    assert Warehouse.objects.count() == 1


def test_the_error_file_goes_where_it_is_asked_to(run, tmp_path):
    errors = tmp_path / "new folder" / "bad [rows].csv"

    _, output = run(put(tmp_path / "in", warehouses="code,name\n,x\n"), "--errors", errors)

    assert f"The reasons are in {errors}" in output
    assert errors.read_text().endswith("warehouses.csv,2,code,,is empty\n")


def test_when_a_file_is_refused_the_exit_code_is_1_and_the_others_go_in(run, tmp_path):
    code, output = run(put(tmp_path / "in", warehouses=WAREHOUSES + ",x\n", inventory="sku,[/b]\n"))

    assert code == 1
    assert "inventory.csv was not imported: missing columns 'warehouse', 'on_hand'; unknown columns '[/b]'." in output
    assert Warehouse.objects.count() == 1


def test_without_any_readable_file_there_is_no_table(run, tmp_path):
    code, output = run(put(tmp_path / "in", warehouses=""))

    assert (code, output) == (1, "warehouses.csv is empty. It needs a first line with the column names.\n")


def test_a_dry_run_says_that_nothing_was_written(run, tmp_path):
    code, output = run(put(tmp_path / "in", warehouses=WAREHOUSES), "--dry-run")

    assert code == 0
    assert "Checked, nothing written" in output
    assert not Warehouse.objects.exists()


def test_a_snapshot_with_refused_rows_says_that_it_deleted_nothing(run, tmp_path):
    folder = put(tmp_path / "in", warehouses="code,name\n,x\n", inventory=INVENTORY + "A-1,uk,5\n")

    _, output = run(folder, "--replace")

    assert "inventory.csv deleted nothing, because rows were refused. Correct it and import it again." in output
    assert "warehouses.csv deleted nothing" not in output


def test_other_files_of_a_folder_are_left_alone_and_named(run, tmp_path):
    folder = put(tmp_path / "in", warehouses=WAREHOUSES, notes="x", **{"[b]": "x"})
    (folder / "skus.xlsx").touch()
    (folder / "skus").touch()

    code, output = run(folder)

    assert code == 0
    assert "Left alone, no import file by name: '[b].csv', 'notes.csv', 'skus', 'skus.xlsx'." in output


def test_files_and_folders_may_be_mixed(run, tmp_path):
    folder = put(tmp_path / "in", warehouses=WAREHOUSES)
    packed = tmp_path / "suppliers.csv.gz"
    packed.write_bytes(gzip.compress(b"code,name,country,currency,default_lead_time_days,min_order_value\nV1,,,,,\n"))

    code, output = run(packed, folder)

    assert code == 0
    assert output.index("warehouses.csv") < output.index("suppliers.csv.gz")


def test_shipments_report_the_measured_lead_times(run, tmp_path):
    folder = put(
        tmp_path / "in",
        warehouses=WAREHOUSES,
        suppliers="code,name,country,currency,default_lead_time_days,min_order_value\nV1,,,,,\n",
        shipments="po_number,supplier,warehouse,order_date,received_date\n"
        + "".join(f"PO-{day},V1,uk,2026-05-01,2026-05-{day}\n" for day in (11, 21, 31)),
    )

    _, output = run(folder, "--as-of", "2026-11-20")

    assert "Lead times by supplier and warehouse, measured from shipments up to 2026-11-20: 1\n" in output


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("gone.csv", "gone.csv cannot be read: No such file or directory."),
        ("x" * 300, "cannot be read: File name too long."),
        ("notes.csv", "notes.csv does not say what it holds. Name it warehouses, suppliers, shipments, "),
        ("skus.xlsx", "skus.xlsx does not say what it holds."),
        ("empty", "There is nothing to import in "),
    ],
)
def test_a_path_that_is_no_import_file_fails_before_anything_is_written(run, tmp_path, path, sentence):
    good = put(tmp_path / "in", warehouses=WAREHOUSES)
    put(tmp_path, notes="x")
    (tmp_path / "skus.xlsx").touch()
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / path] if path == "empty" else [good, tmp_path / path]

    with pytest.raises(CommandError) as failed:
        run(*paths)

    assert sentence in str(failed.value)
    assert not Warehouse.objects.exists()


def test_a_slip_that_names_an_input_as_error_file_costs_nothing(run, tmp_path):
    folder = put(tmp_path / "in", warehouses=WAREHOUSES, inventory=INVENTORY)

    with pytest.raises(CommandError, match="is not an error file"):
        run("--errors", folder / "inventory.csv", folder / "warehouses.csv")

    assert (folder / "inventory.csv").read_text() == INVENTORY


def test_an_interrupt_keeps_what_went_in_and_says_so(run, tmp_path, monkeypatch):
    def interrupt(**arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "import_data", interrupt)

    with pytest.raises(CommandError, match="What went in so far stays; import again") as stopped:
        run(put(tmp_path / "in", warehouses=WAREHOUSES))

    assert stopped.value.returncode == 130


def test_as_a_process_the_exit_codes_are_0_3_and_1(tmp_path):
    folder, bad = put(tmp_path / "in", warehouses=WAREHOUSES), put(tmp_path / "bad", warehouses=WAREHOUSES + ",x\n")
    errors = str(tmp_path / "errors.csv")
    with scratch_database(tmp_path) as scratch:
        scratch.call("import_data", str(folder), "--errors", errors, code=0)
        scratch.call("import_data", str(bad), "--errors", errors, code=3)
        missing = scratch.call("import_data", "gone.csv", "--errors", errors, code=1)

        assert scratch.python("from suppliers.models import Warehouse; print(Warehouse.objects.count())") == "1"
        assert missing.strip() == "CommandError: gone.csv cannot be read: No such file or directory."


def test_without_tables_the_command_says_what_to_do(tmp_path):
    scratch = Scratch(f"sqlite:///{tmp_path}/empty.sqlite3")

    output = scratch.call("import_data", str(put(tmp_path / "in", warehouses=WAREHOUSES)), code=1)

    assert output.strip() == "CommandError: The database has no tables yet. Run `python manage.py migrate` first."
