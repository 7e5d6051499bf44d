from django.db import models

from ordering.querysets import TotalQuerySet
from suppliers.models import Supplier, Warehouse


class OrderTotal(models.Model):
    """Lines, units and value of one group of a month's lines; `services.refresh_totals` keeps it right."""

    month = models.DateField()
    supplier = models.ForeignKey(Supplier, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="+", db_index=False)
    urgency_rank = models.SmallIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    confirmed = models.BooleanField()
    locked = models.BooleanField()
    drifted = models.BooleanField()
    stale = models.BooleanField()
    ordered = models.BooleanField(help_text="The order quantity is not 0")
    lines = models.PositiveIntegerField()
    units = models.BigIntegerField()
    value = models.DecimalField(max_digits=24, decimal_places=4)

    objects = TotalQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("month", "supplier"), name="order_total_supplier"),)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.lines} lines"


class TotalsState(models.Model):
    """Which state of the month's runs the totals were made from; its row also lets one process refresh at a time."""

    month = models.DateField(unique=True)
    made_from = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class OutdatedTotal(models.Model):
    """A supplier whose lines people changed since its totals were made. Added with the change, so none gets lost."""

    month = models.DateField(db_index=True)
    supplier = models.ForeignKey(
        Supplier, on_delete=models.CASCADE, null=True, related_name="+", db_index=False, db_constraint=False
    )

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}, {self.supplier_id}"
