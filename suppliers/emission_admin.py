"""Lists of what was published: looked at here, loaded by commands, changed by nobody."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin import ReadOnlyModelAdmin
from suppliers.access import restrict
from suppliers.models import Factor, FactorSet, ProductFootprint, Rate, RateSet


@admin.register(FactorSet)
class FactorSetAdmin(ReadOnlyModelAdmin):
    list_display = (
        "publisher",
        "version",
        "base_year",
        "currency",
        "price_basis",
        "gwp_basis",
        "file_name",
        "loaded_at",
    )


@admin.register(Factor)
class FactorAdmin(ReadOnlyModelAdmin):
    list_display = ("factor_set", "code", "title", "region", "unit", "value", "without_margins", "margins", "sector")
    list_filter = ("factor_set",)
    search_fields = ("code__startswith",)
    search_help_text = "Start of the code"


@admin.register(RateSet)
class RateSetAdmin(ReadOnlyModelAdmin):
    list_display = ("kind", "publisher", "version", "series", "file_name", "loaded_at")


@admin.register(Rate)
class RateAdmin(ReadOnlyModelAdmin):
    list_display = ("rate_set", "year", "currency", "value")
    list_filter = ("rate_set",)


@admin.register(ProductFootprint)
class ProductFootprintAdmin(ReadOnlyModelAdmin):
    list_display = (
        "supplier_name",
        "product_name",
        "product_code",
        "pcf",
        "declared_unit",
        "valid_from",
        "valid_until",
        "status",
        "source",
        "version",
    )
    list_filter = ("source", "status")
    search_fields = ("external_id__startswith", "product_code__startswith", "product_name__istartswith")
    search_help_text = "Start of the product's name or code, or of the publisher's id"

    def get_queryset(self, request: HttpRequest) -> Any:
        return restrict(super().get_queryset(request), request.user, supplier="supplier_name__supplier_id")
