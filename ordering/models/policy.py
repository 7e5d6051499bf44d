import dataclasses
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from ordering.kernels import Policy

STANDARD = Policy()
SHARE = [MinValueValidator(0), MaxValueValidator(1)]
SERVICE_LEVEL = [MinValueValidator(0.5), MaxValueValidator(0.9999)]
NOT_NEGATIVE = [MinValueValidator(0)]


def _number(name: str, help_text: str, validators: list[Any]) -> "models.FloatField[float, float]":
    return models.FloatField(default=getattr(STANDARD, name), validators=validators, help_text=help_text)


def _count(name: str, help_text: str, least: int) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        default=getattr(STANDARD, name), validators=[MinValueValidator(least)], help_text=help_text
    )


class PlanningPolicy(models.Model):
    """Every default of the ordering method, in one row that a manager edits."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    history_months = _count("history_months", "Sales months behind the historical demand", 1)
    review_days = _count("review_days", "Days until the next chance to order", 1)
    confidence_floor = _number("confidence_floor", "Up to this confidence the forecast has no weight", SHARE)
    confidence_full = _number("confidence_full", "From this confidence the forecast has full weight", SHARE)
    min_availability = _number(
        "min_availability", "Least availability that corrects sales for days out of stock", SHARE
    )
    max_correction = _number("max_correction", "Most that a month under that availability is corrected", NOT_NEGATIVE)
    default_cv = _number("default_cv", "Where no demand statistics exist", NOT_NEGATIVE)
    default_reliability = _number("default_reliability", "Where no lead-time statistics exist", SHARE)
    default_lead_time_days = _number("default_lead_time_days", "Where nothing about lead time is known", NOT_NEGATIVE)
    lead_time_window_months = _count("lead_time_window_months", "Months of shipments behind the statistics", 1)
    lead_time_min_shipments = _count("lead_time_min_shipments", "Shipments that statistics need", 2)
    overdue_weight = _number("overdue_weight", "Share of an overdue open order that counts", SHARE)
    imminent_weight = _number("imminent_weight", "Share of an order due within the review period that counts", SHARE)
    covered_decay = _number("covered_decay", "Loss of weight of an order due at the end of the interval", SHARE)
    estimated_weight = _number("estimated_weight", "Factor where the arrival date is only an estimate", SHARE)
    service_level_ax = _number("service_level_ax", "", SERVICE_LEVEL)
    service_level_ay = _number("service_level_ay", "", SERVICE_LEVEL)
    service_level_az = _number("service_level_az", "", SERVICE_LEVEL)
    service_level_bx = _number("service_level_bx", "", SERVICE_LEVEL)
    service_level_by = _number("service_level_by", "", SERVICE_LEVEL)
    service_level_bz = _number("service_level_bz", "", SERVICE_LEVEL)
    service_level_cx = _number("service_level_cx", "", SERVICE_LEVEL)
    service_level_cy = _number("service_level_cy", "", SERVICE_LEVEL)
    service_level_cz = _number("service_level_cz", "", SERVICE_LEVEL)
    x_below_cv = _number("x_below_cv", "A SKU without class is X under this CV", NOT_NEGATIVE)
    y_up_to_cv = _number("y_up_to_cv", "and Y up to and including this one", NOT_NEGATIVE)
    strong_season_factor = _number("strong_season_factor", "Safety stock factor in a strong season", NOT_NEGATIVE)
    weak_season_factor = _number("weak_season_factor", "Safety stock factor in a weak season", NOT_NEGATIVE)
    strong_season_from = _number("strong_season_from", "Strength from which a season is strong", SHARE)
    weak_season_above = _number("weak_season_above", "Strength above which a season counts", SHARE)
    season_confidence_above = _number("season_confidence_above", "Confidence above which a season counts", SHARE)
    seasonal_stockout_above = _number(
        "seasonal_stockout_above", "Frequency above which seasonal stockouts count [%]", NOT_NEGATIVE
    )
    chronic_stockout_above = _number(
        "chronic_stockout_above", "Frequency above which stockouts are chronic [%]", NOT_NEGATIVE
    )

    class Meta:
        verbose_name_plural = "planning policy"
        constraints = (
            models.CheckConstraint(condition=Q(pk=1), name="planning_policy_is_one_row"),
            models.CheckConstraint(condition=Q(lead_time_min_shipments__gte=2), name="planning_policy_min_shipments_2"),
            models.CheckConstraint(condition=Q(history_months__gte=1), name="planning_policy_history_months_1"),
            models.CheckConstraint(
                condition=Q(confidence_full__gt=F("confidence_floor")),
                name="planning_policy_confidences_in_order",
                violation_error_message="Full confidence must be above the confidence floor.",
            ),
            models.CheckConstraint(
                condition=Q(min_availability__gt=0),
                name="planning_policy_min_availability_not_0",
                violation_error_message="The least availability must be above 0.",
            ),
        )

    def __str__(self) -> str:
        return "Planning policy"

    def as_kernel_policy(self) -> Policy:
        return Policy(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Policy)})

    @classmethod
    def current(cls) -> "PlanningPolicy":
        """The stored policy, or the method's own defaults while nobody has changed one."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
