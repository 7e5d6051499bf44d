"""Product footprints in the data model of PACT (WBCSD), Technical Specifications 2.x and 3.x, as JSON.

Taken is the footprint *excluding* biogenic uptake (`pCfExcludingBiogenic`, in 3.x `pcfExcludingBiogenicUptake`). The
carbon that plants took from the air leaves the product again when it is used or thrown away, which is behind the gate:
counting the uptake alone would make wood and paper look like sinks. GHG Protocol reports it apart from the scopes.

What the footprint refers to changed between the two: 1.5 kg per litre in 12-litre bottles is

    2.x   declaredUnit "liter", unitaryProductAmount "12", pCfExcludingBiogenic "1.5": for one litre
    3.x   declaredUnitOfMeasurement "liter", declaredUnitAmount "12", pcfExcludingBiogenicUptake "18": for all twelve

so that in 3.x, and there alone, it is divided by the amount. The ends of periods are exclusive and are stored as the
last day before. No score is made of the DQRs: their scale differs between versions; the details keep them.

https://github.com/wbcsd/data-exchange-protocol, spec/v2, spec/v3 and decision 36, "Clarify product amount"
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from core.tabular import Refusal
from suppliers.models import ProductFootprint
from suppliers.services.footprints.declared import BadFootprint, Declared, shorten, validity
from suppliers.services.footprints.json_fields import JsonFields
from suppliers.services.footprints.pact_file import find_footprints, is_text, readable

LONGEST_NAME = 2_000
FIRST_VERSION = 1  # 3.x has no other
STATUSES = {"active": ProductFootprint.Status.ACTIVE, "deprecated": ProductFootprint.Status.DEPRECATED}
ID_KINDS = (":buyer-", ":supplier-", ":vendor-")  # the one that a purchase is most likely to have goes first
GEOGRAPHIES = ("geographyCountrySubdivision", "geographyCountry", "geographyRegionOrSubregion")
PRODUCT_NOTES = ("specVersion", "created", "precedingPfIds", "productIds", "companyIds", "productDescription")
PCF_NOTES = (
    "pCfExcludingBiogenic", "pCfIncludingBiogenic", "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake",
    "fossilGhgEmissions", "unitaryProductAmount", "declaredUnitAmount", "productMassPerDeclaredUnit",
    "characterizationFactors", "ipccCharacterizationFactors", "ipccCharacterizationFactorsSources",
    "crossSectoralStandards", "crossSectoralStandardsUsed", "packagingEmissionsIncluded", "exemptedEmissionsPercent",
    "boundaryProcessesDescription", "uncertaintyAssessmentDescription", "dqi",
)  # fmt: skip


def read_pact(path: Path) -> Iterator[Declared | Refusal]:
    """The footprints of a file: one, a list, or an answer of a host system; a bad one is refused alone.

    Raises
    ------
    FileRefused
        If the file is no JSON, or holds no footprints.
    """
    for place, item in enumerate(find_footprints(path), start=1):
        try:
            yield _declare(place, item)
        except BadFootprint as error:
            own_id = item.get("id") if isinstance(item, dict) else None
            reason = f"{error.reason} (footprint {str(own_id)[:100]})" if own_id else error.reason
            yield Refusal(path.name, place, error.column, readable(error.value)[:200], readable(reason))


def _declare(place: int, item: Any) -> Declared:
    if not isinstance(item, dict):
        raise BadFootprint("", item, "is not an object")
    if not is_text(item):
        raise BadFootprint("", "", "has characters that are no text")
    product = JsonFields(item)
    spec = product.text("specVersion", longest=40)
    if spec[:2] not in ("2.", "3."):
        raise product.bad("specVersion", "is not 2.x or 3.x")
    pcf = product.inner("pcf")
    details = product.notes(*PRODUCT_NOTES) | pcf.notes(*PCF_NOTES)
    status = product.text("status", longest=20).lower()
    if status not in STATUSES:
        raise product.bad("status", "is not Active or Deprecated")
    footprint = ProductFootprint(
        external_id=product.text("id", longest=100),
        version=_version(product),
        product_name=shorten(product.text("productNameCompany", longest=LONGEST_NAME), details),
        product_code=_product_code(product),
        status=STATUSES[status],
        geography=next((pcf.text(name, longest=100) for name in GEOGRAPHIES if pcf.notes(name)), "GLO"),
        primary_data_share=_share(pcf),
        details=details,
        **(_amounts_2(pcf) if spec[0] == "2" else _amounts_3(pcf)),
        **_periods(product, pcf),
    )
    return Declared(place, product.text("companyName", longest=255), footprint)


def _amounts_2(pcf: JsonFields) -> dict[str, Any]:
    """Everything is for one declared unit."""
    unit, mass = pcf.text("declaredUnit", longest=40), pcf.number_or_none("productMassPerDeclaredUnit")
    value = pcf.number("pCfExcludingBiogenic", positive=True)
    return {"pcf": float(value), "declared_unit": unit, "weight_kg": float(mass) if mass and unit == "piece" else None}


def _amounts_3(pcf: JsonFields) -> dict[str, Any]:
    """Everything is for an amount of units."""
    unit, mass = pcf.text("declaredUnitOfMeasurement", longest=40), pcf.number_or_none("productMassPerDeclaredUnit")
    value = pcf.number("pcfExcludingBiogenicUptake", positive=True)
    amount = pcf.number("declaredUnitAmount", positive=True)
    weight = float(mass / amount) if mass and unit == "piece" else None
    return {"pcf": float(value / amount), "declared_unit": unit, "weight_kg": weight}


def _periods(product: JsonFields, pcf: JsonFields) -> dict[str, dt.date]:
    start, end = pcf.moment("referencePeriodStart"), pcf.moment("referencePeriodEnd")
    if end <= start:
        raise pcf.bad("referencePeriodEnd", "is not after the start of the period")
    first, until = product.moment_or_none("validityPeriodStart"), product.moment_or_none("validityPeriodEnd")
    period_end = _last_day(end)
    valid_from, valid_until = validity(period_end, first and first.date(), until and _last_day(until))
    return {
        "period_start": start.date(),
        "period_end": period_end,
        "valid_from": valid_from,
        "valid_until": valid_until,
    }


def _last_day(end: dt.datetime) -> dt.date:
    return (end - dt.timedelta(microseconds=1)).date()


def _version(product: JsonFields) -> int:
    version = product.number_or_none("version")
    if version is None:
        return FIRST_VERSION
    if version != int(version) or not 0 <= version <= 2_147_483_647:
        raise product.bad("version", "is not a whole number from 0 to 2,147,483,647")
    return int(version)


def _share(pcf: JsonFields) -> float | None:
    share = pcf.number_or_none("primaryDataShare")
    if share is None:
        return None
    if not 0 <= share <= 100:
        raise pcf.bad("primaryDataShare", "is not from 0 to 100")
    return float(share)


def _product_code(product: JsonFields) -> str:
    """The end of the product's URN, urn:gtin:4712345060507; the details keep all of them."""
    urns = sorted(product.texts("productIds"), key=_id_order)
    code = unquote(urns[0].rpartition(":")[2]).strip() if urns else ""
    return code if len(code) <= 100 else ""


def _id_order(urn: str) -> int:
    return next((place for place, kind in enumerate(ID_KINDS) if kind in urn), len(ID_KINDS))
