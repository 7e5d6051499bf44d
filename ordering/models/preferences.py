from django.conf import settings
from django.db import models


class ListPreference(models.Model):
    """How a user wants to see the list of order lines."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_preference")
    columns = models.JSONField(default=list, help_text="Names of the columns that are shown")
    views = models.JSONField(default=dict, help_text="Saved views: the list's query string by name")

    def __str__(self) -> str:
        return ", ".join(self.columns)
