"""What the pages of a run tell, added up while the run calculates."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from suppliers.emissions.group_sums import GroupSums
from suppliers.models import EmissionResult

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
        self.by_supplier = GroupSums()  # kg CO2e
        self.by_category = GroupSums(3)  # kg CO2e, spend [USD], DQI x kg CO2e
        self.errors: Counter[str] = Counter()
        self.without_dollars = 0

    def add(self, results: pl.DataFrame, errors: pl.DataFrame) -> None:
        """One chunk's results, with the ids of names and categories, and its errors."""
        tier = _numbers(results["tier"], np.int64)
        kgco2e, spend = _numbers(results["emissions_kgco2e"]), results["spend_usd"]
        quality = _numbers(results["dqi"]) * kgco2e
        self.by_supplier.add(_groups(results["supplier_name_id"], tier), kgco2e)
        self.by_category.add(_groups(results["category_id"], tier), kgco2e, _numbers(spend), quality)
        self.errors.update(errors["code"].to_list())
        self.without_dollars += int(((tier == 0) & spend.is_null().to_numpy()).sum())

    def totals(self) -> dict[str, Any]:
        """Tiers with records, kg CO2e, spend [USD] and emission-weighted DQI, the unaccounted last; errors by code."""
        tiers = self.by_category.together(self.by_category.groups % TIERS)
        columns = (tiers.groups, tiers.counts, *(tiers.sums(which) for which in range(3)))
        rows = zip(*(column.tolist() for column in columns), strict=True)
        by_tier = [
            {
                "tier": tier or None,
                "method": str(METHODS[tier]),
                "records": records,
                "kgco2e": kgco2e,
                "spend_usd": spend,
                "dqi": quality / kgco2e if kgco2e else None,
            }
            for tier, records, kgco2e, spend, quality in rows
        ]
        return {
            "by_tier": sorted(by_tier, key=lambda tier: tier["tier"] or TIERS),
            "errors": dict(sorted(self.errors.items(), key=lambda error: (-error[1], error[0]))),
            "without_dollars": self.without_dollars,
        }

    def suppliers(self) -> pl.DataFrame:
        """Columns of `SupplierTotal`."""
        return _table(self.by_supplier, "supplier_name_id")

    def categories(self) -> pl.DataFrame:
        """Columns of `CategoryTotal`."""
        return _table(self.by_category, "category_id")


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
