"""The emissions method for one purchase record: scalars, dates and if-statements.

Slow on purpose. It is written from the description of the method and shares no code with the calculation, so that it
can check it.
"""

import datetime as dt
import hashlib
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property

METHODS = {1: "supplier_specific", 2: "average_data", 3: "spend_based", None: "unaccounted"}
LARGEST = 1e15
ACTIVITY_UNCERTAINTY = {1: 0.05, 2: 0.10, 3: 0.15}
FACTOR_UNCERTAINTY = {1: 0.10, 2: 0.30, 3: 0.50}
FAULTS = {"expired_footprint", "unknown_unit", "unit_mismatch", "unknown_sector", "unknown_currency", "no_rate"}
SECONDS_PER_HOUR, FOOT = 3600, Fraction(3048, 10_000)
UNITS = {
    "g": ("mass", Fraction(1, 1000)),
    "kg": ("mass", Fraction(1)),
    "tonne": ("mass", Fraction(1000)),
    "lb": ("mass", Fraction(45_359_237, 100_000_000)),
    "litre": ("volume", Fraction(1, 1000)),
    "m3": ("volume", Fraction(1)),
    "US gallon": ("volume", 231 * (FOOT / 12) ** 3),
    "kWh": ("energy", Fraction(1000 * SECONDS_PER_HOUR)),
    "MJ": ("energy", Fraction(10**6)),
    "m": ("length", Fraction(1)),
    "ft": ("length", FOOT),
    "m2": ("area", Fraction(1)),
    "ha": ("area", Fraction(10_000)),
    "each": ("count", Fraction(1)),
    "dozen": ("count", Fraction(12)),
}


class Refused(Exception):
    """The record is an error with this code."""


class Rejected(Exception):
    """The tier cannot price the record, for this reason."""


@dataclass(frozen=True)
class Tables:
    """What a book is made of: rows as dicts, in order."""

    spend_factors: list[dict] = field(default_factory=list)
    activity_factors: list[dict] = field(default_factory=list)
    footprints: list[dict] = field(default_factory=list)
    currency_rates: list[dict] = field(default_factory=list)
    price_index: list[dict] = field(default_factory=list)
    categories: list[dict] = field(default_factory=list)

    # The rows by what they are looked up by, each in order.

    @cached_property
    def sectors(self) -> dict[str, dict]:
        return {row["code"]: row for row in self.spend_factors}

    @cached_property
    def activities(self) -> dict[tuple[str, str], list[dict]]:
        return grouped(self.activity_factors, "code", "region")

    @cached_property
    def of_suppliers(self) -> dict[tuple[str], list[dict]]:
        return grouped(self.footprints, "supplier")

    @cached_property
    def rates(self) -> dict[tuple[str, int], float]:
        return {(row["currency"], row["year"]): row["usd_per_unit"] for row in self.currency_rates}

    @cached_property
    def currencies(self) -> set[str]:
        return {"USD"} | {row["currency"] for row in self.currency_rates}

    @cached_property
    def index(self) -> dict[int, float]:
        return {row["year"]: row["index"] for row in self.price_index}

    @cached_property
    def mapped(self) -> dict[str, dict]:
        return {row["name"]: row for row in self.categories}


def grouped(rows: list[dict], *names: str) -> dict[tuple, list[dict]]:
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


@dataclass(frozen=True)
class Purchase:
    """A record whose fields were read."""

    record_id: str
    text: dict[str, str]
    quantity: float | None
    spend: float | None
    pcf: float | None
    pcf_uncertainty: float | None
    year: int
    first_day: dt.date
    last_day: dt.date


@dataclass(frozen=True)
class Priced:
    """What a tier made of a purchase."""

    factor_id: int | None
    footprint_id: int | None
    set_hash: str
    reference: str
    value: float
    unit: str
    activity: float
    unit_rate: float | None
    ratio: float | None
    uncertainty: float | None
    dqi: float


