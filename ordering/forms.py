from django import forms

from suppliers.models import Supplier, Warehouse


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
