"""What the templates of the order lines need."""

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from ordering.cells import Editing
from ordering.tables import OrderLineTable

register = template.Library()


@register.simple_tag(takes_context=True)
def order_rows(context: RequestContext, table: OrderLineTable) -> SafeString:
    """The rows of a table of order lines, editable where the user may edit."""
    editing = Editing.by(context["request"])
    return format_html_join("\n", "{}", ((table.render_row(line, editing),) for line in table.data))
