from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from core.fields import ExactCharField
from ordering.models.catalogue import Sku
from ordering.months import validate_months
from suppliers.models import Warehouse

NOT_NEGATIVE = [MinValueValidator(0)]
SHARE = [MinValueValidator(0), MaxValueValidator(1)]


class ForecastRun(models.Model):
    """One run of the forecasting software; only a completed one counts."""

    class Status(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    name = ExactCharField(max_length=100, unique=True)
    forecast_date = models.DateField()
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)

    class Meta:
        ordering = ("-forecast_date", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=["running", "completed", "failed"]), name="forecast_run_status_known"
            ),
        )

    def __str__(self) -> str:
        return str(self.name)


class ForecastDetail(models.Model):
    run = models.ForeignKey(ForecastRun, on_delete=models.CASCADE, related_name="details")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE)
    avg_monthly_qty = models.FloatField(validators=NOT_NEGATIVE, help_text="[units/month]")
    confidence = models.FloatField(validators=SHARE, help_text="0 to 1")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("sku", "warehouse", "run"), name="forecast_detail_once"),
            models.CheckConstraint(condition=Q(avg_monthly_qty__gte=0), name="forecast_qty_not_negative"),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="forecast_confidence_0_to_1"
            ),
        )

    def __str__(self) -> str:
        return f"{self.sku_id} at {self.warehouse_id} in run {self.run_id}"


class MonthlySales(models.Model):
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE)
    month = models.DateField(help_text="First day of the month")
    units_sold = models.FloatField(validators=NOT_NEGATIVE, help_text="[units]")
    stockout_days = models.PositiveSmallIntegerField(default=0, help_text="Days of the month without stock")
    corrected_demand = models.FloatField(
        null=True, blank=True, validators=NOT_NEGATIVE, help_text="What would have been sold with stock [units]"
    )

    class Meta:
        verbose_name_plural = "monthly sales"
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("sku", "warehouse", "month"), name="monthly_sales_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="monthly_sales_month_is_first_day"),
            models.CheckConstraint(condition=Q(units_sold__gte=0), name="monthly_sales_units_not_negative"),
            models.CheckConstraint(condition=Q(stockout_days__lte=31), name="monthly_sales_stockout_days_31"),
            models.CheckConstraint(
                condition=Q(corrected_demand__isnull=True) | Q(corrected_demand__gte=0),
                name="monthly_sales_corrected_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sku_id} at {self.warehouse_id}, {self.month}"


class DemandStats(models.Model):
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE)
    cv = models.FloatField("CV", validators=NOT_NEGATIVE, help_text="Coefficient of variation of monthly demand")

    class Meta:
        verbose_name_plural = "demand statistics"
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("sku", "warehouse"), name="demand_stats_once"),
            models.CheckConstraint(condition=Q(cv__gte=0), name="demand_stats_cv_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.sku_id} at {self.warehouse_id}"


class SeasonalPattern(models.Model):
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE)
    strength = models.FloatField(validators=SHARE, help_text="0 to 1")
    confidence = models.FloatField(validators=SHARE, help_text="0 to 1")
    significant = models.BooleanField(default=False)
    peak_months = models.CharField(
        max_length=40, blank=True, validators=[validate_months], help_text="Month numbers, such as 4,5,12"
    )

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("sku", "warehouse"), name="seasonal_pattern_once"),
            models.CheckConstraint(condition=Q(strength__gte=0, strength__lte=1), name="seasonal_strength_0_to_1"),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="seasonal_confidence_0_to_1"
            ),
        )

    def __str__(self) -> str:
        return f"{self.sku_id} at {self.warehouse_id}"


class StockoutPattern(models.Model):
    class Type(models.TextChoices):
        CHRONIC = "chronic"
        SEASONAL = "seasonal"

    class Confidence(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"

    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    pattern_type = models.CharField(max_length=8, choices=Type)
    months = models.CharField(
        max_length=40, blank=True, validators=[validate_months], help_text="Month numbers, such as 4,5,12"
    )
    frequency = models.FloatField(
        validators=[MinValueValidator(0), MaxValueValidator(100)], help_text="Share of months with a stockout [%]"
    )
    confidence = models.CharField(max_length=6, choices=Confidence)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("sku", "pattern_type"), name="stockout_pattern_once"),
            models.CheckConstraint(
                condition=Q(frequency__gte=0, frequency__lte=100), name="stockout_frequency_0_to_100"
            ),
            models.CheckConstraint(
                condition=Q(pattern_type__in=["chronic", "seasonal"]), name="stockout_pattern_type_known"
            ),
            models.CheckConstraint(
                condition=Q(confidence__in=["low", "medium", "high"]), name="stockout_confidence_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.sku_id}, {self.pattern_type}"
