"""Why a line says what it says: one sentence, and the steps from demand to the suggested quantity."""

from dataclasses import dataclass

from ordering.choices import Urgency
from ordering.models import OrderConfirmation

CONSTRAINTS = {
    "moq": "the supplier's minimum",
    "multiple": "full packs",
    "max": "the maximum for this SKU",
}


@dataclass(frozen=True)
class Step:
    """One bar of the waterfall: `value` [units] is added; a total shows what has come together so far."""

    label: str
    value: float
    is_total: bool = False


def explain(line: OrderConfirmation) -> str:
    """The line in one or two sentences of the buyer's words."""
    if line.urgency is None:
        return f"There is no suggestion because the data behind this line are wrong: {line.problem}."
    if not line.daily_demand:
        return "There is no demand, so nothing is ordered."
    lasts = f"{line.inventory_position:,} units in stock and on order last {line.coverage_days:,.0f} days"
    protected = (line.order_up_to - line.safety_stock) / line.daily_demand
    must_last = (
        f"an order placed now must last {protected:,.0f} days: {line.lead_time_days:,.0f} until it arrives "
        f"and {protected - line.lead_time_days:,.0f} until the next chance to order"
    )
    reasons = {
        Urgency.MUST_ORDER: f"{lasts}, but {must_last}.",
        Urgency.SHOULD_ORDER: f"{lasts}. That covers the demand, but not the safety stock of {line.safety_stock:,.0f}.",
        Urgency.OPTIONAL: f"{lasts}. That is enough for now; the next review will order.",
        Urgency.SKIP: f"{lasts}, which is more than enough.",
    }
    return f"{reasons[Urgency(line.urgency)]}{_rounding(line)}"


def _rounding(line: OrderConfirmation) -> str:
    if not line.suggested_qty or not line.constraints:
        return ""
    rules = " and ".join(CONSTRAINTS[rule] for rule in line.constraints.split(","))
    return f" The need of {line.need:,.0f} becomes {line.suggested_qty:,} because of {rules}."


def waterfall(line: OrderConfirmation) -> list[Step]:
    """The steps from the demand of the protected interval to the suggested quantity; none where nothing is ordered."""
    if not line.need or line.suggested_qty is None:
        return []
    target = line.need + line.inventory_position
    steps = [
        Step("Demand until the next order can arrive", line.order_up_to - line.safety_stock),
        Step("Safety stock", line.safety_stock),
        Step("More, because stockouts are chronic", target - line.order_up_to),
        Step("In stock", -line.on_hand),
    ]
    counted = [
        Step(f"Open order {order['reference']}, {order['class']}", -order["quantity"] * (order["weight"] or 0))
        for order in line.pending_breakdown
    ]
    rounding = -line.pending_effective - sum(step.value for step in counted)
    steps += [*counted, Step("Open orders rounded", rounding)]
    return [
        *(step for step in steps if abs(step.value) > 1e-6),
        Step("Need", line.need, is_total=True),
        Step("Minimum, packs and maximum", line.suggested_qty - line.need),
        Step("Suggested", line.suggested_qty, is_total=True),
    ]
