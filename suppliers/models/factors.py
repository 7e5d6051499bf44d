"""Published emission factors, price indices and currency rates: versioned sets that nobody changes."""

from django.db import models

from core.fields import ExactCharField


class PublishedSet(models.Model):
    """What was loaded from one file. The same file adds nothing; another file under the same version is refused."""

    publisher = models.CharField(max_length=100)
    version = models.CharField(max_length=100)
    file_name = models.CharField(max_length=255)
    file_hash = models.CharField(max_length=64, help_text="SHA-256 of the file")
    loaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class FactorSet(PublishedSet):
    """Emission factors of one publication."""

    base_year = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of the money in spend-based factors")
    currency = models.CharField(max_length=3, blank=True, help_text="Of spend-based factors; ISO 4217 code")
    price_basis = models.CharField(max_length=40, blank=True, help_text="Such as purchaser price")
    gwp_basis = models.CharField(max_length=40, blank=True, help_text="Such as AR5, where stated")

    class Meta:
        ordering = ("publisher", "-version")
        constraints = (models.UniqueConstraint(fields=("publisher", "version"), name="factor_set_once"),)

    def __str__(self) -> str:
        return f"{self.publisher} {self.version}"


class Factor(models.Model):
    """One row of a publication: `value` kg CO2e for one `unit` of activity."""

    factor_set = models.ForeignKey(FactorSet, on_delete=models.PROTECT, related_name="factors")
    code = ExactCharField(max_length=64, help_text="NAICS code, product code or category code")
    title = models.CharField(max_length=255, blank=True)
    region = models.CharField(max_length=8, default="GLO", help_text="ISO 3166-1 alpha-2, or GLO")
    unit = models.CharField(max_length=40, help_text="Of the activity, such as USD, tonne, kWh")
    value = models.FloatField(help_text="[kg CO2e/unit]; spend-based ones with margins")
    without_margins = models.FloatField(null=True, blank=True, help_text="As published, not recomputed")
    margins = models.FloatField(null=True, blank=True, help_text="As published, not recomputed")
    sector = models.CharField("USEEIO code", max_length=100, blank=True)
    uncertainty = models.FloatField(null=True, blank=True, help_text="Relative, 0 to 1")
    score = models.FloatField(null=True, blank=True, help_text="Data quality as published, 0 to 100")
    reliability = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Pedigree, 1 to 5")
    completeness = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Pedigree, 1 to 5")
    temporal = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Pedigree, 1 to 5")
    geographical = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Pedigree, 1 to 5")
    technological = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Pedigree, 1 to 5")
    source_row = models.PositiveIntegerField(help_text="Row of the file")

    class Meta:
        ordering = ("factor_set", "source_row")
        constraints = (models.UniqueConstraint(fields=("factor_set", "code", "region", "unit"), name="factor_once"),)

    def __str__(self) -> str:
        return f"{self.code} {self.title}".strip()


class RateSet(PublishedSet):
    """A table of yearly currency rates or price indices."""

    class Kind(models.TextChoices):
        CURRENCY = "currency", "Currency rates"
        PRICE_INDEX = "price_index", "Price index"

    kind = models.CharField(max_length=11, choices=Kind)
    series = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("kind", "publisher", "-version")
        constraints = (models.UniqueConstraint(fields=("kind", "publisher", "version"), name="rate_set_once"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.publisher} {self.version}"


class Rate(models.Model):
    """US dollars for one unit of a currency in a year, or the value of a price index."""

    rate_set = models.ForeignKey(RateSet, on_delete=models.PROTECT, related_name="rates")
    year = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217 code; empty for a price index")
    value = models.FloatField()
    source_row = models.PositiveIntegerField(help_text="Row of the file")

    class Meta:
        ordering = ("rate_set", "currency", "year")
        constraints = (models.UniqueConstraint(fields=("rate_set", "year", "currency"), name="rate_once"),)

    def __str__(self) -> str:
        return f"{self.currency} {self.year}: {self.value}".strip()
