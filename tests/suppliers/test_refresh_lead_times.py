import datetime as dt

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from ordering.models import PlanningPolicy
from suppliers.models import Shipment, SupplierLeadTime
from suppliers.services.refresh_lead_times import months_before, refresh_lead_times
from tests.builders import AS_OF, a_shipment, a_supplier, a_warehouse

pytestmark = pytest.mark.django_db


def refresh(as_of=AS_OF, **options):
    return refresh_lead_times(as_of=as_of, **{"window_months": 24, "min_shipments": 3} | options)


def counted(as_of, *received, months=24):
    """How many of the shipments received on these days the statistics count."""
    for day in received:
        a_shipment(10, received=dt.date.fromisoformat(day))
    refresh(dt.date.fromisoformat(as_of), window_months=months, min_shipments=2)
    return sum(SupplierLeadTime.objects.values_list("shipment_count", flat=True))


def test_the_statistics_are_those_of_the_sample():
    for days in (30, 10, 20):
        a_shipment(days)

    assert refresh() == 1
    row = SupplierLeadTime.objects.get()
    assert (row.mean_days, row.std_days, row.median_days, row.reliability) == (20, 10, 20, 0.5)
    assert row.p95_days == pytest.approx(29)
    assert (row.shipment_count, row.measured_through) == (3, AS_OF)


def test_a_supplier_that_varies_more_than_its_mean_has_no_reliability_at_all():
    for days in (0, 0, 30):
        a_shipment(days)
    refresh()

    assert SupplierLeadTime.objects.get().reliability == 0


def test_goods_that_always_arrive_at_once_are_wholly_reliable():
    for _ in range(3):
        a_shipment(0)
    refresh()

    row = SupplierLeadTime.objects.get()
    assert (row.mean_days, row.std_days, row.reliability) == (0, 0, 1)


def test_each_supplier_and_warehouse_is_measured_by_itself():
    for supplier, warehouse, days in (("A", "uk", 10), ("A", "eu", 20), ("B", "uk", 30)):
        for _ in range(3):
            a_shipment(days, supplier=a_supplier(supplier), warehouse=a_warehouse(warehouse))

    assert refresh() == 3
    means = SupplierLeadTime.objects.values_list("supplier__code", "warehouse__code", "mean_days")
    assert set(means) == {("A", "uk", 10), ("A", "eu", 20), ("B", "uk", 30)}


def test_two_shipments_are_not_enough():
    a_shipment(10), a_shipment(20)

    assert refresh() == 0
    assert not SupplierLeadTime.objects.exists()


def test_the_window_begins_the_day_after_and_ends_on_the_planning_date():
    assert counted("2026-11-20", "2024-11-20", "2024-11-21", "2026-11-20", "2026-11-21") == 2


def test_at_the_end_of_february_the_window_reaches_back_over_the_leap_day():
    assert counted("2026-02-28", "2024-02-28", "2024-02-29", "2024-03-01") == 2


def test_a_planning_date_on_the_leap_day_begins_after_the_last_of_february():
    assert counted("2024-02-29", "2022-02-28", "2022-03-01", "2024-02-29") == 2


def test_a_window_from_the_31st_begins_after_the_last_day_of_a_shorter_month():
    assert counted("2026-03-31", "2026-02-28", "2026-03-01", "2026-03-31", months=1) == 2


def test_goods_still_on_their_way_do_not_count():
    a_shipment(10), a_shipment(20), a_shipment(30)
    Shipment.objects.filter(po_number="PO-3").update(received_date=None)

    assert refresh() == 0


def test_refreshing_twice_keeps_the_rows_and_their_ids():
    for days in (10, 20, 30):
        a_shipment(days)
    refresh()
    once = list(SupplierLeadTime.objects.values())
    refresh()

    assert list(SupplierLeadTime.objects.values()) == once


def test_imported_statistics_stay_until_shipments_replace_them():
    imported = SupplierLeadTime.objects.create(supplier=a_supplier(), warehouse=a_warehouse(), mean_days=99)
    a_shipment(10), a_shipment(20)
    refresh()
    stayed = SupplierLeadTime.objects.get()
    a_shipment(30)
    refresh()
    replaced = SupplierLeadTime.objects.get()

    assert (stayed.pk, stayed.mean_days, stayed.measured_through) == (imported.pk, 99, None)
    assert (replaced.pk, replaced.mean_days, replaced.measured_through) == (imported.pk, 20, AS_OF)


def test_measured_statistics_go_away_when_their_shipments_are_too_old():
    other = SupplierLeadTime.objects.create(supplier=a_supplier("B"), warehouse=a_warehouse(), p95_days=40)
    for days in (10, 20, 30):
        a_shipment(days)
    refresh()
    refresh(AS_OF + dt.timedelta(days=800))

    assert SupplierLeadTime.objects.get() == other


def test_an_earlier_planning_date_sees_what_was_known_then():
    for day in (1, 2, 3, 25):
        a_shipment(10 * day, received=dt.date(2026, 11, day))
    refresh(dt.date(2026, 11, 24))

    assert SupplierLeadTime.objects.get().shipment_count == 3


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-11-20", 24, "2024-11-20"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-12-15", -1, "2027-01-15"),
        ("2026-08-31", 6, "2026-02-28"),
        ("0001-02-03", 24, "0001-01-03"),
        ("9999-12-31", -12, "9999-12-31"),
    ],
)
def test_months_before(day, months, expected):
    assert months_before(dt.date.fromisoformat(day), months) == dt.date.fromisoformat(expected)


def test_the_command_measures_by_the_planning_policy(capsys):
    PlanningPolicy.objects.create(pk=1, lead_time_window_months=1, lead_time_min_shipments=2)
    for day in ("2026-10-20", "2026-10-21", "2026-11-20"):
        a_shipment(10, received=dt.date.fromisoformat(day))

    call_command("refresh_lead_times", "--as-of", "2026-11-20")

    printed = capsys.readouterr().out
    assert printed == "Lead times by supplier and warehouse, measured from shipments up to 2026-11-20: 1\n"
    assert SupplierLeadTime.objects.get().shipment_count == 2


def test_the_command_refuses_what_is_no_date():
    with pytest.raises(CommandError, match="'soon' is not a date like 2026-12-31"):
        call_command("refresh_lead_times", "--as-of", "soon")
