"""Reads of the suppliers app that have a name."""

from typing import Any, TypeVar

from django.db import models

ModelT = TypeVar("ModelT", bound=models.Model, covariant=True)


class CodedQuerySet(models.QuerySet[ModelT]):
    """Rows with a code that is unique without regard to case."""

    def with_codes(self, codes: "list[str] | tuple[str, ...]") -> "CodedQuerySet[ModelT]":
        return self.filter(code_key__in=[code.strip().lower() for code in codes])

    def get_by_natural_key(self, code: str) -> Any:
        return self.get(code_key=code.strip().lower())
