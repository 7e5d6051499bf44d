"""Who we buy from, where the goods arrive, and who may see what."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from core.fields import CodeField, code_constraints, code_key
from suppliers.querysets import SupplierQuerySet, WarehouseQuerySet


class Warehouse(models.Model):
    code = CodeField(max_length=32)
    code_key = code_key("code", max_length=32)
    name = models.CharField(max_length=200, blank=True)
    active = models.BooleanField(default=True, help_text="Only active warehouses get order lines.")

    objects = WarehouseQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = code_constraints("code", "code_key", prefix="warehouse")

    def __str__(self) -> str:
        return str(self.code)


class Supplier(models.Model):
    code = CodeField(max_length=32)
    code_key = code_key("code", max_length=32)
    name = models.CharField(max_length=200, blank=True)
    country = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217 code")
    default_lead_time_days = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="What the supplier states [days]"
    )
    min_order_value = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    email = models.EmailField(blank=True)

    objects = SupplierQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        constraints = (
            *code_constraints("code", "code_key", prefix="supplier"),
            models.CheckConstraint(
                condition=Q(default_lead_time_days__isnull=True) | Q(default_lead_time_days__gte=0),
                name="supplier_default_lead_time_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(min_order_value__isnull=True) | Q(min_order_value__gte=0),
                name="supplier_min_order_value_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class Restriction(models.Model):
    """A supplier or a warehouse that a user is limited to; a user without any sees everything.

    So what a limit names cannot be deleted: the limit would go with it, and the user would see all.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="restrictions")
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("user", "id")
        constraints = (
            models.UniqueConstraint(fields=("user", "supplier"), name="restriction_supplier_once"),
            models.UniqueConstraint(fields=("user", "warehouse"), name="restriction_warehouse_once"),
            models.CheckConstraint(
                condition=Q(supplier__isnull=True) ^ Q(warehouse__isnull=True),
                name="restriction_names_one",
                violation_error_message="Choose a supplier or a warehouse; add a row for each.",
            ),
        )

    def __str__(self) -> str:
        return str(self.supplier or self.warehouse)
