import pytest

from core.errors import WorkbenchError
from suppliers.models import Supplier, SupplierName
from suppliers.names import name_key
from suppliers.services.merge_names import (
    link_names,
    link_to_new_supplier,
    list_unlinked,
    propose_merges,
    unlink_names,
)
from tests.builders import a_supplier
from tests.suppliers.test_find_duplicates import a_purchase

pytestmark = pytest.mark.django_db


def a_name(name, **fields):
    return SupplierName.objects.create(name=name, key=name_key(name), **fields)


def proposed():
    return [([name.name for name in proposal.names], proposal.supplier_id) for proposal in propose_merges()]


def test_names_with_one_key_are_proposed_largest_spend_first():
    for name, spend in (("Siemens plc", 5), ("Costain Ltd", 7), ("COSTAIN", 8), ("SIEMENS", 90), ("Alone", 1000)):
        a_purchase(name, spend=spend)

    proposals = propose_merges()

    assert [[name.name for name in proposal.names] for proposal in proposals] == [
        ["SIEMENS", "Siemens plc"],
        ["COSTAIN", "Costain Ltd"],
    ]
    assert (proposals[0].key, proposals[0].weight, proposals[0].supplier_id) == ("siemens", 95, None)
    assert (proposals[0].names[0].records, proposals[0].names[0].spend) == (1, {"GBP": 90})


def test_a_proposal_names_the_supplier_that_one_of_the_names_is():
    acme = a_supplier("V1", name="Whatever")
    a_name("Costain", supplier=acme), a_name("Costain Ltd")

    assert proposed() == [(["Costain", "Costain Ltd"], acme.pk)]


def test_a_proposal_names_the_supplier_that_is_called_so():
    costain = a_supplier("V1", name="Costain Ltd")
    a_name("Costain")

    assert proposed() == [(["Costain"], costain.pk)]


def test_where_two_suppliers_are_meant_people_choose():
    a_name("Costain", supplier=a_supplier("V1", name="x")), a_name("Costain Ltd"), a_supplier("V2", name="Costain plc")

    assert proposed() == [(["Costain", "Costain Ltd"], None)]


def test_names_that_people_decided_on_are_not_proposed_again():
    one, other = a_supplier("V1"), a_supplier("V2")
    a_name("Costain", supplier=one), a_name("Costain Ltd", supplier=one)
    a_name("Siemens", supplier=one), a_name("Siemens plc", supplier=other)

    assert proposed() == []


def test_an_accent_is_no_spelling_of_its_own():
    a_name("Société"), a_name("Societe")

    assert proposed() == []


def test_names_are_linked_and_the_link_undone():
    names, supplier = [a_name("Costain").pk, a_name("Costain Ltd").pk], a_supplier()

    assert link_names(name_ids=names, supplier=supplier) == 2
    assert link_names(name_ids=names, supplier=supplier) == 0
    assert set(SupplierName.objects.values_list("supplier", flat=True)) == {supplier.pk}
    assert unlink_names(name_ids=names) == 2
    assert unlink_names(name_ids=names) == 0
    assert set(SupplierName.objects.values_list("supplier", flat=True)) == {None}


def test_a_name_of_another_supplier_stays_there():
    free, taken = a_name("Costain"), a_name("Costain Ltd", supplier=a_supplier("V1"))

    with pytest.raises(WorkbenchError, match=r"'Costain Ltd' is another supplier's name\. Undo that first"):
        link_names(name_ids=[free.pk, taken.pk], supplier=a_supplier("V2"))
    free.refresh_from_db()
    assert free.supplier is None


@pytest.mark.parametrize("name_ids", [[], [999]])
def test_a_name_that_is_gone_is_said_so(name_ids):
    for act in (lambda: link_names(name_ids=name_ids, supplier=a_supplier()), lambda: unlink_names(name_ids=name_ids)):
        with pytest.raises(WorkbenchError, match="A supplier name is gone"):
            act()


def test_names_become_a_new_supplier_called_as_the_first_of_them():
    names = [a_name("Costain Ltd").pk, a_name("COSTAIN").pk]

    supplier = link_to_new_supplier(name_ids=names[::-1], code="V7")

    assert (supplier.code, supplier.name) == ("V7", "Costain Ltd")
    assert supplier.names.count() == 2


@pytest.mark.parametrize("code", ["v1", "", "x" * 33])
def test_a_new_supplier_needs_a_code_of_its_own(code):
    a_supplier("V1")

    with pytest.raises(WorkbenchError, match="cannot be made"):
        link_to_new_supplier(name_ids=[a_name("Costain").pk], code=code, name="Costain")
    assert Supplier.objects.count() == 1


def test_names_without_a_supplier_are_listed_by_spend():
    a_purchase("Small", spend=1), a_purchase("Large", spend=7), a_purchase("Large", spend=2, currency="EUR")
    a_name("Never bought from")
    SupplierName.objects.filter(pk=a_purchase("Linked", spend=99).supplier_name_id).update(supplier=a_supplier())

    names = list_unlinked()

    assert [(name.name, name.records, name.spend) for name in names] == [
        ("Large", 2, {"GBP": 7, "EUR": 2}),
        ("Small", 1, {"GBP": 1}),
        ("Never bought from", 0, {}),
    ]
    assert len(list_unlinked(limit=1)) == 1


def test_proposing_takes_three_statements(django_assert_num_queries):
    a_purchase("Costain"), a_purchase("Costain Ltd")

    with django_assert_num_queries(3):
        propose_merges()
