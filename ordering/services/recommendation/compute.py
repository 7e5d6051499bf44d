"""Step 3 of a run: the kernels' arrays as the rows that will be stored."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ordering.kernels import Constraint, Lines, Problem, recommend
from ordering.models import GenerationRun, OrderConfirmation, Urgency
from ordering.services.recommendation.prepare import Plan
from ordering.services.recommendation.read import SkuChunk
from suppliers.services.refresh_lead_times import months_before

Array = NDArray[Any]

URGENCIES = np.array([urgency.value for urgency in Urgency])
DEMAND_SOURCES = np.array([source.value for source in OrderConfirmation.DemandSource])
LEAD_TIME_SOURCES = np.array([source.value for source in OrderConfirmation.LeadTimeSource])
ORDER_CLASSES = np.array(["overdue", "imminent", "covered", "future"])
CONSTRAINTS = np.array(
    [",".join(flag.name.lower() for flag in Constraint if flag.name and flag & bits) for bits in range(8)]
)
REASONS = {
    Problem.FORECAST: "The forecast is not a number of 0 or more",
    Problem.CONFIDENCE: "The forecast's confidence is not between 0 and 1",
    Problem.HISTORY: "The sales history is not a number of 0 or more",
    Problem.CV: "The coefficient of variation is not a number of 0 or more",
    Problem.LEAD_TIME: "The lead time is not between 0 days and 10 years",
    Problem.MULTIPLE: "The order multiple is 0",
    Problem.QUANTITY: "The quantity is too large to order",
}


@dataclass(frozen=True)
class LineRows:
    """The chunk's order lines: `rows` has one row per number in `cells`, a flat (n_skus, n_warehouses) index."""

    cells: Array
    rows: pl.DataFrame


def compute_lines(plan: Plan, run: GenerationRun, chunk: SkuChunk) -> LineRows:
    lines = recommend(chunk.inputs, policy=plan.policy)
    cells = np.flatnonzero(chunk.stocked.reshape(-1))
    return LineRows(cells, as_frame(plan, run, chunk, lines, cells))


