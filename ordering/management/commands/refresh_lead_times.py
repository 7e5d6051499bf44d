import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core.console import console, parse_date
from core.errors import explain_database_error
from ordering.models import PlanningPolicy
from suppliers.services.refresh_lead_times import refresh_lead_times


class Command(BaseCommand):
    help = "Measure lead times from the shipments received up to a date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=parse_date, default=dt.date.today(), help="default: today")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = options["as_of"]
        try:
            policy = PlanningPolicy.current()
            count = refresh_lead_times(
                as_of=as_of,
                window_months=policy.lead_time_window_months,
                min_shipments=policy.lead_time_min_shipments,
            )
        except DatabaseError as error:
            raise CommandError(explain_database_error(error)) from error
        console.print(
            f"Lead times by supplier and warehouse, measured from shipments up to {as_of}: {count:,}", soft_wrap=True
        )
