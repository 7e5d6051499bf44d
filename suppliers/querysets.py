"""Reads of the suppliers app that have a name."""

from typing import Any, TypeVar

from django.db import models

from suppliers.access import restrict

ModelT = TypeVar("ModelT", bound=models.Model, covariant=True)


class SupplierQuerySet(models.QuerySet[ModelT]):
    def visible_to(self, user: Any) -> "SupplierQuerySet[ModelT]":
        return restrict(self, user, supplier="pk")


class WarehouseQuerySet(models.QuerySet[ModelT]):
    def visible_to(self, user: Any) -> "WarehouseQuerySet[ModelT]":
        return restrict(self, user, warehouse="pk")
