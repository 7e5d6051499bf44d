import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from ordering.models import Sku
from suppliers.models import Supplier, Warehouse
from tests.builders import a_sku

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("first", "second"), [("abc-1", "ABC-1"), ("É-1", "é-1"), ("Straße", "STRAßE"), ("X", " x ")])
def test_codes_are_unique_without_regard_to_case_and_blanks(first, second):
    Sku.objects.create(sku=first)
    with pytest.raises(IntegrityError), transaction.atomic():
        Sku.objects.create(sku=second)
    with pytest.raises(IntegrityError), transaction.atomic():
        Sku.objects.bulk_create([Sku(sku=second)])


@pytest.mark.parametrize(("first", "second"), [("CAFE", "CAFÉ"), ("A-1", "A_1"), ("A 1", "A  1")])
def test_codes_that_differ_in_more_than_case_are_different(first, second):
    for code in (first, second):
        Sku.objects.create(sku=code)
    assert Sku.objects.count() == 2


@pytest.mark.parametrize("model", [Warehouse, Supplier])
def test_codes_are_stored_without_blanks_around_them(model):
    row = model.objects.create(code="  ABC  ")
    assert row.code == "ABC"
    row.refresh_from_db()
    assert (row.code, row.code_key) == ("ABC", "abc")


@pytest.mark.parametrize("code", ["", " padded", "padded "])
def test_the_database_itself_refuses_an_empty_or_padded_code(code):
    table = connection.ops.quote_name(Warehouse._meta.db_table)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} (code, name, active) VALUES (%s, '', 1)", [code])


def test_a_form_says_that_a_code_is_taken():
    a_sku("A-1")
    with pytest.raises(ValidationError, match="There is one with this code already"):
        Sku(sku="a-1").full_clean()


def test_a_search_by_the_start_of_a_code_ignores_case():
    for code in ("ABC-1", "abd-1", "É-1"):
        a_sku(code)
    assert [sku.sku for sku in Sku.objects.starting_with("aB")] == ["ABC-1", "abd-1"]
    assert [sku.sku for sku in Sku.objects.starting_with("é")] == ["É-1"]
