"""The demo's demand: sales by month, what was forecast, and the statistics of both."""

import calendar
import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ordering.services.demo.catalogue import Skus
from suppliers.services.refresh_lead_times import months_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SALES_MONTHS = 13
FORECAST_ERROR = (0.3, 0.2, 0.6)  # of the older, the newer and the unfinished run
NOT_STOCKED = 0.02
NOTHING_BUT_STOCK = 0.015


@dataclass(frozen=True)
class Demand:
    """Arrays of shape (n_skus, n_warehouses), by month with a third axis.

    Attributes
    ----------
    stocked : bool
        Where it is False there is nothing at all.
    known : bool
        Where it is False there are neither sales nor forecasts.
    coming : float64 [units/month]
        What the next months will ask for.
    sold, wanted, stockout_days : shape (n_skus, n_warehouses, 13)
        `wanted` is what would have been sold with stock on every day.
    recorded : bool, shape (n_skus, n_warehouses, 13)
        Which months have a sales row.
    """

    months: list[dt.date]
    stocked: Bools
    known: Bools
    coming: Floats
    wanted: Ints
    sold: Ints
    stockout_days: Ints
    recorded: Bools

    @property
    def cv_by_pair(self) -> Floats:
        return _cv(self.sold, self.recorded)

    @property
    def cv_by_sku(self) -> Floats:
        return _cv((self.sold * self.recorded).sum(axis=1), self.recorded.sum(axis=1) > 0)

    @property
    def yearly(self) -> Floats:
        """Demand of each SKU [units/year], shape (n_skus,)."""
        units: Ints = (self.wanted * self.recorded).sum(axis=(1, 2))
        return units * 12 / SALES_MONTHS


def draw_demand(rng: np.random.Generator, skus: Skus, *, warehouses: int, as_of: dt.date) -> Demand:
    shape = (len(skus), warehouses)
    months = [months_before(as_of.replace(day=1), back) for back in range(SALES_MONTHS, 0, -1)]
    sizes = 1 / (1 + 0.3 * np.arange(warehouses))
    monthly = skus.monthly[:, None] * sizes * rng.lognormal(0, 0.4, shape)
    season = _season(skus)
    growth = np.exp(rng.normal(0, 0.25, (len(skus), 1, 1)) * np.linspace(-1, 0, SALES_MONTHS))
    expected = monthly[:, :, None] * season[:, None, [month.month - 1 for month in months]] * growth
    evenness = rng.uniform(0.05, 0.7, (len(skus), 1, 1)) ** -2
    wanted = rng.poisson(expected * rng.gamma(evenness, 1 / evenness, expected.shape))

    days = np.array([calendar.monthrange(month.year, month.month)[1] for month in months])
    runs_out = rng.random(wanted.shape) < np.where(skus.chronic, 0.5, 0.05)[:, None, None]
    stockout_days = np.where(runs_out, rng.integers(1, days, wanted.shape), 0)
    stocked = rng.random(shape) >= NOT_STOCKED
    known = stocked & (rng.random(shape) >= NOTHING_BUT_STOCK)
    on_sale = np.arange(SALES_MONTHS, 0, -1) <= skus.months_on_sale[:, None, None]
    has_sales = known & (rng.random(shape) >= 0.04)
    return Demand(
        months=months,
        stocked=stocked,
        known=known,
        coming=monthly * season[:, None, [(as_of.month - 1 + ahead) % 12 for ahead in range(3)]].mean(axis=2),
        wanted=wanted,
        sold=rng.binomial(wanted, 1 - stockout_days / days),
        stockout_days=stockout_days,
        recorded=has_sales[:, :, None] & on_sale & (rng.random(wanted.shape) >= 0.015),
    )


def _season(skus: Skus) -> Floats:
    """Factor by SKU and calendar month, 1 on average."""
    strength = np.where(skus.seasonal, skus.strength, 0)[:, None]
    factor = np.where(skus.peak, 1 + 1.5 * strength, 1 - 0.4 * strength)
    return np.asarray(factor / factor.mean(axis=1, keepdims=True), dtype=np.float64)


def _cv(units: Ints, recorded: Bools) -> Floats:
    """Coefficient of variation along the last axis; NaN for under six months or without any sale."""
    count = recorded.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (units * recorded).sum(axis=-1) / count
        variance = (((units - mean[..., None]) ** 2) * recorded).sum(axis=-1) / (count - 1)
        return np.where((count >= 6) & (mean > 0), np.sqrt(variance) / mean, np.nan)


def sales_rows(rng: np.random.Generator, demand: Demand) -> pl.DataFrame:
    row, column, month = np.nonzero(demand.recorded)
    place = (row, column, month)
    stockout_days, wanted = demand.stockout_days[place], demand.wanted[place].astype(np.float64)
    is_given = (stockout_days > 0) & (rng.random(len(row)) < 0.3)
    return pl.DataFrame(
        {
            "sku": row,
            "warehouse": column,
            "month": np.array(demand.months, dtype="datetime64[D]")[month],
            "units_sold": demand.sold[place].astype(np.float64),
            "stockout_days": stockout_days,
            "corrected_demand": pl.Series(np.where(is_given, wanted, np.nan)).fill_nan(None),
        }
    )


def forecast_rows(rng: np.random.Generator, demand: Demand) -> pl.DataFrame:
    """Details of the older, the newer and the unfinished forecast run; `run` is 0, 1, 2."""
    shape = demand.coming.shape
    newer = rng.random(shape) < 0.76
    older = rng.random(shape) < np.where(newer, 0.95, 0.75)
    unfinished = rng.random(shape) < 0.3
    covered = np.stack([older, newer, unfinished]) & demand.known
    run, row, column = np.nonzero(covered)
    error = rng.lognormal(0, np.array(FORECAST_ERROR)[run])
    return pl.DataFrame(
        {
            "run": run,
            "sku": row,
            "warehouse": column,
            "avg_monthly_qty": (demand.coming[row, column] * error).round(1),
            "confidence": rng.beta(4.5, 1.7, len(run)).round(3),
        }
    )


def statistics_rows(rng: np.random.Generator, demand: Demand) -> pl.DataFrame:
    cv = demand.cv_by_pair
    row, column = np.nonzero(~np.isnan(cv) & (rng.random(cv.shape) >= 0.05))
    return pl.DataFrame({"sku": row, "warehouse": column, "cv": cv[row, column].round(3)})
