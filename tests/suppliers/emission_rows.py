"""Rows of the emissions job for tests, as plain functions."""

import datetime as dt
from typing import Any

from suppliers.models import (
    Category,
    Factor,
    FactorSet,
    PurchaseImport,
    PurchaseRecord,
    Rate,
    RateSet,
    SupplierName,
)

YEAR = 2020
INDEX = {2018: 250.0, 2020: 320.0, 2021: 400.0, 2022: 292.655}


def a_factor_set(version: str = "1", *, base_year: int | None = 2022, **factors: float) -> FactorSet:
    """By spend, with a factor for each code such as `n111110=0.333`; by quantity without a base year."""
    kept = FactorSet.objects.create(
        publisher="EPA" if base_year else "DESNZ",
        version=version,
        file_name=f"factors-{version}.csv",
        file_hash=f"{version:0>64}",
        base_year=base_year,
        currency="USD" if base_year else "",
    )
    for row, (code, value) in enumerate(factors.items(), start=2):
        Factor.objects.create(
            factor_set=kept,
            code=code.removeprefix("n"),
            title=f"Sector {code}",
            unit="USD" if base_year else "kg",
            value=value,
            source_row=row,
        )
    return kept


def the_rates(**gbp: float) -> None:
    """The price index, and dollars for a pound by year, such as `y2020=1.25`."""
    index = RateSet.objects.create(
        kind="price_index", publisher="BLS", version="1", file_name="i.csv", file_hash="1" * 64
    )
    money = RateSet.objects.create(
        kind="currency", publisher="Bank", version="1", file_name="c.csv", file_hash="2" * 64
    )
    for row, (year, value) in enumerate(INDEX.items(), start=2):
        Rate.objects.create(rate_set=index, year=year, value=value, source_row=row)
    for row, (year, value) in enumerate((gbp or {"y2020": 1.25}).items(), start=2):
        Rate.objects.create(rate_set=money, year=int(year[1:]), currency="GBP", value=value, source_row=row)


def a_category(name: str = "Steel", sector_code: str = "111110", **fields: Any) -> Category:
    defaults = {"sector_code": sector_code} | fields
    return Category.objects.get_or_create(name=name, defaults=defaults)[0]


def a_name(name: str = "Acme Ltd") -> SupplierName:
    return SupplierName.objects.get_or_create(name=name, defaults={"key": name.lower().removesuffix(" ltd")})[0]


def a_purchase(spend: float | None = 1000.0, year: int = YEAR, **fields: Any) -> PurchaseRecord:
    source = PurchaseImport.objects.get_or_create(file_hash="3" * 64, defaults={"file_name": "book.csv"})[0]
    number = PurchaseRecord.objects.count() + 1
    defaults = {
        "record_id": f"R-{number}",
        "line": number + 1,
        "supplier_name": a_name(),
        "category": a_category(),
        "currency": "USD",
        "purchase_date": dt.date(year, 3, 1),
        "year": year,
        "product_name": f"Thing {number}",
    }
    return PurchaseRecord.objects.create(source=source, spend=spend, **defaults | fields)
