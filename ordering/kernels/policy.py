from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Policy:
    """Every default of the method. Months, days, shares 0..1; frequencies in percent."""

    history_months: int = 1
    review_days: int = 30
    confidence_floor: float = 0.5
    confidence_full: float = 0.75
    min_availability: float = 0.3
    max_correction: float = 1.5
    default_cv: float = 0.5
    default_reliability: float = 0.70
    default_lead_time_days: float = 30.0
    lead_time_window_months: int = 24
    lead_time_min_shipments: int = 3
    overdue_weight: float = 0.8
    imminent_weight: float = 1.0
    covered_decay: float = 0.2
    estimated_weight: float = 0.85
    service_level_ax: float = 0.99
    service_level_ay: float = 0.98
    service_level_az: float = 0.98
    service_level_bx: float = 0.97
    service_level_by: float = 0.95
    service_level_bz: float = 0.90
    service_level_cx: float = 0.90
    service_level_cy: float = 0.90
    service_level_cz: float = 0.80
    x_below_cv: float = 0.25
    y_up_to_cv: float = 0.50
    strong_season_factor: float = 1.3
    weak_season_factor: float = 1.2
    strong_season_from: float = 0.5
    weak_season_above: float = 0.3
    season_confidence_above: float = 0.6
    seasonal_stockout_above: float = 50.0
    chronic_stockout_above: float = 70.0

    @property
    def service_levels(self) -> NDArray[np.float64]:
        """Shape (3, 3): rows A, B, C; columns X, Y, Z."""
        return np.array([[getattr(self, f"service_level_{abc}{xyz}") for xyz in "xyz"] for abc in "abc"])