def calculate_record(record: dict, tables: Tables) -> dict:
    """The result's columns by name, and `factor_uncertainty` and `factor` for totals.

    Raises
    ------
    Refused
    """
    purchase = read(record)
    currency_rate, spend_usd = in_usd(purchase, tables)
    reasons = []
    for tier, price in ((1, by_supplier), (2, by_average), (3, by_spend)):
        try:
            priced = price(purchase, tables)
        except Rejected as why:
            reasons.append((tier, str(why)))
        else:
            break
    else:
        tier, priced = None, None
        for _, reason in reasons:
            if reason in FAULTS:
                raise Refused(reason)
    emissions = priced.activity * priced.value if priced else None
    if priced and abs(emissions) > LARGEST:
        raise Refused("bad_number")
    result = {
        "record_id": purchase.record_id,
        "tier": tier,
        "method": METHODS[tier],
        "rejected": ",".join(f"{number}:{reason}" for number, reason in reasons),
        "emissions_kgco2e": emissions,
        "dqi": priced.dqi if priced else None,
        "factor_id": priced.factor_id if priced else None,
        "footprint_id": priced.footprint_id if priced else None,
        "factor_value": priced.value if priced else None,
        "factor_unit": priced.unit if priced else "",
        "activity_amount": priced.activity if priced else None,
        "unit_rate": priced.unit_rate if priced else None,
        "currency_rate": currency_rate,
        "price_index_ratio": priced.ratio if priced else None,
        "spend_usd": spend_usd,
    }
    result |= interval(emissions, tier, priced)
    return result | {"provenance_hash": provenance_hash(result, priced)}


def read(record: dict) -> Purchase:
    names = ("supplier", "product_name", "product_code", "product_category", "unit", "currency", "country")
    text = {name: as_text(record.get(name)) for name in (*names, "sector_code", "pcf_unit", "kind")}
    record_id = as_text(record.get("record_id"))
    if not record_id or not text["supplier"]:
        raise Refused("missing_field")
    year, first_day, last_day = when(record.get("purchase_date"), record.get("year"))
    kind = text["kind"].lower() or "purchase"
    if kind not in ("purchase", "credit"):
        raise Refused("missing_field")
    numbers = {name: as_number(record.get(name)) for name in ("quantity", "spend", "supplier_pcf", "pcf_uncertainty")}
    uncertainty = numbers["pcf_uncertainty"]
    if uncertainty is not None and not 0 <= uncertainty <= 1:
        raise Refused("bad_number")
    for name in ("quantity", "spend"):
        if numbers[name] is not None and kind == "credit":
            numbers[name] = -abs(numbers[name]) or 0.0
        elif numbers[name] is not None and numbers[name] < 0:
            raise Refused(f"negative_{name}")
    pcf = numbers["supplier_pcf"]
    return Purchase(record_id, text, numbers["quantity"], numbers["spend"], pcf, uncertainty, year, first_day, last_day)


def as_text(value) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return str(value).strip()


def as_number(value) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refused("bad_number")
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+(e[+-]?[0-9]+)?", value.strip().lower()):
        raise Refused("bad_number")
    try:
        number = float(value)
    except OverflowError:
        raise Refused("bad_number") from None
    if not abs(number) <= LARGEST:
        raise Refused("bad_number")
    return number


def when(day, year) -> tuple[int, dt.date, dt.date]:
    """The year whose money was spent, and the first and last day on which the purchase can have been."""
    period = None if as_text(day) == "" else read_day(day)
    alone = None if as_text(year) == "" else read_year(year, "bad_number")
    if period is None and alone is None:
        raise Refused("missing_field")
    first, last = period or alone
    return (alone[0] if alone else first).year, first, last


def read_day(value) -> tuple[dt.date, dt.date]:
    if isinstance(value, dt.date):
        day = dt.date(value.year, value.month, value.day)
        return day, day
    text = as_text(value)
    if re.fullmatch("[0-9]{4}", text):
        return read_year(text, "missing_field")
    try:
        day = dt.datetime.strptime(text[:10], "%Y-%m-%d").date()
    except ValueError:
        raise Refused("missing_field") from None
    return day, day


def read_year(value, code: str) -> tuple[dt.date, dt.date]:
    text = as_text(value)
    if not re.fullmatch("[0-9]{4}", text) or not 1900 <= int(text) <= 2200:
        raise Refused(code)
    return dt.date(int(text), 1, 1), dt.date(int(text), 12, 31)


