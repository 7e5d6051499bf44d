"""How one result was formed, step by step with every number, so that a person can redo it by hand."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from suppliers.emissions.provenance import FIELDS, SEPARATOR
from suppliers.kernels.emissions import ACTIVITY_UNCERTAINTY, DEFAULT_DQI, FACTOR_UNCERTAINTY, Z95, Tier
from suppliers.models import EmissionResult, Rate, RateSet
from suppliers.summaries import TIERS, rating_of
from suppliers.templatetags.emissions import exact

NO_TIER = 0
WHY_NOT = {
    "no_footprint": "no footprint of this product by this supplier is known",
    "pcf_not_positive": "the footprint in the purchase is not above 0",
    "inactive_footprint": "the supplier took the product's footprint back",
    "expired_footprint": "the product's footprint is not valid on the day of the purchase",
    "no_factor": "no factor is known for the product or its category",
    "low_quality": "the factor's data quality is too low (under 50)",
    "no_quantity": "the purchase has no quantity",
    "zero_quantity": "the quantity is 0, but money was spent",
    "no_unit": "the quantity has no unit",
    "unknown_unit": "the unit is not known",
    "unit_mismatch": "the unit does not convert to the unit of the factor",
    "no_spend": "the purchase has no spend",
    "no_sector": "neither the purchase nor its category has a sector code",
    "unknown_sector": "the sector code is not in the factor set",
    "no_currency": "the spend has no currency",
    "unknown_currency": "there are no rates for the currency",
    "no_rate": "there is no rate or price index for the year",
}


@dataclass(frozen=True)
class Step:
    """One multiplication; `note` says where its second number comes from."""

    label: str
    formula: str
    product: str
    note: str = ""


@dataclass(frozen=True)
class Provenance:
    """What was hashed, in order, and whether it still gives the stored hash."""

    fields: list[tuple[str, str]]
    stored: str
    computed: str

    @property
    def agrees(self) -> bool:
        return self.stored == self.computed


def steps_of(result: EmissionResult) -> list[Step]:
    """From what was bought to kilograms; at most two statements, for the rates and the index."""
    if result.tier is None:
        return []
    by_spend = result.tier == Tier.SPEND_BASED
    return [*(_spend_steps(result) if by_spend else [_quantity_step(result)]), _emission_step(result)]


def _quantity_step(result: EmissionResult) -> Step:
    record = result.record
    rate = f"{exact(result.unit_rate)} {result.factor_unit}/{record.unit}"
    return Step(
        "Quantity in the factor's unit",
        f"{exact(record.quantity)} {record.unit} × {rate}",
        f"{exact(result.activity_amount)} {result.factor_unit}",
        "The same unit" if result.unit_rate == 1 else "Conversion of units",
    )


def _spend_steps(result: EmissionResult) -> list[Step]:
    record, run = result.record, result.run
    base = result.factor.factor_set.base_year if result.factor else None
    in_dollars = Step(
        "Spend in dollars of the year",
        f"{exact(record.spend)} {record.currency} × {exact(result.currency_rate)} USD/{record.currency}",
        f"{exact(result.spend_usd)} USD",
        _rate_note(run.currency_rates, record.currency, run.year),
    )
    deflated = Step(
        f"In dollars of {base}, the year of the factor's money",
        f"{exact(result.spend_usd)} USD × {exact(result.price_index_ratio)}",
        f"{exact(result.activity_amount)} USD",
        _index_note(run.price_index, base, run.year),
    )
    return [in_dollars, deflated]


def _emission_step(result: EmissionResult) -> Step:
    unit = result.factor_unit
    return Step(
        "Emissions",
        f"{exact(result.activity_amount)} {unit} × {exact(result.factor_value)} kg CO2e/{unit}",
        f"{exact(result.emissions_kgco2e)} kg CO2e",
    )


def _rate_note(rates: RateSet | None, currency: str, year: int) -> str:
    if currency.upper() == "USD" or rates is None:
        return "Dollars need no rate"
    found = Rate.objects.filter(rate_set=rates, currency=currency.upper(), year=year).first()
    return f"{rates}, row {found.source_row}, SHA-256 {rates.file_hash}" if found else str(rates)


def _index_note(index: RateSet | None, base: int | None, year: int) -> str:
    if base is None or base == year or index is None:
        return "The same year"
    values = dict(Rate.objects.filter(rate_set=index, year__in=[base, year]).values_list("year", "value"))
    quotient = f"Index of {base} / index of {year} = {exact(values.get(base))} / {exact(values.get(year))}"
    return f"{quotient}; {index}, SHA-256 {index.file_hash}"


def rejected_tiers(result: EmissionResult) -> list[str]:
    """A sentence for each tier that could not price the record."""
    sentences = []
    for entry in filter(None, result.rejected.split(",")):
        tier, _colon, reason = entry.partition(":")
        sentences.append(f"{TIERS[int(tier)]}: {WHY_NOT.get(reason, reason.replace('_', ' '))}.")
    return sentences


def uncertainty_of(result: EmissionResult) -> list[Step]:
    """The interval as the method forms it: activity and factor err independently, lognormal both."""
    if result.tier is None or result.emissions_kgco2e is None:
        return []
    activity = float(ACTIVITY_UNCERTAINTY[result.tier])
    published = _published_uncertainty(result)
    factor = float(FACTOR_UNCERTAINTY[result.tier]) if published is None else published
    sigma = math.sqrt(math.log1p(activity**2) + math.log1p(factor**2))
    low, high = exact(result.p5_kgco2e), exact(result.p95_kgco2e)
    return [
        Step("Uncertainty of the purchase data", "relative", exact(activity), "Default of the method"),
        Step(
            "Uncertainty of the factor",
            "relative",
            exact(factor),
            "Default of the method" if published is None else "As published",
        ),
        Step("σ", "√(ln(1 + activity²) + ln(1 + factor²))", exact(sigma)),
        Step(
            "90 % interval",
            f"{exact(result.emissions_kgco2e)} × exp(∓{Z95} × {exact(sigma)})",
            f"{low} to {high} kg CO2e",
        ),
    ]


def _published_uncertainty(result: EmissionResult) -> float | None:
    if result.footprint:
        return result.footprint.uncertainty
    return result.factor.uncertainty if result.factor else result.record.pcf_uncertainty


def quality_of(result: EmissionResult) -> str:
    """How the data quality came about, as a sentence."""
    if result.tier is None or result.dqi is None:
        return ""
    default, rating = float(DEFAULT_DQI[result.tier]), rating_of(result.dqi)
    owner: Any = result.footprint or result.factor
    score = owner.score if owner else None
    if result.tier == Tier.SPEND_BASED or score is None:
        return f"{exact(result.dqi)}, {rating}: what this method has by default."
    if result.tier == Tier.SUPPLIER_SPECIFIC:
        return f"{exact(result.dqi)}, {rating}: as the supplier's footprint states."
    formula = f"({exact(default)} + {exact(score)}) / 2"
    return f"{exact(result.dqi)}, {rating}: {formula}, the second being the factor's own score."


def provenance_of(result: EmissionResult) -> Provenance:
    texts = _named_texts(result)
    fields = [(name, texts[name] if name in texts else _as_text(getattr(result, name))) for name in FIELDS]
    line = SEPARATOR.join(text for _name, text in fields)
    return Provenance(fields, result.provenance_hash, hashlib.sha256(line.encode()).hexdigest())


def _named_texts(result: EmissionResult) -> dict[str, str]:
    """The fields that stand in other rows or are no numbers."""
    factor, footprint = result.factor, result.footprint
    set_hash = reference = ""
    if factor:
        set_hash, reference = factor.factor_set.file_hash, f"{factor.code}/{factor.region}/{factor.unit}"
    elif footprint:
        set_hash, reference = footprint.file_hash, f"{footprint.source}:{footprint.external_id}:{footprint.version}"
    return {
        "set_hash": set_hash,
        "method_version": result.run.method_version,
        "record_id": str(result.record.record_id),
        "tier": str(result.tier or ""),
        "method": result.method,
        "reference": reference,
        "factor_unit": result.factor_unit,
    }


def _as_text(value: float | None) -> str:
    return "" if value is None else repr(value)
