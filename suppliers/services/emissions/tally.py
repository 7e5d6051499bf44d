"""What the pages of a run tell, added up while the run calculates."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suppliers.models import EmissionResult
from suppliers.services.emissions.group_sums import GroupSums

Method = EmissionResult.Method
METHODS = (Method.UNACCOUNTED, Method.SUPPLIER_SPECIFIC, Method.AVERAGE_DATA, Method.SPEND_BASED)  # by tier, 0 to 3
TIERS = len(METHODS)
NOTHING = 0  # no row has this key


class Tally:
    """Sums by supplier name, by category and by tier; errors by code.

    Memory grows with the names and categories that a run meets, at most four groups for each, and not with its
    records. Chunks may come in any order and any size: nothing is rounded before the end.
    """

    def __init__(self) -> None:
        self.kgco2e_by_supplier = GroupSums()
        self.kgco2e_by_category = GroupSums()
        self.spend_usd = GroupSums()
        self.quality = GroupSums()  # dqi x kg CO2e
        self.errors: Counter[str] = Counter()
        self.without_dollars = 0

    def add(self, results: pl.DataFrame, errors: pl.DataFrame) -> None:
        """One chunk's results, with the ids of names and categories, and its errors."""
        tier = _numbers(results["tier"], np.int64)
        kgco2e, spend = _numbers(results["emissions_kgco2e"]), results["spend_usd"]
        self.kgco2e_by_supplier.add(_groups(results["supplier_name_id"], tier), kgco2e)
        self.kgco2e_by_category.add(_groups(results["category_id"], tier), kgco2e)
        self.spend_usd.add(tier, _numbers(spend))
        self.quality.add(tier, _numbers(results["dqi"]) * kgco2e)
        self.errors.update(errors["code"].to_list())
        self.without_dollars += int(((tier == 0) & spend.is_null().to_numpy()).sum())

    def totals(self) -> dict[str, Any]:
        """Tiers with records, kg CO2e, spend [USD] and emission-weighted DQI, the unaccounted last; errors by code."""
        tier = self.kgco2e_by_category.groups % TIERS
        records, kgco2e = self.kgco2e_by_category.counts_by(tier), self.kgco2e_by_category.sums_by(tier)
        spend, quality = self.spend_usd.sums_by(self.spend_usd.groups), self.quality.sums_by(self.quality.groups)
        return {
            "by_tier": [
                {
                    "tier": tier or None,
                    "method": str(METHODS[tier]),
                    "records": records[tier],
                    "kgco2e": kgco2e[tier],
                    "spend_usd": spend[tier],
                    "dqi": quality[tier] / kgco2e[tier] if kgco2e[tier] else None,
                }
                for tier in (1, 2, 3, 0)
                if tier in records
            ],
            "errors": dict(sorted(self.errors.items(), key=lambda error: (-error[1], error[0]))),
            "without_dollars": self.without_dollars,
        }

    def suppliers(self) -> pl.DataFrame:
        """Columns of `SupplierTotal`."""
        return _table(self.kgco2e_by_supplier, "supplier_name_id")

    def categories(self) -> pl.DataFrame:
        """Columns of `CategoryTotal`."""
        return _table(self.kgco2e_by_category, "category_id")


def _numbers(values: pl.Series, dtype: Any = np.float64) -> NDArray[Any]:
    return values.fill_null(0).to_numpy().astype(dtype)


def _groups(keys: pl.Series, tier: NDArray[np.int64]) -> NDArray[np.int64]:
    return _numbers(keys, np.int64) * TIERS + tier


def _table(sums: GroupSums, key: str) -> pl.DataFrame:
    rows = pl.DataFrame(
        {"key": sums.groups // TIERS, "tier": sums.groups % TIERS, "records": sums.counts, "kgco2e": sums.sums()}
    )
    by_tier = [
        pl.col("kgco2e").filter(pl.col("tier") == tier).first().alias(f"{METHODS[tier]}_kgco2e")
        for tier in range(1, TIERS)
    ]
    found = rows.group_by("key", maintain_order=True).agg(pl.col("records").sum(), *by_tier)
    return found.rename({"key": key}).with_columns(pl.col(key).replace(NOTHING, None))
