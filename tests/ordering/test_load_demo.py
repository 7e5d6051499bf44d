import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Count

from core.batch import count_statements
from core.errors import WorkbenchError
from ordering.management.commands.load_demo import Command
from ordering.models import (
    DemandStats,
    ForecastDetail,
    ForecastRun,
    Inventory,
    MonthlySales,
    OrderConfirmation,
    PendingOrder,
    SeasonalPattern,
    Sku,
    StockoutPattern,
    Urgency,
)
from ordering.services.generate_recommendations import generate_recommendations
from ordering.services.load_demo import NotEmpty, load_demo
from suppliers.models import Shipment, Supplier, SupplierLeadTime, Warehouse
from tests.builders import AS_OF, MONTH, a_sku

pytestmark = pytest.mark.django_db

PAIR = ("sku__sku", "warehouse__code")
CONTENT = {
    Warehouse: ("code", "name"),
    Supplier: ("code", "name", "country", "currency", "default_lead_time_days", "min_order_value", "email"),
    Shipment: ("po_number", "supplier__code", "warehouse__code", "order_date", "received_date"),
    SupplierLeadTime: ("supplier__code", "warehouse__code", "mean_days", "shipment_count"),
    Sku: ("sku", "description", "supplier__code", "status", "abc", "xyz", "unit_cost", "currency", "moq",
          "order_multiple", "max_order_qty"),
    Inventory: (*PAIR, "on_hand"),
    PendingOrder: (*PAIR, "reference", "quantity", "order_date", "expected_arrival", "is_estimated", "status"),
    ForecastRun: ("name", "forecast_date", "status"),
    ForecastDetail: (*PAIR, "run__name", "avg_monthly_qty", "confidence"),
    MonthlySales: (*PAIR, "month", "units_sold", "stockout_days", "corrected_demand"),
    DemandStats: (*PAIR, "cv"),
    SeasonalPattern: (*PAIR, "strength", "confidence", "significant", "peak_months"),
    StockoutPattern: ("sku__sku", "pattern_type", "months", "frequency", "confidence"),
}  # fmt: skip


def a_demo(skus=60, warehouses=2, seed=1, **arguments):
    return load_demo(skus=skus, warehouses=warehouses, seed=seed, **{"as_of": AS_OF} | arguments)


def content():
    return {model: sorted(map(repr, model.objects.values_list(*names))) for model, names in CONTENT.items()}


def empty_the_database():
    for model in reversed(CONTENT):
        model.objects.all().delete()


def content_of_a_new(**arguments):
    empty_the_database()
    a_demo(**arguments)
    return content()


def share(rows, of):
    return rows.count() / of.count()


def test_the_same_arguments_give_the_same_rows():
    first = content_of_a_new()

    assert all(first.values())
    assert content_of_a_new() == first


def test_another_seed_gives_another_distributor():
    first, second = content_of_a_new(seed=1), content_of_a_new(seed=2)

    unlike = {model for model in CONTENT if first[model] != second[model]}
    assert unlike == set(CONTENT) - {Warehouse, ForecastRun}


def test_another_planning_date_moves_the_books():
    a_demo(as_of=dt.date(2024, 2, 29))

    months = MonthlySales.objects.values_list("month", flat=True).distinct().order_by("month")
    assert (months.first(), months.last(), months.count()) == (dt.date(2023, 1, 1), dt.date(2024, 1, 1), 13)
    assert not PendingOrder.objects.filter(order_date__gt=dt.date(2024, 2, 29)).exists()
    assert not Shipment.objects.filter(received_date__gt=dt.date(2024, 2, 29)).exists()


def test_every_urgency_and_every_source_occurs():
    a_demo(skus=600)
    run = generate_recommendations(month=MONTH, as_of=AS_OF)

    lines = OrderConfirmation.objects.all()
    shares = {urgency: share(lines.filter(urgency=urgency), lines) for urgency in Urgency}
    assert run.problems == 0
    assert 0.12 < shares[Urgency.MUST_ORDER] < 0.27
    assert 0.10 < shares[Urgency.SHOULD_ORDER] < 0.23
    assert 0.10 < shares[Urgency.OPTIONAL] < 0.27
    assert 0.30 < shares[Urgency.SKIP] < 0.60
    for field, choices in (
        ("demand_source", OrderConfirmation.DemandSource),
        ("lead_time_source", OrderConfirmation.LeadTimeSource),
    ):
        assert set(lines.values_list(field, flat=True)) == set(choices.values)


