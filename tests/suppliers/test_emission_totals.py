"""What pages read instead of adding up: always what a fresh sum over the rows would be."""

import contextlib
import datetime as dt
import random
from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.models import Count, F, Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.runs import RunStatus
from core.tabular import RefusalFile
from suppliers.emissions.group_sums import GroupSums
from suppliers.jobs import calculate_emissions_job
from suppliers.models import (
    CategoryTotal,
    EmissionRun,
    PurchaseImport,
    PurchaseRecord,
    PurchaseTotal,
    RunComparison,
    SupplierTotal,
)
from suppliers.services import calculate_emissions as service
from suppliers.services.calculate_emissions import calculate_emissions, continue_calculation, queue_calculation
from suppliers.services.import_purchases import import_purchases
from suppliers.services.keep_comparison import keep_comparison
from suppliers.services.purchases.mapping import ColumnMapping
from suppliers.services.purchases.register import forget_import
from suppliers.summaries import categories_by_spend, count_errors, count_without_dollars, shares_of, totals_of
from tests.builders import a_supplier
from tests.suppliers.emission_rows import a_category, a_factor_set, a_name, a_purchase, the_rates

pytestmark = pytest.mark.django_db

TIERS = {1: "supplier_specific", 2: "average_data", 3: "spend_based"}


@pytest.fixture
def book():
    """Purchases of every tier, unaccounted with and without dollars, wrong ones, credits; some of no category."""
    the_rates()
    a_factor_set(n111110=0.333, n222220=1.7)
    a_factor_set("2024", base_year=None, bolt=2.5)
    chance = random.Random(3)
    categories = [a_category("Steel"), a_category("Glass", "222220"), a_category("Services", ""), None]
    for _ in range(80):
        kind = chance.choice(["spend", "spend", "pcf", "bolt", "wrong", "nothing", "credit"])
        fields = {"supplier_name": a_name(f"Name {chance.randrange(6)}"), "category": chance.choice(categories)}
        if kind == "pcf":
            fields |= {"quantity": chance.uniform(1, 9), "unit": "kg", "supplier_pcf": 0.1, "pcf_unit": "kg"}
        elif kind == "bolt":
            fields |= {"quantity": chance.uniform(1, 9), "unit": "kg", "product_code": "bolt"}
        elif kind == "wrong":
            fields |= {"sector_code": chance.choice(["888888", "999999"])}
        elif kind == "nothing":
            fields |= {"category": None, "currency": chance.choice(["USD", ""])}
        elif kind == "credit":
            fields |= {"kind": "credit"}
        a_purchase(round(chance.uniform(1, 900), 2), **fields)


def stored(run):
    """Every total of a run."""
    names = ("records", *(f"{name}_kgco2e" for name in TIERS.values()))
    return (
        list(
            SupplierTotal.objects.filter(run=run).order_by("supplier_name_id").values_list("supplier_name_id", *names)
        ),
        sorted(CategoryTotal.objects.filter(run=run).values_list("category_id", *names), key=lambda row: row[0] or 0),
        {name: EmissionRun.objects.get(pk=run.pk).totals[name] for name in ("by_tier", "errors", "without_dollars")},
    )


def added_up(run, key):
    """Records of each group, and kg CO2e by group and tier, by the database."""
    records, kgco2e = {}, {}
    for group, tier, count, kg in (
        run.results.order_by().values_list(key, "tier").annotate(Count("pk"), Sum("emissions_kgco2e"))
    ):
        records[group] = records.get(group, 0) + count
        if tier:
            kgco2e[group, TIERS[tier]] = kg
    return records, kgco2e


@pytest.mark.parametrize(("model", "key"), [(SupplierTotal, "supplier_name_id"), (CategoryTotal, "category_id")])
def test_totals_are_what_the_results_add_up_to(book, model, key):
    run = calculate_emissions(year=2020)
    rows = list(model.objects.filter(run=run))
    records, kgco2e = added_up(run, key)
    assert {getattr(row, key): row.records for row in rows} == records
    found = {(getattr(row, key), name): getattr(row, f"{name}_kgco2e") for row in rows for name in TIERS.values()}
    assert {group: kg for group, kg in found.items() if kg is not None} == pytest.approx(kgco2e, rel=1e-12)
    assert len(rows) == len(records) >= 4


