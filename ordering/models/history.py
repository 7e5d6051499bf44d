from typing import cast

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.runs import AbstractRun
from ordering.models.orders import OrderConfirmation


class BulkEdit(AbstractRun):
    """One action of a person on many lines, worked through like any run; the selection is by ids or by filters."""

    class Action(models.TextChoices):
        CONFIRM = "confirm", "Confirm as suggested"
        REPLACE = "replace", "Replace by the suggestion"
        ZERO = "zero", "Set to zero"
        PERCENT = "percent", "Multiply by a percentage"
        APPROVE = "approve", "Confirm and lock"
        LOCK = "lock", "Lock"
        UNLOCK = "unlock", "Unlock"
        QUANTITIES = "quantities", "Set quantities"
        UNDO = "undo", "Undo"

    month = models.DateField(help_text="First day of the order month")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=10, choices=Action)
    percent = models.DecimalField(max_digits=7, decimal_places=2, null=True, blank=True, help_text="[%]")
    selection = models.JSONField(default=dict, help_text="`ids` of lines, or the `query` of the list's filters")
    changed = models.PositiveIntegerField(default=0, help_text="Lines that were changed")
    effect = models.JSONField(default=dict, help_text="Value of the changed lines by currency, `before` and `after`")
    left_out = models.JSONField(default=dict, help_text="`counts` by reason, and the first `lines` with their reasons")
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by")

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("user", "month", "-id"), name="bulk_edit_user_month"),)
        constraints = (models.CheckConstraint(condition=Q(month__day=1), name="bulk_edit_month_is_first_day"),)

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.month:%Y-%m}"


class LineChange(models.Model):
    """One human change of one field of an order line. Rows are only ever added."""

    month = models.DateField(help_text="The line's order month")
    line = models.ForeignKey(OrderConfirmation, on_delete=models.PROTECT, related_name="changes")
    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    field = models.CharField(max_length=32)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    why = models.CharField(max_length=255, blank=True)
    version = models.PositiveIntegerField(null=True, help_text="The line's version after the change")
    suggested_qty = models.IntegerField(null=True, help_text="The suggestion at that moment")
    bulk = models.ForeignKey(BulkEdit, on_delete=models.PROTECT, null=True, related_name="changes")

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("month", "-id"), name="line_change_month"),)

    def __str__(self) -> str:
        return f"{self.field}: {self.old or 'nothing'} to {self.new or 'nothing'}"

    @property
    def label(self) -> str:
        """The field in the buyer's words."""
        field = cast("models.Field[object, object]", OrderConfirmation._meta.get_field(self.field))
        return str(field.verbose_name).capitalize()