def test_the_books_have_the_gaps_of_real_ones():
    a_demo(skus=250)

    assert {*Sku.objects.values_list("status", flat=True)} == set(Sku.Status.values)
    assert {*Sku.objects.values_list("abc", flat=True)} == {"", "A", "B", "C"}
    assert {*Sku.objects.values_list("xyz", flat=True)} == {"", "X", "Y", "Z"}
    assert Sku.objects.filter(supplier=None).exists()
    assert 0 < Sku.objects.exclude(max_order_qty=None).count() < 25
    assert Supplier.objects.filter(default_lead_time_days=None, lead_times=None, shipments=None).exists()
    assert Inventory.objects.filter(on_hand__lt=0).exists()
    assert {*PendingOrder.objects.values_list("status", flat=True)} == set(PendingOrder.Status.values)
    still_open = PendingOrder.objects.filter(status__in=PendingOrder.OPEN)
    assert still_open.filter(expected_arrival=None).exists()
    assert still_open.filter(expected_arrival__lt=AS_OF).exists()
    assert MonthlySales.objects.filter(stockout_days__gt=0, corrected_demand=None).exists()
    assert MonthlySales.objects.exclude(corrected_demand=None).exists()
    assert {*StockoutPattern.objects.values_list("pattern_type", flat=True)} == {"chronic", "seasonal"}


def test_the_newest_forecast_run_is_unfinished_and_the_newer_completed_one_covers_three_quarters():
    a_demo(skus=250)

    runs = ForecastRun.objects.annotate(pairs=Count("details")).order_by("forecast_date")
    older, newer, unfinished = runs
    assert (older.status, newer.status, unfinished.status) == ("completed", "completed", "running")
    assert 0.68 < newer.pairs / (250 * 2) < 0.80
    assert older.pairs > unfinished.pairs > 0


def test_about_two_percent_of_the_pairs_have_nothing_at_all():
    a_demo(skus=250)

    pairs = set()
    for model in (Inventory, PendingOrder, ForecastDetail, MonthlySales, DemandStats, SeasonalPattern):
        pairs |= {*model.objects.values_list("sku", "warehouse")}
    assert 0.96 < len(pairs) / (250 * 2) < 0.995


def test_demand_has_a_long_tail():
    a_demo(skus=250)

    units = sorted(MonthlySales.objects.values_list("units_sold", flat=True), reverse=True)
    assert sum(units[: len(units) // 5]) > 0.6 * sum(units)
    assert 0 in units


@pytest.mark.parametrize("pairs_a_chunk", [1, 20, 24, 10_000])
def test_no_sku_is_lost_where_one_chunk_ends_and_the_next_begins(pairs_a_chunk):
    report = a_demo(skus=12, pairs_a_chunk=pairs_a_chunk)

    assert report.rows["skus"] == Sku.objects.count() == 12


def test_the_report_counts_what_is_stored():
    report = a_demo(skus=30, pairs_a_chunk=20)

    assert report.rows["monthly_sales"] == MonthlySales.objects.count()
    assert report.rows["pending_orders"] == PendingOrder.objects.count()
    assert report.rows["shipments"] == Shipment.objects.count()
    assert report.measured_lead_times == SupplierLeadTime.objects.count() > 0


def test_progress_ends_with_all_skus():
    seen = []
    a_demo(skus=25, pairs_a_chunk=20, on_progress=lambda done, total: seen.append((done, total)))

    assert seen == [(10, 25), (20, 25), (25, 25)]


def test_more_skus_in_a_chunk_take_no_more_statements():
    def statements(skus):
        empty_the_database()
        with count_statements() as counts:
            a_demo(skus=skus)
        return dict(counts)

    assert statements(50) == statements(100)


def test_many_warehouses_have_distinct_codes():
    a_demo(skus=3, warehouses=45)

    codes = Warehouse.objects.order_by("id").values_list("code", flat=True)
    assert {"burnaby", "kentucky"} <= {*codes}
    assert len(codes) == 45


def test_the_smallest_demo_loads():
    assert a_demo(skus=1, warehouses=1).rows["skus"] == 1


@pytest.mark.parametrize("wrong", [{"skus": 0}, {"warehouses": 0}, {"seed": -1}, {"as_of": dt.date(1800, 1, 1)}])
def test_a_senseless_argument_is_refused_before_anything_is_written(wrong):
    with pytest.raises(WorkbenchError, match="must be"):
        a_demo(**wrong)

    assert not Warehouse.objects.exists()


def test_a_database_with_skus_is_left_alone():
    a_sku()
    before = content()

    with pytest.raises(NotEmpty, match=r"already holds SKUs \(1\).* name an empty database"):
        a_demo()

    assert content() == before


def test_the_command_loads_and_prints_counts(capsys):
    call_command(Command(), skus=20, as_of=AS_OF)

    assert "skus" in capsys.readouterr().out
    assert Sku.objects.count() == 20


def test_the_command_fails_with_the_sentence_where_there_are_skus():
    a_sku()

    with pytest.raises(CommandError, match="already holds SKUs"):
        call_command(Command())


def test_if_empty_does_nothing_and_says_so_where_there_are_skus(capsys):
    a_sku()

    call_command(Command(), "--if-empty")

    assert capsys.readouterr().out == "The database has SKUs already; no demo was loaded.\n"
    assert Sku.objects.count() == 1


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_both_bulk_writers_leave_the_same_rows():
    staged = content_of_a_new()

    with transaction.atomic():  # where the connection offers no LOAD DATA
        assert content_of_a_new() == staged
