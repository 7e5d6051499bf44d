"""What the charts of one line show, read from the books, and each in a sentence."""

import calendar
import datetime as dt
from collections.abc import Sized
from dataclasses import dataclass

import numpy as np
from django.utils.formats import date_format

from ordering.kernels import Policy, correct_demand
from ordering.kernels.projection import Projection, Stock, choose_horizon, project_stock
from ordering.models import MonthlySales, OrderConfirmation
from suppliers.models import Shipment
from suppliers.services.refresh_lead_times import months_before

SALES_MONTHS = 24


@dataclass(frozen=True)
class Arrival:
    """`quantity` [units] is what counts of the order."""

    reference: str
    day: dt.date
    quantity: float


@dataclass(frozen=True)
class Outlook:
    """The stock from `start` on, one number for each day."""

    start: dt.date
    daily_demand: float
    arrivals: list[Arrival]
    order: Arrival
    reorder_point: float
    safety_stock: float
    projection: Projection

    @property
    def end(self) -> dt.date:
        return self.day(len(self.projection.without_order.units) - 1)

    def day(self, number: int) -> dt.date:
        return self.start + dt.timedelta(number)

    def __str__(self) -> str:
        without, with_order = self.projection.without_order, self.projection.with_order
        if not self.daily_demand:
            return "There is no demand, so the stock does not run out."
        if not self.order.quantity:
            return f"Nothing is ordered; the stock {self._end(without)}."
        return (
            f"Without the order the stock {self._end(without)}; with the order of {self.order.quantity:,.0f}, "
            f"which arrives on {date_format(self.order.day)}, it {self._end(with_order)}."
        )

    def _end(self, stock: Stock) -> str:
        days, short = len(stock.units), int(stock.is_short.sum())
        if not short:
            return f"lasts all {days} days shown"
        return f"runs out on {date_format(self.day(stock.stockout_day))} and is short on {short} of {days} days"


@dataclass(frozen=True)
class Sales:
    """Units sold and corrected demand [units] of the recorded months, oldest first."""

    months: list[dt.date]
    units_sold: list[float]
    corrected_demand: list[float]
    forecast_monthly: float | None

    def __str__(self) -> str:
        sold, corrected, forecast = np.mean(self.units_sold), np.mean(self.corrected_demand), self.forecast_monthly
        return (
            f"{sold:,.1f} units a month were sold in {_count(self.months, 'month')}; with stock on every day it would "
            f"have been {corrected:,.1f}. "
            + ("There is no forecast." if forecast is None else f"The forecast is {forecast:,.1f} a month.")
        )


@dataclass(frozen=True)
class MeasuredLeadTimes:
    """Measured lead times [days] of the line's supplier at its warehouse."""

    days: list[int]
    until: dt.date
    window_months: int
    instead: str  # what the line counts with, where it is not these

    @property
    def mean(self) -> float:
        return float(np.mean(self.days))

    @property
    def p95(self) -> float:
        return float(np.percentile(self.days, 95))

    def __str__(self) -> str:
        return (
            f"{_count(self.days, 'shipment')} arrived in the {self.window_months} months up to "
            f"{date_format(self.until)}: {self.mean:.1f} days on average, 95% within {self.p95:.1f}.{self.instead}"
        )


@dataclass(frozen=True)
class LineFacts:
    """None where nothing is known."""

    outlook: Outlook | None
    sales: Sales | None
    lead_times: MeasuredLeadTimes | None


def read_facts(line: OrderConfirmation) -> LineFacts:
    """Two queries, if the line came with its run."""
    return LineFacts(project_line(line), read_sales(line), read_lead_times(line))


def project_line(line: OrderConfirmation) -> Outlook | None:
    """The line's stock from its planning date on; no query, because a line keeps its open orders as the run weighed
    them. None where bad data leave nothing to calculate with.
    """
    arrives = _arrival_of_order(line)
    if line.daily_demand is None or line.reorder_point is None or line.safety_stock is None or arrives is None:
        return None
    start = planned_on(line)
    order = Arrival("This order", arrives, line.order_qty or 0)
    arrivals = _open_arrivals(line)
    projection = project_stock(
        on_hand=line.on_hand,
        daily_demand=line.daily_demand,
        arrival_day=np.array([(arrival.day - start).days for arrival in arrivals], dtype=np.int64),
        arrival_quantity=np.array([arrival.quantity for arrival in arrivals], dtype=np.float64),
        order_day=(order.day - start).days,
        order_quantity=order.quantity,
        horizon=choose_horizon((order.day - start).days, _policy(line).review_days),
    )
    return Outlook(start, line.daily_demand, arrivals, order, line.reorder_point, line.safety_stock, projection)


def read_sales(line: OrderConfirmation) -> Sales | None:
    """The SKU's sales in the warehouse, 24 months up to the line's; None where none are recorded."""
    rows = list(
        MonthlySales.objects.filter(
            sku=line.sku_id,
            warehouse=line.warehouse_id,
            month__gt=months_before(line.month, SALES_MONTHS),
            month__lte=line.month,
        )
        .order_by("month")
        .values_list("month", "units_sold", "stockout_days", "corrected_demand")
    )
    if not rows:
        return None
    months = [month for month, *_ in rows]
    units_sold, stockout_days, given = np.array([numbers for _, *numbers in rows], dtype=np.float64).T
    days = np.array([calendar.monthrange(month.year, month.month)[1] for month in months], dtype=np.float64)
    corrected = correct_demand(units_sold, stockout_days, days, given, policy=_policy(line))
    return Sales(months, units_sold.tolist(), corrected.tolist(), line.forecast_monthly)


def read_lead_times(line: OrderConfirmation) -> MeasuredLeadTimes | None:
    """What the line's supplier took to deliver to its warehouse; None where nothing was received."""
    until, window = planned_on(line), _policy(line).lead_time_window_months
    received = Shipment.objects.filter(
        supplier=line.supplier_id,
        warehouse=line.warehouse_id,
        received_date__gt=months_before(until, window),
        received_date__lte=until,
    )
    rows = received.order_by().values_list("order_date", "received_date")
    days = [(arrived - ordered).days for ordered, arrived in rows if arrived]
    return MeasuredLeadTimes(days, until, window, _instead(line)) if days else None


def planned_on(line: OrderConfirmation) -> dt.date:
    return line.run.as_of if line.run else line.month


def _policy(line: OrderConfirmation) -> Policy:
    return Policy(**line.run.policy) if line.run else Policy()


def _arrival_of_order(line: OrderConfirmation) -> dt.date | None:
    """What a person entered wins over what the method says."""
    if line.arrival_override or line.lead_time_override_days is None:
        return line.arrival_override or line.expected_arrival
    return max(planned_on(line), line.month) + dt.timedelta(line.lead_time_override_days)


def _open_arrivals(line: OrderConfirmation) -> list[Arrival]:
    return [
        Arrival(order["reference"], dt.date.fromisoformat(order["arrival"]), order["quantity"] * order["weight"])
        for order in line.pending_breakdown
        if order["arrival"] and order["weight"]
    ]


def _instead(line: OrderConfirmation) -> str:
    if line.lead_time_days is None or line.lead_time_source == OrderConfirmation.LeadTimeSource.MEASURED:
        return ""
    return f" The line itself counts with {line.lead_time_days:.1f} days ({line.get_lead_time_source_display()})."


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}" if len(things) == 1 else f"{len(things)} {name}s"
