"""Text columns that compare the same way on every database."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Length, Lower, Trim


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # generic to the checker only
    """Text compared character by character: MySQL's default would ignore case and accents."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


class CodeField(models.CharField):  # type: ignore[type-arg]  # generic to the checker only
    """A code as people write it, stored without surrounding blanks."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.strip() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value


def code_key(of: str, *, max_length: int) -> models.GeneratedField:
    """The lower-case twin of a code; the database computes it, so nothing can bypass it."""
    return models.GeneratedField(
        expression=Lower(of), output_field=ExactCharField(max_length=max_length), db_persist=True
    )


def code_constraints(field: str, key: str, *, prefix: str) -> tuple[models.BaseConstraint, ...]:
    """A code is unique without regard to case, not empty, and has no blanks around it."""
    return (
        models.UniqueConstraint(
            fields=(key,),
            name=f"{prefix}_code_unique",
            violation_error_message="There is one with this code already.",
        ),
        models.CheckConstraint(
            condition=models.Q(**{f"{field}__length": Length(Trim(field)), f"{field}__length__gt": 0}),
            name=f"{prefix}_code_trimmed",
            violation_error_message="A code is not empty and has no blanks around it.",
        ),
    )


models.CharField.register_lookup(Length)
