"""What the templates of the order lines need."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def field(owner: Any, name: str) -> Any:
    """The attribute of a line, or the entry of a dictionary, with this name; none where there is none."""
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)
