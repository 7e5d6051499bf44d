import datetime as dt
import json
import math
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from core.runs import AbstractRun
from ordering.choices import NO_URGENCY_RANK, URGENCY_RANKS, Urgency
from ordering.models.catalogue import Sku
from ordering.querysets import OrderQuerySet
from suppliers.models import Supplier, Warehouse


class CompactJSONEncoder(json.JSONEncoder):
    """The text that polars writes, so that both bulk writers leave the same bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"separators": (",", ":"), "ensure_ascii": False})


class GenerationRun(AbstractRun):
    """One calculation of a month's order lines."""

    month = models.DateField(help_text="First day of the order month")
    as_of = models.DateField(help_text="Planning date")
    scope = models.JSONField(default=dict, blank=True, help_text="Supplier and warehouse codes; empty means all")
    lines_by_urgency = models.JSONField(default=dict, blank=True, help_text="Lines, units and value by urgency")
    problems = models.PositiveIntegerField(default=0, help_text="Lines without a quantity because of bad data")
    locked_lines = models.PositiveIntegerField(default=0, help_text="Lines left as they were approved")
    changes = models.JSONField(default=dict, blank=True, help_text="Lines by what became of them since the last run")
    policy = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="The policy the run used")

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("month", "-id"), name="generation_run_month"),)
        constraints = (models.CheckConstraint(condition=Q(month__day=1), name="generation_run_month_is_first_day"),)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} run {self.pk}"

    @property
    def line_count(self) -> int:
        """Lines the run computed, those without a quantity included."""
        with_quantity: int = sum(count["lines"] for count in self.lines_by_urgency.values())
        return self.problems + with_quantity

    @property
    def lines_a_second(self) -> int:
        """So far, while the run is working."""
        seconds = (self.heartbeat_at - self.created_at).total_seconds()
        return round(self.line_count / seconds) if seconds > 0 else 0

    @property
    def scope_label(self) -> str:
        codes = [*self.scope.get("suppliers", []), *self.scope.get("warehouses", [])]
        return ", ".join(codes) or "everything"

    @property
    def rows_per_second(self) -> int:
        return round(self.line_count / self.timings["total"]) if self.timings.get("total") else 0


