"""The demo's seasonal and stockout patterns, as an analysis of the sales would have found them."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ordering.models import StockoutPattern
from ordering.services.demo.catalogue import Skus
from ordering.services.demo.demand import Demand

Bools = NDArray[np.bool_]
Strings = NDArray[np.str_]


def seasonal_rows(rng: np.random.Generator, skus: Skus, demand: Demand) -> pl.DataFrame:
    """Most seasons were found, and a few were seen where there is none."""
    shape = demand.stocked.shape
    found = demand.known & (rng.random(shape) < np.where(skus.seasonal, 0.92, 0.25)[:, None])
    row, column = np.nonzero(found)
    is_real = skus.seasonal[row]
    strength = np.clip(skus.strength[row] + rng.normal(0, 0.05, len(row)), 0, 1)
    confidence = np.where(is_real, rng.beta(8, 2, len(row)), rng.beta(2, 4, len(row)))
    return pl.DataFrame(
        {
            "sku": row,
            "warehouse": column,
            "strength": strength.round(3),
            "confidence": confidence.round(3),
            "significant": is_real & (rng.random(len(row)) < 0.9),
            "peak_months": month_texts(skus.peak[row]),
        }
    )


def stockout_rows(rng: np.random.Generator, skus: Skus) -> pl.DataFrame:
    chronic, seasonal = StockoutPattern.Type.CHRONIC.value, StockoutPattern.Type.SEASONAL.value
    row, is_seasonal = np.nonzero(np.stack([skus.chronic, skus.out_in_season], axis=1))
    is_certain = rng.random(len(row)) < np.where(is_seasonal, 0.35, 0.65)
    frequency = rng.uniform(np.where(is_seasonal, 35, 45), np.where(is_seasonal, 90, 98))
    return pl.DataFrame(
        {
            "sku": row,
            "pattern_type": np.where(is_seasonal, seasonal, chronic),
            "months": np.where(is_seasonal, month_texts(skus.peak[row]), ""),
            "frequency": frequency.round(1),
            "confidence": np.where(is_certain, "high", rng.choice(["low", "medium"], len(row))),
        }
    )


def month_texts(months: Bools) -> Strings:
    """Rows of twelve to texts such as `5,6,7`, written once per distinct row."""
    distinct, inverse = np.unique(months, axis=0, return_inverse=True)
    texts = [",".join(str(number + 1) for number in np.flatnonzero(row)) for row in distinct]
    return np.array(texts, dtype=np.str_)[inverse.reshape(-1)]