def in_usd(purchase: Purchase, tables: Tables) -> tuple[float | None, float | None]:
    rate = usd_per_unit(purchase.text["currency"].upper(), purchase.year, tables)
    if purchase.spend is None or rate is None:
        return None, None
    return rate, purchase.spend * rate


def usd_per_unit(currency: str, year: int, tables: Tables) -> float | None:
    if currency == "USD":
        return 1.0
    return tables.rates.get((currency, year))


def by_supplier(purchase: Purchase, tables: Tables) -> Priced:
    if purchase.pcf is not None and purchase.pcf > 0:
        unit = purchase.text["pcf_unit"]
        amount, rate = converted(purchase, unit)
        return Priced(None, None, "", "", purchase.pcf, unit, amount, rate, None, purchase.pcf_uncertainty, 90.0)
    row = find_footprint(purchase, tables)
    amount, rate = converted(purchase, row["declared_unit"])
    score = 90.0 if row["score"] is None else row["score"]
    return Priced(
        None,
        row["id"],
        row["set_hash"],
        row["reference"],
        row["pcf"],
        row["declared_unit"],
        amount,
        rate,
        None,
        row["uncertainty"],
        score,
    )


def find_footprint(purchase: Purchase, tables: Tables) -> dict:
    code, name = purchase.text["product_code"], same_name(purchase.text["product_name"])
    of_supplier = tables.of_suppliers.get((purchase.text["supplier"],), [])
    found = [row for row in of_supplier if code and row["product_code"] == code]
    if not found and name:
        named = [row for row in of_supplier if same_name(row["product_name"] or "") == name]
        found = [row for row in named if not (code and row["product_code"])]
    active = [row for row in found if row["status"] == "active" and row["pcf"] > 0]
    valid = [
        row for row in active if row["valid_from"] <= purchase.first_day and purchase.last_day <= row["valid_until"]
    ]
    if valid:
        return max(valid, key=lambda row: (row["valid_from"], row["reference"]))
    if active:
        raise Rejected("expired_footprint")
    if purchase.pcf is not None:
        raise Rejected("pcf_not_positive")
    raise Rejected("inactive_footprint" if found else "no_footprint")


def same_name(name: str) -> str:
    return re.sub(r"\s+", " ", name.strip()).lower()


def by_average(purchase: Purchase, tables: Tables) -> Priced:
    rows = find_activity_factors(purchase, tables)
    convertible = [row for row in rows if rate_between(purchase.text["unit"], row["unit"]) is not None]
    row = (convertible or rows)[0]
    amount, rate = converted(purchase, row["unit"])
    dqi = (70 + (70 if row["score"] is None else row["score"])) / 2
    if dqi < 50:
        raise Rejected("low_quality")
    reference = f"{row['code']}/{row['region']}/{row['unit']}"
    return Priced(
        row["id"],
        None,
        row["set_hash"],
        reference,
        row["value"],
        row["unit"],
        amount,
        rate,
        None,
        row["uncertainty"],
        dqi,
    )


def find_activity_factors(purchase: Purchase, tables: Tables) -> list[dict]:
    category = purchase.text["product_category"]
    for code in (purchase.text["product_code"], mapped(category, "factor_code", tables) or category):
        for region in (purchase.text["country"].upper(), "GLO"):
            if code and (code, region) in tables.activities:
                return tables.activities[code, region]
    raise Rejected("no_factor")


def mapped(category: str, column: str, tables: Tables) -> str:
    return tables.mapped.get(category, {}).get(column) or ""


def converted(purchase: Purchase, unit: str) -> tuple[float, float]:
    """The quantity in this unit, and the rate."""
    if purchase.quantity is None:
        raise Rejected("no_quantity")
    if purchase.quantity == 0 and purchase.spend:
        raise Rejected("zero_quantity")
    if not purchase.text["unit"] or not unit:
        raise Rejected("no_unit")
    if purchase.text["unit"] not in UNITS or unit not in UNITS:
        raise Rejected("unknown_unit")
    rate = rate_between(purchase.text["unit"], unit)
    if rate is None:
        raise Rejected("unit_mismatch")
    return purchase.quantity * rate, rate


