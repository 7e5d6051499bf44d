"""Background jobs: each takes ids, calls one service, and leaves what happened in the run's row."""

from ordering.services.generate_recommendations import continue_generation


def generate_recommendations_job(run_id: int) -> None:
    continue_generation(run_id=run_id)
