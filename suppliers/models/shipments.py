"""How long deliveries took."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from core.fields import ExactCharField
from suppliers.models.partners import Supplier, Warehouse


class Shipment(models.Model):
    """One purchase order line as it really happened; lead times are measured from these."""

    po_number = ExactCharField(max_length=64)
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, related_name="shipments", db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="shipments")
    order_date = models.DateField()
    received_date = models.DateField(null=True, blank=True, db_index=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("supplier", "po_number", "warehouse"), name="shipment_once"),
            models.CheckConstraint(
                condition=Q(received_date__isnull=True) | Q(received_date__gte=F("order_date")),
                name="shipment_received_after_order",
                violation_error_message="The goods cannot arrive before they were ordered.",
            ),
        )

    def __str__(self) -> str:
        return str(self.po_number)


class SupplierLeadTime(models.Model):
    """Lead-time statistics of one supplier at one warehouse, measured from shipments or imported."""

    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, related_name="lead_times", db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="lead_times")
    mean_days = models.FloatField(null=True, blank=True)
    std_days = models.FloatField(null=True, blank=True, help_text="Sample standard deviation (n - 1)")
    median_days = models.FloatField(null=True, blank=True)
    p95_days = models.FloatField(null=True, blank=True)
    reliability = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)], help_text="0 to 1"
    )
    shipment_count = models.PositiveIntegerField(default=0)
    measured_through = models.DateField(null=True, blank=True, help_text="Last day of the shipments behind the numbers")

    class Meta:
        ordering = ("supplier", "warehouse")
        constraints = (
            models.UniqueConstraint(fields=("supplier", "warehouse"), name="lead_time_once"),
            models.CheckConstraint(
                condition=Q(mean_days__isnull=False) | Q(p95_days__isnull=False),
                name="lead_time_has_mean_or_p95",
                violation_error_message="Give the mean or the 95th percentile.",
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": 0}),
                    name=f"lead_time_{field}_not_negative",
                )
                for field in ("mean_days", "std_days", "median_days", "p95_days")
            ),
            models.CheckConstraint(
                condition=Q(reliability__isnull=True) | Q(reliability__gte=0, reliability__lte=1),
                name="lead_time_reliability_0_to_1",
            ),
        )

    def __str__(self) -> str:
        return f"{self.supplier_id} at {self.warehouse_id}"
