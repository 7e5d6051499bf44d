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

from suppliers.models import Category, EmissionResult, EmissionRun, Factor, Rate, Supplier, SupplierName
from suppliers.summaries import NO_CATEGORY

PARTS = ("activity", "price", "factors", "method")
GROUP = ("owner", "category_id", "currency")
CELL = (*GROUP, "tier", "factor_code", "factor_unit")
IN_GROUP = ("group", *CELL[len(GROUP) :])
BY_QUANTITY = (1, 2)
HOME_CURRENCY = "USD"
SUMS = {"emissions": pl.Float64, "money": pl.Float64, "amount": pl.Float64}
CELLS = {
    "owner": pl.Int64,  # a supplier's name, or minus the supplier that people linked it to
    "category_id": pl.Int64,
    "currency": pl.String,
    "tier": pl.Int64,
    "factor_code": pl.String,
    "factor_unit": pl.String,
    **SUMS,
    "value": pl.Float64,
}
STORED_CELL: dict[str, Any] = {
    "supplier_name_id": pl.Int64,
    "category_id": pl.Int64,
    "tier": pl.Int64,
    "factor_id": pl.Int64,
    "factor_unit": pl.String,
    "currency_rate": pl.Float64,
}
STORED_SUMS: dict[str, Any] = {"emissions_kgco2e": pl.Float64, "spend_usd": pl.Float64, "activity_amount": pl.Float64}
ROWS_A_QUERY, PARTS_AT_ONCE = 20_000, 20


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


@dataclass(frozen=True)
class Changes:
    """What a comparison found, with ids in place of names: `groups` have `owner`, `category_id` and `PARTS`."""

    before: int
    after: int
    parts: dict[str, int]
    groups: list[dict[str, Any]]


def compare_runs(first: EmissionRun, second: EmissionRun, *, limit: int = 20) -> Comparison:
    """The four parts, in all and for the groups that changed most; reads all results of each run."""
    return with_names(find_changes(first, second, limit=limit))


def find_changes(first: EmissionRun, second: EmissionRun, *, limit: int = 20) -> Changes:
    linked = linked_names()
    a = read_cells(first, *_money_values(first, second), linked)
    b = read_cells(second, *_money_values(second, first), linked)
    changes = split_changes(a, b)
    before, after = round(a["emissions"].sum()), round(b["emissions"].sum())
    parts = _whole_parts({name: float(changes[name].sum()) for name in PARTS}, after - before)
    return Changes(before, after, parts, _largest(changes, limit))


def with_names(found: Changes) -> Comparison:
    """Two statements."""
    categories = Category.objects.in_bulk([row["category_id"] for row in found.groups if row["category_id"]])
    names = _owner_names([row["owner"] for row in found.groups])
    groups = [
        GroupChange(
            names[row["owner"]],
            str(categories.get(row["category_id"], NO_CATEGORY)),
            {name: row[name] for name in PARTS},
        )
        for row in found.groups
    ]
    return Comparison(found.before, found.after, found.parts, groups)


def linked_names() -> dict[int, int]:
    """Supplier by name, of the names that people linked to one."""
    links = SupplierName.objects.exclude(supplier=None).order_by("pk").values_list("pk", "supplier_id")
    return {name: supplier for name, supplier in links if supplier}


