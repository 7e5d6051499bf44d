from typing import Any

from django import forms
from django.http import HttpRequest

from ordering.models import BulkEdit
from ordering.tables import CHOICES
from suppliers.models import Supplier, Warehouse

WHOLE_NUMBER = {"invalid": "is not a whole number", "min_value": "is negative", "max_value": "is too large"}
OUTDATED_PAGE = "This page is out of date. Load it again and change the line then."

# What a person chooses from; the others follow from what they do elsewhere.
BULK_ACTIONS = [choice for choice in BulkEdit.Action.choices if choice[0] not in ("quantities", "undo")]


class LineForm(forms.Form):
    """The fields of a line that a person sends, and the version that they saw; an empty one is taken back."""

    confirmed_qty = forms.IntegerField(
        required=False, min_value=0, max_value=2_147_483_647, error_messages=WHOLE_NUMBER
    )
    lead_time_override_days = forms.IntegerField(
        required=False, min_value=0, max_value=3_650, error_messages=WHOLE_NUMBER
    )
    arrival_override = forms.DateField(required=False, error_messages={"invalid": "is not a date, such as 2026-12-31"})
    notes = forms.CharField(required=False, max_length=2_000)
    version = forms.IntegerField(min_value=0)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        for name in [*self.fields]:
            if name not in data and name != "version":
                del self.fields[name]

    @property
    def changes(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}

    @property
    def refusals(self) -> dict[str, str]:
        """What is wrong, by the field beside which the person reads it."""
        if "version" in self.errors:
            return dict.fromkeys([name for name in self.fields if name != "version"], OUTDATED_PAGE)
        return {name: f"“{self.data.get(name, '')}” {reasons[0]}" for name, reasons in self.errors.items()}


class BulkForm(forms.Form):
    """An action on the lines that are ticked, or on all that the filters match."""

    action = forms.ChoiceField(choices=BULK_ACTIONS)
    percent = forms.DecimalField(required=False, max_digits=7, decimal_places=2)
    line = forms.TypedMultipleChoiceField(coerce=int, required=False)
    everything = forms.BooleanField(required=False)
    query = forms.CharField(required=False)
    expected = forms.IntegerField(required=False, min_value=0)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        lines = [pk for pk in data.getlist("line") if pk.isdecimal() and len(pk) < 16]
        self.fields["line"].choices = [(pk, pk) for pk in lines]  # type: ignore[attr-defined]  # a choice field

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("line") and not cleaned.get("everything"):
            raise forms.ValidationError("Tick some lines first, or choose all lines of the list.")
        return cleaned


class ColumnsForm(forms.Form):
    columns = forms.MultipleChoiceField(choices=CHOICES, required=False, widget=forms.CheckboxSelectMultiple)


class SavedViewForm(forms.Form):
    name = forms.CharField(max_length=60)
    query = forms.CharField(required=False, max_length=2_000)


class GenerateForm(forms.Form):
    """What a run computes; nothing chosen means everything that the person may see."""

    as_of = forms.DateField(
        label="Planning date", required=False, widget=forms.DateInput(attrs={"type": "date", "class": "form-control"})
    )
    suppliers = forms.ModelMultipleChoiceField(
        Supplier.objects.none(), required=False, widget=forms.SelectMultiple(attrs={"class": "form-select", "size": 4})
    )
    warehouses = forms.ModelMultipleChoiceField(
        Warehouse.objects.none(),
        required=False,
        widget=forms.SelectMultiple(attrs={"class": "form-select", "size": 4}),
    )

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data)
        self.fields["suppliers"].queryset = Supplier.objects.visible_to(request.user)  # type: ignore[attr-defined]
        self.fields["warehouses"].queryset = Warehouse.objects.filter(active=True).visible_to(request.user)  # type: ignore[attr-defined]
