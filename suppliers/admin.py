from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest

import suppliers.emission_admin  # noqa: F401 - registers its lists
from core.admin import FastModelAdmin
from suppliers.access import restrict
from suppliers.models import Restriction, Shipment, Supplier, SupplierLeadTime, Warehouse


class RestrictedAdmin(FastModelAdmin):
    """Lists of what belongs to a supplier or a warehouse; the paths name where their keys are."""

    supplier_path = ""
    warehouse_path = ""

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return restrict(rows, request.user, supplier=self.supplier_path, warehouse=self.warehouse_path)


class VisibleWarehouseFilter(admin.RelatedFieldListFilter):
    """Offers the warehouses that the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[int, str]]:
        return [(warehouse.pk, str(warehouse)) for warehouse in Warehouse.objects.visible_to(request.user)]


BY_WAREHOUSE = ("warehouse", VisibleWarehouseFilter)


class RestrictionInline(admin.TabularInline):
    model = Restriction
    autocomplete_fields = ("supplier", "warehouse")
    extra = 0


admin.site.unregister(User)


@admin.register(User)
class UserWithRestrictionsAdmin(UserAdmin):
    inlines = (RestrictionInline,)


@admin.register(Warehouse)
class WarehouseAdmin(RestrictedAdmin):
    warehouse_path = "pk"
    list_display = ("code", "name", "active")
    list_filter = ("active",)
    search_fields = ("code__istartswith", "name__istartswith")


@admin.register(Supplier)
class SupplierAdmin(RestrictedAdmin):
    supplier_path = "pk"
    list_display = ("code", "name", "country", "currency", "default_lead_time_days", "min_order_value")
    list_filter = ("currency",)
    search_fields = ("code__istartswith", "name__istartswith")


@admin.register(Shipment)
class ShipmentAdmin(RestrictedAdmin):
    supplier_path, warehouse_path = "supplier_id", "warehouse_id"
    list_display = ("po_number", "supplier", "warehouse", "order_date", "received_date")
    list_filter = (BY_WAREHOUSE,)
    search_fields = ("po_number__istartswith",)
    search_help_text = "Start of the purchase order number"
    autocomplete_fields = ("supplier", "warehouse")


@admin.register(SupplierLeadTime)
class SupplierLeadTimeAdmin(RestrictedAdmin):
    supplier_path, warehouse_path = "supplier_id", "warehouse_id"
    list_display = ("supplier", "warehouse", "mean_days", "std_days", "p95_days", "reliability", "shipment_count")
    list_filter = (BY_WAREHOUSE,)
    search_fields = ("supplier__code__istartswith",)
    autocomplete_fields = ("supplier", "warehouse")