@cache
def rate_between(source: str, target: str) -> float | None:
    dimension, worth = UNITS.get(source, (None, None))
    other_dimension, other_worth = UNITS.get(target, (None, None))
    if dimension is None or dimension != other_dimension:
        return None
    return float(worth / other_worth)


def by_spend(purchase: Purchase, tables: Tables) -> Priced:
    if purchase.spend is None:
        raise Rejected("no_spend")
    code = purchase.text["sector_code"] or mapped(purchase.text["product_category"], "sector_code", tables)
    if not code:
        raise Rejected("no_sector")
    row = tables.sectors.get(code)
    if row is None:
        raise Rejected("unknown_sector")
    currency = purchase.text["currency"].upper()
    if not currency:
        raise Rejected("no_currency")
    if currency not in tables.currencies:
        raise Rejected("unknown_currency")
    rate = usd_per_unit(currency, purchase.year, tables)
    ratio = index_ratio(row["base_year"], purchase.year, tables)
    if rate is None or ratio is None:
        raise Rejected("no_rate")
    activity = purchase.spend * rate * ratio
    reference = f"{row['code']}/{row['region']}/USD"
    return Priced(
        row["id"],
        None,
        row["set_hash"],
        reference,
        row["value"],
        "USD",
        activity,
        None,
        ratio,
        row["uncertainty"],
        40.0,
    )


def index_ratio(base: int, year: int, tables: Tables) -> float | None:
    index = tables.index
    if base == year:
        return 1.0
    return index[base] / index[year] if {base, year} <= set(index) else None


def interval(emissions: float | None, tier: int | None, priced: Priced | None) -> dict:
    if priced is None:
        return {"p5_kgco2e": None, "p95_kgco2e": None}
    of_factor = FACTOR_UNCERTAINTY[tier] if priced.uncertainty is None else priced.uncertainty
    sigma = math.sqrt(math.log(1 + ACTIVITY_UNCERTAINTY[tier] ** 2) + math.log(1 + of_factor**2))
    ends = sorted([emissions * math.exp(-1.645 * sigma), emissions * math.exp(1.645 * sigma)])
    return {"p5_kgco2e": ends[0], "p95_kgco2e": ends[1]}


def provenance_hash(result: dict, priced: Priced | None) -> str:
    fields = [
        "1",
        priced.set_hash if priced else "",
        priced.reference if priced else "",
        result["tier"],
        result["method"],
        result["factor_value"],
        result["factor_unit"],
        result["record_id"],
        result["activity_amount"],
        result["unit_rate"],
        result["currency_rate"],
        result["price_index_ratio"],
        result["emissions_kgco2e"],
    ]
    texts = ["" if value is None else repr(value) if isinstance(value, float) else str(value) for value in fields]
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()


@dataclass
class Total:
    """Emissions of many records, their factors' and their activity data's uncertainty."""

    by_factor: dict = field(default_factory=dict)
    independent: float = 0.0

    def add(self, emissions: float, tier: int, factor: tuple, uncertainty: float | None) -> None:
        of_factor = FACTOR_UNCERTAINTY[tier] if uncertainty is None else uncertainty
        so_far, _ = self.by_factor.get(factor, (0.0, of_factor))
        self.by_factor[factor] = (so_far + emissions, of_factor)
        self.independent += emissions**2 * ACTIVITY_UNCERTAINTY[tier] ** 2

    def emissions(self) -> float:
        return sum(emissions for emissions, _ in self.by_factor.values())

    def interval(self) -> tuple[float, float]:
        total = self.emissions()
        deviation = math.sqrt(sum(x**2 * u**2 for x, u in self.by_factor.values()) + self.independent)
        if total <= 0 or deviation > 2 * total:
            return total - 1.645 * deviation, total + 1.645 * deviation
        sigma = math.sqrt(math.log(1 + (deviation / total) ** 2))
        return total * math.exp(-1.645 * sigma), total * math.exp(1.645 * sigma)
