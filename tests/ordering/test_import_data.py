import csv
import datetime as dt
import gzip
import io
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import WorkbenchError
from core.tabular import CsvFile, RefusalFile
from ordering.models import (
    DemandStats,
    ForecastDetail,
    ForecastRun,
    Inventory,
    MonthlySales,
    PendingOrder,
    SeasonalPattern,
    Sku,
    StockoutPattern,
)
from ordering.services.import_data import KINDS, import_data
from suppliers.models import Shipment, Supplier, SupplierLeadTime, Warehouse
from tests.builders import (
    AS_OF,
    a_forecast,
    a_forecast_run,
    a_shipment,
    a_sku,
    a_supplier,
    a_warehouse,
    an_open_order,
    stock,
)

pytestmark = pytest.mark.django_db

HEADERS = {
    "warehouses": "code,name",
    "suppliers": "code,name,country,currency,default_lead_time_days,min_order_value",
    "skus": "sku,description,supplier,status,abc,xyz,unit_cost,currency,moq,order_multiple",
    "inventory": "sku,warehouse,on_hand",
    "pending_orders": "reference,sku,warehouse,quantity,order_date,expected_arrival,is_estimated,status",
    "monthly_sales": "sku,warehouse,month,units_sold,stockout_days",
    "forecasts": "run,forecast_date,status,sku,warehouse,avg_monthly_qty,confidence",
    "demand_stats": "sku,warehouse,cv",
    "lead_times": "supplier,warehouse,mean_days,std_days,median_days,p95_days,reliability,shipment_count",
    "shipments": "po_number,supplier,warehouse,order_date,received_date",
    "seasonal_patterns": "sku,warehouse,strength,confidence,significant,peak_months",
    "stockout_patterns": "sku,pattern_type,months,frequency,confidence",
}
# One good row of each kind; every reference is to what the fixture `books` holds.
GOOD = {
    "warehouses": "uk,United Kingdom",
    "suppliers": "V001,Abbvie,GB,GBP,30,250.50",
    "skus": "B-7,Bowl,ACME,Active,A,X,2.5,USD,10,5",
    "inventory": "A-1,burnaby,5",
    "pending_orders": "PO-1,A-1,burnaby,36,2026-09-19,2026-12-01,true,ordered",
    "monthly_sales": "A-1,burnaby,2026-11-01,108,3",
    "forecasts": "November,2026-11-01,completed,A-1,burnaby,28.55,0.4",
    "demand_stats": "A-1,burnaby,1.25",
    "lead_times": "ACME,burnaby,30,5,29,41,0.83,12",
    "shipments": "PO-1,ACME,burnaby,2026-04-19,2026-06-27",
    "seasonal_patterns": 'A-1,burnaby,0.6,0.8,true,"4,5,12"',
    "stockout_patterns": 'A-1,seasonal,"11,12",60,high',
}
MODELS = {
    "warehouses": Warehouse,
    "suppliers": Supplier,
    "skus": Sku,
    "inventory": Inventory,
    "pending_orders": PendingOrder,
    "monthly_sales": MonthlySales,
    "forecasts": ForecastDetail,
    "demand_stats": DemandStats,
    "lead_times": SupplierLeadTime,
    "shipments": Shipment,
    "seasonal_patterns": SeasonalPattern,
    "stockout_patterns": StockoutPattern,
}


@pytest.fixture
def books():
    """What good rows refer to."""
    a_sku("A-1", supplier=a_supplier("ACME"))
    a_warehouse("burnaby")


@pytest.fixture
def load(tmp_path):
    """Import files given as rows by kind; answer the report and the lines of the error file."""

    def load(*, options=None, **files):
        paths = [write(tmp_path / f"{kind}.csv", HEADERS[kind], *rows) for kind, rows in files.items()]
        return load_paths(tmp_path / "errors.csv", *paths, **options or {})

    return load


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return path


def load_paths(errors, *paths, **options):
    with RefusalFile(errors) as refusals:
        report = import_data(paths=paths, refusals=refusals, **{"as_of": AS_OF} | options)
    lines = csv.DictReader(io.StringIO(errors.read_bytes().decode(), newline="")) if refusals.count else []
    return report, [(int(line["line"]), line["column"], line["value"], line["reason"]) for line in lines]


def content(model):
    return list(model.objects.order_by("pk").values())


