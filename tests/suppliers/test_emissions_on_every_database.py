"""The same purchases give the same hashes and totals to the last bit, whatever database they went through.

A run of the suite knows one database. What all of them have to agree on is the twin in plain Python, which knows none,
and a digest of what it says that is written down here.
"""

import csv
import functools
import hashlib
import math

import polars as pl
import pytest

from core.tabular import RefusalFile
from suppliers.emissions.calculate import calculate
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
from suppliers.services.calculate_emissions import calculate_emissions
from suppliers.services.import_purchases import import_purchases
from suppliers.services.purchases.mapping import parse_mapping
from tests.suppliers.emission_records import DESNZ, EPA, TABLES, book_of, typed_records
from tests.suppliers.plain_emissions import Refused, Tables, calculate_record

pytestmark = pytest.mark.django_db

RECORDS = 4_000
DIGEST = "2210e430bf0e57aba6f9efebcb4d716350b87523ac757798b6aac4008f1dbc91"
COLUMNS = (
    "tier", "method", "rejected", "emissions_kgco2e", "p5_kgco2e", "p95_kgco2e", "dqi", "factor_value", "factor_unit",
    "activity_amount", "unit_rate", "currency_rate", "price_index_ratio", "spend_usd", "provenance_hash",
)  # fmt: skip


def is_in_sets(row):
    """A database's sets have one base year each, and one footprint for each id of a publisher."""
    return row["id"] not in (3, 5, 29)


# What a database can hold of the small book.
BOOK = Tables(
    spend_factors=list(filter(is_in_sets, TABLES.spend_factors)),
    activity_factors=TABLES.activity_factors,
    footprints=list(filter(is_in_sets, TABLES.footprints)),
    currency_rates=TABLES.currency_rates,
    price_index=TABLES.price_index,
    categories=TABLES.categories,
)


@functools.cache
def purchases():
    """Those that an import takes, by record id; what is no purchase at all stops there, whatever the database."""
    records = map(of_one_year, typed_records(RECORDS, seed=12))
    return {record["record_id"]: record for record in records if is_importable(record)}


def of_one_year(record):
    """A file may not say two."""
    return record | {"year": None} if record["purchase_date"] and record["year"] != 20 else record


def is_importable(record):
    numbers = [record[name] for name in ("quantity", "spend", "supplier_pcf", "pcf_uncertainty")]
    return (
        bool((record["supplier"] or "").strip())
        and (record["purchase_date"] or record["year"]) not in (None, 20)
        and record["year"] != 20
        and record["kind"] != "refund"
        and all(number is None or abs(number) <= 1e15 for number in numbers)
        and (record["pcf_uncertainty"] or 0) <= 1
    )


@functools.cache
def plain():
    """What the twin says: the results by record id, and the codes of errors."""
    results, errors = {}, {}
    for key, record in purchases().items():
        try:
            results[key] = calculate_record(record, BOOK)
        except Refused as refused:
            errors[key] = str(refused)
    return results, errors


@pytest.fixture(scope="module")
def runs(tmp_path_factory, django_db_setup, django_db_blocker):
    """A run of each year, once for this file."""
    folder = tmp_path_factory.mktemp("purchases")
    with django_db_blocker.unblock():
        try:
            store_book()
            report = import_csv(folder)
            assert (report.accepted, report.refused) == (len(purchases()), 0)
            yield [calculate_emissions(year=year, chunk_size=333) for year in sorted(report.years)]
        finally:
            remove_all()


def store_book():
    """The small book as the services would have left it in the database."""
    first = {"publisher": "Small", "version": "1", "file_name": "book.csv"}
    spend = FactorSet.objects.create(**first | {"publisher": "EPA"}, base_year=2022, currency="USD", file_hash=EPA)
    average = FactorSet.objects.create(**first, file_hash=DESNZ)
    for factor_set, rows in ((spend, BOOK.spend_factors), (average, BOOK.activity_factors)):
        for number, row in enumerate(rows, start=2):
            fields = {name: row.get(name) for name in ("code", "region", "unit", "value", "uncertainty", "score")}
            Factor.objects.create(factor_set=factor_set, source_row=number, **fields)
    currency = RateSet.objects.create(kind=RateSet.Kind.CURRENCY, **first)
    for number, row in enumerate(BOOK.currency_rates, start=2):
        Rate.objects.create(
            rate_set=currency, year=row["year"], currency=row["currency"], value=row["usd_per_unit"], source_row=number
        )
    index = RateSet.objects.create(kind=RateSet.Kind.PRICE_INDEX, **first)
    for number, row in enumerate(BOOK.price_index, start=2):
        Rate.objects.create(rate_set=index, year=row["year"], value=row["index"], source_row=number)
    for row in BOOK.categories:
        Category.objects.create(**{name: value or "" for name, value in row.items()})
    for row in BOOK.footprints:
        store_footprint(**row)


