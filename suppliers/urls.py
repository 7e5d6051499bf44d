from django.urls import path

from suppliers.views import categories, names, purchases, reports, results, runs

urlpatterns = [
    path("", runs.run_list, name="emission_runs"),
    path("calculate/", runs.calculate, name="emission_calculate"),
    path("runs/<int:pk>/", reports.run_detail, name="emission_run"),
    path("runs/<int:pk>/progress/", runs.run_progress, name="emission_progress"),
    path("runs/<int:pk>/cancel/", runs.cancel, name="emission_cancel"),
    path("runs/<int:pk>/retry/", runs.retry, name="emission_retry"),
    path("runs/<int:pk>/report/", reports.report, name="emission_report"),
    path("runs/<int:pk>/results/", results.result_list, name="emission_results"),
    path("runs/<int:pk>/results.csv", results.export_csv, name="emission_results_csv"),
    path("runs/<int:pk>/results.xlsx", results.export_xlsx, name="emission_results_xlsx"),
    path("runs/<int:pk>/errors.csv", results.export_errors, name="emission_errors"),
    path("results/<int:pk>/", results.result_detail, name="emission_result"),
    path("compare/", reports.compare, name="emission_compare"),
    path("purchases/", purchases.purchases, name="emission_purchases"),
    path("purchases/uploads/<uuid:token>/", purchases.upload, name="emission_upload"),
    path("purchases/uploads/<uuid:token>/progress/", purchases.upload_progress, name="emission_upload_progress"),
    path("purchases/uploads/<uuid:token>/cancel/", purchases.upload_cancel, name="emission_upload_cancel"),
    path("purchases/uploads/<uuid:token>/retry/", purchases.upload_retry, name="emission_upload_retry"),
    path("purchases/uploads/<uuid:token>/refused/", purchases.upload_refused, name="emission_upload_refused"),
    path("categories/", categories.category_list, name="emission_categories"),
    path("categories/<int:pk>/", categories.edit_category, name="emission_category"),
    path("suppliers/", names.name_list, name="emission_suppliers"),
    path("suppliers/link/", names.link, name="emission_link"),
    path("suppliers/unlink/", names.unlink, name="emission_unlink"),
]
