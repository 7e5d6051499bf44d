"""Reads of a run that have a name: each is one statement over the run's results, or none."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Sum

from suppliers.kernels.emissions import rate_quality
from suppliers.models import Category, EmissionError, EmissionResult, EmissionRun, PurchaseRecord, SupplierName

TIERS = {1: "Supplier-specific", 2: "Average data", 3: "Spend-based"}
RATINGS = ("poor", "fair", "good", "excellent")
NO_CATEGORY = "no category"
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
    kgco2e: float = 0.0
    records: int = 0
    by_tier: dict[int, float] = field(default_factory=dict)

    def add(self, tier: int | None, kgco2e: float, records: int) -> None:
        self.records += records
        self.kgco2e += kgco2e
        if tier:
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
    """By category and by supplier, the largest first; three statements, of which one goes over the results.

    Names that people linked to one supplier are one supplier.
    """
    keys = ("category_id", "supplier_name_id", "tier")
    totals = EmissionResult.objects.filter(run=run).order_by().values_list(*keys)
    by_category, by_supplier = dict[Any, Share](), dict[Any, Share]()
    names, owners = dict(Category.objects.order_by().values_list("pk", "name")), _owners()
    for category, name, tier, kgco2e, records in totals.annotate(Sum("emissions_kgco2e"), Count("pk")):
        owner, owner_name = owners[name]
        for shares, key, label in (
            (by_category, category, names.get(category, NO_CATEGORY)),
            (by_supplier, owner, owner_name),
        ):
            shares.setdefault(key, Share(label)).add(tier, kgco2e or 0.0, records)
    return _ranked(by_category.values()), _ranked(by_supplier.values())


def _owners() -> dict[int, tuple[Any, str]]:
    """Whose each name is, and what they are called."""
    names = SupplierName.objects.order_by().values_list("pk", "name", "supplier_id", "supplier__name", "supplier__code")
    return {
        pk: (("supplier", supplier), title or code) if supplier else (pk, name)
        for pk, name, supplier, title, code in names
    }


def _ranked(shares: Iterable[Share]) -> list[Share]:
    return sorted(shares, key=lambda share: (-share.kgco2e, share.name))


def hot_spots(run: EmissionRun, limit: int = 20) -> list[EmissionResult]:
    """The results of the largest emissions, by the index of the run."""
    results = EmissionResult.objects.filter(run=run).order_by("-emissions_kgco2e", "-id")[:limit]
    return list(results.select_related("record", "supplier_name", "category"))


def count_errors(run: EmissionRun) -> list[tuple[str, int]]:
    """Records that failed by code, the most frequent first."""
    rows = EmissionError.objects.filter(run=run).order_by().values_list("code").annotate(records=Count("pk"))
    return list(rows.order_by("-records", "code"))


def count_without_dollars(run: EmissionRun) -> int:
    """Unaccounted records whose spend is not known in USD, so that no share of spend shows them."""
    unaccounted = EmissionResult.objects.filter(run=run, emissions_kgco2e__isnull=True)
    return unaccounted.filter(spend_usd__isnull=True).count()


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
    """The unmapped first, then by spend; two statements."""
    rows = PurchaseRecord.objects.exclude(category=None).order_by().values_list("category_id", "currency")
    spend: dict[int, dict[str, float]] = defaultdict(dict)
    records: dict[int, int] = defaultdict(int)
    for pk, currency, amount, count in rows.annotate(Sum("spend"), Count("pk")):
        spend[pk][currency] = amount or 0.0
        records[pk] += count
    found = [
        MappedCategory(row, records[row.pk], spend[row.pk]) for row in Category.objects.select_related("changed_by")
    ]
    return sorted(found, key=lambda row: (row.is_mapped, -row.weight, row.category.name))


def category_row(category: Category) -> MappedCategory:
    """The one row of the list."""
    purchases = PurchaseRecord.objects.filter(category=category).order_by().values_list("currency")
    totals = list(purchases.annotate(Sum("spend"), Count("pk")))
    spend = {currency: amount or 0.0 for currency, amount, _count in totals}
    return MappedCategory(category, sum(count for *_rest, count in totals), spend)


def mapped_share(rows: Sequence[MappedCategory]) -> dict[str, float]:
    """Percent of the spend of each currency whose category is mapped."""
    total: dict[str, float] = defaultdict(float)
    mapped: dict[str, float] = defaultdict(float)
    for row in rows:
        for currency, amount in row.spend.items():
            total[currency] += amount
            mapped[currency] += amount if row.is_mapped else 0.0
    return {currency: 100 * mapped[currency] / amount for currency, amount in sorted(total.items()) if amount > 0}
