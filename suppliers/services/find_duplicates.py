"""Find records that look like the same purchase, for people to judge; nothing is deleted."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Abs, Collate

from core.errors import database_errors_explained
from suppliers.models import PurchaseRecord

EXACT = {"mysql": "utf8mb4_bin", "sqlite": "binary"}  # else MySQL would take an é for an e


@dataclass(frozen=True)
class DuplicateGroup:
    """Records with the same supplier key, date, description, quantity, spend and kind.

    Attributes
    ----------
    supplier : one of the spellings
    spend : of one of the records
    copies : number of records
    imports : number of files that they came from
    """

    supplier: str
    product_name: str
    purchase_date: dt.date | None
    year: int
    spend: float | None
    currency: str
    copies: int
    imports: int
    first_id: int


@dataclass(frozen=True)
class Duplicates:
    """`groups` are those of the largest surplus spend; the other numbers count all of them.

    The surplus is what would go if one record of each group stayed.
    """

    groups: list[DuplicateGroup]
    group_count: int
    surplus_records: int
    surplus_spend: dict[str, float]


def find_duplicates(*, import_id: int | None = None, years: Collection[int] = (), limit: int = 100) -> Duplicates:
    """Groups of records that look alike, two statements.

    Parameters
    ----------
    import_id
        Only groups with a record of this import; the others in it may come from any.
    years
        Only records of these years; all where empty.
    """
    records = PurchaseRecord.objects.filter(year__in=list(years)) if years else PurchaseRecord.objects.all()
    alike = _alike(records)
    if import_id is not None:
        alike = alike.annotate(own=Count("pk", filter=Q(source=import_id))).filter(own__gt=0)
    with database_errors_explained():
        largest = alike.order_by((Abs("amount") * (F("copies") - 1)).desc(nulls_last=True), "first_id")[:limit]
        groups = [_as_group(row) for row in largest]
        return Duplicates(groups, *_total(alike))


def _alike(records: "QuerySet[PurchaseRecord]") -> "QuerySet[Any, Any]":
    return (
        records.order_by()
        .values(
            "purchase_date",
            "year",
            "quantity",
            "kind",
            key=_exact("supplier_name__key"),
            description=_exact("product_name"),
            money=F("currency"),
            amount=F("spend"),
        )
        .annotate(
            copies=Count("pk"),
            imports=Count("source", distinct=True),
            first_id=Min("pk"),
            supplier=Min("supplier_name__name"),
        )
        .filter(copies__gt=1)
    )


def _exact(name: str) -> Collate:
    return Collate(name, EXACT[connection.vendor])


def _as_group(row: dict[str, Any]) -> DuplicateGroup:
    same = {name: row[name] for name in ("supplier", "purchase_date", "year", "copies", "imports", "first_id")}
    return DuplicateGroup(product_name=row["description"], spend=row["amount"], currency=row["money"], **same)


def _total(alike: "QuerySet[Any, Any]") -> tuple[int, int, dict[str, float]]:
    sql, parameters = alike.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT money, COUNT(*), SUM(copies - 1), SUM((copies - 1) * amount) FROM ({sql}) AS alike GROUP BY money",
            parameters,
        )
        rows = cursor.fetchall()
    spend = {money: total for money, _groups, _surplus, total in rows if total is not None}
    return sum(row[1] for row in rows), sum(int(row[2]) for row in rows), spend
