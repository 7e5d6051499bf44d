"""What people send from the pages of the emissions."""

from typing import Any

from django import forms

from suppliers.models import FactorSet
from suppliers.services.purchases.fields import FIELDS
from suppliers.summaries import TIERS

SELECT = {"class": "form-select form-select-sm"}
INPUT = {"class": "form-control form-control-sm"}
METHODS = [(str(tier), name) for tier, name in TIERS.items()]
NO_TIER = "none"


class CalculateForm(forms.Form):
    """A year that has purchases, and factor sets among the loaded ones; the newest stand first."""

    year = forms.TypedChoiceField(coerce=int, widget=forms.Select(attrs=SELECT))
    spend_factors = forms.ModelChoiceField(
        FactorSet.objects.none(), required=False, label="Factors by spend", widget=forms.Select(attrs=SELECT)
    )
    activity_factors = forms.ModelChoiceField(
        FactorSet.objects.none(), required=False, label="Factors by quantity", widget=forms.Select(attrs=SELECT)
    )

    def __init__(self, years: list[int], data: Any = None) -> None:
        super().__init__(data)
        self.fields["year"].choices = [(year, year) for year in years]  # type: ignore[attr-defined]
        for name, by_spend in (("spend_factors", True), ("activity_factors", False)):
            field: Any = self.fields[name]
            field.queryset = FactorSet.objects.filter(base_year__isnull=not by_spend).order_by("-pk")
            field.empty_label = "The newest"


class ResultFilter(forms.Form):
    """What the table of results is narrowed down by; each is a parameter of the URL."""

    tier = forms.ChoiceField(
        required=False,
        label="Method",
        choices=[("", "All"), *METHODS, (NO_TIER, "Unaccounted")],
        widget=forms.Select(attrs=SELECT),
    )
    category = forms.CharField(required=False, max_length=255, widget=forms.TextInput(attrs=INPUT))
    supplier = forms.CharField(required=False, max_length=255, widget=forms.TextInput(attrs=INPUT))
    dqi_min = forms.FloatField(
        required=False, min_value=0, max_value=100, label="DQI from", widget=forms.NumberInput(attrs=INPUT)
    )
    dqi_max = forms.FloatField(
        required=False, min_value=0, max_value=100, label="DQI to", widget=forms.NumberInput(attrs=INPUT)
    )


class CategoryForm(forms.Form):
    sector_code = forms.CharField(required=False, max_length=16)
    factor_code = forms.CharField(required=False, max_length=64)


class MappingForm(forms.Form):
    """A field for each column of a file, and one for what every record has alike."""

    currency = forms.CharField(required=False, max_length=3, widget=forms.TextInput(attrs=INPUT))
    year = forms.CharField(required=False, max_length=4, widget=forms.TextInput(attrs=INPUT))
    credits_negative = forms.BooleanField(required=False, label="Negative spend is a credit")
    save_as = forms.CharField(
        required=False, max_length=100, label="Save this mapping as", widget=forms.TextInput(attrs=INPUT)
    )

    def __init__(
        self, header: list[str], data: Any = None, columns: dict[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.header = header
        choices = [("", "leave it out"), *((name, name.replace("_", " ")) for name in FIELDS)]
        for number, column in enumerate(header):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                required=False,
                choices=choices,
                label=column,
                initial=(columns or {}).get(column, ""),
                widget=forms.Select(attrs=SELECT),
            )

    @property
    def column_fields(self) -> list[Any]:
        return [self[f"column_{number}"] for number in range(len(self.header))]

    @property
    def columns(self) -> dict[str, str]:
        return {column: self.cleaned_data[f"column_{number}"] for number, column in enumerate(self.header)}

    @property
    def constants(self) -> dict[str, str]:
        given = {name: self.cleaned_data[name].strip() for name in ("currency", "year")}
        return {name: value for name, value in given.items() if value}