class OrderConfirmation(models.Model):
    """One order line: what the method suggests, every number behind it, and what people decided.

    A run writes the columns of `services.recommendation.compute.as_frame` and no others.
    """

    class DemandSource(models.TextChoices):
        FORECAST = "forecast"
        BLENDED = "blended"
        HISTORICAL = "historical"
        NONE = "none"

    class LeadTimeSource(models.TextChoices):
        MEASURED = "measured"
        OTHER_WAREHOUSE = "other_warehouse", "other warehouse"
        SUPPLIER_DEFAULT = "supplier_default", "supplier's default"
        POLICY_DEFAULT = "policy_default", "policy's default"

    month = models.DateField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="order_lines", verbose_name="SKU")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="order_lines", db_index=False)
    supplier = models.ForeignKey(
        Supplier, on_delete=models.PROTECT, null=True, related_name="order_lines", db_index=False
    )
    run = models.ForeignKey(
        GenerationRun,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="lines",
        db_index=False,
        db_constraint=False,
        help_text="The run that computed the line last",
    )

    # What the method says. Null where bad data allows no number; `problem` says why.
    urgency = models.CharField(max_length=12, choices=Urgency, null=True)  # noqa: DJ001 - no urgency is no text
    suggested_qty = models.IntegerField(null=True)
    pull_forward_qty = models.IntegerField(null=True)
    problem = models.CharField(max_length=255, blank=True)
    stale = models.BooleanField(default=False, help_text="Decided by a person, but no longer part of the calculation")

    # What formed it.
    sku_status = models.CharField("status", max_length=12, choices=Sku.Status, blank=True)
    abc = models.CharField("ABC", max_length=1, choices=Sku.Abc, blank=True)
    xyz = models.CharField("XYZ", max_length=1, choices=Sku.Xyz, blank=True)
    unit_cost = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    currency = models.CharField(max_length=3, blank=True)
    on_hand = models.IntegerField(default=0)
    pending_raw = models.BigIntegerField(default=0)
    pending_effective = models.BigIntegerField(null=True)
    overdue_count = models.PositiveIntegerField(default=0)
    pending_breakdown = models.JSONField(default=list, blank=True, encoder=CompactJSONEncoder)
    inventory_position = models.BigIntegerField(null=True)
    demand_source = models.CharField(max_length=10, choices=DemandSource, default=DemandSource.NONE)
    forecast_monthly = models.FloatField(null=True)
    history_monthly = models.FloatField(null=True)
    forecast_confidence = models.FloatField(null=True)
    blend_weight = models.FloatField(null=True)
    monthly_demand = models.FloatField(null=True)
    daily_demand = models.FloatField(null=True)
    days_in_month = models.PositiveSmallIntegerField(default=30)
    lead_time_days = models.FloatField(null=True)
    lead_time_std_days = models.FloatField(null=True)
    lead_time_source = models.CharField(max_length=16, choices=LeadTimeSource, blank=True)
    reliability = models.FloatField(null=True)
    cv = models.FloatField("CV", null=True)
    service_level = models.FloatField(null=True)
    seasonal_factor = models.FloatField(null=True)
    safety_stock = models.FloatField(null=True)
    reorder_point = models.FloatField(null=True)
    order_up_to = models.FloatField("order-up-to level", null=True)
    need = models.FloatField(null=True)
    constraints = models.CharField(max_length=16, blank=True, help_text="Which of moq, multiple, max changed it")
    coverage_days = models.FloatField(null=True)
    coverage_months_after = models.FloatField(null=True)
    stockout_risk_date = models.DateField(null=True)
    expected_arrival = models.DateField(null=True)

    # What people decide. No run touches these.
    confirmed_qty = models.IntegerField("confirmed quantity", null=True, blank=True, validators=[MinValueValidator(0)])
    suggested_when_confirmed = models.IntegerField(null=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    confirmed_at = models.DateTimeField(null=True, editable=False)
    notes = models.TextField("note", blank=True)
    lead_time_override_days = models.PositiveSmallIntegerField("own lead time [days]", null=True, blank=True)
    arrival_override = models.DateField("own arrival date", null=True, blank=True)
    locked = models.BooleanField(default=False)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    locked_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False, help_text="Grows with every human change")

    # What follows from both; the database keeps it right.
    urgency_rank = models.GeneratedField(
        expression=Case(
            *(When(urgency=urgency, then=Value(rank)) for urgency, rank in URGENCY_RANKS.items()),
            default=Value(NO_URGENCY_RANK),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )
    stockout_sort_date = models.GeneratedField(
        expression=Coalesce("stockout_risk_date", Value(dt.date(9999, 12, 31), output_field=models.DateField())),
        output_field=models.DateField(),
        db_persist=True,
        help_text="Lines that never run out come last",
    )
    order_qty = models.GeneratedField(
        expression=Coalesce("confirmed_qty", "suggested_qty"),
        output_field=models.IntegerField(null=True),
        db_persist=True,
    )
    order_value = models.GeneratedField(
        expression=Coalesce("confirmed_qty", "suggested_qty") * F("unit_cost"),
        output_field=models.DecimalField(max_digits=24, decimal_places=4, null=True),
        db_persist=True,
    )
    ordered = models.GeneratedField(
        expression=Case(
            When(Q(confirmed_qty__gt=0) | Q(confirmed_qty__isnull=True, suggested_qty__gt=0), then=Value(True)),
            default=Value(False),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    drifted = models.GeneratedField(
        expression=Case(
            When(
                Q(confirmed_qty__isnull=False, suggested_when_confirmed__isnull=False)
                & (Q(suggested_qty__isnull=True) | ~Q(suggested_qty=F("suggested_when_confirmed"))),
                then=Value(True),
            ),
            default=Value(False),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = "order line"
        ordering = ("-id",)
        permissions = (
            ("lock_orderconfirmation", "Can lock order lines"),
            ("unlock_orderconfirmation", "Can unlock order lines"),
        )
        constraints = (
            models.UniqueConstraint(fields=("month", "sku", "warehouse"), name="order_line_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="order_line_month_is_first_day"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": 0}),
                    name=f"order_line_{field}_not_negative",
                )
                for field in ("suggested_qty", "confirmed_qty", "pull_forward_qty", "unit_cost")
            ),
            models.CheckConstraint(
                condition=Q(urgency__isnull=True) | Q(urgency__in=["must_order", "should_order", "optional", "skip"]),
                name="order_line_urgency_known",
            ),
            models.CheckConstraint(
                condition=Q(forecast_confidence__isnull=True)
                | Q(forecast_confidence__gte=0, forecast_confidence__lte=1),
                name="order_line_confidence_0_to_1",
            ),
        )
        # The lists of a month with a million lines are answered from these alone; see the note in querysets.py.
        indexes = (
            models.Index(fields=("month", "urgency_rank", "order_value"), name="order_line_urgency"),
            models.Index(
                fields=(
                    "month",
                    "order_value",
                    "id",
                    "urgency_rank",
                    "supplier",
                    "warehouse",
                    "abc",
                    "xyz",
                    "sku_status",
                    "demand_source",
                    "locked",
                    "confirmed_qty",
                    "currency",
                    "order_qty",
                    "sku",
                ),
                name="order_line_value",
            ),
            models.Index(fields=("supplier", "month", "order_value"), name="order_line_supplier"),
            models.Index(fields=("warehouse", "month", "order_value"), name="order_line_warehouse"),
            models.Index(fields=("month", "stockout_sort_date"), name="order_line_stockout"),
            models.Index(fields=("month", "demand_source", "order_value"), name="order_line_demand_source"),
            models.Index(fields=("month", "sku_status", "order_value"), name="order_line_sku_status"),
            models.Index(fields=("month", "ordered", "order_value"), name="order_line_ordered"),
            models.Index(fields=("month", "confirmed_qty"), name="order_line_confirmed"),
            models.Index(fields=("month", "locked"), name="order_line_locked"),
            models.Index(fields=("month", "drifted"), name="order_line_drifted"),
            models.Index(fields=("month", "stale"), name="order_line_stale"),
        )

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} line {self.pk}"

    @property
    def coverage_days_ordered(self) -> float | None:
        """How long stock, open orders and the order quantity last together [days]."""
        if not self.daily_demand or self.order_qty is None or self.inventory_position is None:
            return None
        return float((max(self.inventory_position, 0) + self.order_qty) / self.daily_demand)

    @property
    def emissions_kgco2e(self) -> float | None:
        """Of the order quantity [kg CO2e]; none where the SKU's are not known."""
        if self.sku.emissions_kgco2e is None or self.order_qty is None:
            return None
        return float(self.sku.emissions_kgco2e * self.order_qty)

    @property
    def arrival(self) -> dt.date | None:
        """When the order arrives: the date a person gave, else by the lead time a person gave, else as calculated."""
        if self.arrival_override or self.expected_arrival is None or self.lead_time_override_days is None:
            return self.arrival_override or self.expected_arrival
        longer = self.lead_time_override_days - math.ceil((self.lead_time_days or 0) - 1e-9)
        return self.expected_arrival + dt.timedelta(days=longer)
