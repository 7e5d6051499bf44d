"""A small book that has a bit of everything, and random purchase records that try all of it."""

import datetime as dt
from collections.abc import Iterator
from random import Random

import polars as pl

from suppliers.emissions.book import FactorBook, make_book
from tests.suppliers.plain_emissions import Tables

EPA, DESNZ, CSV, PACT = "a" * 64, "b" * 64, "c" * 64, "d" * 64
NAMES = {
    "spend_factors": ("id", "set_hash", "base_year", "code", "region", "unit", "value", "uncertainty"),
    "activity_factors": ("id", "set_hash", "code", "region", "unit", "value", "uncertainty", "score"),
    "footprints": (
        "id",
        "set_hash",
        "reference",
        "supplier",
        "product_code",
        "product_name",
        "pcf",
        "declared_unit",
        "valid_from",
        "valid_until",
        "status",
        "uncertainty",
        "score",
    ),
    "currency_rates": ("currency", "year", "usd_per_unit"),
    "price_index": ("year", "index"),
    "categories": ("name", "sector_code", "factor_code"),
}
ROWS = {
    "spend_factors": [
        (1, EPA, 2022, "336360", "US", "USD", 0.333, None),
        (2, EPA, 2022, "111130", "US", "USD", 0.848, 0.2),
        (3, DESNZ, 2019, "484110", "GLO", "USD", 1e-6, None),
        (4, EPA, 2022, "541110", "US", "USD", 0.0, 0.0),
        (5, EPA, 2030, "221100", "US", "USD", 2.9, 1.0),
    ],
    "activity_factors": [
        (11, DESNZ, "steel", "GB", "tonne", 2858.0, None, 80.0),
        (12, DESNZ, "steel", "GLO", "kg", 2.1, 0.25, None),
        (13, DESNZ, "C-7", "GLO", "litre", 0.7, None, 31.0),
        (14, DESNZ, "C-7", "GLO", "kg", 0.9, None, 60.0),
        (15, DESNZ, "power", "GB", "kWh", 0.20705, 0.05, 30.0),
        (16, DESNZ, "poor", "GLO", "kg", 1.0, None, 29.9),
        (17, DESNZ, "odd", "GLO", "bale", 1.0, None, 70.0),
        (18, DESNZ, "wood", "GLO", "m3", -350.0, None, 100.0),
        (19, DESNZ, "cable", "FR", "m", 0.4, None, 0.0),
    ],
    "footprints": [
        (21, CSV, "csv:1:0", "Acme", "C-1", "Steel Coil", 1.9, "kg", "2020-01-01", "2022-12-31", "active", 0.08, 95.0),
        (22, CSV, "csv:2:0", "Acme", "C-1", "Steel Coil", 1.7, "kg", "2022-01-01", "2024-12-31", "active", None, None),
        (
            23,
            CSV,
            "csv:3:0",
            "Acme",
            None,
            "Paint,  red",
            3.5,
            "litre",
            "2019-06-01",
            "2022-05-31",
            "active",
            None,
            20.0,
        ),
        (
            24,
            PACT,
            "pact:a:1",
            "Böll & Co",
            "C-2",
            "Bolt",
            0.01,
            "each",
            "2015-01-01",
            "2035-01-01",
            "active",
            None,
            60.0,
        ),
        (
            25,
            PACT,
            "pact:b:1",
            "Böll & Co",
            "C-3",
            "Nut",
            0.02,
            "each",
            "2015-01-01",
            "2035-01-01",
            "deprecated",
            None,
            1.0,
        ),
        (
            26,
            PACT,
            "pact:c:1",
            "Böll & Co",
            "C-4",
            "Tree",
            -1.0,
            "kg",
            "2015-01-01",
            "2035-01-01",
            "active",
            None,
            None,
        ),
        (
            27,
            PACT,
            "pact:d:1",
            "Böll & Co",
            "C-5",
            "Crate",
            9.0,
            "crate",
            "2015-01-01",
            "2035-01-01",
            "active",
            None,
            None,
        ),
        (28, PACT, "pact:e:1", "Böll & Co", "C-6", "Wire", 9.0, "m", "2010-01-01", "2011-01-01", "active", None, None),
        (
            29,
            PACT,
            "pact:e:2",
            "Böll & Co",
            "C-6",
            "Wire",
            8.0,
            "m",
            "2010-01-01",
            "2011-01-01",
            "deprecated",
            None,
            None,
        ),
        (30, CSV, "csv:4:0", "Acme", "C-1", "Steel Coil", 1.6, "kg", "2022-01-01", "2024-12-31", "active", None, 50.0),
    ],
    "currency_rates": [
        ("GBP", 2020, 1.284),
        ("GBP", 2021, 1.376),
        ("GBP", 2022, 1.237),
        ("GBP", 2030, 1.3),
        ("JPY", 2021, 0.00911),
        ("EUR", 2010, 1.327),
    ],
    "price_index": [(2019, 255.657), (2020, 258.811), (2021, 270.97), (2022, 292.655), (2024, 313.689)],
    "categories": [
        ("Metals", "336360", "steel"),
        ("Haulage", "484110", None),
        ("Unmapped", None, None),
        ("Mistyped", "999999", "nothing"),
        ("Energy", None, "power"),
    ],
}


def table_rows(name: str) -> list[dict]:
    rows = [dict(zip(NAMES[name], row, strict=True)) for row in ROWS[name]]
    dates = ("valid_from", "valid_until")
    return [
        {key: dt.date.fromisoformat(value) if key in dates else value for key, value in row.items()} for row in rows
    ]


TABLES = Tables(**{name: table_rows(name) for name in NAMES})


