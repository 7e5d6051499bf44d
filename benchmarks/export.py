"""Write the lines of the highest value to XLSX and print seconds and rows; run by workbench.py on its database."""

import datetime as dt
import json
import os
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from ordering.filters import OrderLineFilter
from ordering.models import OrderConfirmation
from ordering.services.export_orders import export_lines


def main(count: int, output: Path) -> None:
    month = dt.date(2026, 12, 1)
    lines = OrderConfirmation.objects.for_month(month)
    values = lines.order_by("-order_value").values_list("order_value", flat=True)
    smallest = values[min(count, values.count()) - 1]
    started = time.perf_counter()
    chosen = OrderLineFilter.of_query(f"value_min={smallest}", lines).qs
    rows = export_lines(lines=chosen, month=month, output=output)
    print(json.dumps({"lines": rows, "seconds": round(time.perf_counter() - started, 2)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
