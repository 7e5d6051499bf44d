"""Which sector or factor a category of purchases is."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from core.errors import WorkbenchError
from suppliers.forms import CategoryForm
from suppliers.models import Category, Factor, FactorSet
from suppliers.paging import parse_page
from suppliers.services.map_categories import CategoryCodes, map_categories
from suppliers.summaries import categories_by_spend, category_row, mapped_share
from suppliers.views.guard import LOOK, MAP, emission_page

ROWS_A_PAGE = 100


@require_GET
@emission_page(LOOK)
def category_list(request: HttpRequest) -> HttpResponse:
    rows = categories_by_spend()
    number = max(1, parse_page(request.GET.get("page", "")))
    start = (number - 1) * ROWS_A_PAGE
    context = {
        "rows": rows[start : start + ROWS_A_PAGE],
        "count": len(rows),
        "unmapped": sum(not row.is_mapped for row in rows),
        "shares": mapped_share(rows),
        "previous": number - 1 if number > 1 else None,
        "next": number + 1 if start + ROWS_A_PAGE < len(rows) else None,
        "sectors": _sectors(),
        "codes": _activity_codes(),
    }
    return render(request, "emissions/categories.html", context)


def _sectors() -> Any:
    """Codes and titles of the newest factors by spend."""
    newest = FactorSet.objects.filter(base_year__isnull=False).order_by("-pk").first()
    return Factor.objects.filter(factor_set=newest).order_by("code").values_list("code", "title").distinct()


def _activity_codes() -> Any:
    newest = FactorSet.objects.filter(base_year__isnull=True).order_by("-pk").first()
    return Factor.objects.filter(factor_set=newest).order_by("code").values_list("code", "title").distinct()[:2_000]


@require_POST
@emission_page(MAP)
@vary_on_headers("HX-Request")
def edit_category(request: HttpRequest, pk: int) -> HttpResponse:
    """The codes of one category; with htmx the row, else the list again."""
    category = get_object_or_404(Category, pk=pk)
    form, error = CategoryForm(request.POST), ""
    if form.is_valid():
        codes = {name: code.strip() for name, code in form.cleaned_data.items()}
        try:
            map_categories(codes={pk: CategoryCodes(**codes)}, user=request.user)  # type: ignore[arg-type]  # login
        except WorkbenchError as refusal:
            error = str(refusal)
    else:
        error = " ".join(str(reason) for reasons in form.errors.values() for reason in reasons)
    if request.htmx:  # type: ignore[attr-defined]  # set by django-htmx's middleware
        return render(request, "emissions/_category_row.html", _row(request, category, error))
    if error:
        messages.error(request, error)
    return redirect("emission_categories")


def _row(request: HttpRequest, category: Category, error: str) -> dict[str, Any]:
    """The row as the list shows it; after an error with what was typed, so that nothing is lost."""
    category.refresh_from_db()
    if error:
        category.sector_code = request.POST.get("sector_code", "")
        category.factor_code = request.POST.get("factor_code", "")
    return {"row": category_row(category), "error": error}