def book_of(tables: Tables) -> FactorBook:
    rows = {name: getattr(tables, name) for name in NAMES}
    return make_book(**{name: pl.DataFrame(of, infer_schema_length=None) for name, of in rows.items() if of})


def typed_records(count: int, *, seed: int) -> Iterator[dict]:
    """Records as a database holds them; about one in nine has something wrong."""
    random = Random(seed)
    for number in range(count):
        yield {"record_id": f"R-{number}"} | typed_fields(random)


def typed_fields(random: Random) -> dict:
    one = random.choice
    with_quantity, with_spend = random.random() < 0.75, random.random() < 0.75
    own = random.random() < 0.3
    day = dt.date(2019, 1, 1) + dt.timedelta(days=random.randrange(2000))
    fields = {
        "supplier": one(["Acme", "Acme", "Böll & Co", "Nobody Ltd"]),
        "product_name": one(["Steel  coil", "paint, red", "Nut", "Wire", "", None]),
        "product_code": one(["", "", None, "C-1", "C-1", "C-2", "C-3", "C-4", "C-5", "C-6", "C-7", "X-9", "steel"]),
        "product_category": one(
            ["Metals", "Haulage", "Unmapped", "Mistyped", "Energy", "poor", "odd", "wood", "cable", "New", "", None]
        ),
        "quantity": one([0.0, 1.0, 1e-9, 2.5, round(random.uniform(0, 1e4), 3)]) if with_quantity else None,
        "unit": one(
            ["kg", "kg", "tonne", "lb", "g", "litre", "m3", "each", "dozen", "kWh", "MJ", "m", "bale", "", None]
        ),
        "spend": one([0.0, 1.0, 1e6, round(random.lognormvariate(6, 3), 2)]) if with_spend else None,
        "currency": one(["USD", "GBP", "GBP", "gbp", "JPY", "EUR", "XXX", "", None]),
        "purchase_date": one([day, day, day, None]),
        "year": one([None, 2020, 2021, 2022, 2030]),
        "country": one(["GB", "gb", "FR", "DE", "", None]),
        "sector_code": one(["336360", "111130", "484110", "541110", "221100", "33636", "999999", "", "", "", None]),
        "supplier_pcf": one([1.25, 1.25, 0.3, 0.0, -2.0]) if own else None,
        "pcf_unit": one(["kg", "kg", "tonne", "each", "bale", ""]) if own else None,
        "pcf_uncertainty": one([0.1, 0.3, 1.0, 0.0, None]) if own else None,
        "kind": one(["purchase", "purchase", "purchase", "credit", "", None]),
    }
    if random.random() < 0.12:
        fields |= one(
            [
                {"supplier": "  "},
                {"supplier": None},
                {"purchase_date": None, "year": None},
                {"kind": "refund"},
                {"quantity": -1.0, "kind": "purchase"},
                {"spend": -0.01, "kind": ""},
                {"quantity": 1e308},
                {"quantity": 1e15, "supplier_pcf": 1e3, "unit": "kg", "pcf_unit": "kg"},
                {"spend": float("nan")},
                {"supplier_pcf": float("inf")},
                {"pcf_uncertainty": 1.01},
                {"year": 20},
            ]
        )
    return fields


def sound_records(count: int, *, seed: int) -> Iterator[dict]:
    """Records with all fields that every tier prices a share of, none of them wrong; for measurements."""
    random = Random(seed)
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=number) for number in range(1000)]
    blank = dict.fromkeys(typed_fields(random)) | {"supplier": "Acme", "kind": "purchase"}
    del blank["year"]
    for number in range(count):
        quantity = {"quantity": round(random.uniform(1, 5000), 2), "unit": random.choice(["kg", "tonne", "lb"])}
        spend = {"spend": round(random.uniform(10, 90_000), 2), "currency": random.choice(["USD", "GBP"])}
        by_tier = random.choice(
            [
                quantity | {"supplier_pcf": round(random.uniform(0.1, 9), 3), "pcf_unit": "kg", "pcf_uncertainty": 0.1},
                quantity | {"product_code": "C-1"},
                quantity | {"product_category": "Metals", "country": random.choice(["GB", "FR"])},
                {"product_category": random.choice(["Metals", "Haulage"]), "product_name": "Steel"},
                {"sector_code": random.choice(["336360", "111130"]), "country": "GB"},
            ]
        )
        yield blank | {"record_id": f"R-{number}", "purchase_date": random.choice(days)} | spend | by_tier


def raw_records(count: int, *, seed: int) -> Iterator[dict]:
    """Records as files and programs give them: numbers and dates as text, blanks, missing keys, wrong types."""
    random = Random(seed)
    for record in typed_records(count, seed=seed):
        yield {name: disguised(random, name, value) for name, value in record.items() if kept(random, name, value)}


def kept(random: Random, name: str, value) -> bool:
    return random.random() > (0.01 if name in ("record_id", "supplier") else 0.5 if value in ("", None) else 0.0)


def disguised(random: Random, name: str, value):
    chance = random.random()
    if chance < 0.7 or value is None or name == "record_id":
        return value
    if chance < 0.71:
        return random.choice(
            {"quantity": ["abc", "1,5", True, [], "inf"], "purchase_date": ["31.12.2022", []]}.get(name, [value])
        )
    if name == "purchase_date":
        return random.choice([value.isoformat(), f"{value} ", dt.datetime.combine(value, dt.time(12)), value.year])
    if name == "kind":
        return f" {value.upper()} "
    if name == "sector_code" and value:
        return random.choice([int(value), float(value), f" {value}"])
    if isinstance(value, float):
        return random.choice(
            [repr(value), f" {value!r} ", int(value) if value == value // 1 and abs(value) < 1e16 else value]
        )
    return random.choice([f" {value}", f"{value}\n"])