def counts():
    return {kind: model.objects.count() for kind, model in MODELS.items()}


BAD_ROWS = [
    ("inventory", "Z-9,burnaby,5", "sku", "Z-9", "is an unknown SKU"),
    ("inventory", "A-1,uk,5", "warehouse", "uk", "is an unknown warehouse"),
    ("inventory", "A-1,burnaby,many", "on_hand", "many", "is not a number"),
    ("inventory", "A-1,burnaby,NaN", "on_hand", "NaN", "is not a number"),
    ("inventory", "A-1,burnaby,inf", "on_hand", "inf", "is not a number"),
    ("inventory", "A-1,burnaby,1e308", "on_hand", "1e308", "is more than 2,147,483,647"),
    ("inventory", "A-1,burnaby,-1e308", "on_hand", "'-1e308", "is less than -2,147,483,648"),
    ("inventory", "A-1,burnaby,1.5", "on_hand", "1.5", "is not a whole number"),
    ("inventory", "A-1,burnaby,", "on_hand", "", "is empty"),
    ("inventory", ",burnaby,5", "sku", "", "is empty"),
    ("inventory", "A-1,burnaby", "", "A-1,burnaby", "The row and the header differ in their number of cells: 2 and 3"),
    ("skus", "B-8,,V999,Active,,,1,,,", "supplier", "V999", "is an unknown supplier"),
    ("skus", "B-8,,,Gone,,,1,,,", "status", "Gone", "is not one of Active, Death Row, Discontinued"),
    ("skus", "B-8,,,Active,D,,1,,,", "abc", "D", "is not one of A, B, C"),
    ("skus", "B-8,,,Active,,,-1,,,", "unit_cost", "'-1", "is negative"),
    ("skus", "B-8,,,Active,,,1e10,,,", "unit_cost", "1e10", "is more than 9,999,999,999"),
    ("skus", f"{'B' * 65},,,Active,,,1,,,", "sku", "B" * 65, "has more than 64 characters"),
    ("skus", f"B-8,{'x' * 256},,Active,,,1,,,", "description", "x" * 200, "has more than 255 characters"),
    ("skus", "B-8,,,Active,,,1,EURO,,", "currency", "EURO", "has more than 3 characters"),
    ("suppliers", "V002,,,,-5,", "default_lead_time_days", "'-5", "is negative"),
    ("suppliers", "V002,,,,,a lot", "min_order_value", "a lot", "is not a number"),
    ("pending_orders", "PO-2,A-1,burnaby,-3,2026-09-19,,,ordered", "quantity", "'-3", "is negative"),
    (
        "pending_orders",
        "PO-2,A-1,burnaby,3,2026-02-30,,,ordered",
        "order_date",
        "2026-02-30",
        "is not a date like 2026-12-31",
    ),
    ("pending_orders", "PO-2,A-1,burnaby,3,2026-09-19,,often,ordered", "is_estimated", "often", "is not true or false"),
    (
        "pending_orders",
        "PO-2,A-1,burnaby,3,2026-09-19,,,lost",
        "status",
        "lost",
        "is not one of ordered, shipped, received, cancelled",
    ),
    ("monthly_sales", "A-1,burnaby,2026-13-01,1,0", "month", "2026-13-01", "is not a month like 2026-12-01"),
    ("monthly_sales", "A-1,burnaby,2026-10-01,-1,0", "units_sold", "'-1", "is negative"),
    ("monthly_sales", "A-1,burnaby,2026-10-01,1,32", "stockout_days", "32", "is more than 31"),
    ("forecasts", "November,2026-11-01,completed,A-1,burnaby,1,1.5", "confidence", "1.5", "is more than 1"),
    (
        "forecasts",
        "November,2026-11-01,done,A-1,burnaby,1,1",
        "status",
        "done",
        "is not one of running, completed, failed",
    ),
    ("demand_stats", "A-1,burnaby,-0.5", "cv", "'-0.5", "is negative"),
    ("lead_times", "V999,burnaby,30,,,,,", "supplier", "V999", "is an unknown supplier"),
    ("lead_times", "ACME,uk,30,,,,,", "warehouse", "uk", "is an unknown warehouse"),
    ("lead_times", "ACME,burnaby,,5,29,,,", "mean_days", "", "is empty, and so is p95_days; one of them is needed"),
    ("shipments", "PO-2,V999,burnaby,2026-04-19,", "supplier", "V999", "is an unknown supplier"),
    ("shipments", "PO-2,ACME,burnaby,2026-06-27,2026-06-26", "received_date", "2026-06-26", "is before the order date"),
    ("shipments", "PO-2,ACME,burnaby,-2026-06-27,", "order_date", "'-2026-06-27", "is not from 1900 to 2199"),
    (
        "seasonal_patterns",
        'A-1,burnaby,0.6,0.8,true,"4,13"',
        "peak_months",
        "4,13",
        "is not a list of months like 4,5,12",
    ),
    ("seasonal_patterns", "A-1,burnaby,1.1,0.8,true,4", "strength", "1.1", "is more than 1"),
    ("stockout_patterns", "A-1,weekly,4,60,high", "pattern_type", "weekly", "is not one of chronic, seasonal"),
    ("stockout_patterns", "A-1,chronic,4,101,high", "frequency", "101", "is more than 100"),
    ("stockout_patterns", "A-1,chronic,4,60,sure", "confidence", "sure", "is not one of low, medium, high"),
]


