import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.console import console, parse_date
from ordering.models import PlanningPolicy
from suppliers.services.refresh_lead_times import refresh_lead_times


class Command(BaseCommand):
    help = "Measure lead times from the shipments received up to a date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=parse_date, default=dt.date.today(), help="default: today")

    def handle(self, *args: Any, **options: Any) -> None:
        policy = PlanningPolicy.current()
        count = refresh_lead_times(
            as_of=options["as_of"],
            window_months=policy.lead_time_window_months,
            min_shipments=policy.lead_time_min_shipments,
        )
        console.print(f"Lead times measured for {count} suppliers at a warehouse.")
