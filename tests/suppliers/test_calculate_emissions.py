"""A year's purchases from database to database: counts, totals, chunks, crashes."""

import contextlib
import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import WorkbenchError
from core.runs import RunStatus
from suppliers.models import (
    Category,
    EmissionError,
    EmissionResult,
    EmissionRun,
    Factor,
    FactorSet,
    ProductFootprint,
    PurchaseImport,
    PurchaseRecord,
    Rate,
    RateSet,
    SupplierName,
)
from suppliers.services import calculate_emissions as service
from suppliers.services.calculate_emissions import (
    calculate_emissions,
    continue_calculation,
    queue_calculation,
)

pytestmark = pytest.mark.django_db

COLUMNS = [
    field.attname
    for field in EmissionResult._meta.concrete_fields
    if field.attname not in ("id", "run_id", "supplier_name_id", "category_id", "factor_id", "footprint_id")
]


@pytest.fixture
def books():
    """The example of the method: an index of 320 against 292.655, 0.333 kg/USD; steel by weight; one footprint."""
    spend = FactorSet.objects.create(
        publisher="US EPA", version="v1", base_year=2022, currency="USD", file_hash="a" * 64
    )
    Factor.objects.create(factor_set=spend, code="332215", region="US", unit="USD", value=0.333, source_row=2)
    average = FactorSet.objects.create(publisher="DESNZ", version="1", file_hash="b" * 64)
    Factor.objects.create(factor_set=average, code="steel", unit="tonne", value=3_000, score=60, source_row=2)
    index = RateSet.objects.create(kind="price_index", publisher="BLS", version="1", file_hash="c" * 64)
    for year, value in ((2022, 292.655), (2024, 320.0)):
        Rate.objects.create(rate_set=index, year=year, value=value, source_row=year)
    rates = RateSet.objects.create(kind="currency", publisher="IMF", version="1", file_hash="d" * 64)
    Rate.objects.create(rate_set=rates, year=2024, currency="GBP", value=1.25, source_row=2)
    Category.objects.create(name="Pans", sector_code="332215")
    Category.objects.create(name="Steel", factor_code="steel")
    acme = SupplierName.objects.create(name="Acme", key="acme")
    ProductFootprint.objects.create(
        source="csv", external_id="1", supplier_name=acme, product_name="Pan", product_code="PAN", pcf=2.5,
        declared_unit="each", valid_from=dt.date(2023, 1, 1), valid_until=dt.date(2026, 1, 1), file_hash="e" * 64,
    )  # fmt: skip
    PurchaseImport.objects.create(file_name="ledger.csv", file_hash="f" * 64)


def a_purchase(number, **fields):
    category = fields.pop("category", None)
    defaults = {
        "source": PurchaseImport.objects.get(),
        "line": number,
        "record_id": f"line {number}",
        "supplier_name": SupplierName.objects.get_or_create(name=fields.pop("supplier", "Acme"))[0],
        "category": Category.objects.get(name=category) if category else None,
        "year": 2024,
        "purchase_date": dt.date(2024, 5, 1),
    }
    return PurchaseRecord.objects.create(**defaults | fields)


@pytest.fixture
def ledger(books):
    """A record for every way to end."""
    a_purchase(1, category="Pans", spend=1_000_000, currency="USD")
    a_purchase(2, category="Steel", quantity=2_000, unit="kg", spend=5_000, currency="GBP")
    a_purchase(3, product_code="PAN", quantity=10, unit="each", spend=80, currency="USD")
    a_purchase(4, spend=400, currency="USD")
    a_purchase(5, category="Pans", spend=100, currency="XXX")
    a_purchase(6, category="Pans", spend=-200, currency="USD", kind="credit")
    a_purchase(7, category="Pans", spend=-5, currency="USD")


def results_of(run):
    return list(run.results.order_by("record_id").values_list(*COLUMNS))


def test_each_record_ends_in_one_way_and_none_disappears(ledger):
    run = calculate_emissions(year=2024, who="anna")
    assert (run.status, run.who, run.progress_done) == (RunStatus.COMPLETED, "anna", 7)
    assert run.accounted + run.unaccounted + run.failed == 7
    assert run.results.count() + run.errors.count() == 7
    methods = dict(run.results.values_list("record__line", "method"))
    assert methods[1] == "spend_based"
    assert methods[2] == "average_data"
    assert methods[3] == "supplier_specific"
    assert methods[4] == "unaccounted"
    assert methods[6] == "spend_based"
    errors = dict(run.errors.values_list("record__line", "code"))
    assert errors[7] == "negative_spend"
    assert errors[5] in ("unknown_currency", "no_rate")


def test_the_numbers_are_those_of_the_method_page(ledger):
    run = calculate_emissions(year=2024)
    kg = dict(run.results.values_list("record__line", "emissions_kgco2e"))
    assert kg[1] == pytest.approx(304_544, abs=1)
    assert kg[2] == pytest.approx(6_000)
    assert kg[3] == 25.0
    assert kg[6] == pytest.approx(-200 * 292.655 / 320 * 0.333)
    assert run.emissions_kgco2e == pytest.approx(sum(value for value in kg.values() if value is not None))
    assert run.p5_kgco2e < run.emissions_kgco2e < run.p95_kgco2e


def test_the_totals_are_told_by_tier(ledger):
    tiers = {tier["method"]: tier for tier in calculate_emissions(year=2024).totals["by_tier"]}
    assert tiers["supplier_specific"]["records"] == 1
    assert tiers["supplier_specific"]["dqi"] == 90
    assert tiers["unaccounted"] == {
        "tier": None, "method": "unaccounted", "records": 1, "kgco2e": 0.0, "spend_usd": 400.0, "dqi": None,
    }  # fmt: skip


