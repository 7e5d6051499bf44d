from django import forms

from suppliers.models import Supplier, Warehouse


class QuantityForm(forms.Form):
    """A confirmed quantity and the version of the line that the person saw; empty takes the confirmation back."""

    confirmed_qty = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2_147_483_647,
        error_messages={
            "invalid": "is not a whole number",
            "min_value": "is negative",
            "max_value": "is too large",
        },
    )
    version = forms.IntegerField(min_value=0)


class GenerateForm(forms.Form):
    """What a run computes; nothing chosen means everything."""

    as_of = forms.DateField(
        label="Planning date", required=False, widget=forms.DateInput(attrs={"type": "date", "class": "form-control"})
    )
    suppliers = forms.ModelMultipleChoiceField(
        Supplier.objects.all(), required=False, widget=forms.SelectMultiple(attrs={"class": "form-select", "size": 4})
    )
    warehouses = forms.ModelMultipleChoiceField(
        Warehouse.objects.filter(active=True),
        required=False,
        widget=forms.SelectMultiple(attrs={"class": "form-select", "size": 4}),
    )
