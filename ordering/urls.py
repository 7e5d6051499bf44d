from django.urls import path, register_converter

from ordering.converters import MonthConverter
from ordering.views import basket, bulk, exchange, line, lines, overview, preferences, suppliers, uploads

register_converter(MonthConverter, "month")

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("months/<month:month>/", overview.overview, name="month"),
    path("months/<month:month>/generate/", overview.generate, name="generate"),
    path("runs/<int:pk>/", overview.run_progress, name="run_progress"),
    path("runs/<int:pk>/cancel/", overview.cancel, name="run_cancel"),
    path("runs/<int:pk>/retry/", overview.retry, name="run_retry"),
    path("months/<month:month>/lines/", lines.order_lines, name="lines"),
    path("months/<month:month>/lines/totals/", lines.totals, name="lines_totals"),
    path("lines/<int:pk>/", line.line_detail, name="line"),
    path("lines/<int:pk>/edit/", lines.edit_line, name="edit_line"),
    path("months/<month:month>/lines/bulk/", bulk.bulk_edit, name="bulk"),
    path("bulk/<int:pk>/", bulk.bulk_progress, name="bulk_progress"),
    path("bulk/<int:pk>/undo/", bulk.undo, name="bulk_undo"),
    path("bulk/<int:pk>/left-out/", bulk.left_out, name="left_out"),
    path("months/<month:month>/export/", exchange.export, name="export"),
    path("months/<month:month>/reimport/", exchange.reimport, name="reimport"),
    path("months/<month:month>/reimport/<uuid:token>/", exchange.reimport_apply, name="reimport_apply"),
    path("months/<month:month>/reimport/<uuid:token>/refused/", exchange.reimport_refused, name="reimport_refused"),
    path("months/<month:month>/lines/columns/", preferences.choose_columns, name="columns"),
    path("months/<month:month>/lines/views/", preferences.save_view, name="save_view"),
    path("months/<month:month>/lines/views/delete/", preferences.delete_view, name="delete_view"),
    path("months/<month:month>/suppliers/<int:pk>/", basket.basket, name="basket"),
    path("months/<month:month>/suppliers/<int:pk>/fill/", basket.fill_up, name="basket_fill"),
    path("suppliers/", suppliers.supplier_list, name="suppliers"),
    path("suppliers/<int:pk>/", suppliers.supplier_detail, name="supplier"),
    path("data/", uploads.uploads, name="uploads"),
    path("data/<int:pk>/", uploads.upload_progress, name="upload_progress"),
    path("data/<int:pk>/cancel/", uploads.upload_cancel, name="upload_cancel"),
    path("data/<int:pk>/errors/", uploads.upload_errors, name="upload_errors"),
]
