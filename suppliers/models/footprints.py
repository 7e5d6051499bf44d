"""Carbon footprints of products, as suppliers declare them."""

from django.db import models
from django.db.models import Q

from core.fields import ExactCharField
from suppliers.models.purchases import SupplierName


class ProductFootprint(models.Model):
    """kg CO2e for one declared unit of a supplier's product, valid for a while."""

    class Source(models.TextChoices):
        CSV = "csv", "CSV file"
        CARBON_CATALOGUE = "carbon_catalogue", "Carbon Catalogue"
        PACT = "pact", "PACT data exchange"

    class Status(models.TextChoices):
        ACTIVE = "active"
        DEPRECATED = "deprecated"

    source = models.CharField(max_length=16, choices=Source)
    external_id = ExactCharField(max_length=100, help_text="The publisher's own id")
    version = models.PositiveIntegerField(default=0)
    supplier_name = models.ForeignKey(SupplierName, on_delete=models.PROTECT, related_name="footprints")
    product_name = models.CharField(max_length=255)
    product_code = ExactCharField(max_length=100, blank=True)
    pcf = models.FloatField(help_text="[kg CO2e/declared unit]")
    declared_unit = models.CharField(max_length=40)
    weight_kg = models.FloatField(null=True, blank=True, help_text="Of one product [kg]")
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(help_text="Three years after the reference period unless stated")
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    geography = models.CharField(max_length=100, blank=True)
    primary_data_share = models.FloatField(null=True, blank=True, help_text="[%]")
    score = models.FloatField(null=True, blank=True, help_text="Data quality, 0 to 100")
    uncertainty = models.FloatField(null=True, blank=True, help_text="Relative, 0 to 1")
    details = models.JSONField(default=dict, blank=True, help_text="What else the publisher says, such as DQRs")
    file_hash = models.CharField(max_length=64, help_text="SHA-256 of the file")

    class Meta:
        ordering = ("supplier_name", "product_name")
        constraints = (
            models.UniqueConstraint(fields=("source", "external_id"), name="footprint_once"),
            models.CheckConstraint(condition=Q(valid_until__gte=models.F("valid_from")), name="footprint_valid_period"),
        )
        indexes = (models.Index(fields=("supplier_name", "product_code"), name="footprint_product"),)

    def __str__(self) -> str:
        return self.product_name
