from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from core.fields import ExactCharField
from ordering.models.catalogue import Sku
from suppliers.models import Warehouse


class Inventory(models.Model):
    """Stock on hand; negative where customers wait for more than there is."""

    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE)
    on_hand = models.IntegerField(help_text="[units]")

    class Meta:
        verbose_name_plural = "inventory"
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("sku", "warehouse"), name="inventory_once"),)

    def __str__(self) -> str:
        return f"{self.sku_id} at {self.warehouse_id}"


class PendingOrder(models.Model):
    """A purchase order line that was placed earlier."""

    class Status(models.TextChoices):
        ORDERED = "ordered"
        SHIPPED = "shipped"
        RECEIVED = "received"
        CANCELLED = "cancelled"

    OPEN = (Status.ORDERED, Status.SHIPPED)

    reference = ExactCharField(max_length=64)
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE)
    quantity = models.IntegerField(validators=[MinValueValidator(0)], help_text="[units]")
    order_date = models.DateField()
    expected_arrival = models.DateField(null=True, blank=True)
    is_estimated = models.BooleanField(default=False, help_text="The arrival date is our own guess")
    status = models.CharField(max_length=9, choices=Status, default=Status.ORDERED)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("sku", "warehouse", "reference"), name="pending_order_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="pending_order_quantity_not_negative"),
            models.CheckConstraint(
                condition=Q(status__in=["ordered", "shipped", "received", "cancelled"]),
                name="pending_order_status_known",
            ),
        )
        indexes = (models.Index(fields=("sku", "status", "expected_arrival", "warehouse"), name="pending_order_open"),)

    def __str__(self) -> str:
        return str(self.reference)
