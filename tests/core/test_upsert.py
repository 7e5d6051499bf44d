import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from django.db import DatabaseError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from core.batch import batch_connection
from core.upsert import staging_is_offered, upsert, write_by_bulk_create, write_by_loading, write_by_staging
from ordering.models import Inventory, OrderConfirmation, Sku
from tests.builders import MONTH, a_sku, a_warehouse

KEY = ("month", "sku_id", "warehouse_id")
NASTY = [
    "plain",
    "",
    "NULL",
    "\\N",
    'say "hello", twice ""',
    "tab\there",
    "back\\slash\\",
    "line\nbreak\r\nand another",
    "Ærøskøbing 数量 🚚",
    '",\n"',
    "'quoted'",
    "%s %(name)s",
    'ends with quote"',
    " blanks ",
]


def order_lines(texts, sku_ids, warehouse_id):
    size = len(texts)
    numbers = pl.Series([(index - 3) / 7 * 10**index if index % 4 else None for index in range(size)], dtype=pl.Float64)
    return pl.DataFrame(
        {
            "month": [MONTH] * size,
            "sku_id": sku_ids,
            "warehouse_id": [warehouse_id] * size,
            "problem": texts,
            "urgency": pl.Series(["must_order" if index % 2 else None for index in range(size)], dtype=pl.String),
            "suggested_qty": [index * 7 for index in range(size)],
            "unit_cost": [round(0.0001 * 3**index, 4) for index in range(size)],
            "need": numbers,
            "cv": [5e-324, 1.7976931348623157e308, 0.1, 1 / 3, -0.0, 1e-7, 123456789.12345678][:7] * (size // 7)
            + [0.5] * (size % 7),
            "stale": [index % 3 == 0 for index in range(size)],
            "expected_arrival": pl.Series(
                [dt.date(2026, 1, 1) + dt.timedelta(index) if index % 3 else None for index in range(size)],
                dtype=pl.Date,
            ),
        }
    ).with_columns(pending_breakdown="[" + pl.struct(reference="problem", weight=0.8).struct.json_encode() + "]")


def write(writer, rows):
    updated = [name for name in rows.columns if name not in KEY]
    if writer is write_by_bulk_create:
        writer(OrderConfirmation, rows, unique_fields=KEY, update_fields=updated)
    else:
        writer(OrderConfirmation, rows, update_fields=updated)


def stored_rows():
    """Every column as the database itself holds it, the key that it gives out aside."""
    table = connection.ops.quote_name(OrderConfirmation._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY sku_id")
        names = [column[0] for column in cursor.description]
        return [{k: v for k, v in zip(names, row, strict=True) if k != "id"} for row in cursor.fetchall()]


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_both_writers_leave_identical_rows():
    sku_ids = [a_sku(f"A-{index}").pk for index in range(len(NASTY))]
    warehouse_id = a_warehouse().pk
    rows = order_lines(NASTY, sku_ids, warehouse_id)
    changed = order_lines(list(reversed(NASTY)), sku_ids, warehouse_id)
    left = {}
    with batch_connection():
        for writer in (write_by_bulk_create, write_by_staging):
            OrderConfirmation.objects.all().delete()
            write(writer, rows)
            inserted = stored_rows()
            write(writer, changed)
            left[writer] = (inserted, stored_rows())
    for portable, staged in zip(left[write_by_bulk_create], left[write_by_staging], strict=True):
        for one, other in zip(portable, staged, strict=True):
            assert one == other
    assert [line.problem for line in OrderConfirmation.objects.order_by("sku_id")] == list(reversed(NASTY))


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_new_rows_are_loaded_as_the_other_writers_leave_them():
    sku_ids = [a_sku(f"A-{index}").pk for index in range(len(NASTY))]
    rows = order_lines(NASTY, sku_ids, a_warehouse().pk)
    with batch_connection():
        write(write_by_bulk_create, rows)
        created = stored_rows()
        OrderConfirmation.objects.all().delete()
        assert write_by_loading(OrderConfirmation, rows)
    assert stored_rows() == created


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_rows_that_were_thought_to_be_new_are_loaded_all_or_none():
    """As after a commit that nobody heard of, or an import that died."""
    sku_ids = [a_sku(f"A-{index}").pk for index in range(len(NASTY))]
    rows = order_lines(NASTY, sku_ids, a_warehouse().pk)
    updated = [name for name in rows.columns if name not in KEY]
    with batch_connection():
        write(write_by_staging, rows[3:5])
        assert not write_by_loading(OrderConfirmation, rows)
        assert OrderConfirmation.objects.count() == 2
        upsert(OrderConfirmation, rows, unique_fields=KEY, update_fields=updated, likely_new=True)
        upserted = stored_rows()
        OrderConfirmation.objects.all().delete()
        write(write_by_bulk_create, rows)
    assert upserted == stored_rows()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_a_value_that_the_column_cannot_hold_is_refused_for_new_rows_too(value):
    rows = pl.DataFrame({"sku_id": [a_sku().pk], "warehouse_id": [a_warehouse().pk], "on_hand": [value]})
    with batch_connection(), pytest.raises(DatabaseError, match="would have changed a value"):
        upsert(Inventory, rows, unique_fields=("sku_id",), update_fields=["on_hand"], likely_new=True)
    assert not Inventory.objects.exists()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=5))
