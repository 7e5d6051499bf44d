"""Reads of a run that have a name; none goes over all its results."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Sum

from suppliers.kernels.emissions import rate_quality
from suppliers.models import (
    Category,
    CategoryTotal,
    EmissionResult,
    EmissionRun,
    PurchaseImport,
    PurchaseRecord,
    PurchaseTotal,
    SupplierTotal,
)
from suppliers.paging import read_page

TIERS = {1: "Supplier-specific", 2: "Average data", 3: "Spend-based"}
RATINGS = ("poor", "fair", "good", "excellent")
NO_CATEGORY = "no category"
KGCO2E = ("supplier_specific_kgco2e", "average_data_kgco2e", "spend_based_kgco2e")  # by tier
ROUNDED = 6  # decimals


@dataclass(frozen=True)
class TierTotal:
    """`tier` and `dqi` are None where unaccounted."""

    tier: int | None
    records: int
    kgco2e: float
    spend_usd: float
    dqi: float | None

    @property
    def label(self) -> str:
        return TIERS[self.tier] if self.tier else "Unaccounted"

    @property
    def rating(self) -> str:
        return rating_of(self.dqi)


@dataclass
class Share:
    """What a supplier or a category emitted, in all and by tier [kg CO2e]."""

    name: str
    records: int = 0
    by_tier: dict[int, float] = field(default_factory=dict)

    @property
    def kgco2e(self) -> float:
        return sum(self.by_tier.values())

    def add(self, records: int, by_tier: Iterable[float | None]) -> None:
        """None where there is no result of a tier."""
        self.records += records
        for tier, kgco2e in zip(TIERS, by_tier, strict=True):
            if kgco2e is not None:
                self.by_tier[tier] = self.by_tier.get(tier, 0.0) + kgco2e


@dataclass(frozen=True)
class RunTotals:
    """The totals of a run that it stored at its end, and what follows from them."""

    tiers: list[TierTotal]

    @property
    def spend_usd(self) -> float:
        return sum(tier.spend_usd for tier in self.tiers)

    @property
    def unaccounted_spend_usd(self) -> float:
        return sum(tier.spend_usd for tier in self.tiers if tier.tier is None)

    @property
    def unaccounted_percent(self) -> float | None:
        """Of the spend in USD that is known; None where none is."""
        return 100 * self.unaccounted_spend_usd / self.spend_usd if self.spend_usd else None

    @property
    def dqi(self) -> float | None:
        """Weighted by emissions; None where there are none."""
        known = [(tier.dqi, tier.kgco2e) for tier in self.tiers if tier.dqi is not None]
        weight = sum(kgco2e for _dqi, kgco2e in known)
        return sum(dqi * kgco2e for dqi, kgco2e in known) / weight if weight else None

    @property
    def rating(self) -> str:
        return rating_of(self.dqi)


def rating_of(dqi: float | None) -> str:
    """A mean of results that are all 40 may be a hair below it."""
    return "" if dqi is None else RATINGS[int(rate_quality(round(dqi, ROUNDED)))]  # type: ignore[arg-type]  # numpy takes a number


def totals_of(run: EmissionRun) -> RunTotals:
    """No statement: a run adds up its tiers when it ends, and nothing changes afterwards."""
    names = ("tier", "records", "kgco2e", "spend_usd", "dqi")
    return RunTotals([TierTotal(**{name: tier[name] for name in names}) for tier in run.totals.get("by_tier", [])])


def shares_of(run: EmissionRun) -> tuple[list[Share], list[Share]]:
    """By category and by supplier, the largest first; a statement each, over the totals that the run stored.

    Names that people linked to one supplier are one supplier.
    """
    by_category, by_supplier = dict[Any, Share](), dict[Any, Share]()
    for pk, name, records, *by_tier in _totals(CategoryTotal, run, "category_id", "category__name"):
        by_category.setdefault(pk, Share(name or NO_CATEGORY)).add(records, by_tier)
    owner = ("supplier_name__supplier", "supplier_name__supplier__name", "supplier_name__supplier__code")
    rows = _totals(SupplierTotal, run, "supplier_name_id", "supplier_name__name", *owner)
    for pk, name, supplier, title, code, records, *by_tier in rows:
        key, label = (("supplier", supplier), title or code) if supplier else (pk, name)
        by_supplier.setdefault(key, Share(label)).add(records, by_tier)
    return _ranked(by_category.values()), _ranked(by_supplier.values())


def _totals(model: type[SupplierTotal] | type[CategoryTotal], run: EmissionRun, *names: str) -> Iterator[Any]:
    rows = model._default_manager.filter(run=run).order_by("pk")
    return rows.values_list(*names, "records", *KGCO2E).iterator()


def _ranked(shares: Iterable[Share]) -> list[Share]:
    return sorted(shares, key=lambda share: (-share.kgco2e, share.name))


def hot_spots(run: EmissionRun, limit: int = 20) -> list[EmissionResult]:
    """The results of the largest emissions, by the index of the run; two statements."""
    results = EmissionResult.objects.filter(run=run).order_by("-emissions_kgco2e", "-id")
    return read_page(results, 1, limit, related=("record", "supplier_name", "category")).rows


def count_errors(run: EmissionRun) -> list[tuple[str, int]]:
    """Records that failed by code, the most frequent first; no statement."""
    return sorted(run.totals.get("errors", {}).items(), key=lambda error: (-error[1], error[0]))


def count_without_dollars(run: EmissionRun) -> int:
    """Unaccounted records whose spend is not known in USD, so that no share of spend shows them; no statement."""
    return int(run.totals.get("without_dollars", 0))


def years_with_purchases() -> list[int]:
    """The newest first."""
    return list(PurchaseRecord.objects.order_by("-year").values_list("year", flat=True).distinct())


@dataclass(frozen=True)
class MappedCategory:
    """A category, and what was bought in it; `spend` is by currency."""

    category: Category
    records: int
    spend: dict[str, float]

    @property
    def weight(self) -> float:
        return max(self.spend.values(), default=0.0)

    @property
    def is_mapped(self) -> bool:
        return bool(self.category.sector_code or self.category.factor_code)


def categories_by_spend() -> list[MappedCategory]:
    """The unmapped first, then by spend; four statements."""
    bought = _purchases_by_category()
    rows = Category.objects.select_related("changed_by")
    found = [MappedCategory(row, *bought.get(row.pk, (0, {}))) for row in rows]
    return sorted(found, key=lambda row: (row.is_mapped, -row.weight, row.category.name))


def category_row(category: Category) -> MappedCategory:
    """The one row of the list."""
    return MappedCategory(category, *_purchases_by_category(category=category).get(category.pk, (0, {})))


def _purchases_by_category(**which: Category) -> dict[int, tuple[int, dict[str, float]]]:
    """Records, and spend by currency: the totals of files that went through, the records of those that did not."""
    group = ("category_id", "currency")
    whole = PurchaseTotal.objects.filter(category__isnull=False, **which).order_by().values_list(*group)
    sources = list(PurchaseImport.objects.filter(complete=False).order_by().values_list("pk", flat=True))
    unfinished = PurchaseRecord.objects.filter(source__in=sources, category__isnull=False, **which)
    records: dict[int, int] = defaultdict(int)
    spend: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for rows in (
        whole.annotate(Sum("spend"), Sum("records")),
        unfinished.order_by().values_list(*group).annotate(Sum("spend"), Count("pk")),
    ):
        for pk, currency, amount, count in rows:
            spend[pk][currency] += amount or 0.0
            records[pk] += count
    return {pk: (count, dict(spend[pk])) for pk, count in records.items()}


def mapped_share(rows: Sequence[MappedCategory]) -> dict[str, float]:
    """Percent of the spend of each currency whose category is mapped."""
    total: dict[str, float] = defaultdict(float)
    mapped: dict[str, float] = defaultdict(float)
    for row in rows:
        for currency, amount in row.spend.items():
            total[currency] += amount
            mapped[currency] += amount if row.is_mapped else 0.0
    return {currency: 100 * mapped[currency] / amount for currency, amount in sorted(total.items()) if amount > 0}