def as_frame(plan: Plan, run: GenerationRun, chunk: SkuChunk, lines: Lines, wanted: Array) -> pl.DataFrame:
    """The computed columns of the wanted cells. A line with a problem keeps its inputs and no result."""
    row, column = np.divmod(wanted, len(plan.warehouse_ids))
    problems = lines.problems.reshape(-1)[wanted]
    fine = problems == 0
    inputs, lead = chunk.inputs, chunk.inputs.lead_times

    def number(values: Array) -> pl.Series:
        flat = np.broadcast_to(values, chunk.stocked.shape).reshape(-1)[wanted]
        return pl.Series(np.where(fine & np.isfinite(flat), flat, np.nan)).fill_nan(None)

    def whole(values: Array) -> pl.Series:
        return number(values).cast(pl.Int64)

    def date(values: Array, start: Any) -> pl.Series:
        flat = values.reshape(-1)[wanted]
        usable = fine & np.isfinite(flat)
        days = np.where(usable, flat, 0).astype("timedelta64[D]")
        return pl.Series(np.where(usable, np.datetime64(start) + days, np.datetime64("NaT"))).cast(pl.Date)

    def name(names: Array, codes: Array) -> pl.Series:
        return pl.Series(names[codes.reshape(-1)[wanted]].astype(object), dtype=pl.String)

    def text(of_skus: Array) -> pl.Series:
        return pl.Series(of_skus[row], dtype=pl.String)

    decision, levels = lines.decision, lines.levels
    ten_years = (months_before(plan.as_of, -120) - plan.as_of).days
    coverage = np.floor(lines.coverage_days)
    suppliers = pl.Series(chunk.supplier_ids, dtype=pl.Int64)
    return pl.DataFrame(
        {
            "sku_id": chunk.sku_ids[row],
            "warehouse_id": plan.warehouse_ids[column],
            "supplier_id": suppliers.gather(row),
            "urgency": name(URGENCIES, decision.urgency).zip_with(pl.Series(fine), pl.Series([None], dtype=pl.String)),
            "suggested_qty": whole(decision.suggested),
            "pull_forward_qty": whole(decision.pull_forward),
            "problem": _reasons(problems),
            "sku_status": text(chunk.status),
            "abc": text(chunk.abc),
            "xyz": text(chunk.xyz),
            "unit_cost": chunk.unit_cost[row],
            "currency": text(chunk.currency),
            "on_hand": inputs.on_hand.reshape(-1)[wanted].astype(np.int64),
            "pending_raw": lines.pending_raw.reshape(-1)[wanted].astype(np.int64),
            "pending_effective": whole(lines.pending_effective),
            "overdue_count": lines.overdue_count.reshape(-1)[wanted],
            "pending_breakdown": _breakdown(plan, chunk, lines, wanted),
            "inventory_position": whole(lines.position),
            "demand_source": name(DEMAND_SOURCES, lines.demand.source),
            "forecast_monthly": number(inputs.forecast),
            "history_monthly": number(inputs.history),
            "forecast_confidence": number(inputs.confidence),
            "blend_weight": number(lines.demand.weight),
            "monthly_demand": number(lines.demand.monthly),
            "daily_demand": number(lines.daily_demand),
            "lead_time_days": number(lead.days),
            "lead_time_std_days": number(lead.std_days),
            "lead_time_source": name(LEAD_TIME_SOURCES, lead.source),
            "reliability": number(lead.reliability),
            "cv": number(inputs.cv),
            "service_level": number(lines.service_level),
            "seasonal_factor": number(lines.seasonal),
            "safety_stock": number(levels.safety_stock),
            "reorder_point": number(levels.reorder_point),
            "order_up_to": number(levels.order_up_to),
            "need": number(decision.need),
            "constraints": name(CONSTRAINTS, decision.constraints),
            "coverage_days": number(lines.coverage_days),
            "coverage_months_after": number(lines.coverage_months_after),
            "stockout_risk_date": date(np.where(coverage <= ten_years, coverage, np.nan), plan.as_of),
            "expected_arrival": date(lines.arrival_days, max(plan.as_of, plan.month)),
        }
    ).with_columns(
        month=pl.lit(plan.month),
        days_in_month=pl.lit(plan.days),
        run_id=pl.lit(run.pk, dtype=pl.Int64),
        stale=pl.lit(False),
    )


def _reasons(problems: Array) -> pl.Series:
    distinct, inverse = np.unique(problems, return_inverse=True)
    texts = ["; ".join(reason for flag, reason in REASONS.items() if flag & bits) for bits in distinct.tolist()]
    return pl.Series(np.array(texts, dtype=object)[inverse], dtype=pl.String)


def _breakdown(plan: Plan, chunk: SkuChunk, lines: Lines, wanted: Array) -> pl.Series:
    """Each line's open orders as JSON text, `[]` where it has none."""
    orders, weighed = chunk.inputs.orders, lines.orders
    dated = np.isfinite(weighed.arrival)
    days = np.where(dated, weighed.arrival, 0).astype("timedelta64[D]")
    arrival = np.where(dated, np.datetime64(plan.as_of) + days, np.datetime64("NaT"))
    items = pl.DataFrame(
        {
            "cell": orders.cell,
            "reference": pl.Series(chunk.order_references, dtype=pl.String),
            "quantity": orders.quantity.astype(np.int64),
            "class": ORDER_CLASSES[weighed.order_class].astype(object),
            "weight": pl.Series(np.round(weighed.weight, 6)).fill_nan(None),
            "arrival": pl.Series(arrival).cast(pl.Date).cast(pl.String),
        },
        schema_overrides={"class": pl.String},
    )
    texts = items.select("cell", text=pl.struct(pl.exclude("cell")).struct.json_encode())
    lists = texts.group_by("cell", maintain_order=True).agg(("[" + pl.col("text").str.join(",") + "]").alias("text"))
    cells = pl.DataFrame({"cell": wanted})
    return cells.join(lists, on="cell", how="left", maintain_order="left")["text"].fill_null("[]")
