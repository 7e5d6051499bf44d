"""Files of purchases that somebody uploaded."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models

from core.runs import AbstractRun, RunStatus

FOLDER_PREFIX = "purchases-"
REFUSED = "refused.csv"


class PurchaseUpload(AbstractRun):
    """One file, from its upload to the end of its import. It waits for its mapping first, then for a worker.

    Progress is in the units that the file's reader counts in.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="In addresses")
    file = models.CharField(max_length=100)
    is_mapped = models.BooleanField(default=False, help_text="Somebody said what its columns are")
    columns = models.JSONField(default=dict, blank=True)
    constants = models.JSONField(default=dict, blank=True)
    credits_negative = models.BooleanField(default=False)
    save_as = models.CharField(max_length=100, blank=True)
    report = models.JSONField(default=dict, blank=True, help_text="Rows that went in and were refused")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file

    @property
    def folder(self) -> Path:
        """Where the file waits; nothing serves it."""
        folder: Path = settings.UPLOADS_DIR / f"{FOLDER_PREFIX}{self.token}"
        return folder

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def refused_path(self) -> Path:
        return self.folder / REFUSED

    @property
    def is_open(self) -> bool:
        return self.is_mapped and super().is_open

    @property
    def awaits_mapping(self) -> bool:
        return not self.is_mapped and self.status == RunStatus.QUEUED

    @property
    def percent(self) -> int:
        return 100 * self.progress_done // self.progress_total if self.progress_total else 0

    @property
    def has_refusals(self) -> bool:
        return not self.is_open and self.refused_path.is_file()
