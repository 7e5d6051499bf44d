"""What every admin list of this site shares."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django_rq.models import Dashboard

from core.queue_dashboard import QueueDashboardAdmin


class CappedPaginator(Paginator):
    """Counts up to a limit and no further: the exact number of a million rows helps nobody and costs a full scan."""

    limit = 10_000

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: self.limit].count()


class FastModelAdmin(admin.ModelAdmin):
    """Lists that stay fast at a million rows: no full count, order by primary key or an index, and no joins.

    Related rows are fetched for the page alone: with a join MariaDB may sort all rows before it takes fifty.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-pk",)
    sortable_by = ()

    list_select_related = ()  # not False: that would join every relation of the list

    def get_queryset(self, request: Any) -> Any:
        related = [name for name in self.list_display if name in _relations(self.model)]
        return super().get_queryset(request).prefetch_related(*related)


class ReadOnlyModelAdmin(FastModelAdmin):
    """What only the program writes."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


def _relations(model: Any) -> set[str]:
    return {field.name for field in model._meta.fields if field.is_relation}


admin.site.site_header = "Purchasing workbench"
admin.site.site_title = "Purchasing workbench"

# django-rq registers its own, which any member of staff may use and which fails with the queue.
admin.site.unregister(Dashboard)
admin.site.register(Dashboard, QueueDashboardAdmin)
