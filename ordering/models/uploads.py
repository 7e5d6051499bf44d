from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models

from core.runs import AbstractRun


class DataUpload(AbstractRun):
    """Import files that somebody uploaded, and what became of them. Progress is in kilobytes."""

    files = models.JSONField(default=list, help_text="Names of the files")
    replace = models.BooleanField(default=False, help_text="Make the stock files the whole truth")
    report = models.JSONField(default=dict, blank=True, help_text="Rows of each file, and files that did not go in")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Upload {self.pk}"

    @property
    def folder(self) -> Path:
        """Where the files wait; nothing serves it."""
        folder: Path = settings.UPLOADS_DIR / str(self.pk)
        return folder

    @property
    def errors_path(self) -> Path:
        return self.folder / "errors.csv"

    @property
    def has_errors_file(self) -> bool:
        return self.errors_path.is_file()

    @property
    def row_count(self) -> int:
        return self._sum("rows")

    @property
    def refused_count(self) -> int:
        return self._sum("refused")

    def _sum(self, name: str) -> int:
        files: list[dict[str, Any]] = self.report.get("files", [])
        return sum(file[name] for file in files)
