"""Urgency and quantity."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from ordering.kernels.open_orders import EPSILON
from ordering.kernels.stock import StockLevels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]


class UrgencyCode(IntEnum):
    MUST_ORDER = 0
    SHOULD_ORDER = 1
    OPTIONAL = 2
    SKIP = 3


class Constraint(IntFlag):
    MOQ = 1
    MULTIPLE = 2
    MAX = 4


@dataclass(frozen=True)
class Decision:
    """Arrays of one shape: urgency code, need, suggested and pull-forward quantity [units], constraint flags."""

    urgency: Codes
    need: Floats
    suggested: Floats
    pull_forward: Floats
    constraints: Codes


def round_order(need: Floats, *, moq: Floats, multiple: Floats, maximum: Floats) -> tuple[Floats, Codes]:
    """The quantity a supplier accepts, and which of its rules changed the number.

    Parameters
    ----------
    need : float64, any shape [units]
        0 or less needs nothing.
    moq, multiple, maximum : float64, broadcastable [units]
        The multiple is at least 1; a maximum of NaN is none.

    Returns
    -------
    quantity : float64, whole units: `ceil(max(need, moq) / multiple) multiple`, at most
        `floor(maximum / multiple) multiple`
    constraints : int8, flags of `Constraint`

    Notes
    -----
    1e-9 is taken off before rounding up, so that 120.0000000001 is 120.
    """
    least = np.maximum(need, moq)
    rounded = np.ceil(least / multiple - EPSILON) * multiple
    most = np.where(np.isnan(maximum), np.inf, np.floor(maximum / multiple) * multiple)
    wanted = need > 0
    flags = (
        Constraint.MOQ * (moq > need)
        + Constraint.MULTIPLE * (rounded != np.ceil(least - EPSILON))
        + Constraint.MAX * (rounded > most)
    )
    return np.where(wanted, np.minimum(rounded, most), 0.0), np.where(wanted, flags, 0).astype(np.int8)


def decide(
    *,
    position: Floats,
    daily_demand: Floats,
    lead_time: Floats,
    review: float,
    levels: StockLevels,
    chronic: Bools,
    death_row: Bools,
    moq: Floats,
    multiple: Floats,
    maximum: Floats,
) -> Decision:
    """How urgent an order is and how much to order.

    Parameters
    ----------
    position : float64, shape (n_skus, n_warehouses) [units]
        Inventory position: stock on hand plus the open orders that count.
    daily_demand : float64, same shape [units/day]
    lead_time : float64, same shape [days]
    review : float [days]
    chronic, death_row : bool, broadcastable
        A chronic stockout pattern raises the urgency one step and aims one review period higher;
        a SKU being discontinued is never raised and is ordered only if it must be.
    moq, multiple, maximum : float64, broadcastable, as in `round_order`
    """
    must, should = np.int8(UrgencyCode.MUST_ORDER), np.int8(UrgencyCode.SHOULD_ORDER)
    optional, skip = np.int8(UrgencyCode.OPTIONAL), np.int8(UrgencyCode.SKIP)
    next_target = levels.order_up_to + daily_demand * review
    urgency = np.select(
        [
            ~(daily_demand > 0),
            position < daily_demand * (lead_time + review),
            position < levels.order_up_to,
            position < next_target,
        ],
        [skip, must, should, optional],
        default=skip,
    )
    raised = chronic & ~death_row
    urgency = np.where(raised & ((urgency == optional) | (urgency == should)), urgency - np.int8(1), urgency)
    urgency = np.where(death_row & (urgency != must), skip, urgency)

    target = np.where(raised, next_target, levels.order_up_to)
    need = np.where(urgency <= should, target - position, 0.0)
    suggested, constraints = round_order(need, moq=moq, multiple=multiple, maximum=maximum)
    next_order, _ = round_order(next_target - position, moq=moq, multiple=multiple, maximum=maximum)
    pull_forward = np.where(urgency == skip, 0.0, np.maximum(0.0, next_order - suggested))
    return Decision(urgency.astype(np.int8), need, suggested, pull_forward, constraints)
