"""Background jobs: each takes ids, calls one service, and leaves what happened in the run's row."""

from suppliers.services.calculate_emissions import continue_calculation
from suppliers.services.keep_comparison import compare_with_previous
from suppliers.services.upload_purchases import continue_purchase_upload


def calculate_emissions_job(run_id: int) -> None:
    if continue_calculation(run_id=run_id):
        compare_with_previous(run_id=run_id)


def import_purchases_job(upload_id: int) -> None:
    continue_purchase_upload(upload_id=upload_id)
