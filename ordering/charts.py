"""Figures of order lines, for Plotly."""

import math
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]

from core.charts import (
    AROUND_BARS,
    BACKGROUND,
    BAD,
    BAR_HEIGHT,
    GOOD,
    MAIN,
    MUTED,
    SECOND,
    TEXT,
    Figure,
    as_json,
    categories,
    plain,
)
from ordering.choices import Urgency
from ordering.explain import Step
from ordering.kernels.projection import NEVER, Stock
from ordering.line_facts import Outlook
from ordering.months import next_month
from suppliers.services.refresh_lead_times import months_before

SUPPLIERS_SHOWN = 15
FORECAST_MONTHS = 3
HISTOGRAM_BARS = 20
DAY_IN_MS = 86_400_000


def draw_waterfall(steps: list[Step]) -> Figure:
    """From the demand down to the suggested quantity, one bar for each step."""
    bars = go.Waterfall(
        orientation="h",
        y=list(range(len(steps))),
        x=[round(step.value, 2) for step in steps],
        measure=["total" if step.is_total else "relative" for step in steps],
        text=[f"{step.value:,.1f}" if step.is_total else f"{step.value:+,.1f}" for step in steps],
        textposition="outside",
        cliponaxis=False,
        hovertext=[plain(step.label) for step in steps],
        hovertemplate="%{hovertext}: %{text} units<extra></extra>",
        increasing={"marker": {"color": SECOND}},
        decreasing={"marker": {"color": GOOD}},
        totals={"marker": {"color": MAIN}},
        connector={"line": {"color": MUTED, "width": 1}},
    )
    wrapped = [textwrap.wrap(step.label, 28, max_lines=2, placeholder=" …") for step in steps]
    labels = ["<br>".join(map(plain, lines)) for lines in wrapped]
    return as_json(
        [bars],
        height=AROUND_BARS + BAR_HEIGHT * len(steps),
        margin={"r": 60},  # for the number beside the longest bar
        yaxis=categories(labels),
        xaxis={"title": {"text": "units"}, "tickformat": ","},
    )


def draw_projected_stock(outlook: Outlook) -> Figure:
    """The stock day by day without and with the order, what arrives, and where it runs out."""
    without, with_order = outlook.projection.without_order, outlook.projection.with_order
    traces = [
        _level(outlook, outlook.reorder_point, "reorder point", SECOND),
        _level(outlook, outlook.safety_stock, "safety stock", GOOD),
        _line(outlook, with_order, "with the order", {"color": MAIN, "width": 3}),
        _line(outlook, without, "without the order", {"color": TEXT, "dash": "dash"}),
    ]
    if not outlook.order.quantity:
        traces[2:] = [_line(outlook, without, "stock", {"color": MAIN, "width": 3})]
    return as_json(
        [*traces, *_arrivals(outlook), *_stockouts(outlook)],
        hovermode="x unified",
        xaxis={"type": "date"},
        yaxis={"title": {"text": "units"}, "tickformat": ",", "rangemode": "tozero"},
    )


def _line(outlook: Outlook, stock: Stock, name: str, line: dict[str, Any]) -> go.Scatter:
    start = outlook.start.isoformat()
    return go.Scatter(x0=start, dx=DAY_IN_MS, y=_rounded(stock.units), name=name, mode="lines", line=line)


def _level(outlook: Outlook, units: float, name: str, colour: str) -> go.Scatter:
    days, line = _iso([outlook.start, outlook.end]), {"color": colour, "dash": "dot", "width": 1.5}
    return go.Scatter(x=days, y=_rounded([units] * 2), name=name, mode="lines", line=line, hoverinfo="skip")


def _arrivals(outlook: Outlook) -> list[go.Scatter]:
    """On the stock's line; what is overdue on the first day, as the projection takes it."""
    coming = [*outlook.arrivals, outlook.order]
    shown = [arrival for arrival in coming if arrival.quantity and arrival.day <= outlook.end]
    days = [max(arrival.day, outlook.start) for arrival in shown]
    units = outlook.projection.with_order.units
    heights = _rounded([units[(day - outlook.start).days] for day in days])
    texts = [f"{plain(arrival.reference)}: {arrival.quantity:,.0f} units" for arrival in shown]
    return _marks(days, heights, "arrivals", {"symbol": "triangle-down", "color": MAIN}, texts)


def _stockouts(outlook: Outlook) -> list[go.Scatter]:
    projection = outlook.projection
    first = {projection.without_order.stockout_day, projection.with_order.stockout_day} - {NEVER}
    days = [outlook.day(number) for number in sorted(first)]
    texts = ["stock runs out"] * len(days)
    return _marks(days, [0.0] * len(days), "stock runs out", {"symbol": "x", "color": BAD}, texts)


