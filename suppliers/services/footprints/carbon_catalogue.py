"""The Carbon Catalogue: 866 product footprints that companies reported to CDP, 2013 to 2017.

Meinrenken et al., The Carbon Catalogue, carbon footprints of 866 commercial products from 8 industry sectors and 5
continents, Scientific Data 9:87 (2022), doi 10.1038/s41597-022-01178-9. Sheet "Product Level Data".

The published footprint covers the whole life of a product, use and end of life included; of an electric motor 99.98 %
comes after the gate. What we buy is counted from cradle to gate, so where the publisher splits a footprint by stage,

    pcf = published footprint x (upstream share + operations share)   [kg CO2e/product]

and the details keep the published one and the shares. Where he does not, the published footprint is taken as it is and
the details say that its boundary is not stated. The declared unit is one product, which the sheet gives the weight of.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from core.columns import Text
from core.tabular import Refusal
from suppliers.models import ProductFootprint
from suppliers.services.footprints.declared import Declared, shorten, validity
from suppliers.services.loading.columns import Pattern, Positive, Year
from suppliers.services.loading.table import ROW, check_cells, good_rows
from suppliers.services.loading.workbook import check_published, read_sheet

SHEET = "Product Level Data"
LONGEST_TEXT = 32_767  # of a cell
SHARES = ("upstream", "operations", "downstream")


def _note(name: str, target: str) -> Text:
    return Text(name, target, max_length=LONGEST_TEXT, blank=True, default="")


COLUMNS = (
    Pattern("*PCF-ID", "external_id", pattern=r"[0-9]+-[0-9]+-[0-9]{4}", form="a PCF-ID like 10056-1-2014"),
    Year("Year of reporting", "year"),
    Text("Product name (and functional unit)", "product_name", max_length=LONGEST_TEXT),
    Text("Company", "company"),
    Positive("Product weight (kg)", "weight_kg"),
    Positive("Product's carbon footprint (PCF, kg CO2e)", "published_pcf"),
    *(_note(f"*{share.capitalize()} CO2e (fraction of total PCF)", share) for share in SHARES),
    _note("Product detail", "product_detail"),
    _note("Country (where company is incorporated)", "company_country"),
    _note("*Company's sector", "company_sector"),
    _note("*Source for product weight", "weight_source"),
    _note("Protocol used for PCF", "protocol"),
)
NOTES = ("published_pcf", *SHARES, "product_detail", "company_country", "company_sector", "weight_source", "protocol")


def read_carbon_catalogue(path: Path) -> Iterator[Declared | Refusal]:
    """One footprint a row; a bad row is refused alone."""
    check_published(path, SHEET)
    table = read_sheet(path, SHEET, COLUMNS)
    values, refusals = good_rows(*check_cells(table, COLUMNS))
    yield from refusals
    # A share that is not known says "N/a" and why.
    shares = values.with_columns(pl.col(SHARES).cast(pl.Float64, strict=False))
    for row in shares.iter_rows(named=True):
        yield _declare(row)


def _declare(row: dict[str, Any]) -> Declared:
    details = {name: row[name] for name in NOTES if row[name] not in (None, "")}
    pcf = row["published_pcf"]
    if None in (row["upstream"], row["operations"]):
        details["boundary"] = "not stated"
    else:
        details["boundary"] = "cradle to gate"
        pcf *= row["upstream"] + row["operations"]
    year_end = dt.date(row["year"], 12, 31)
    valid_from, valid_until = validity(year_end)
    footprint = ProductFootprint(
        external_id=row["external_id"],
        product_name=shorten(row["product_name"], details),
        product_code=row["external_id"].rpartition("-")[0],  # the same product in every year
        pcf=pcf,
        declared_unit="each",
        weight_kg=row["weight_kg"],
        period_start=dt.date(row["year"], 1, 1),
        period_end=year_end,
        valid_from=valid_from,
        valid_until=valid_until,
        details=details,
    )
    return Declared(row[ROW], row["company"], footprint)