def split_changes(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """The four parts of each group [kg CO2e], columns `owner`, `category_id` and `PARTS`.

    Parameters
    ----------
    a, b : cells of a run
        `CELL`; `emissions` [kg CO2e], `money` [currency units], `amount` [factor units], and `value`, what a unit of
        the money counts for by spend.
    """
    cells = pl.concat([a.with_columns(run=pl.lit("a")), b.with_columns(run=pl.lit("b"))])
    groups = (
        cells.select(GROUP).unique().with_row_index("group")
    )  # one number is quicker to group by than three columns
    cells = cells.join(groups, on=GROUP, nulls_equal=True)
    one_unit = pl.col("tier").is_in(BY_QUANTITY).fill_null(False).all() & (pl.col("factor_unit").n_unique() == 1)
    cells = cells.with_columns(by_amount=one_unit.over("group"))
    bought = pl.col("amount") / pl.col("money")
    counts_for = pl.when("by_amount").then(1.0).when(pl.col("tier").is_in(BY_QUANTITY)).then(bought).otherwise("value")
    activity = pl.when("by_amount").then("amount").otherwise("money").fill_null(0.0)
    cells = cells.with_columns(m=activity, d=counts_for)
    both = _side(cells, "a").join(_side(cells, "b"), on=IN_GROUP, how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.col(f"{name}_{run}").fill_null(0.0) for name in ("e", "m") for run in "ab")
    both = both.with_columns(
        measured=(_clean("a") & _clean("b")).all().over("group")
        & (pl.col("m_a").sum().over("group") > 0)
        & (pl.col("m_b").sum().over("group") > 0),
        in_a=pl.col("here_a").any().fill_null(False).over("group"),
        in_b=pl.col("here_b").any().fill_null(False).over("group"),
    )
    parts = _parts(both).group_by("group").agg(pl.col(PARTS).sum())
    return parts.join(groups, on="group").group_by("owner", "category_id").agg(pl.col(PARTS).sum())


def _side(cells: pl.DataFrame, run: str) -> pl.DataFrame:
    columns = {"e": "emissions", "m": "m", "d": "d"}
    return cells.filter(pl.col("run") == run).select(
        *IN_GROUP,
        pl.lit(True).alias(f"here_{run}"),
        **{f"{name}_{run}": pl.col(column) for name, column in columns.items()},
    )


def _clean(run: str) -> pl.Expr:
    """Emissions have activity behind them, of the same sign."""
    emissions, activity = pl.col(f"e_{run}"), pl.col(f"m_{run}")
    return (emissions == 0) | (emissions * activity > 0)


def _parts(both: pl.DataFrame) -> pl.DataFrame:
    e_a, e_b, m_a, m_b = pl.col("e_a"), pl.col("e_b"), pl.col("m_a"), pl.col("m_b")
    growth = m_b.sum().over("group") / m_a.sum().over("group")
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


def _largest(changes: pl.DataFrame, limit: int) -> list[dict[str, Any]]:
    moved = pl.sum_horizontal(pl.col(PARTS).abs())
    top = changes.sort(moved, "owner", "category_id", descending=[True, False, False]).head(limit)
    return top.filter(moved > 0).to_dicts()


def _owner_names(owners: list[int]) -> dict[int, str]:
    names = SupplierName.objects.in_bulk([owner for owner in owners if owner > 0])
    suppliers = Supplier.objects.in_bulk([-owner for owner in owners if owner < 0])
    return {pk: str(name) for pk, name in names.items()} | {-pk: str(one) for pk, one in suppliers.items()}


def _money_values(run: EmissionRun, other: EmissionRun) -> tuple[dict[float, str], float]:
    """Currency by its rate in the run's year, and the price index of the year in a set that has both years."""
    rates = Rate.objects.filter(rate_set=run.currency_rates, year=run.year).values_list("value", "currency")
    for index in sorted({set_id for set_id in (run.price_index_id, other.price_index_id) if set_id}, reverse=True):
        values = Rate.objects.filter(rate_set=index, year__in=[run.year, other.year]).values_list("year", "value")
        by_year = dict(values)
        if len(by_year) == len({run.year, other.year}):
            return {1.0: HOME_CURRENCY, **dict(rates)}, by_year[run.year]
    return {1.0: HOME_CURRENCY, **dict(rates)}, 1.0


def read_cells(
    run: EmissionRun, currency_of_rate: dict[float, str], index: float, linked: dict[int, int]
) -> pl.DataFrame:
    """The cells of a run; a currency is known by its rate, which saves a join.

    Added up here: a database takes twice as long for as many groups as a million purchases may have. Memory grows
    with the cells and not with the results.
    """
    sets = [pk for pk in (run.spend_factors_id, run.activity_factors_id) if pk]
    codes = dict(Factor.objects.filter(factor_set__in=sets).order_by().values_list("pk", "code"))
    owner, rate = pl.col("supplier_name_id"), pl.col("currency_rate")
    rate = pl.when(rate != 0).then(rate)
    cells = _add_up(run).select(
        "category_id",
        "tier",
        "factor_unit",
        owner=owner.replace({name: -supplier for name, supplier in linked.items()}),
        currency=rate.replace_strict(currency_of_rate, default=rate.cast(pl.String), return_dtype=pl.String).fill_null(
            ""
        ),
        factor_code=pl.col("factor_id").replace_strict(codes, default="", return_dtype=pl.String),
        emissions="emissions_kgco2e",
        money=(pl.col("spend_usd") / rate).fill_null(0.0),
        amount="activity_amount",
        value=rate / index,
    )
    sums = (pl.col(name).sum() for name in SUMS)
    return cells.group_by(CELL).agg(*sums, pl.col("value").first()).select(*CELLS)


def _add_up(run: EmissionRun) -> pl.DataFrame:
    """Sums of a run's results by `STORED_CELL`."""
    names = ("record_id", *STORED_CELL, *STORED_SUMS)
    sums = pl.DataFrame(schema=STORED_CELL | STORED_SUMS)
    parts, after = [sums], 0
    while True:
        results = EmissionResult.objects.filter(run=run, record_id__gt=after).order_by("record_id")
        rows = list(results.values_list(*names)[:ROWS_A_QUERY])
        frame = pl.DataFrame(rows, {"record_id": pl.Int64, **STORED_CELL, **STORED_SUMS}, orient="row")
        parts.append(frame.group_by(list(STORED_CELL)).agg(pl.col(name).sum() for name in STORED_SUMS))
        if len(rows) < ROWS_A_QUERY or len(parts) > PARTS_AT_ONCE:
            sums = pl.concat(parts).group_by(list(STORED_CELL)).agg(pl.col(name).sum() for name in STORED_SUMS)
            parts = [sums]
        if len(rows) < ROWS_A_QUERY:
            return sums
        after = rows[-1][0]
