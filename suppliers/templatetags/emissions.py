"""How the pages of the emissions write their numbers."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

register = template.Library()

KILOGRAMS = 1000  # in a tonne


@register.filter
def tonnes(kilograms: float | None) -> str:
    """Kilograms as tonnes with one decimal; three below ten."""
    if kilograms is None:
        return "–"
    amount = kilograms / KILOGRAMS
    return f"{amount:,.1f}" if abs(amount) >= 10 else f"{amount:,.3f}"


@register.filter
def percent(share: float | None) -> str:
    return "not known" if share is None else f"{share:.1f} %"


@register.filter
def exact(number: object) -> str:
    """A number with all its digits, thousands apart, as a hand calculation needs it."""
    if number is None:
        return "–"
    if isinstance(number, float):
        text = repr(number)
        if "e" in text or "n" in text:
            return text
        whole, _point, decimals = text.lstrip("-").partition(".")
        sign = "-" if text.startswith("-") else ""
        return f"{sign}{int(whole):,}.{decimals}" if decimals != "0" else f"{sign}{int(whole):,}"
    return str(intcomma(number))  # type: ignore[arg-type]


@register.filter
def whole_tonnes(kilograms: int) -> str:
    """Whole kilograms as tonnes, so that what is shown adds up, too."""
    return f"{kilograms / KILOGRAMS:,.3f}"


@register.filter
def signed_tonnes(kilograms: float) -> str:
    return f"{kilograms / KILOGRAMS:+,.3f}" if round(kilograms) else "0.000"


@register.filter
def humanised(code: str) -> str:
    """`unknown_unit` as people say it."""
    return code.replace("_", " ")


@register.filter
def money(spend: dict[str, float]) -> str:
    """Amounts by currency, which are never added."""
    return ", ".join(f"{amount:,.0f} {currency}".strip() for currency, amount in sorted(spend.items()))
