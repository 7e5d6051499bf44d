"""Pure arithmetic on arrays: numpy in, numpy out."""

from suppliers.kernels.lead_times import (
    Floats,
    Ints,
    LeadTimeStatistics,
    OnTime,
    measure_lead_times,
    measure_on_time,
    weighted_mean,
)

__all__ = [
    "Floats",
    "Ints",
    "LeadTimeStatistics",
    "OnTime",
    "measure_lead_times",
    "measure_on_time",
    "weighted_mean",
]
