"""Print one digest of a run's results and totals; run by emissions.py on its database."""

import hashlib
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from suppliers.models import EmissionResult, EmissionRun

LEFT_OUT = {"id", "run_id"}


def main(pk: int) -> None:
    columns = [field.attname for field in EmissionResult._meta.concrete_fields if field.attname not in LEFT_OUT]
    digest = hashlib.sha256()
    for row in EmissionResult.objects.filter(run=pk).order_by("record_id").values_list(*columns).iterator():
        digest.update(repr(row).encode())
    run = EmissionRun.objects.get(pk=pk)
    digest.update(repr((run.emissions_kgco2e, run.p5_kgco2e, run.p95_kgco2e, run.totals["by_tier"])).encode())
    print(digest.hexdigest())


if __name__ == "__main__":
    main(int(sys.argv[1]))
