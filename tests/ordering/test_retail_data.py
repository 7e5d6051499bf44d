"""The whole path on a distributor's real books, from files to order lines, as a person runs it."""

import json

import pytest

from tests.scratch import Scratch, scratch_database

pytestmark = pytest.mark.django_db(transaction=True)

# Every column of every line by its natural key, ids and the clock left out.
LINES = """
import json
from ordering.models import OrderConfirmation
left_out = {"id", "run_id", "sku_id", "warehouse_id", "supplier_id"}
columns = [f.attname for f in OrderConfirmation._meta.concrete_fields if f.attname not in left_out]
keys = ("sku__sku", "warehouse__code", "supplier__code")
lines = OrderConfirmation.objects.order_by("sku__sku_key", "warehouse__code_key").values_list(*keys, *columns)
print(json.dumps([[str(value) for value in line] for line in lines]))
"""


def lines_of(scratch, retail_data):
    """Import, generate, and every line of the month as text."""
    refused = scratch.call("import_data", str(retail_data), code=3)
    assert "Refused rows: 4." in refused
    summary = scratch.json("generate_recommendations", "--month", "2011-12", "--as-of", "2011-12-01")
    lines = json.loads(scratch.python(LINES))
    assert summary["lines"] == len(lines)
    assert summary["problems"] == 0
    return lines


def test_the_real_books_become_lines_of_every_urgency(tmp_path, retail_data):
    with scratch_database(tmp_path) as scratch:
        lines = lines_of(scratch, retail_data)
    text = json.dumps(lines)
    assert len(lines) == 6_050
    for word in (
        "must_order",
        "should_order",
        "optional",
        "skip",
        "measured",
        "other_warehouse",
        "blended",
        "forecast",
    ):
        assert f'"{word}"' in text
    assert "unfinished" not in text


@pytest.mark.mariadb
def test_both_databases_compute_the_same_numbers_from_the_real_books(tmp_path, retail_data):
    sqlite = Scratch(f"sqlite:///{tmp_path / 'retail'}.sqlite3")
    sqlite.call("migrate", "--verbosity", "0")
    with scratch_database(tmp_path) as mariadb:
        assert mariadb.url.startswith("mysql")
        assert lines_of(mariadb, retail_data) == lines_of(sqlite, retail_data)
