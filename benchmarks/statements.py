"""Print how many SQL statements each page takes, as JSON; run by workbench.py on its database."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

PAGES = {
    "overview": "/months/2026-12/",
    "list of 25": "/months/2026-12/lines/?rows=25",
    "list of 200": "/months/2026-12/lines/?rows=200",
    "search": "/months/2026-12/lines/?q=pan",
    "totals": "/months/2026-12/lines/totals/",
    "last page": "/months/2026-12/lines/?page=-1",
}


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    client = Client()
    client.force_login(User.objects.filter(groups__name="manager").earliest("pk"))
    counts = {}
    for name, path in PAGES.items():
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts[name] = len(queries)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