@pytest.mark.parametrize(("kind", "row", "column", "value", "reason"), BAD_ROWS)
@pytest.mark.usefixtures("books")
def test_a_bad_row_is_refused_alone_with_line_column_value_and_reason(load, kind, row, column, value, reason):
    before = MODELS[kind].objects.count()

    report, refusals = load(**{kind: [row, GOOD[kind]]})

    assert refusals == [(2, column, value, reason)]
    assert (report.files[0].rows, report.files[0].accepted, report.refused_rows) == (2, 1, 1)
    assert MODELS[kind].objects.count() == before + 1


DUPLICATES = [
    ("warehouses", "UK,Britain", "code", "UK"),
    ("suppliers", " v001 ,,,,,", "code", "v001"),
    ("skus", "b-7,,,Active,,,1,,,", "sku", "b-7"),
    ("inventory", "a-1,BURNABY,6", "sku, warehouse", "a-1, BURNABY"),
    ("pending_orders", "PO-1,A-1,burnaby,1,2026-01-01,,,shipped", "reference, sku, warehouse", "PO-1, A-1, burnaby"),
    ("monthly_sales", "A-1,burnaby,2026-11-30,1,0", "sku, warehouse, month", "A-1, burnaby, 2026-11-30"),
    ("forecasts", "November,2026-11-01,completed,a-1,burnaby,1,1", "run, sku, warehouse", "November, a-1, burnaby"),
    ("demand_stats", "A-1,burnaby,2", "sku, warehouse", "A-1, burnaby"),
    ("lead_times", "acme,burnaby,31,,,,,", "supplier, warehouse", "acme, burnaby"),
    ("shipments", "PO-1,ACME,burnaby,2026-04-20,", "po_number, supplier, warehouse", "PO-1, ACME, burnaby"),
    ("seasonal_patterns", "A-1,burnaby,0,0,no,", "sku, warehouse", "A-1, burnaby"),
    ("stockout_patterns", "A-1,SEASONAL,,0,low", "sku, pattern_type", "A-1, SEASONAL"),
]


@pytest.mark.parametrize(("kind", "row", "column", "value"), DUPLICATES)
@pytest.mark.usefixtures("books")
def test_the_second_row_of_a_key_is_refused_and_the_first_one_stays(load, kind, row, column, value):
    before = MODELS[kind].objects.count()

    _, refusals = load(**{kind: [GOOD[kind], row]})
    once = content(MODELS[kind])
    load(**{kind: [GOOD[kind]]})

    assert refusals == [(3, column, value, "stands on line 2 already")]
    assert MODELS[kind].objects.count() == before + 1
    assert content(MODELS[kind]) == once


def test_a_key_whose_first_row_was_refused_goes_in_with_its_second(load, books):
    _, refusals = load(inventory=["A-1,burnaby,many", "A-1,burnaby,5"])

    assert [line for line, *_ in refusals] == [2]
    assert Inventory.objects.get().on_hand == 5