def test_a_result_names_everything_that_formed_it(ledger):
    result = calculate_emissions(year=2024).results.get(record__line=1)
    assert (result.factor.code, result.factor_value, result.factor_unit) == ("332215", 0.333, "USD")
    assert result.price_index_ratio == 292.655 / 320
    assert result.currency_rate == 1
    assert result.activity_amount == pytest.approx(914_547, abs=1)
    assert len(result.provenance_hash) == 64


@pytest.mark.parametrize("chunk_size", [1, 2, 1000])
def test_the_chunk_size_changes_nothing_to_the_last_bit(ledger, chunk_size):
    expected = calculate_emissions(year=2024, chunk_size=20_000)
    run = calculate_emissions(year=2024, chunk_size=chunk_size)
    assert results_of(run) == results_of(expected)
    for name in ("emissions_kgco2e", "p5_kgco2e", "p95_kgco2e", "accounted", "unaccounted", "failed"):
        assert getattr(run, name) == getattr(expected, name), name
    assert run.totals == expected.totals


def test_a_run_that_died_goes_on_and_ends_the_same(ledger, monkeypatch):
    expected = calculate_emissions(year=2024)
    run = queue_calculation(year=2024)
    write, calls = service._write, []

    def die_at_the_fourth(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise SystemExit
        return write(*arguments)

    monkeypatch.setattr(service, "_write", die_at_the_fourth)
    monkeypatch.setattr(service, "CHUNK_SIZE", 1)
    monkeypatch.setattr(service, "closing_run", contextlib.nullcontext)
    with pytest.raises(SystemExit):
        service._execute(_taken(run), {}, 1)
    assert EmissionRun.objects.get(pk=run.pk).progress_done == 3
    EmissionRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - dt.timedelta(minutes=2))
    done = continue_calculation(run_id=run.pk)
    assert results_of(done) == results_of(expected)
    assert (done.emissions_kgco2e, done.p5_kgco2e, done.accounted, done.failed) == (
        expected.emissions_kgco2e, expected.p5_kgco2e, expected.accounted, expected.failed,
    )  # fmt: skip


def _taken(run):
    assert service.take_over(run)
    return run


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_is_written_again_counts_once(ledger, monkeypatch):
    expected = calculate_emissions(year=2024)
    write, calls = service._write, []

    def fail_once(*arguments):
        calls.append(1)
        counts = write(*arguments)
        if len(calls) == 1:
            raise OperationalError(1213, "Deadlock found")
        return counts

    monkeypatch.setattr(service, "_write", fail_once)
    run = calculate_emissions(year=2024)
    assert len(calls) == 2
    assert results_of(run) == results_of(expected)
    assert (run.emissions_kgco2e, run.accounted) == (expected.emissions_kgco2e, expected.accounted)


def test_a_second_run_leaves_the_first_as_it_is(ledger):
    first = calculate_emissions(year=2024)
    before = results_of(first)
    Category.objects.filter(name="Pans").update(sector_code="")
    second = calculate_emissions(year=2024)
    assert second.unaccounted > first.unaccounted
    assert results_of(EmissionRun.objects.get(pk=first.pk)) == before


def test_a_queued_run_is_worked_on_once(ledger):
    run = queue_calculation(year=2024, who="anna")
    with pytest.raises(WorkbenchError, match="in progress"):
        queue_calculation(year=2024)
    assert continue_calculation(run_id=run.pk).status == RunStatus.COMPLETED
    assert continue_calculation(run_id=run.pk) is None


@pytest.mark.parametrize(
    ("year", "options", "sentence"),
    [
        (1999, {}, "There are no purchases of 1999. There are purchases of 2024."),
        (2024, {"spend_factors": "nobody"}, "There is no spend-based factor set nobody. Loaded: US EPA v1."),
        (2024, {"chunk_size": 0}, "The chunk size must be at least 1, not 0."),
    ],
)
def test_what_cannot_be_calculated_is_told_in_a_sentence(ledger, year, options, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        calculate_emissions(year=year, **options)


def test_without_factors_the_sentence_says_how_to_load_them(ledger):
    EmissionRun.objects.all().delete()
    Factor.objects.all().delete()
    FactorSet.objects.all().delete()
    with pytest.raises(WorkbenchError, match="load_factors"):
        calculate_emissions(year=2024)


def test_the_statements_do_not_grow_with_the_records(ledger):
    counts = []
    for total in (7, 60):
        for number in range(PurchaseRecord.objects.count(), total):
            a_purchase(number + 100, category="Pans", spend=number, currency="USD")
        with CaptureQueriesContext(connection) as queries:
            calculate_emissions(year=2024)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_the_command_prints_a_summary_as_json(ledger):
    output = StringIO()
    call_command("calculate_emissions", "--year", "2024", "--json", stdout=output)
    summary = json.loads(output.getvalue())
    assert summary["records"] == summary["accounted"] + summary["unaccounted"] + summary["failed"] == 7
    with pytest.raises(CommandError, match="no purchases of 1999"):
        call_command("calculate_emissions", "--year", "1999")


def test_errors_are_kept_with_a_sentence(ledger):
    run = calculate_emissions(year=2024)
    for error in EmissionError.objects.filter(run=run):
        assert error.sentence.endswith(".") or " " in error.sentence