def test_tiers_errors_and_what_is_not_known_in_dollars_are_what_the_rows_add_up_to(book):
    run = calculate_emissions(year=2020)
    weighted = Sum(F("dqi") * F("emissions_kgco2e"))
    by_tier = run.results.order_by().values("tier")
    sums = by_tier.annotate(records=Count("pk"), kg=Sum("emissions_kgco2e"), usd=Sum("spend_usd"), quality=weighted)
    expected = {row["tier"]: row for row in sums}
    tiers = totals_of(run).tiers
    assert [tier.tier for tier in tiers] == [1, 2, 3, None]
    for tier in tiers:
        row = expected[tier.tier]
        assert tier.records == row["records"]
        assert tier.kgco2e == pytest.approx(row["kg"] or 0)
        assert tier.spend_usd == pytest.approx(row["usd"])
        assert tier.dqi == (pytest.approx(row["quality"] / row["kg"]) if tier.tier else None)
    assert count_errors(run) == list(
        run.errors.order_by().values_list("code").annotate(n=Count("pk")).order_by("-n", "code")
    )
    assert count_without_dollars(run) == run.results.filter(tier=None, spend_usd=None).count() > 0


@pytest.mark.parametrize("chunk_size", [1, 7])
def test_the_chunk_size_changes_no_total_to_the_last_bit(book, chunk_size):
    expected = calculate_emissions(year=2020)
    assert stored(calculate_emissions(year=2020, chunk_size=chunk_size)) == stored(expected)


@pytest.mark.parametrize("step", ["_write", "_store_totals"])
def test_a_run_that_died_has_the_same_totals_at_its_end(book, monkeypatch, step):
    expected = calculate_emissions(year=2020)
    run = queue_calculation(year=2020)
    do, calls = getattr(service, step), []

    def die(*arguments):
        calls.append(1)
        if len(calls) == (4 if step == "_write" else 1):
            raise SystemExit
        return do(*arguments)

    with monkeypatch.context() as dying:
        dying.setattr(service, step, die)
        dying.setattr(service, "closing_run", contextlib.nullcontext)
        assert service.take_over(run)
        with pytest.raises(SystemExit):
            service._execute(run, {}, 7)
    assert not SupplierTotal.objects.filter(run=run).exists()
    EmissionRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - dt.timedelta(minutes=2))
    assert stored(continue_calculation(run_id=run.pk)) == stored(expected)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["_write", "_store_totals"])
def test_what_is_written_again_counts_once(book, monkeypatch, step):
    expected = calculate_emissions(year=2020)
    do, calls = getattr(service, step), []

    def fail_once(*arguments):
        calls.append(1)
        done = do(*arguments)
        if len(calls) == 1:
            raise OperationalError(1213, "Deadlock found")
        return done

    monkeypatch.setattr(service, step, fail_once)
    assert stored(calculate_emissions(year=2020, chunk_size=30)) == stored(expected)
    assert len(calls) > 1


def test_runs_from_before_there_were_totals_get_them(book):
    run = calculate_emissions(year=2020)
    suppliers, categories, totals = stored(run)
    shares = shares_of(run)
    SupplierTotal.objects.all().delete()
    CategoryTotal.objects.all().delete()
    left = {name: run.totals[name] for name in ("inputs", "by_tier")}
    EmissionRun.objects.update(totals=left)
    fill_totals = import_module("suppliers.migrations.0006_fill_totals").fill_totals
    for _ in range(2):
        fill_totals(apps, None)
        again = stored(run)
        assert again[2] == totals
        for rows, expected in zip(again[:2], (suppliers, categories), strict=True):
            assert [row[:2] for row in rows] == [row[:2] for row in expected]
            assert [row[2:] for row in rows] == [pytest.approx(row[2:], nan_ok=True) for row in expected]
    for found, expected in zip(shares_of(run), shares, strict=True):
        assert {share.name: share.records for share in found} == {share.name: share.records for share in expected}


