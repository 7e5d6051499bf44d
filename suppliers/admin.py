from django.contrib import admin

from core.admin import FastModelAdmin
from suppliers.models import Shipment, Supplier, SupplierLeadTime, Warehouse


@admin.register(Warehouse)
class WarehouseAdmin(FastModelAdmin):
    list_display = ("code", "name", "active")
    list_filter = ("active",)
    search_fields = ("code__istartswith", "name__istartswith")


@admin.register(Supplier)
class SupplierAdmin(FastModelAdmin):
    list_display = ("code", "name", "country", "currency", "default_lead_time_days", "min_order_value")
    list_filter = ("currency",)
    search_fields = ("code__istartswith", "name__istartswith")


@admin.register(Shipment)
class ShipmentAdmin(FastModelAdmin):
    list_display = ("po_number", "supplier", "warehouse", "order_date", "received_date")
    list_filter = ("warehouse",)
    search_fields = ("po_number__istartswith",)
    search_help_text = "Start of the purchase order number"
    autocomplete_fields = ("supplier", "warehouse")


@admin.register(SupplierLeadTime)
class SupplierLeadTimeAdmin(FastModelAdmin):
    list_display = ("supplier", "warehouse", "mean_days", "std_days", "p95_days", "reliability", "shipment_count")
    list_filter = ("warehouse",)
    search_fields = ("supplier__code__istartswith",)
    autocomplete_fields = ("supplier", "warehouse")
