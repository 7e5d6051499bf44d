from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest

from core.admin import FastModelAdmin, ReadOnlyModelAdmin
from core.errors import WorkbenchError
from ordering.models import (
    DataUpload,
    DemandStats,
    ForecastDetail,
    ForecastRun,
    GenerationRun,
    Inventory,
    LineChange,
    MonthlySales,
    OrderConfirmation,
    PendingOrder,
    PlanningPolicy,
    SeasonalPattern,
    Sku,
    StockoutPattern,
)
from ordering.services.edit_order_line import describe_conflict, edit_order_line
from suppliers.admin import BY_WAREHOUSE, RestrictedAdmin


class SkuSearchAdmin(RestrictedAdmin):
    """A list that is searched by the start of the SKU's code, answered by an index."""

    supplier_path, warehouse_path = "sku__supplier_id", "warehouse_id"

    search_fields = ("sku__sku_key",)
    search_help_text = "Start of the SKU"
    autocomplete_fields = ("sku", "warehouse")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(sku_id__in=Sku.objects.starting_with(search_term).order_by().values("pk")), False


@admin.register(Sku)
class SkuAdmin(RestrictedAdmin):
    supplier_path = "supplier_id"
    list_display = ("sku", "description", "supplier", "status", "abc", "xyz", "unit_cost", "moq", "order_multiple")
    list_filter = ("status", "abc", "xyz")
    search_fields = ("sku_key",)
    search_help_text = "Start of the SKU"
    autocomplete_fields = ("supplier",)
    ordering = ("sku_key",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.starting_with(search_term) if search_term.strip() else queryset), False


@admin.register(Inventory)
class InventoryAdmin(SkuSearchAdmin):
    list_display = ("sku", "warehouse", "on_hand")
    list_filter = (BY_WAREHOUSE,)


@admin.register(PendingOrder)
class PendingOrderAdmin(SkuSearchAdmin):
    list_display = ("reference", "sku", "warehouse", "quantity", "order_date", "expected_arrival", "status")
    list_filter = ("status", BY_WAREHOUSE)


@admin.register(ForecastRun)
class ForecastRunAdmin(FastModelAdmin):
    list_display = ("name", "forecast_date", "status")
    list_filter = ("status",)
    search_fields = ("name__istartswith",)


@admin.register(ForecastDetail)
class ForecastDetailAdmin(SkuSearchAdmin):
    list_display = ("sku", "warehouse", "run", "avg_monthly_qty", "confidence")
    list_filter = (BY_WAREHOUSE,)
    autocomplete_fields = ("sku", "warehouse", "run")


@admin.register(MonthlySales)
class MonthlySalesAdmin(SkuSearchAdmin):
    list_display = ("sku", "warehouse", "month", "units_sold", "stockout_days", "corrected_demand")
    list_filter = (BY_WAREHOUSE,)


@admin.register(DemandStats)
class DemandStatsAdmin(SkuSearchAdmin):
    list_display = ("sku", "warehouse", "cv")
    list_filter = (BY_WAREHOUSE,)


@admin.register(SeasonalPattern)
class SeasonalPatternAdmin(SkuSearchAdmin):
    list_display = ("sku", "warehouse", "strength", "confidence", "significant", "peak_months")
    list_filter = ("significant", BY_WAREHOUSE)


@admin.register(StockoutPattern)
class StockoutPatternAdmin(SkuSearchAdmin):
    warehouse_path = ""
    list_display = ("sku", "pattern_type", "months", "frequency", "confidence")
    list_filter = ("pattern_type", "confidence")
    autocomplete_fields = ("sku",)


@admin.register(PlanningPolicy)
class PlanningPolicyAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not PlanningPolicy.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(GenerationRun)
class GenerationRunAdmin(ReadOnlyModelAdmin):
    list_display = ("month", "as_of", "status", "progress_done", "progress_total", "problems", "who", "created_at")
    list_filter = ("status",)


@admin.register(DataUpload)
class DataUploadAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "files", "status", "row_count", "refused_count", "who", "created_at")
    list_filter = ("status",)


class MonthFilter(admin.SimpleListFilter):
    """The months that runs were made for: a short list, where a DISTINCT over the lines would be a scan."""

    title = "month"
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        months = GenerationRun.objects.order_by("-month").values_list("month", flat=True).distinct()[:36]
        return [(month.isoformat(), f"{month:%B %Y}") for month in months]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        months = dict(self.lookup_choices)
        return queryset.filter(month=self.value()) if self.value() in months else queryset


class OrderLineForm(forms.ModelForm):
    """Carries what the person saw in each field, so that a value somebody else set is never taken for a wish."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = True
            field.disabled = self.instance.locked

    def clean(self) -> dict[str, Any] | None:
        if self.instance.pk is None:
            raise forms.ValidationError("This line is not there any more. Reload the list.")
        for name in self.changed_data:
            seen = self[name].field.clean(self.data.get(self.add_initial_prefix(name)))
            if seen != self.initial.get(name):
                raise forms.ValidationError(describe_conflict(self.instance))
        return super().clean()


@admin.register(OrderConfirmation)
class OrderConfirmationAdmin(SkuSearchAdmin):
    supplier_path = "supplier_id"
    list_display = (
        "sku",
        "warehouse",
        "urgency",
        "suggested_qty",
        "confirmed_qty",
        "order_value",
        "stockout_risk_date",
        "locked",
        "drifted",
        "problem",
        "month",
        "supplier",
    )
    list_editable = ("confirmed_qty",)
    list_filter = (MonthFilter, "urgency", BY_WAREHOUSE)
    sortable_by = ("order_value",)
    editable = ("confirmed_qty", "notes", "lead_time_override_days", "arrival_override")
    form = OrderLineForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.locked)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields if field.name not in self.editable]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **kwargs | {"form": OrderLineForm})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        try:
            edit_order_line(
                line=obj, user=request.user, **{name: form.cleaned_data[name] for name in form.changed_data}
            )
        except WorkbenchError as error:
            messages.error(request, str(error))


@admin.register(LineChange)
class LineChangeAdmin(ReadOnlyModelAdmin, RestrictedAdmin):
    supplier_path, warehouse_path = "line__supplier_id", "line__warehouse_id"
    list_display = ("at", "who", "line", "field", "old", "new", "why")
    list_filter = ("field",)
