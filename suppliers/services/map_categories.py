"""Say which sector or factor a category of purchases is: one by one, or with a table from a file."""

import csv
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from core.columns import Text
from core.errors import WorkbenchError, database_errors_explained
from core.imports import enumerate_some
from core.seen_keys import SeenKeys
from core.tabular import FileRefused, RefusalFile, neutralise
from suppliers.models import Category
from suppliers.services.loading.columns import Pattern
from suppliers.services.purchases.lines import Lines, gather
from suppliers.services.purchases.sources import open_source

logger = logging.getLogger(__name__)

HEADER = ("category", "sector_code", "factor_code")
SECTOR = "[0-9]{6}"
LONGEST_FACTOR_CODE = 64
COLUMNS = {
    "category": Text("category", max_length=255),
    "sector_code": Pattern("sector_code", pattern=SECTOR, form="a code of six digits", blank=True, default=""),
    "factor_code": Text("factor_code", max_length=LONGEST_FACTOR_CODE, blank=True, default=""),
}


@dataclass(frozen=True)
class CategoryCodes:
    """What a category is; empty for nothing yet, and a factor code of None stays as it is."""

    sector_code: str
    factor_code: str | None = None


@dataclass(frozen=True)
class UnmappedCategory:
    """A category without codes, and what its records spend in one currency."""

    category_id: int
    name: str
    currency: str
    records: int
    spend: float


@dataclass
class MappingReport:
    file: str
    rows: int = 0
    accepted: int = 0
    changed: int = 0
    refused: int = 0


def map_categories(*, codes: Mapping[int, CategoryCodes], user: User | None = None) -> int:
    """Store the codes of categories by their ids, and who gave them and when; return how many changed.

    Raises
    ------
    WorkbenchError
        If a code is none, or a category is gone; nothing is stored then.
    """
    for code in codes.values():
        _check_codes(code)
    with database_errors_explained(), transaction.atomic():
        found = Category.objects.select_for_update().in_bulk(list(codes))
        if gone := codes.keys() - found.keys():
            raise WorkbenchError(f"There is no category with the number {min(gone)}. Look at the list again.")
        changed = [found[pk] for pk, code in codes.items() if _apply(found[pk], code)]
        for category in changed:
            category.changed_by, category.changed_at = user, timezone.now()
        Category.objects.bulk_update(
            changed, ["sector_code", "factor_code", "changed_by", "changed_at"], batch_size=500
        )
    logger.info("map_categories done categories=%d changed=%d user=%s", len(codes), len(changed), user and user.pk)
    return len(changed)


def load_category_codes(*, path: Path, refusals: RefusalFile, user: User | None = None) -> MappingReport:
    """Map categories with a table of the columns category, sector_code and perhaps factor_code.

    Good rows count; a row whose category no purchase has, or whose code is none, goes to `refusals`.

    Raises
    ------
    FileRefused
        If the file cannot be read or lacks a column.
    """
    report, codes, seen = MappingReport(path.name), dict[int, CategoryCodes](), SeenKeys()
    with database_errors_explained(), open_source(path) as source:
        places = _find_places(path.name, source.header)
        known = dict(Category.objects.order_by().values_list("name", "pk"))
        for text in gather(source.pieces(places)):
            lines = Lines(path.name, {name: name for name in places}, text)
            _check(lines, known, seen)
            for row in lines.rows.iter_rows(named=True):
                codes[row["category_id"]] = CategoryCodes(row["sector_code"], row.get("factor_code"))
            report.refused += len(lines.refusals)
            refusals.add(sorted(lines.refusals, key=lambda refusal: refusal.line))
    report.accepted, report.rows = len(codes), len(codes) + report.refused
    report.changed = map_categories(codes=codes, user=user)
    return report


def write_category_codes(stream: IO[str]) -> int:
    """All categories as a table that `load_category_codes` takes; return how many."""
    writer = csv.writer(stream)
    writer.writerow(HEADER)
    rows = list(Category.objects.order_by("name").values_list("name", "sector_code", "factor_code"))
    writer.writerows([neutralise(cell) for cell in row] for row in rows)
    return len(rows)


def list_unmapped(*, limit: int = 100) -> list[UnmappedCategory]:
    """Categories that have no code, largest spend first; records that have their own sector code do not count."""
    with database_errors_explained():
        unmapped = Category.objects.filter(sector_code="", factor_code="", purchases__sector_code="")
        rows = unmapped.order_by().values_list("pk", "name", "purchases__currency")
        totals = rows.annotate(records=Count("purchases"), spend=Sum("purchases__spend")).order_by("-spend", "name")
        return [
            UnmappedCategory(pk, name, currency, records, spend or 0.0)
            for pk, name, currency, records, spend in totals[:limit]
        ]


def _check_codes(codes: CategoryCodes) -> None:
    if codes.sector_code and not re.fullmatch(SECTOR, codes.sector_code, re.ASCII):
        raise WorkbenchError(f"{codes.sector_code!r} is not a sector code of six digits (NAICS 2017).")
    if codes.factor_code and len(codes.factor_code) > LONGEST_FACTOR_CODE:
        raise WorkbenchError(f"A factor code has at most {LONGEST_FACTOR_CODE} characters.")


def _apply(category: Category, codes: CategoryCodes) -> bool:
    before = category.sector_code, category.factor_code
    category.sector_code = codes.sector_code
    category.factor_code = category.factor_code if codes.factor_code is None else codes.factor_code
    return before != (category.sector_code, category.factor_code)


def _find_places(file: str, header: list[str]) -> dict[str, int]:
    if missing := [name for name in HEADER[:2] if name not in header]:
        raise FileRefused(
            f"{file} was not read: missing columns {enumerate_some(missing)}. "
            "It needs the columns category, sector_code and perhaps factor_code, separated by commas."
        )
    if twice := [name for name in HEADER if header.count(name) > 1]:
        raise FileRefused(f"{file} was not read: it has more than one column {enumerate_some(twice)}.")
    return {name: header.index(name) for name in HEADER if name in header}


def _check(lines: Lines, known: Mapping[str, int], seen: SeenKeys) -> None:
    for name in lines.fields:
        lines.check(COLUMNS[name])
    ids = [_find(known, name) for name in lines.rows["category"]]
    lines.rows = lines.rows.with_columns(pl.Series("category_id", ids, dtype=pl.Int64))
    lines.refuse_where(pl.col("category_id").is_null(), "category", "is a category that no purchase has")
    lines.refuse_repeated("category_id", "category", seen)


def _find(known: Mapping[str, int], name: str) -> int | None:
    """A name that looks like a formula was exported with an apostrophe in front."""
    return known.get(name, known.get(name[1:]) if name.startswith("'") else None)
