from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from core.fields import CodeField, code_constraints, code_key
from ordering.querysets import SkuQuerySet
from suppliers.models import Supplier


class Sku(models.Model):
    """An article we stock, with what its supplier demands of an order."""

    class Status(models.TextChoices):
        ACTIVE = "Active"
        DEATH_ROW = "Death Row", "Death Row (being discontinued)"
        DISCONTINUED = "Discontinued"

    class Abc(models.TextChoices):
        A = "A"
        B = "B"
        C = "C"

    class Xyz(models.TextChoices):
        X = "X"
        Y = "Y"
        Z = "Z"

    sku = CodeField("SKU", max_length=64)
    sku_key = code_key("sku", max_length=64)
    description = models.CharField(max_length=255, blank=True)
    supplier = models.ForeignKey(Supplier, on_delete=models.PROTECT, null=True, blank=True, related_name="skus")
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    abc = models.CharField("ABC", max_length=1, choices=Abc, blank=True)
    xyz = models.CharField("XYZ", max_length=1, choices=Xyz, blank=True)
    unit_cost = models.DecimalField(max_digits=14, decimal_places=4, default=0, validators=[MinValueValidator(0)])
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217 code")
    moq = models.PositiveIntegerField("MOQ", default=1, help_text="Minimum order quantity [units]")
    order_multiple = models.PositiveIntegerField(default=1, help_text="Pack size; orders are multiples of it [units]")
    max_order_qty = models.PositiveIntegerField("maximum order", null=True, blank=True, help_text="[units]")
    net_weight_kg = models.FloatField(
        "net weight", null=True, blank=True, validators=[MinValueValidator(0)], help_text="Of one unit [kg]"
    )
    emission_category = models.CharField(max_length=255, blank=True, help_text="A category of the emissions mapping")
    # Kept by services.refresh_sku_emissions.
    emissions_kgco2e = models.FloatField("emissions", null=True, blank=True, editable=False, help_text="[kg CO2e/unit]")
    emissions_tier = models.PositiveSmallIntegerField(null=True, blank=True, editable=False, help_text="1 to 3")

    objects = SkuQuerySet.as_manager()

    class Meta:
        verbose_name = "SKU"
        ordering = ("sku_key",)
        constraints = (
            *code_constraints("sku", "sku_key", prefix="sku"),
            models.CheckConstraint(condition=Q(unit_cost__gte=0), name="sku_unit_cost_not_negative"),
            models.CheckConstraint(
                condition=Q(status__in=["Active", "Death Row", "Discontinued"]), name="sku_status_known"
            ),
            models.CheckConstraint(condition=Q(abc__in=["", "A", "B", "C"]), name="sku_abc_known"),
            models.CheckConstraint(condition=Q(xyz__in=["", "X", "Y", "Z"]), name="sku_xyz_known"),
        )

    def __str__(self) -> str:
        return str(self.sku)
