"""What a person keeps of the list: its columns and saved views."""

import datetime as dt
from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from ordering.forms import ColumnsForm, SavedViewForm
from ordering.models import ListPreference
from ordering.tables import SHOWN_FIRST

VIEWS_KEPT = 50


@require_POST
def choose_columns(request: HttpRequest, month: dt.date) -> HttpResponse:
    form = ColumnsForm(request.POST)
    if form.is_valid():
        preference = _preference(request)
        preference.columns = [*SHOWN_FIRST] if "reset" in request.POST else form.cleaned_data["columns"]
        preference.save()
    return _back(request, month)


@require_POST
def save_view(request: HttpRequest, month: dt.date) -> HttpResponse:
    form = SavedViewForm(request.POST)
    preference = _preference(request)
    if not form.is_valid():
        messages.error(request, "The view was not saved. Give it a name of up to 60 characters.")
    elif len(preference.views) >= VIEWS_KEPT and form.cleaned_data["name"] not in preference.views:
        messages.error(request, f"The view was not saved. You have {VIEWS_KEPT} already; delete one.")
    else:
        preference.views[form.cleaned_data["name"]] = form.cleaned_data["query"]
        preference.save()
    return _back(request, month)


@require_POST
def delete_view(request: HttpRequest, month: dt.date) -> HttpResponse:
    preference = _preference(request)
    if preference.views.pop(request.POST.get("name", ""), None) is not None:
        preference.save()
    return _back(request, month)


def _preference(request: HttpRequest) -> ListPreference:
    user = cast("User", request.user)
    return ListPreference.objects.get_or_create(user=user, defaults={"columns": [*SHOWN_FIRST]})[0]


def _back(request: HttpRequest, month: dt.date) -> HttpResponse:
    return redirect(f"{reverse('lines', args=[month])}?{request.POST.get('query', '')}")
