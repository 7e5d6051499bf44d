"""Who may open the pages of the emissions: purchases know no limits, so nobody who has some."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from suppliers.access import scope_of

View = Callable[..., HttpResponseBase]

LOOK = "suppliers.view_emissionrun"
CALCULATE = "suppliers.add_emissionrun"
UPLOAD = "suppliers.add_purchaseimport"
MAP = "suppliers.change_category"
MERGE = "suppliers.change_suppliername"


def emission_page(permission: str) -> Callable[[View], View]:
    """Only for people with this permission who see all suppliers and warehouses."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if scope_of(request.user).is_limited:
                return render(request, "emissions/limited.html", status=403)
            return view(request, *args, **kwargs)

        allowed: View = permission_required(permission, raise_exception=True)(guarded)
        return allowed

    return decorate
