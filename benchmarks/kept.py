"""Print the confirmed quantity and the number of changes of these order lines, as JSON; run by workbench.py."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.db.models import Count

from ordering.models import OrderConfirmation


def main(ids: list[int]) -> None:
    lines = OrderConfirmation.objects.annotate(number=Count("changes")).in_bulk(ids)
    print(json.dumps({pk: {"quantity": line.confirmed_qty, "changes": line.number} for pk, line in lines.items()}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
