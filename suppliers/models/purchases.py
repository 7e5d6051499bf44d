"""What was bought, from files of any shape."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.fields import ExactCharField
from suppliers.models.partners import Supplier


class SupplierName(models.Model):
    """A supplier's name as files spell it; people say which supplier it is, nothing is merged in silence.

    `key` is the name without regard to case, spaces and legal form: names with the same key are proposed as one.
    """

    name = ExactCharField(max_length=255, unique=True)
    key = models.CharField(max_length=255, db_index=True)
    supplier = models.ForeignKey(Supplier, on_delete=models.SET_NULL, null=True, blank=True, related_name="names")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return str(self.name)


class PurchaseMapping(models.Model):
    """Which column of a file is which field of a purchase record, kept under a name."""

    name = models.CharField(max_length=100, unique=True)
    columns = models.JSONField(help_text="Field by column header")
    constants = models.JSONField(default=dict, blank=True, help_text="Fields that every record has alike, as currency")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class PurchaseImport(models.Model):
    """One file of purchase records."""

    file_name = models.CharField(max_length=255)
    file_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the file")
    mapping = models.JSONField(default=dict, blank=True)
    imported_at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=150, blank=True)
    rows = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    complete = models.BooleanField(default=False, help_text="The whole file went through")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name


class Category(models.Model):
    """A category as purchases name it, and what people mapped it to."""

    name = ExactCharField(max_length=255, unique=True)
    sector_code = models.CharField(max_length=16, blank=True, help_text="NAICS 2017, six digits")
    factor_code = models.CharField(max_length=64, blank=True, help_text="Code of an average-data factor")
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return str(self.name)


class PurchaseRecord(models.Model):
    """One purchase: who sold what to us, how much of it, for how much money."""

    class Kind(models.TextChoices):
        PURCHASE = "purchase"
        CREDIT = "credit"

    source = models.ForeignKey(PurchaseImport, on_delete=models.CASCADE, related_name="records", db_index=False)
    record_id = ExactCharField(max_length=100)
    line = models.PositiveIntegerField(help_text="Line of the file")
    # Nothing reads purchases by these two, and an index on each makes an import take two thirds longer; MySQL wants one
    # for a constraint.
    supplier_name = models.ForeignKey(
        SupplierName, on_delete=models.PROTECT, related_name="purchases", db_index=False, db_constraint=False
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, related_name="purchases", db_index=False, db_constraint=False
    )
    product_name = models.CharField(max_length=255, blank=True)
    product_code = ExactCharField(max_length=100, blank=True)
    quantity = models.FloatField(null=True)
    unit = models.CharField(max_length=40, blank=True)
    spend = models.FloatField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    purchase_date = models.DateField(null=True)
    year = models.PositiveSmallIntegerField()
    country = models.CharField(max_length=2, blank=True)
    sector_code = models.CharField(max_length=16, blank=True)
    supplier_pcf = models.FloatField(null=True, help_text="[kg CO2e/pcf_unit]")
    pcf_unit = models.CharField(max_length=40, blank=True)
    pcf_uncertainty = models.FloatField(null=True, help_text="Relative, 0 to 1")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PURCHASE)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("source", "record_id"), name="purchase_once"),
            models.CheckConstraint(condition=Q(kind__in=["purchase", "credit"]), name="purchase_kind_known"),
        )
        indexes = (models.Index(fields=("year", "id"), name="purchase_year"),)

    def __str__(self) -> str:
        return str(self.record_id)
