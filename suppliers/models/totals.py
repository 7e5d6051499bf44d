"""Sums that pages read, so that none has to add up a million rows."""

from django.db import models

from suppliers.models.emissions import EmissionRun
from suppliers.models.purchases import Category, PurchaseImport, SupplierName


class EmissionTotal(models.Model):
    """Results of one group of a run; stored when the run ends, and nothing changes afterwards.

    The sum of a tier is null where the group has no result of it.
    """

    records = models.PositiveIntegerField(help_text="Results, unaccounted ones too")
    supplier_specific_kgco2e = models.FloatField(null=True)
    average_data_kgco2e = models.FloatField(null=True)
    spend_based_kgco2e = models.FloatField(null=True)

    class Meta:
        abstract = True


class SupplierTotal(EmissionTotal):
    run = models.ForeignKey(EmissionRun, on_delete=models.CASCADE, related_name="by_supplier", db_index=False)
    supplier_name = models.ForeignKey(
        SupplierName, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("run", "supplier_name"), name="supplier_total_once"),)

    def __str__(self) -> str:
        return f"{self.supplier_name_id}: {self.records} records"


class CategoryTotal(EmissionTotal):
    """No category is a group of its own."""

    run = models.ForeignKey(EmissionRun, on_delete=models.CASCADE, related_name="by_category", db_index=False)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("run", "category"), name="category_total_once"),)

    def __str__(self) -> str:
        return f"{self.category_id}: {self.records} records"


class PurchaseTotal(models.Model):
    """Purchases of one import in one category, year and currency; stored when the whole file went through."""

    source = models.ForeignKey(PurchaseImport, on_delete=models.CASCADE, related_name="totals")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, related_name="+")
    year = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3, blank=True)
    records = models.PositiveIntegerField()
    spend = models.FloatField(help_text="[currency units]")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.category_id}, {self.year}: {self.records} records"


class RunComparison(models.Model):
    """Why two runs differ, as it was found once; `names_hash` says which names were one supplier then."""

    first = models.ForeignKey(EmissionRun, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(EmissionRun, on_delete=models.CASCADE, related_name="+")
    names_hash = models.CharField(max_length=64)
    before = models.BigIntegerField(help_text="[kg CO2e]")
    after = models.BigIntegerField(help_text="[kg CO2e]")
    parts = models.JSONField(help_text="[kg CO2e] by part")
    groups = models.JSONField(help_text="Those that changed most: owner, category and parts")

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("first", "second"), name="run_comparison_once"),)

    def __str__(self) -> str:
        return f"Runs {self.first_id} and {self.second_id}"