def _marks(
    days: list[date], units: list[float], name: str, marker: dict[str, Any], texts: list[str]
) -> list[go.Scatter]:
    """No trace where there is nothing to mark, because the legend would name it."""
    if not days:
        return []
    return [
        go.Scatter(
            x=_iso(days),
            y=units,
            name=name,
            mode="markers",
            marker={"size": 12} | marker,
            cliponaxis=False,
            text=texts,
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def draw_sales(
    months: Sequence[date],
    units_sold: Sequence[float],
    corrected_demand: Sequence[float],
    forecast_monthly: float | None,
    month_of_line: date,
) -> Figure:
    """Sales by month, what they would have been with stock on every day, and the forecast from the line's month on."""
    past = _months(months[0], months[-1]) if months else []
    sold = dict(zip(months, units_sold, strict=True))
    corrected = dict(zip(months, _rounded(corrected_demand), strict=True))
    traces = [
        # A month that is not recorded stays a gap.
        go.Bar(x=_iso(past), y=[sold.get(month) for month in past], name="units sold", marker={"color": MAIN}),
        _monthly(past, [corrected.get(month) for month in past], "corrected demand", {"color": SECOND}),
    ]
    if forecast_monthly is not None:
        coming = _months(month_of_line, months_before(month_of_line, 1 - FORECAST_MONTHS))
        line = {"color": GOOD, "dash": "dash", "width": 3}
        traces.append(_monthly(coming, _rounded([forecast_monthly] * len(coming)), "forecast", line))
    return as_json(
        traces,
        hovermode="x unified",
        xaxis={"type": "date", "hoverformat": "%B %Y"},
        yaxis={"title": {"text": "units a month"}, "tickformat": ",", "rangemode": "tozero"},
    )


def _monthly(months: list[date], units: Sequence[float | None], name: str, line: dict[str, Any]) -> go.Scatter:
    return go.Scatter(x=_iso(months), y=units, name=name, mode="lines+markers", line=line)


def _iso(days: list[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _months(first: date, last: date) -> list[date]:
    months = [first]
    while months[-1] < last:
        months.append(next_month(months[-1]))
    return months


def draw_lead_times(days: Sequence[float], mean: float, p95: float) -> Figure:
    """How often a shipment took how many days, with the mean and the 95th percentile."""
    first, last = math.floor(min(days)), math.floor(max(days))
    width = math.ceil((last - first + 1) / HISTOGRAM_BARS)  # whole days
    starts = np.arange(first, last + 1, width)
    counts, _ = np.histogram(days, bins=np.append(starts, starts[-1] + width))
    top = int(counts.max())
    bars = go.Bar(
        x=(starts + (width - 1) / 2).tolist(),
        y=counts.tolist(),
        width=width,
        name="shipments",
        marker={"color": MAIN, "line": {"color": BACKGROUND, "width": 1}},
        text=[f"{start}" if width == 1 else f"{start} to {start + width - 1}" for start in starts.tolist()],
        textposition="none",
        hovertemplate="%{text} days: %{y}<extra></extra>",
    )
    lines = [
        _upright(f"mean {mean:.1f} days", mean, 1.1 * top, {"color": SECOND, "width": 3}),
        _upright(f"95% within {p95:.1f} days", p95, 1.1 * top, {"color": BAD, "width": 3, "dash": "dash"}),
    ]
    return as_json(
        [bars, *lines],
        xaxis={
            "title": {"text": "days"},
            "range": [first - 1.5 * width, last + 1.5 * width],
            "dtick": 1 if last - first < 8 else None,
        },
        yaxis={"title": {"text": "shipments"}, "dtick": math.ceil(top / 5)},
    )


def _upright(name: str, value: float, height: float, line: dict[str, Any]) -> go.Scatter:
    return go.Scatter(x=[round(value, 2)] * 2, y=[0, height], name=name, mode="lines", line=line, hoverinfo="name")


def draw_value_by_supplier(rows: Iterable[tuple[str | None, str, float]], currency: str = "") -> Figure:
    """The value that goes to each supplier, by urgency; one currency only, because currencies are never added.

    `rows` are supplier code, urgency, value. The highest 15 suppliers come first, the others are one bar.
    """
    values: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for code, urgency, value in rows:
        values[code or "no supplier"][urgency] += float(value)
    ranked = sorted(values, key=lambda code: (-sum(values[code].values()), code))
    shown, others = ranked[:SUPPLIERS_SHOWN], ranked[SUPPLIERS_SHOWN:]
    labels = [*(plain(code) for code in shown), *(["other suppliers"] if others else [])]
    traces = []
    for urgency in Urgency:
        amounts = [values[code][urgency] for code in shown]
        amounts += [sum(values[code][urgency] for code in others)] if others else []
        if any(amounts):
            traces.append(_supplier_bars(urgency, labels, amounts))
    return as_json(
        traces,
        barmode="stack",
        height=AROUND_BARS + BAR_HEIGHT * (len(labels) + 1),
        yaxis=categories(labels),
        xaxis={"title": {"text": plain(currency)}, "tickformat": ","},
    )


def _supplier_bars(urgency: Urgency, labels: list[str], amounts: list[float]) -> go.Bar:
    return go.Bar(
        orientation="h",
        y=list(range(len(labels))),
        x=[round(amount, 2) for amount in amounts],
        name=urgency.label,
        text=labels,
        textposition="none",
        hovertemplate="%{text}: %{x:,.0f}",
        marker={"color": f"var(--chart-{urgency.value})"},
    )


def _rounded(values: Any) -> list[float]:
    """More digits than an eye sees would only make the page larger."""
    return np.round(np.asarray(values, dtype=np.float64), 2).tolist()  # type: ignore[no-any-return]
