"""Thousands of random records through the calculation and, one by one, through the method in plain Python."""

import functools
import math
from collections import Counter

import polars as pl
import pytest

from suppliers.emissions.book import FactorBook
from suppliers.emissions.calculate import calculate
from suppliers.emissions.stream import process_suppliers
from tests.suppliers.emission_records import TABLES, book_of, raw_records, sound_records, typed_records
from tests.suppliers.plain_emissions import Refused, Total, calculate_record

RECORDS = 12_000
EXACT = (
    "record_id",
    "tier",
    "method",
    "rejected",
    "emissions_kgco2e",
    "dqi",
    "factor_id",
    "footprint_id",
    "factor_value",
    "factor_unit",
    "activity_amount",
    "unit_rate",
    "currency_rate",
    "price_index_ratio",
    "spend_usd",
    "provenance_hash",
)
CLOSE = ("p5_kgco2e", "p95_kgco2e")


@functools.cache
def book() -> FactorBook:
    return book_of(TABLES)


@functools.cache
def plain_outcomes() -> list[dict | str]:
    """What the twin says of each raw record: the result's columns, or the error's code."""
    return [outcome_of(record) for record in raw_records(RECORDS, seed=1)]


def outcome_of(record: dict) -> dict | str:
    try:
        return calculate_record(record, TABLES)
    except Refused as refused:
        return str(refused)


@functools.cache
def outcomes() -> list[dict | str]:
    found = {}
    for _, results, metrics in process_suppliers(raw_records(RECORDS, seed=1), book=book(), chunk_size=700):
        found |= {result["record"]: result for result in results.to_dicts()}
        found |= {error["record"]: error["code"] for error in metrics["errors"]}
    return [found[place] for place in range(1, RECORDS + 1)]


def differences(mine: dict | str, plain: dict | str) -> list[str]:
    if isinstance(mine, str) or isinstance(plain, str):
        return [] if mine == plain else [f"{mine} instead of {plain}"]
    different = [name for name in EXACT if mine[name] != plain[name]]
    different += [name for name in CLOSE if not close(mine[name], plain[name])]
    return [f"{name}: {mine[name]} instead of {plain[name]}" for name in different]


def close(mine: float | None, plain: float | None) -> bool:
    if mine is None or plain is None:
        return mine is plain
    return math.isclose(mine, plain, rel_tol=1e-12)


def test_the_calculation_agrees_with_the_plain_method_in_every_column_of_every_record():
    pairs = zip(raw_records(RECORDS, seed=1), outcomes(), plain_outcomes(), strict=True)
    wrong = [(different, record) for record, mine, plain in pairs if (different := differences(mine, plain))]

    assert wrong[:3] == []


def test_a_frame_gives_the_same_results_as_a_stream():
    records = list(typed_records(RECORDS, seed=2))
    frame = pl.DataFrame(records, infer_schema_length=None).with_columns(record=pl.int_range(1, len(records) + 1))

    outcome = calculate(frame, book())
    chunks = list(process_suppliers(iter(records), book=book(), chunk_size=999))

    assert outcome.results.equals(pl.concat([results for _, results, _ in chunks]))
    assert outcome.errors.to_dicts() == [error for _, _, metrics in chunks for error in metrics["errors"]]
    assert outcome.accounted + outcome.unaccounted + outcome.failed == len(records)
    assert min(outcome.accounted, outcome.unaccounted, outcome.failed) > 500


def test_the_total_and_its_interval_agree_with_the_plain_method():
    records = list(typed_records(RECORDS, seed=3))
    frame = pl.DataFrame(records, infer_schema_length=None).with_columns(record=pl.int_range(pl.len()))
    total = Total()
    for record in records:
        result = outcome_of(record)
        if isinstance(result, dict) and result["tier"]:
            total.add(result["emissions_kgco2e"], result["tier"], *factor_of(result, record))

    sums = calculate(frame, book()).sums

    assert math.isclose(sums.emissions_kgco2e(), total.emissions(), rel_tol=1e-12)
    assert sums.interval_kgco2e() == pytest.approx(total.interval(), rel=1e-12)
    assert sorted(sums.by_factor().values()) == pytest.approx(
        sorted(emissions for emissions, _ in total.by_factor.values()), rel=1e-9, abs=1e-9
    )


def factor_of(result: dict, record: dict) -> tuple[tuple, float | None]:
    """What a record shares with those that err together with it, and how uncertain that is."""
    for row in (*TABLES.spend_factors, *TABLES.activity_factors):
        if row["id"] == result["factor_id"]:
            return ("factor", row["id"]), row["uncertainty"]
    for row in TABLES.footprints:
        if row["id"] == result["footprint_id"]:
            return ("footprint", row["id"]), row["uncertainty"]
    own = (record["supplier"], record["supplier_pcf"], record["pcf_unit"], record["pcf_uncertainty"])
    return own, record["pcf_uncertainty"]


REACHED = [
    *(f"method {name}" for name in ("supplier_specific", "average_data", "spend_based", "unaccounted")),
    *(
        f"1:{reason}"
        for reason in (
            *("no_footprint", "pcf_not_positive", "inactive_footprint", "expired_footprint", "no_quantity"),
            *("zero_quantity", "no_unit", "unknown_unit", "unit_mismatch"),
        )
    ),
    *(
        f"2:{reason}"
        for reason in (
            *("no_factor", "low_quality", "no_quantity", "zero_quantity", "no_unit", "unknown_unit"),
            "unit_mismatch",
        )
    ),
    *(f"3:{reason}" for reason in ("no_spend", "no_sector", "no_currency")),
    *(f"factor {number}" for number in (1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 18)),
    *(f"footprint {number}" for number in (21, 23, 24, 30)),
    *("own PCF", "credit", "nothing bought", "base year without an index"),
    *(
        f"error {code}"
        for code in (
            *("missing_field", "bad_number", "negative_quantity", "negative_spend", "unknown_unit", "unit_mismatch"),
            *("unknown_currency", "no_rate", "unknown_sector", "expired_footprint"),
        )
    ),
]


def reached(outcome: dict | str) -> set[str]:
    if isinstance(outcome, str):
        return {f"error {outcome}"}
    names = {f"method {outcome['method']}", *filter(None, outcome["rejected"].split(","))}
    names |= {f"{kind} {outcome[f'{kind}_id']}" for kind in ("factor", "footprint") if outcome[f"{kind}_id"]}
    if outcome["tier"] == 1 and not outcome["footprint_id"]:
        names.add("own PCF")
    if (outcome["emissions_kgco2e"] or 0) < 0 and outcome["factor_value"] > 0:
        names.add("credit")
    if outcome["activity_amount"] == 0:
        names.add("nothing bought")
    if outcome["factor_id"] == 5:
        names.add("base year without an index")
    return names


@functools.cache
def counts() -> Counter[str]:
    return Counter(name for outcome in outcomes() for name in reached(outcome))


@pytest.mark.parametrize("name", REACHED)
def test_the_random_records_reach_every_tier_reason_factor_and_error(name):
    assert counts()[name] >= 5


def test_nothing_reached_is_left_out_of_the_list():
    assert set(counts()) == set(REACHED)


def test_the_records_for_measurements_are_priced_by_every_tier():
    _, results, metrics = next(process_suppliers(sound_records(1000, seed=1), book=book()))

    counts = dict(results["tier"].value_counts().iter_rows())
    assert (metrics["failed"], metrics["unaccounted"]) == (0, 0)
    assert min(counts[tier] for tier in (1, 2, 3)) > 150
