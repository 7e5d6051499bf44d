from django.urls import path, register_converter

from ordering.converters import MonthConverter
from ordering.views import line, lines, overview

register_converter(MonthConverter, "month")

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("months/<month:month>/", overview.overview, name="month"),
    path("months/<month:month>/generate/", overview.generate, name="generate"),
    path("runs/<int:pk>/", overview.run_progress, name="run_progress"),
    path("runs/<int:pk>/cancel/", overview.cancel, name="run_cancel"),
    path("months/<month:month>/lines/", lines.order_lines, name="lines"),
    path("months/<month:month>/lines/totals/", lines.totals, name="lines_totals"),
    path("lines/<int:pk>/", line.line_detail, name="line"),
    path("lines/<int:pk>/quantity/", lines.edit_line, name="edit_line"),
]
