"""Which supplier the names in purchase files are: the program proposes, people decide."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core.errors import WorkbenchError
from suppliers.models import Supplier, SupplierName
from suppliers.services.merge_names import (
    link_names,
    link_to_new_supplier,
    list_unlinked,
    propose_merges,
    unlink_names,
)
from suppliers.views.guard import LOOK, MERGE, emission_page

PROPOSALS_SHOWN = 50
NAMES_SHOWN = 50
LINKED_SHOWN = 100


@require_GET
@emission_page(LOOK)
def name_list(request: HttpRequest) -> HttpResponse:
    proposals = propose_merges(limit=PROPOSALS_SHOWN)
    owners = Supplier.objects.in_bulk([proposal.supplier_id for proposal in proposals if proposal.supplier_id])
    context = {
        "proposals": [(proposal, owners.get(proposal.supplier_id or 0)) for proposal in proposals],
        "unlinked": list_unlinked(limit=NAMES_SHOWN),
        "linked": SupplierName.objects.exclude(supplier=None)
        .select_related("supplier")
        .order_by("supplier__code")[:LINKED_SHOWN],
        "suppliers": Supplier.objects.values_list("code", "name"),
    }
    return render(request, "emissions/names.html", context)


@require_POST
@emission_page(MERGE)
def link(request: HttpRequest) -> HttpResponse:
    """To the supplier that has the code, or to a new one."""
    ids, code = _ids(request), request.POST.get("code", "").strip()
    who = request.user.get_username()
    try:
        supplier = Supplier.objects.filter(code_key=code.lower()).first()
        if supplier:
            link_names(name_ids=ids, supplier=supplier, who=who)
        elif "new" in request.POST:
            supplier = link_to_new_supplier(name_ids=ids, code=code, name=request.POST.get("name", ""), who=who)
        else:
            raise WorkbenchError(f"There is no supplier {code!r}. Tick “new supplier” to make one.")
        messages.success(request, f"{len(ids)} name{'' if len(ids) == 1 else 's'} linked to {supplier}.")
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("emission_suppliers")


@require_POST
@emission_page(MERGE)
def unlink(request: HttpRequest) -> HttpResponse:
    try:
        unlink_names(name_ids=_ids(request), who=request.user.get_username())
        messages.success(request, "The name is no supplier's again.")
    except WorkbenchError as error:
        messages.error(request, str(error))
    return redirect("emission_suppliers")


def _ids(request: HttpRequest) -> list[int]:
    return [int(pk) for pk in request.POST.getlist("name_id") if pk.isdecimal() and len(pk) < 16]
