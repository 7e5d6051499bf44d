"""Background jobs: each takes ids, calls one service, and leaves what happened in the run's row."""

from ordering.services.edit_order_lines import apply_bulk_edit_in_background
from ordering.services.generate_recommendations import continue_generation
from ordering.services.refresh_sku_emissions import refresh_sku_emissions
from ordering.services.refresh_totals import refresh_totals
from ordering.services.upload_data import continue_upload


def generate_recommendations_job(run_id: int) -> None:
    run = continue_generation(run_id=run_id)
    if run:
        refresh_totals(month=run.month)
        refresh_sku_emissions()


def apply_bulk_edit_job(bulk_id: int) -> None:
    apply_bulk_edit_in_background(bulk_id=bulk_id)


def import_upload_job(upload_id: int) -> None:
    continue_upload(upload_id=upload_id)