def store_footprint(*, id, set_hash, reference, supplier, product_code, **fields):
    source, external_id, version = reference.split(":")
    ProductFootprint.objects.create(
        source=source,
        external_id=external_id,
        version=int(version),
        supplier_name=SupplierName.objects.get_or_create(name=supplier, defaults={"key": supplier.lower()})[0],
        product_code=product_code or "",
        file_hash=set_hash,
        **fields,
    )


def import_csv(folder):
    with (folder / "purchases.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(next(typed_records(1, seed=12))))
        writer.writeheader()
        writer.writerows(purchases().values())
    with RefusalFile(folder / "refused.csv") as refusals:
        return import_purchases(
            path=folder / "purchases.csv", mapping=parse_mapping((), ()), refusals=refusals, who="anna"
        )


def remove_all():
    EmissionRun.objects.all().delete()
    PurchaseRecord.objects.all()._raw_delete("default")
    for model in (Factor, Rate):
        model.objects.all()._raw_delete("default")
    for model in (PurchaseImport, ProductFootprint, Category, SupplierName, FactorSet, RateSet):
        model.objects.all().delete()


def stored_results():
    rows = EmissionResult.objects.values("record__record_id", *COLUMNS)
    return {row.pop("record__record_id"): row for row in rows}


def digest(hashes, totals):
    """Of the set of hashes and of each year's total, every bit of it."""
    lines = [*sorted(hashes), *(f"{year} {total!r}" for year, total in sorted(totals.items()))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def year_of(record):
    return record["year"] or record["purchase_date"].year


def plain_totals():
    emissions = {year_of(record): [] for record in purchases().values()}
    for key, result in plain()[0].items():
        if result["tier"]:
            emissions[year_of(purchases()[key])].append(result["emissions_kgco2e"])
    return {year: math.fsum(kilograms) for year, kilograms in emissions.items()}


def test_the_plain_method_says_what_is_written_down_here():
    results, errors = plain()

    assert len(results) + len(errors) == len(purchases()) > 0.8 * RECORDS
    assert digest([result["provenance_hash"] for result in results.values()], plain_totals()) == DIGEST
    assert min(sum(result["tier"] == tier for result in results.values()) for tier in (1, 2, 3, None)) > 100
    assert len(set(errors.values())) >= 8
    assert len(plain_totals()) == 7


def test_hashes_and_totals_are_those_written_down_here(runs):
    hashes = EmissionResult.objects.values_list("provenance_hash", flat=True)

    assert digest(hashes, {run.year: run.emissions_kgco2e for run in runs}) == DIGEST


def test_every_record_ends_as_the_plain_method_says(runs):
    results, errors = plain()

    assert dict(EmissionError.objects.values_list("record__record_id", "code")) == errors
    assert {key: row["provenance_hash"] for key, row in stored_results().items()} == {
        key: result["provenance_hash"] for key, result in results.items()
    }


def test_every_number_comes_out_of_the_database_as_it_was_calculated(runs):
    """To the last bit, intervals too, which another processor may round in another way."""
    records = pl.DataFrame(list(purchases().values()), infer_schema_length=None).with_row_index("record")
    outcome = calculate(records, book_of(BOOK))

    expected = {row["record_id"]: {name: row[name] for name in COLUMNS} for row in outcome.results.to_dicts()}
    assert stored_results() == expected
    for run in runs:
        sums = calculate(
            records.filter([year_of(record) == run.year for record in purchases().values()]), book_of(BOOK)
        )
        assert (run.p5_kgco2e, run.p95_kgco2e) == pytest.approx(sums.sums.interval_kgco2e(), rel=1e-15)


def test_what_was_processed_is_accounted_unaccounted_or_failed_in_every_run(runs):
    for run in runs:
        results = run.results
        counted = results.exclude(tier=None).count(), results.filter(tier=None).count(), run.errors.count()
        assert (run.accounted, run.unaccounted, run.failed) == counted
        assert sum(counted) == run.progress_done == PurchaseRecord.objects.filter(year=run.year).count() > 0
    assert sum(run.progress_done for run in runs) == len(purchases())
    assert min(sum(getattr(run, name) for run in runs) for name in ("accounted", "unaccounted", "failed")) > 100