def test_sums_are_exact_whatever_the_order():
    draw = np.random.default_rng(5)
    groups = draw.integers(0, 9, 600)
    values = draw.normal(size=(2, 600)) * 10.0 ** draw.integers(-9, 9, (2, 600))
    found = []
    for order, size in ((np.arange(600), 600), (draw.permutation(600), 7), (draw.permutation(600), 100)):
        sums = GroupSums(2)
        for start in range(0, 600, size):
            part = order[start : start + size]
            sums.add(groups[part], values[0, part], values[1, part])
        found.append((sums.groups.tolist(), sums.counts.tolist(), sums.sums(0).tolist(), sums.sums(1).tolist()))

    def exact(of):
        return [[float(sum(map(Fraction, row[rows].tolist()))) for rows in of] for row in values]

    assert found[0] == found[1] == found[2]
    by_group = [groups == group for group in range(9)]
    assert found[0] == (list(range(9)), np.bincount(groups).tolist(), *exact(by_group))
    odd = sums.together(sums.groups % 2)
    halves = [groups % 2 == 0, groups % 2 == 1]
    assert (odd.groups.tolist(), odd.counts.tolist()) == ([0, 1], [int(half.sum()) for half in halves])
    assert [odd.sums(0).tolist(), odd.sums(1).tolist()] == exact(halves)


def test_a_comparison_is_made_once_and_again_when_names_are_linked(book):
    first = calculate_emissions(year=2020)
    a_factor_set("2", n111110=0.5, n222220=1.7)
    second = queue_calculation(year=2020)
    calculate_emissions_job(second.pk)
    kept = RunComparison.objects.get()
    with CaptureQueriesContext(connection) as statements:
        found = keep_comparison(first=first, second=second)
    assert len(statements) <= 5
    assert (found.parts, len(found.groups)) == (kept.parts, len(kept.groups))
    RunComparison.objects.all().delete()
    assert keep_comparison(first=first, second=second) == found
    name = a_name("Name 1")
    name.supplier = a_supplier()
    name.save()
    linked = keep_comparison(first=first, second=second)
    assert linked.parts == found.parts
    assert {group.supplier for group in linked.groups} - {group.supplier for group in found.groups} == {"ACME ACME Ltd"}
    assert RunComparison.objects.count() == 1


# Purchases by category


def load(path, text):
    path.write_text("record_id,supplier,spend,currency,purchase_date,product_category\n" + text)
    with RefusalFile(path.with_suffix(".refused")) as refusals:
        return import_purchases(path=path, mapping=ColumnMapping({}, {}), refusals=refusals)


def test_purchases_of_whole_files_and_of_those_under_way_are_added_up_by_category(tmp_path):
    report = load(
        tmp_path / "a.csv", "1,A,10,GBP,2020-01-01,Steel\n2,A,5,GBP,2021-01-01,Steel\n3,B,7,USD,2021-01-01,\n"
    )
    assert (report.years, report.spend) == ({2020: 1, 2021: 2}, {"GBP": 15.0, "USD": 7.0})
    a_purchase(100.0, currency="GBP")  # of a file that is not through
    assert not PurchaseImport.objects.get(file_name="book.csv").complete
    (row,) = categories_by_spend()
    assert (row.records, row.spend) == (3, {"GBP": 115.0})
    forget_import(import_id=report.import_id)
    assert not PurchaseTotal.objects.exists()
    (row,) = categories_by_spend()
    assert (row.records, row.spend) == (1, {"GBP": 100.0})


def test_a_file_that_comes_again_is_counted_once(tmp_path):
    for _ in range(2):
        load(tmp_path / "a.csv", "1,A,10,GBP,2020-01-01,Steel\n")
    PurchaseImport.objects.update(complete=False)  # as if it had died just before its end
    load(tmp_path / "a.csv", "1,A,10,GBP,2020-01-01,Steel\n")
    assert PurchaseRecord.objects.count() == PurchaseTotal.objects.get().records == 1
    assert categories_by_spend()[0].spend == {"GBP": 10.0}


def test_a_run_that_did_not_end_has_no_totals(book):
    run = queue_calculation(year=2020)
    assert run.status == RunStatus.QUEUED
    assert shares_of(run) == ([], [])
    assert (count_errors(run), count_without_dollars(run), totals_of(run).tiers) == ([], 0, [])