def test_any_text_survives_the_staging_writer(texts):
    sku_ids = [Sku.objects.get_or_create(sku=f"A-{index}")[0].pk for index in range(len(texts))]
    rows = order_lines(texts, sku_ids, a_warehouse().pk)
    OrderConfirmation.objects.all().delete()
    with batch_connection():
        write(write_by_staging, rows)
    assert [line.problem for line in OrderConfirmation.objects.order_by("sku_id")] == texts


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_the_staging_writer_refuses_a_value_that_the_column_cannot_hold(value):
    rows = pl.DataFrame({"sku_id": [a_sku().pk], "warehouse_id": [a_warehouse().pk], "on_hand": [value]})
    with batch_connection(), pytest.raises(DatabaseError, match="would have changed a value"):
        write_by_staging(Inventory, rows, update_fields=["on_hand"])
    assert not Inventory.objects.exists()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_web_connections_never_allow_local_files_and_batch_connections_do():
    assert not staging_is_offered()
    with batch_connection():
        assert staging_is_offered()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert not staging_is_offered()
    with connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute("LOAD DATA LOCAL INFILE '/dev/null' INTO TABLE ordering_inventory")


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_a_server_that_refuses_local_files_gets_bulk_create():
    rows = pl.DataFrame({"sku_id": [a_sku().pk], "warehouse_id": [a_warehouse().pk], "on_hand": [5]})
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL local_infile = 0")
    try:
        with batch_connection():
            upsert(Inventory, rows, unique_fields=["sku_id", "warehouse_id"], update_fields=["on_hand"])
            assert not staging_is_offered()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL local_infile = 1")
    assert Inventory.objects.get().on_hand == 5


@pytest.mark.django_db
def test_an_upsert_writes_the_named_columns_and_no_others():
    sku, warehouse = a_sku(), a_warehouse()
    OrderConfirmation.objects.create(
        month=MONTH, sku=sku, warehouse=warehouse, confirmed_qty=7, notes="mine", on_hand=1
    )
    rows = pl.DataFrame({"month": [MONTH], "sku_id": [sku.pk], "warehouse_id": [warehouse.pk], "on_hand": [2]})
    upsert(OrderConfirmation, rows, unique_fields=KEY, update_fields=["on_hand"])
    line = OrderConfirmation.objects.get()
    assert (line.on_hand, line.confirmed_qty, line.notes) == (2, 7, "mine")


@pytest.mark.django_db
def test_an_upsert_of_nothing_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        upsert(Inventory, pl.DataFrame(), unique_fields=["sku_id"], update_fields=["on_hand"])


@pytest.mark.django_db
def test_generated_columns_follow_an_upsert():
    sku, warehouse = a_sku(), a_warehouse()
    rows = pl.DataFrame(
        {
            "month": [MONTH],
            "sku_id": [sku.pk],
            "warehouse_id": [warehouse.pk],
            "suggested_qty": [4],
            "unit_cost": [2.5],
            "pending_breakdown": ["[]"],
        }
    )
    upsert(OrderConfirmation, rows, unique_fields=KEY, update_fields=["suggested_qty", "unit_cost"])
    line = OrderConfirmation.objects.get()
    assert (line.order_qty, line.order_value, line.drifted) == (4, Decimal("10"), False)


@pytest.mark.django_db
def test_one_statement_writes_thousands_of_rows_on_every_database(django_assert_num_queries):
    warehouse = a_warehouse()
    Sku.objects.bulk_create([Sku(sku=f"A-{number}") for number in range(3_000)])
    ids = list(Sku.objects.values_list("pk", flat=True))
    rows = pl.DataFrame({"sku_id": ids, "warehouse_id": [warehouse.pk] * 3_000, "on_hand": range(3_000)})
    with django_assert_num_queries(1):
        upsert(Inventory, rows, unique_fields=["sku_id", "warehouse_id"], update_fields=["on_hand"])
