"""The export of order lines: its columns, where each comes from, and how the sheet shows them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any, cast

from django.db.models import Model, OuterRef, Subquery

from core.tabular import neutralise
from ordering.models import OrderConfirmation, Urgency

DECIMALS = 6


class Kind(Enum):
    TEXT = auto()
    WHOLE = auto()
    NUMBER = auto()  # at most 6 decimals
    EXACT = auto()  # every digit that the method computed
    MONEY = auto()
    DATE = auto()
    FLAG = auto()


@dataclass(frozen=True)
class ExportColumn:
    """One column of the file.

    Attributes
    ----------
    source : the path from an order line to the value; the header where it is empty
    width : of the sheet's column [characters]
    hidden : in the sheet, because it is of no use to a reader
    """

    header: str
    kind: Kind
    explanation: str
    source: str = ""
    width: int = 12
    hidden: bool = False

    @property
    def expression(self) -> str | Subquery:
        """The value in a query over order lines; by a subquery and not a join, so that lines are found first."""
        relation, _, field = self.source.partition("__")
        if not field:
            return self.header
        model = cast("type[Model]", OrderConfirmation._meta.get_field(relation).related_model)
        return Subquery(model._default_manager.filter(pk=OuterRef(f"{relation}_id")).order_by().values(field))


COLUMNS = (
    ExportColumn("sku", Kind.TEXT, "Code of the article.", source="sku__sku", width=20),
    ExportColumn("description", Kind.TEXT, "What the article is.", source="sku__description", width=36),
    ExportColumn(
        "warehouse", Kind.TEXT, "Code of the warehouse that will receive the goods.", source="warehouse__code"
    ),
    ExportColumn(
        "supplier",
        Kind.TEXT,
        "Code of the supplier to order from; empty where the SKU has none.",
        source="supplier__code",
    ),
    ExportColumn(
        "urgency",
        Kind.TEXT,
        "must_order (red): stock runs out before the next order could arrive; should_order (amber): the safety stock "
        "will be used; optional (blue): due at the next review; skip (grey): nothing to order; "
        "empty: the data behind the line are bad and allow no answer.",
        width=14,
    ),
    ExportColumn(
        "suggested_qty",
        Kind.WHOLE,
        "Quantity that the method suggests, in units, rounded to the supplier's minimum, pack size and maximum.",
        width=14,
    ),
    ExportColumn(
        "confirmed_qty", Kind.WHOLE, "Quantity that a person decided on, in units; empty until someone does.", width=14
    ),
    ExportColumn(
        "order_qty",
        Kind.WHOLE,
        "Quantity to order, in units: the confirmed one if there is one, else the suggested one.",
    ),
    ExportColumn(
        "pull_forward_qty",
        Kind.WHOLE,
        "Quantity that the next review would add, in units: what to take first to fill up a supplier's minimum.",
        width=16,
    ),
    ExportColumn("unit_cost", Kind.MONEY, "Price of one unit, in the SKU's currency."),
    ExportColumn("order_value", Kind.MONEY, "order_qty times unit_cost, in the SKU's currency.", width=15),
    ExportColumn("on_hand", Kind.WHOLE, "Units in stock; a negative number is owed to customers."),
    ExportColumn("pending_raw", Kind.WHOLE, "Units on open orders, each counted in full."),
    ExportColumn(
        "pending_effective",
        Kind.WHOLE,
        "Units on open orders, each order weighted by how surely it arrives in time, rounded to whole units.",
        width=17,
    ),
    ExportColumn("overdue_count", Kind.WHOLE, "Number of open orders that should have arrived by now.", width=14),
    ExportColumn("inventory_position", Kind.WHOLE, "Units: on_hand plus pending_effective.", width=18),
    ExportColumn(
        "demand_source",
        Kind.TEXT,
        "What monthly_demand comes from: forecast, historical sales, both blended, or none.",
        width=14,
    ),
    ExportColumn(
        "forecast_monthly", Kind.NUMBER, "Demand that the newest forecast expects, in units per month.", width=16
    ),
    ExportColumn(
        "history_monthly",
        Kind.NUMBER,
        "Demand in the latest sales months, corrected for days out of stock, in units per month.",
        width=16,
    ),
    ExportColumn("forecast_confidence", Kind.NUMBER, "How sure the forecast is, from 0 to 1.", width=18),
    ExportColumn(
        "blend_weight",
        Kind.NUMBER,
        "Share of the forecast in monthly_demand, from 0 (history only) to 1 (forecast only).",
    ),
    ExportColumn("monthly_demand", Kind.NUMBER, "Demand that the method plans with, in units per month.", width=15),
    ExportColumn("daily_demand", Kind.NUMBER, "monthly_demand spread over the days of the month, in units per day."),
    ExportColumn(
        "lead_time_days", Kind.NUMBER, "Expected time from placing the order to receiving the goods, in days.", width=14
    ),
    ExportColumn(
        "lead_time_std_days", Kind.NUMBER, "How much the lead time varies: its standard deviation, in days.", width=18
    ),
    ExportColumn(
        "lead_time_source",
        Kind.TEXT,
        "Where the lead time comes from: measured for this supplier and warehouse, measured at another warehouse "
        "(other_warehouse), the supplier's default or the policy's default.",
        width=17,
    ),
    ExportColumn("reliability", Kind.NUMBER, "How dependable the supplier's lead time is, from 0 to 1."),
    ExportColumn(
        "cv",
        Kind.NUMBER,
        "Coefficient of variation of monthly demand, without a unit: its standard deviation divided by its mean.",
    ),
    ExportColumn(
        "service_level",
        Kind.NUMBER,
        "Wanted probability, from 0 to 1, that stock lasts until the next order arrives.",
    ),
    ExportColumn(
        "seasonal_factor",
        Kind.NUMBER,
        "Factor on the safety stock, without a unit, for a season of high demand or of stockouts; 1 outside it.",
        width=15,
    ),
    ExportColumn(
        "safety_stock",
        Kind.EXACT,
        "Units held against demand and lead times that turn out worse than expected; not rounded.",
    ),
    ExportColumn(
        "reorder_point",
        Kind.EXACT,
        "Units: demand during the lead time plus safety_stock, the level at which a continuous reviewer would order; "
        "not rounded.",
        width=14,
    ),
    ExportColumn(
        "order_up_to",
        Kind.EXACT,
        "Units: demand during the lead time and one review period plus safety_stock, the level that an order placed "
        "now must reach; not rounded.",
    ),
    ExportColumn(
        "need", Kind.NUMBER, "Units missing to the target level, before rounding to what the supplier accepts."
    ),
    ExportColumn(
        "constraints",
        Kind.TEXT,
        "Which of the supplier's rules changed the suggested quantity: moq (minimum), multiple (pack size), "
        "max (maximum); empty where none did.",
        width=16,
    ),
    ExportColumn(
        "coverage_days",
        Kind.NUMBER,
        "Days that the inventory position lasts at daily_demand; empty without demand.",
        width=14,
    ),
    ExportColumn(
        "coverage_months_after",
        Kind.NUMBER,
        "Months that the inventory position and the suggested quantity last together; empty without demand.",
        width=20,
    ),
    ExportColumn(
        "stockout_risk_date",
        Kind.DATE,
        "Day on which the inventory position runs out; empty without demand or where it is over ten years away.",
        width=18,
    ),
    ExportColumn(
        "expected_arrival",
        Kind.DATE,
        "Day on which an order arrives that is placed on the first of the month, or on the planning date if later.",
        width=16,
    ),
    ExportColumn("locked", Kind.FLAG, "Whether the line is approved and closed, so that nothing recalculates it."),
    ExportColumn(
        "kgco2e_per_unit",
        Kind.NUMBER,
        "Emissions of one unit in kg CO2e, cradle to gate; empty where they are not known.",
        source="sku__emissions_kgco2e",
        width=16,
    ),
    ExportColumn(
        "emissions_tier",
        Kind.WHOLE,
        "How kgco2e_per_unit was found: 1 the supplier's own footprint, 2 an average factor by weight, 3 by cost.",
        source="sku__emissions_tier",
        width=14,
    ),
    ExportColumn("notes", Kind.TEXT, "What people wrote about the line.", width=40),
    ExportColumn(
        "version",
        Kind.WHOLE,
        "The line's version when it was exported; do not change it: by it an upload of this file notices that "
        "somebody changed the line since.",
        hidden=True,
    ),
)


def decimal_text(value: float | Decimal) -> str:
    """At most 6 decimals, never an exponent."""
    text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def exact_text(value: float) -> str:
    """Every digit of the number, never an exponent."""
    text = repr(value)
    return f"{Decimal(text):f}" if "e" in text else text


CSV_TEXT: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: neutralise,
    Kind.WHOLE: str,
    Kind.NUMBER: decimal_text,
    Kind.EXACT: exact_text,
    Kind.MONEY: decimal_text,
    Kind.DATE: dt.date.isoformat,
    Kind.FLAG: lambda value: "true" if value else "false",
}

ORDERS_SHEET, COLUMNS_SHEET = "Orders", "Columns"
NO_SUPPLIER = "No supplier"

NUMBER_FORMATS = {
    Kind.WHOLE: "#,##0",
    Kind.NUMBER: "#,##0.00",
    Kind.EXACT: "#,##0.00",
    Kind.MONEY: "#,##0.00##",
    Kind.DATE: "yyyy-mm-dd",
}
LINE_COUNT_FORMAT = '[=1]0 "line";#,##0 "lines"'

HEADING_COLOUR = "#EDEDED"
# Background and letters, dark on light or light on dark.
URGENCY_COLOURS = {
    Urgency.MUST_ORDER: ("#C00000", "#FFFFFF"),
    Urgency.SHOULD_ORDER: ("#FFC000", "#000000"),
    Urgency.OPTIONAL: ("#BDD7EE", "#000000"),
    Urgency.SKIP: ("#D9D9D9", "#404040"),
}