@pytest.mark.django_db(transaction=True)
def test_every_kind_goes_in_with_what_it_says(load, books):
    report, refusals = load(**{kind: [row] for kind, row in GOOD.items()})

    assert refusals == []
    assert [file.accepted for file in report.files] == [1] * 12
    assert counts() == {kind: 2 if kind in {"warehouses", "suppliers", "skus"} else 1 for kind in MODELS}
    sku, supplier = Sku.objects.get(sku="B-7"), Supplier.objects.get(code="V001")
    assert (sku.description, sku.supplier.code, sku.abc, sku.xyz, sku.moq, sku.order_multiple) == (
        "Bowl", "ACME", "A", "X", 10, 5,
    )  # fmt: skip
    assert (float(sku.unit_cost), float(supplier.min_order_value)) == (2.5, 250.5)
    order = PendingOrder.objects.get()
    assert (order.expected_arrival, order.is_estimated, order.status) == (dt.date(2026, 12, 1), True, "ordered")
    lead_time = SupplierLeadTime.objects.get()
    assert (lead_time.mean_days, lead_time.p95_days, lead_time.shipment_count) == (30, 41, 12)
    assert lead_time.measured_through is None
    assert (MonthlySales.objects.get().month, SeasonalPattern.objects.get().peak_months) == (
        dt.date(2026, 11, 1),
        "4,5,12",
    )


@pytest.mark.django_db(transaction=True)
def test_importing_twice_changes_nothing(load, books):
    load(**{kind: [row] for kind, row in GOOD.items()})
    once = {kind: content(model) for kind, model in MODELS.items()} | {"runs": content(ForecastRun)}

    _, refusals = load(**{kind: [row] for kind, row in GOOD.items()})

    assert refusals == []
    assert {kind: content(model) for kind, model in MODELS.items()} | {"runs": content(ForecastRun)} == once


@pytest.mark.django_db(transaction=True)
def test_a_second_import_updates_rows_in_place(load, books):
    stored = stock(Sku.objects.get(), 5)

    load(inventory=["a-1,BURNABY,7"])

    stored.refresh_from_db()
    assert stored.on_hand == 7


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_accepts_references_within_the_batch_and_writes_nothing(load):
    files = {
        kind: [row.replace("A-1", "B-7").replace("ACME", "V001").replace("burnaby", "uk")] for kind, row in GOOD.items()
    }
    files["skus"] += ["B-8,,,Active,,,1,,,"]
    files["inventory"] += ["b-8,UK,5", "B-9,uk,5"]

    report, refusals = load(**files, options={"dry_run": True})

    assert refusals == [(4, "sku", "B-9", "is an unknown SKU")]
    assert [file.accepted for file in report.files] == [1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1]
    assert set(counts().values()) == {0}
    assert not ForecastRun.objects.exists()
    assert report.lead_times_as_of is None


def test_a_dry_run_finds_the_same_refusals_as_the_real_one(load, books):
    files = {"skus": ["B-7,,V9,Active,,,1,,,"], "inventory": ["B-7,burnaby,5", "A-1,burnaby,5", "a-1,burnaby,6"]}

    _, expected = load(**files, options={"dry_run": True})
    _, found = load(**files)

    assert found == expected
    assert len(found) == 3


@pytest.mark.django_db(transaction=True)
def test_replace_deletes_what_the_snapshot_no_longer_holds(load, books):
    kept, gone = Sku.objects.get(), a_sku("A-2")
    stored, _ = stock(kept, 1), stock(gone, 1)
    an_open_order(kept, 1, reference="PO-1"), an_open_order(kept, 1, reference="PO-0"), a_shipment(10)

    report, _ = load(
        inventory=["A-1,burnaby,5"],
        pending_orders=[GOOD["pending_orders"]],
        shipments=[GOOD["shipments"].replace("PO-1", "PO-9")],
        options={"replace": True},
    )

    assert [(row["id"], row["on_hand"]) for row in content(Inventory)] == [(stored.pk, 5)]
    assert [order.reference for order in PendingOrder.objects.all()] == ["PO-1"]
    assert Shipment.objects.count() == 2
    assert {file.kind: file.deleted for file in report.files} == {"shipments": 0, "inventory": 1, "pending_orders": 1}


def test_replace_by_an_empty_snapshot_deletes_all(load, books):
    stock(Sku.objects.get(), 1)

    report, _ = load(inventory=[], options={"replace": True})

    assert (report.files[0].deleted, Inventory.objects.count()) == (1, 0)


