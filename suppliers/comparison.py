"""Why two runs differ: activity, prices and currency, emission factors, method.

Purchases are put into groups by supplier, category and currency, and those into cells by method, factor code and unit.
Each run r has, for a group, the activity M_r, which is the money spent in its own currency, unaccounted spend too, and
for each of its cells c the part m_c of it and the emissions E_c [kg CO2e], hence

    E = sum over cells of  M  (m_c / M)  d_c  F_c

where d_c is what a unit of that money counts for and F_c the emissions of one such unit, the factor. By spend,
d = USD per unit of the currency / price index of the year, both runs with the same index, so that a factor set of
another base year is a matter of factors. By quantity, d is the quantity that a unit of money bought, so that a higher
price is a matter of prices. Where a whole group is priced by quantity in one unit, that quantity is M, and d = 1.
With k = E_c / m_c, the emissions per unit of activity, going from run a to run b one thing at a time:

    activity = (M_b / M_a - 1) sum E_a,c
    method   = sum (m_b,c - M_b m_a,c / M_a) k_a,c      (k_b,c for a cell that only b has)
    price    = sum m_b,c k_a,c (d_b,c / d_a,c - 1)      (cells of both)
    factors  = sum m_b,c (k_b,c - k_a,c d_b,c / d_a,c)  (cells of both)

These add up to E_b - E_a. The order matters: what changes together with activity is counted at the activity of run b.
A group that only one run has is activity. Where the activity of a group cannot be measured, because emissions have
no spend behind them or the spend of a run is not positive, its difference is method. Purchases that failed are in
neither run, so one that is corrected is activity.

Parts are whole kilograms. What rounding leaves over is put to the largest part, so that they add up exactly.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db.models import Sum

from suppliers.models import Category, EmissionResult, EmissionRun, Factor, Rate, SupplierName
from suppliers.summaries import NO_CATEGORY

PARTS = ("activity", "price", "factors", "method")
GROUP = ("owner", "category_id", "currency")
CELL = (*GROUP, "tier", "factor_code", "factor_unit")
BY_QUANTITY = (1, 2)
HOME_CURRENCY = "USD"
SUMS = {"emissions": pl.Float64, "money": pl.Float64, "amount": pl.Float64}
CELLS = {
    "owner": pl.String,
    "category_id": pl.Int64,
    "currency": pl.String,
    "tier": pl.Int64,
    "factor_code": pl.String,
    "factor_unit": pl.String,
    **SUMS,
    "value": pl.Float64,
}


@dataclass(frozen=True)
class GroupChange:
    """A supplier's category, and what changed in it [kg CO2e]."""

    supplier: str
    category: str
    parts: dict[str, float]

    @property
    def difference(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class Comparison:
    """Whole kilograms; `parts` add up to `after - before`."""

    before: int
    after: int
    parts: dict[str, int]
    groups: list[GroupChange]

    @property
    def difference(self) -> int:
        return self.after - self.before


def compare_runs(first: EmissionRun, second: EmissionRun, *, limit: int = 20) -> Comparison:
    """The four parts, in all and for the groups that changed most; a statement over the results of each run."""
    a, b = read_cells(first, *_money_values(first, second)), read_cells(second, *_money_values(second, first))
    changes = split_changes(a, b)
    before, after = round(a["emissions"].sum()), round(b["emissions"].sum())
    parts = _whole_parts({name: float(changes[name].sum()) for name in PARTS}, after - before)
    return Comparison(before, after, parts, _largest(changes, limit))


def split_changes(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """The four parts of each group [kg CO2e], columns `owner`, `category_id` and `PARTS`.

    Parameters
    ----------
    a, b : cells of a run
        `CELL`; `emissions` [kg CO2e], `money` [currency units], `amount` [factor units], and `value`, what a unit of
        the money counts for by spend.
    """
    cells = pl.concat([a.with_columns(run=pl.lit("a")), b.with_columns(run=pl.lit("b"))])
    one_unit = pl.col("tier").is_in(BY_QUANTITY).fill_null(False).all() & (pl.col("factor_unit").n_unique() == 1)
    cells = cells.with_columns(by_amount=one_unit.over(GROUP))
    bought = pl.col("amount") / pl.col("money")
    counts_for = pl.when("by_amount").then(1.0).when(pl.col("tier").is_in(BY_QUANTITY)).then(bought).otherwise("value")
    activity = pl.when("by_amount").then("amount").otherwise("money").fill_null(0.0)
    cells = cells.with_columns(m=activity, d=counts_for)
    both = _side(cells, "a").join(_side(cells, "b"), on=CELL, how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.col(f"{name}_{run}").fill_null(0.0) for name in ("e", "m") for run in "ab")
    both = both.with_columns(
        measured=(_clean("a") & _clean("b")).all().over(GROUP)
        & (pl.col("m_a").sum().over(GROUP) > 0)
        & (pl.col("m_b").sum().over(GROUP) > 0),
        in_a=pl.col("here_a").any().fill_null(False).over(GROUP),
        in_b=pl.col("here_b").any().fill_null(False).over(GROUP),
    )
    return _parts(both).group_by("owner", "category_id").agg(pl.col(PARTS).sum())


def _side(cells: pl.DataFrame, run: str) -> pl.DataFrame:
    columns = {"e": "emissions", "m": "m", "d": "d"}
    return cells.filter(pl.col("run") == run).select(
        *CELL,
        pl.lit(True).alias(f"here_{run}"),
        **{f"{name}_{run}": pl.col(column) for name, column in columns.items()},
    )


def _clean(run: str) -> pl.Expr:
    """Emissions have activity behind them, of the same sign."""
    emissions, activity = pl.col(f"e_{run}"), pl.col(f"m_{run}")
    return (emissions == 0) | (emissions * activity > 0)


def _parts(both: pl.DataFrame) -> pl.DataFrame:
    e_a, e_b, m_a, m_b = pl.col("e_a"), pl.col("e_b"), pl.col("m_a"), pl.col("m_b")
    growth = m_b.sum().over(GROUP) / m_a.sum().over(GROUP)
    shared = (m_a != 0) & (m_b != 0) & pl.col("d_a").is_finite() & pl.col("d_b").is_finite() & (pl.col("d_a") != 0)
    shared = shared.fill_null(False)
    k_a, k_b = e_a / m_a, e_b / m_b
    prices = pl.when(shared).then(pl.col("d_b") / pl.col("d_a")).otherwise(1.0)
    known_in_a = m_a != 0
    alone = pl.col("in_a") ^ pl.col("in_b")
    method = pl.when(known_in_a).then((m_b - growth * m_a) * k_a).when(m_b != 0).then(m_b * k_b).otherwise(0.0)
    factors = pl.when(known_in_a & (m_b != 0)).then(m_b * (k_b - k_a * prices)).otherwise(0.0)
    price = pl.when(known_in_a & (m_b != 0)).then(m_b * k_a * (prices - 1)).otherwise(0.0)
    measured, whole = pl.col("measured"), e_b - e_a
    return both.with_columns(
        activity=pl.when(alone).then(whole).when(measured).then((growth - 1) * e_a).otherwise(0.0),
        price=pl.when(alone | ~measured).then(0.0).otherwise(price),
        factors=pl.when(alone | ~measured).then(0.0).otherwise(factors),
        method=pl.when(alone).then(0.0).when(measured).then(method).otherwise(whole),
    )


def _whole_parts(parts: dict[str, float], difference: int) -> dict[str, int]:
    whole = {name: round(value) for name, value in parts.items()}
    largest = max(whole, key=lambda name: abs(whole[name]))
    whole[largest] += difference - sum(whole.values())
    return whole


def _largest(changes: pl.DataFrame, limit: int) -> list[GroupChange]:
    moved = pl.sum_horizontal(pl.col(PARTS).abs())
    top = changes.sort(moved, "owner", descending=[True, False]).head(limit).filter(moved > 0)
    categories = Category.objects.in_bulk([pk for pk in top["category_id"] if pk is not None])
    names = _owner_names(top["owner"].to_list())
    return [
        GroupChange(
            names[row["owner"]],
            str(categories.get(row["category_id"], NO_CATEGORY)),
            {name: row[name] for name in PARTS},
        )
        for row in top.iter_rows(named=True)
    ]


def _owner_names(owners: list[str]) -> dict[str, str]:
    wanted = SupplierName.objects.select_related("supplier").filter(pk__in=[owner.split(":")[1] for owner in owners])
    names = {f"name:{name.pk}": str(name) for name in wanted}
    linked = SupplierName.objects.select_related("supplier").filter(
        supplier__in=[owner.split(":")[1] for owner in owners if owner.startswith("supplier:")]
    )
    return names | {f"supplier:{name.supplier_id}": str(name.supplier) for name in linked}


def _money_values(run: EmissionRun, other: EmissionRun) -> tuple[dict[float, str], float]:
    """Currency by its rate in the run's year, and the price index of the year in a set that has both years."""
    rates = Rate.objects.filter(rate_set=run.currency_rates, year=run.year).values_list("value", "currency")
    for index in sorted({set_id for set_id in (run.price_index_id, other.price_index_id) if set_id}, reverse=True):
        values = Rate.objects.filter(rate_set=index, year__in=[run.year, other.year]).values_list("year", "value")
        by_year = dict(values)
        if len(by_year) == len({run.year, other.year}):
            return {1.0: HOME_CURRENCY, **dict(rates)}, by_year[run.year]
    return {1.0: HOME_CURRENCY, **dict(rates)}, 1.0


def read_cells(run: EmissionRun, currency_of_rate: dict[float, str], index: float) -> pl.DataFrame:
    """The cells of a run, added up by the database; a currency is known by its rate, which saves a join."""
    results = EmissionResult.objects.filter(run=run).order_by()
    keys = ("supplier_name_id", "category_id", "tier", "factor_id", "factor_unit", "currency_rate")
    rows = results.values_list(*keys).annotate(Sum("emissions_kgco2e"), Sum("spend_usd"), Sum("activity_amount"))
    linked = dict(SupplierName.objects.exclude(supplier=None).order_by().values_list("pk", "supplier_id"))
    sets = [pk for pk in (run.spend_factors_id, run.activity_factors_id) if pk]
    codes = dict(Factor.objects.filter(factor_set__in=sets).order_by().values_list("pk", "code"))

    def as_cell(row: tuple[Any, ...]) -> tuple[Any, ...]:
        name, category, tier, factor, unit, rate, emissions, dollars, amount = row
        owner = f"supplier:{linked[name]}" if name in linked else f"name:{name}"
        money = dollars / rate if rate and dollars is not None else 0.0
        currency = currency_of_rate.get(rate, str(rate)) if rate else ""
        value = rate / index if rate else None
        return owner, category, currency, tier, codes.get(factor, ""), unit, emissions or 0.0, money, amount, value

    cells = pl.DataFrame([as_cell(row) for row in rows], CELLS, orient="row")
    return cells.group_by(CELL).agg(*(pl.col(name).sum() for name in SUMS), pl.col("value").first())
