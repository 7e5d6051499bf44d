"""Runs of the emissions calculation, and every result with what it takes to redo it by hand."""

from django.db import models
from django.db.models import Q

from core.runs import AbstractRun
from suppliers.models.factors import Factor, FactorSet, RateSet
from suppliers.models.footprints import ProductFootprint
from suppliers.models.purchases import Category, PurchaseRecord, SupplierName


class EmissionRun(AbstractRun):
    """One calculation of a year's purchases. processed = accounted + unaccounted + failed."""

    year = models.PositiveSmallIntegerField()
    spend_factors = models.ForeignKey(FactorSet, on_delete=models.PROTECT, null=True, related_name="+")
    activity_factors = models.ForeignKey(FactorSet, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    currency_rates = models.ForeignKey(RateSet, on_delete=models.PROTECT, null=True, related_name="+")
    price_index = models.ForeignKey(RateSet, on_delete=models.PROTECT, null=True, related_name="+")
    method_version = models.CharField(max_length=16, blank=True)
    accounted = models.PositiveIntegerField(default=0)
    unaccounted = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    emissions_kgco2e = models.FloatField(default=0)
    p5_kgco2e = models.FloatField(null=True)
    p95_kgco2e = models.FloatField(null=True)
    totals = models.JSONField(default=dict, blank=True, help_text="By tier: records, kg CO2e, spend in USD, DQI")

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("year", "-id"), name="emission_run_year"),)

    def __str__(self) -> str:
        return f"{self.year} run {self.pk}"


class EmissionResult(models.Model):
    """What one purchase emitted, and every number that formed it."""

    class Method(models.TextChoices):
        SUPPLIER_SPECIFIC = "supplier_specific", "Supplier-specific"
        AVERAGE_DATA = "average_data", "Average data"
        SPEND_BASED = "spend_based", "Spend-based"
        UNACCOUNTED = "unaccounted", "Unaccounted"

    run = models.ForeignKey(EmissionRun, on_delete=models.CASCADE, related_name="results", db_index=False)
    record = models.ForeignKey(PurchaseRecord, on_delete=models.CASCADE, related_name="results", db_index=False)
    supplier_name = models.ForeignKey(
        SupplierName, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    tier = models.PositiveSmallIntegerField(null=True, help_text="1 to 3; none where unaccounted")
    method = models.CharField(max_length=17, choices=Method)
    rejected = models.CharField(max_length=100, blank=True, help_text="Tiers not used and why, as 1:no_footprint")
    emissions_kgco2e = models.FloatField(null=True)
    p5_kgco2e = models.FloatField(null=True)
    p95_kgco2e = models.FloatField(null=True)
    dqi = models.FloatField(null=True, help_text="0 to 100")
    factor = models.ForeignKey(
        Factor, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    footprint = models.ForeignKey(
        ProductFootprint, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    factor_value = models.FloatField(null=True)
    factor_unit = models.CharField(max_length=40, blank=True)
    activity_amount = models.FloatField(null=True, help_text="After conversion [factor unit]")
    unit_rate = models.FloatField(null=True, help_text="Factor units for one unit of the record")
    currency_rate = models.FloatField(null=True, help_text="[USD/currency unit]")
    price_index_ratio = models.FloatField(null=True, help_text="Index of the base year / index of the year")
    spend_usd = models.FloatField(null=True, help_text="In the year's money [USD]")
    provenance_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("run", "record"), name="emission_result_once"),
            models.CheckConstraint(
                condition=Q(tier__isnull=True) | Q(tier__gte=1, tier__lte=3), name="emission_result_tier"
            ),
        )
        indexes = (
            # The first three sort the list, the others are what it is filtered by, so that no row has to be looked up.
            models.Index(
                fields=("run", "emissions_kgco2e", "id", "tier", "supplier_name", "category", "dqi"),
                name="emission_result_hot_spots",
            ),
        )

    def __str__(self) -> str:
        return f"{self.record_id}: {self.emissions_kgco2e}"


class EmissionError(models.Model):
    """A record that could not be calculated, and why."""

    run = models.ForeignKey(EmissionRun, on_delete=models.CASCADE, related_name="errors", db_index=False)
    record = models.ForeignKey(PurchaseRecord, on_delete=models.CASCADE, related_name="+", db_index=False)
    code = models.CharField(max_length=20)
    sentence = models.CharField(max_length=255)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("run", "record"), name="emission_error_once"),)

    def __str__(self) -> str:
        return self.sentence