def test_replace_in_a_dry_run_counts_and_deletes_nothing(load, books):
    stock(Sku.objects.get(), 1)

    report, _ = load(inventory=[], options={"replace": True, "dry_run": True})

    assert (report.files[0].deleted, Inventory.objects.count()) == (1, 1)


@pytest.mark.parametrize("bad", ["A-2,burnaby,many", "A-2,burnaby", 'A-2,burnaby,"5'])
def test_replace_deletes_nothing_when_a_row_was_refused(load, books, bad):
    stock(a_sku("A-2"), 1)

    report, refusals = load(inventory=["A-1,burnaby,5", bad], options={"replace": True})

    assert len(refusals) == 1
    assert (report.files[0].deleted, report.files[0].kept_back) == (0, True)
    assert Inventory.objects.count() == 2


def test_without_replace_nothing_is_deleted(load, books):
    stock(a_sku("A-2"), 1)

    load(inventory=["A-1,burnaby,5"])

    assert Inventory.objects.count() == 2


def test_two_snapshots_of_a_kind_cannot_both_be_the_whole_truth(tmp_path, books):
    paths = [tmp_path / "a" / "inventory.csv", tmp_path / "b" / "inventory.csv"]
    for path in paths:
        path.parent.mkdir()
        write(path, HEADERS["inventory"], GOOD["inventory"])

    with pytest.raises(WorkbenchError, match="more than one file of inventory"):
        load_paths(tmp_path / "errors.csv", *paths, replace=True)
    report, _ = load_paths(tmp_path / "errors.csv", *paths)

    assert [file.accepted for file in report.files] == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_forecasts_bring_their_runs_with_date_and_status(load, books):
    a_sku("A-2")
    rows = [
        "November,2026-11-01,completed,A-1,burnaby,28.5,0.4",
        "November,2026-11-01,completed,A-2,burnaby,3,1",
        "December,2026-11-20,RUNNING,A-1,burnaby,30,0.5",
    ]

    load(forecasts=rows)

    runs = ForecastRun.objects.order_by("name").values_list("name", "forecast_date", "status")
    assert list(runs) == [
        ("December", dt.date(2026, 11, 20), "running"),
        ("November", dt.date(2026, 11, 1), "completed"),
    ]
    assert Counter(ForecastDetail.objects.values_list("run__name", flat=True)) == {"November": 2, "December": 1}


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_running_is_completed_by_a_later_file(load, books):
    run = a_forecast_run("November", status="running")
    detail = a_forecast(Sku.objects.get(), 1, run=run)

    load(forecasts=[GOOD["forecasts"]])

    run.refresh_from_db()
    assert (run.status, ForecastRun.objects.count()) == ("completed", 1)
    assert ForecastDetail.objects.get().pk == detail.pk


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("November,2026-10-01,completed,A-2,burnaby,3,1", "November, 2026-10-01, completed"),
        ("November,2026-11-01,running,A-2,burnaby,3,1", "November, 2026-11-01, running"),
    ],
)
def test_a_run_has_one_date_and_one_status(load, books, row, value):
    a_sku("A-2"), a_sku("A-3")

    _, refusals = load(forecasts=[GOOD["forecasts"], row, GOOD["forecasts"].replace("A-1", "A-3")])

    reason = "differs from the first line of this run, which has 2026-11-01, completed"
    assert refusals == [(3, "run, forecast_date, status", value, reason)]
    assert ForecastDetail.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_run_is_known_again_chunks_later(load, books, monkeypatch):
    monkeypatch.setattr(CsvFile.chunks, "__defaults__", (2,))
    rows = [GOOD["forecasts"].replace("A-1", a_sku(f"C-{number}").sku) for number in range(7)]
    rows[3] = rows[3].replace("November", "December")
    rows[4] = rows[4].replace("2026-11-01", "2026-11-02")

    _, refusals = load(forecasts=rows)

    assert [line for line, *_ in refusals] == [6]
    assert set(ForecastRun.objects.values_list("forecast_date", flat=True)) == {dt.date(2026, 11, 1)}
    assert ForecastDetail.objects.count() == 6


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "code", ["B-7", " B-7 ", "\u00a0B-7", "Ærø 7", "数量", "NULL", "b\\N", '"B ""7"""', "=B7", "007"]
)
def test_codes_are_found_again_without_regard_to_case_and_blanks(load, books, code):
    _, refusals = load(
        skus=[f"{code},,acme ,Active,,,1,,,"], inventory=[f"{code.upper()}, Burnaby,5", f"{code.lower()},burnaby,6"]
    )

    assert [reason for *_, reason in refusals] == ["stands on line 2 already"]
    assert Inventory.objects.get(on_hand=5).sku.sku == next(csv.reader([code]))[0].strip()


