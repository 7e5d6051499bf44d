"""Runs of the main job that no command offers: `python -m benchmarks.variants bulk_create|staging|n_plus_one`."""

import json
import os
import sys
import time

import django

from benchmarks.databases import connect_raw

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
PAIRS_OF_N_PLUS_ONE = 200
QUERIES_A_PAIR = (
    "SELECT * FROM ordering_sku WHERE id = %(sku)s",
    "SELECT * FROM suppliers_supplier WHERE id = (SELECT supplier_id FROM ordering_sku WHERE id = %(sku)s)",
    "SELECT * FROM suppliers_supplierleadtime WHERE supplier_id = "
    "(SELECT supplier_id FROM ordering_sku WHERE id = %(sku)s)",
    "SELECT on_hand FROM ordering_inventory WHERE sku_id = %(sku)s AND warehouse_id = %(warehouse)s",
    "SELECT * FROM ordering_pendingorder WHERE sku_id = %(sku)s AND warehouse_id = %(warehouse)s",
    "SELECT * FROM ordering_forecastdetail WHERE sku_id = %(sku)s AND warehouse_id = %(warehouse)s "
    "ORDER BY run_id DESC LIMIT 1",
    "SELECT * FROM ordering_monthlysales WHERE sku_id = %(sku)s AND warehouse_id = %(warehouse)s "
    "ORDER BY month DESC LIMIT 1",
    "SELECT cv FROM ordering_demandstats WHERE sku_id = %(sku)s AND warehouse_id = %(warehouse)s",
    "SELECT * FROM ordering_seasonalpattern WHERE sku_id = %(sku)s AND warehouse_id = %(warehouse)s",
    "SELECT * FROM ordering_stockoutpattern WHERE sku_id = %(sku)s",
)


def run_with(writer: str) -> None:
    django.setup()
    from django.core.management import call_command

    from core import upsert

    if writer == "bulk_create":
        upsert.staging_is_offered = lambda: False
    call_command("generate_recommendations", "--month", "2026-12", "--as-of", "2026-11-20", "--json")


def n_plus_one() -> None:
    """Ten queries a pair, a connection a query, as the job was written that gave birth to this program."""
    url = os.environ["DATABASE_URL"]
    cursor = connect_raw(url).cursor()
    cursor.execute(
        "SELECT s.id, w.id FROM ordering_sku s, suppliers_warehouse w ORDER BY 1, 2 LIMIT %s", [PAIRS_OF_N_PLUS_ONE]
    )
    pairs = cursor.fetchall()
    started = time.perf_counter()
    for sku, warehouse in pairs:
        for query in QUERIES_A_PAIR:
            connection = connect_raw(url)
            reader = connection.cursor()
            reader.execute(query, {"sku": sku, "warehouse": warehouse})
            reader.fetchall()
            connection.close()
    seconds = time.perf_counter() - started
    print(json.dumps({"pairs": len(pairs), "seconds": seconds, "rows_per_second": len(pairs) / seconds}))


if __name__ == "__main__":
    n_plus_one() if sys.argv[1] == "n_plus_one" else run_with(sys.argv[1])
