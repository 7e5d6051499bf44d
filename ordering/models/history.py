from django.conf import settings
from django.db import models

from ordering.models.orders import OrderConfirmation


class LineChange(models.Model):
    """One human change of one field of an order line. Rows are only ever added."""

    line = models.ForeignKey(OrderConfirmation, on_delete=models.PROTECT, related_name="changes")
    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    field = models.CharField(max_length=32)
    old = models.TextField(blank=True)
    new = models.TextField(blank=True)
    why = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.field}: {self.old or 'nothing'} to {self.new or 'nothing'}"