@pytest.mark.django_db(transaction=True)
def test_an_existing_sku_takes_the_new_spelling_and_keeps_its_id(load, books):
    before = Sku.objects.get()

    load(skus=["a-1,,,Active,,,1,,,"])

    after = Sku.objects.get()
    assert (after.pk, after.sku, after.sku_key) == (before.pk, "a-1", "a-1")


def test_a_column_that_the_file_may_lack_keeps_what_is_stored(load, books, tmp_path):
    Sku.objects.update(max_order_qty=500)
    load(skus=["A-1,new,,Active,,,1,,,"])
    kept = Sku.objects.get()
    load_paths(
        tmp_path / "errors.csv",
        write(tmp_path / "skus.csv", HEADERS["skus"] + ",max_order_qty", "A-1,,,Active,,,1,,,,9"),
    )

    assert (kept.description, kept.max_order_qty) == ("new", 500)
    assert Sku.objects.get().max_order_qty == 9


def test_an_empty_cell_is_the_default(load, books):
    load(skus=["B-7,,,Active,,,1,,,"], suppliers=["V001,,,,,"], shipments=["PO-1,ACME,burnaby,2026-04-19,"])

    sku, supplier = Sku.objects.get(sku="B-7"), Supplier.objects.get(code="V001")
    assert (sku.supplier, sku.abc, sku.moq, sku.order_multiple, sku.max_order_qty) == (None, "", 1, 1, None)
    assert (supplier.default_lead_time_days, supplier.min_order_value) == (None, None)
    assert Shipment.objects.get().received_date is None


def test_columns_may_come_in_any_order(tmp_path, books):
    load_paths(tmp_path / "errors.csv", write(tmp_path / "inventory.csv", "on_hand,warehouse,sku", "5,burnaby,A-1"))

    assert Inventory.objects.get().on_hand == 5


FORMS = {
    "bom": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "gzip": lambda text: gzip.compress(text.encode()),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.django_db(transaction=True)
def test_text_arrives_as_it_was_written(tmp_path, form):
    names = [
        "Kingdom, United",
        'say "hello"',
        "two\nlines",
        "Ærøskøbing 数量 🚚",
        "NULL",
        "back\\slash\\",
        "tab\there",
        "'",
    ]
    rows = [f'w{row},"{name.replace(chr(34), chr(34) * 2)}"' for row, name in enumerate(names)]
    path = tmp_path / ("warehouses.csv.gz" if form == "gzip" else "warehouses.csv")
    path.write_bytes(FORMS[form]("\n".join([HEADERS["warehouses"], *rows, ",nameless", ""])))

    _, refusals = load_paths(tmp_path / "errors.csv", path)

    stored = list(Warehouse.objects.order_by("pk").values_list("name", flat=True))
    assert [name.replace("\r\n", "\n") for name in stored] == names
    assert refusals == [(11, "code", "", "is empty")]


COLUMNS = "inventory files have the columns sku, warehouse, on_hand, separated by commas."


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("sku,warehouse", "missing columns 'on_hand'"),
        ("sku,warehouse,on_hand,bin", "unknown columns 'bin'"),
        ("sku,warehouse,on_hand,", "unknown columns ''"),
        ("sku,warehouse,on_hand,sku", "repeated columns 'sku'"),
        (",".join(["sku", "warehouse", "on_hand"] + ["sku"] * 300), "repeated columns 'sku'"),
        (
            "sku;warehouse;on_hand",
            "missing columns 'sku', 'warehouse', 'on_hand'; unknown columns 'sku;warehouse;on_hand'",
        ),
        ("sku,warehouse,[/b]", "missing columns 'on_hand'; unknown columns '[/b]'"),
        (
            "sku,warehouse,on_hand," + ",".join(f"c{number}" for number in range(4_997)),
            "unknown columns 'c0', 'c1', 'c2', 'c3', 'c4' and 4,992 more",
        ),
    ],
    ids=["missing", "unknown", "nameless", "repeated", "300-times", "semicolons", "markup", "5,000"],
)
@pytest.mark.usefixtures("books")
def test_wrong_columns_refuse_the_file_and_the_others_go_in(tmp_path, header, complaint):
    row = ",".join(["A-1", "burnaby", *["1"] * header.count(",")][: header.count(",") + 1])
    paths = [
        write(tmp_path / "inventory.csv", header, row),
        write(tmp_path / "demand_stats.csv", HEADERS["demand_stats"], GOOD["demand_stats"]),
    ]

    report, refusals = load_paths(tmp_path / "errors.csv", *paths, replace=True)

    assert report.refused_files == [f"inventory.csv was not imported: {complaint}. {COLUMNS}"]
    assert refusals == []
    assert not Inventory.objects.exists()
    assert DemandStats.objects.count() == 1


def test_optional_columns_are_named_as_such(tmp_path):
    report, _ = load_paths(tmp_path / "errors.csv", write(tmp_path / "monthly_sales.csv", "sku"))

    assert "stockout_days, corrected_demand (optional), separated by commas" in report.refused_files[0]


def test_a_file_with_its_header_only_is_an_empty_file(load):
    report, refusals = load(warehouses=[])

    assert (report.files[0].rows, report.refused_files, refusals) == (0, [], [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_full_of_noise_leaves_nothing_behind(tmp_path, kind):
    noise = bytes(range(256)) * 500
    path = tmp_path / f"{kind}.csv"
    path.write_bytes(HEADERS[kind].encode() + b"\n" + noise)

    report, refusals = load_paths(tmp_path / "errors.csv", path)

    assert report.refused_rows == len(refusals) == report.files[0].rows > 0
    assert set(counts().values()) == {0}


def test_files_are_imported_in_the_order_of_their_dependencies(tmp_path):
    for kind, row in GOOD.items():
        write(
            tmp_path / f"{kind}.csv",
            HEADERS[kind],
            row.replace("A-1", "B-7").replace("ACME", "V001").replace("burnaby", "uk"),
        )

    report, refusals = load_paths(tmp_path / "errors.txt", tmp_path)

    assert refusals == []
    assert len(report.files) == 12


def test_shipments_are_measured_when_they_come_in(load, books):
    rows = [f"PO-{days},ACME,burnaby,2026-05-01,2026-05-{days}" for days in (11, 21, 31)]

    report, _ = load(shipments=rows)
    again, _ = load(inventory=[GOOD["inventory"]])

    assert (report.lead_times_as_of, report.measured_lead_times) == (AS_OF, 1)
    assert SupplierLeadTime.objects.get().mean_days == 20
    assert again.lead_times_as_of is None


def test_refused_shipments_measure_nothing(load, books):
    report, _ = load(shipments=["PO-1,V9,burnaby,2026-05-01,2026-05-11"])

    assert report.lead_times_as_of is None


@pytest.mark.django_db(transaction=True)
def test_the_real_books_of_a_distributor_go_in(retail_data, tmp_path):
    report, refusals = load_paths(tmp_path / "errors.csv", retail_data, as_of=dt.date(2011, 11, 1))

    assert {kind: count for kind, count in counts().items() if count} == {
        file.kind: rows_of(retail_data / file.file) - (4 if file.kind == "shipments" else 0) for file in report.files
    } | {"lead_times": report.measured_lead_times}
    assert refusals == [
        (92, "received_date", "2007-01-24", "is before the order date"),
        (234, "received_date", "2008-01-03", "is before the order date"),
        (2972, "received_date", "2014-06-25", "is before the order date"),
        (3373, "received_date", "2015-05-26", "is before the order date"),
    ]
    assert report.measured_lead_times > 0
    assert report.refused_files == []


def rows_of(path):
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return content.count(b"\n") - 1


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_an_import_tells_the_server_what_its_tables_hold_now(tmp_path):
    (tmp_path / "warehouses.csv").write_text("code,name\nburnaby,Burnaby\n")
    with CaptureQueriesContext(connection) as queries, RefusalFile(tmp_path / "errors.csv") as refusals:
        import_data(paths=[tmp_path / "warehouses.csv"], refusals=refusals)
    assert [query["sql"] for query in queries if "ANALYZE" in query["sql"]] == ["ANALYZE TABLE `suppliers_warehouse`"]
