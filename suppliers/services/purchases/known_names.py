"""Ids of supplier names and categories; new ones are made, in their exact spelling."""

from collections.abc import Callable, Sequence

import polars as pl
from django.db import models, transaction

from core.batch import with_retries
from core.upsert import upsert
from suppliers.models import Category, Supplier, SupplierName
from suppliers.names import name_keys

NAMES_A_QUERY = 900  # MariaDB turns lists of 1,000 and more into a join, SQLite takes 999
REMEMBERED = 200_000


class KnownNames:
    """The id of each name of a model, asked for once; what is new is stored at once, by itself.

    Two imports may make the same name at the same time: the second finds it there.

    Attributes
    ----------
    made : how many names were new
    linked : how many of those belong to a supplier
    """

    def __init__(self, model: type[models.Model], as_rows: Callable[[pl.Series], pl.DataFrame]) -> None:
        self.made = self.linked = 0
        self._model, self._as_rows = model, as_rows
        self._ids: dict[str, int] = {}

    def ids_of(self, names: pl.Series) -> pl.Series:
        """An id for each name, null for null."""
        wanted = names.unique(maintain_order=True).drop_nulls()
        if len(self._ids) > REMEMBERED:
            self._ids.clear()
        self._find(wanted)
        new = [name for name in wanted if name not in self._ids]
        if new:
            rows = self._as_rows(pl.Series("name", new, dtype=pl.String))
            self._store(rows)
            self._find(new)
            self.made += rows.height
            self.linked += rows["supplier_id"].count() if "supplier_id" in rows.columns else 0
        ids = pl.Series([self._ids[name] for name in wanted], dtype=pl.Int64)
        return names.replace_strict(wanted, ids, default=None, return_dtype=pl.Int64)

    def _find(self, names: Sequence[str] | pl.Series) -> None:
        missing = [name for name in names if name not in self._ids]
        for start in range(0, len(missing), NAMES_A_QUERY):
            stored = self._model._default_manager.filter(name__in=missing[start : start + NAMES_A_QUERY])
            self._ids.update(stored.order_by().values_list("name", "pk"))

    def _store(self, rows: pl.DataFrame) -> None:
        def store() -> None:
            with transaction.atomic():
                upsert(self._model, rows, unique_fields=["name"], update_fields=["name"])

        with_retries(store)


def known_suppliers() -> KnownNames:
    """Supplier names; a new one belongs to the supplier whose name or code has the same key, where that is one."""
    owners = supplier_of_key()

    def as_rows(names: pl.Series) -> pl.DataFrame:
        keys = pl.DataFrame({"name": names, "key": name_keys(names)})
        return keys.join(owners, on="key", how="left", maintain_order="left")

    return KnownNames(SupplierName, as_rows)


def known_categories() -> KnownNames:
    return KnownNames(Category, pl.Series.to_frame)


def supplier_of_key() -> pl.DataFrame:
    """Columns `key` and `supplier_id`: the keys of all suppliers' names and codes that only one of them has."""
    rows = list(Supplier.objects.order_by().values_list("pk", "name", "code"))
    table = pl.DataFrame(rows, {"supplier_id": pl.Int64, "name": pl.String, "code": pl.String}, orient="row")
    pairs = pl.concat(table.select("supplier_id", key=name_keys(table[column])) for column in ("name", "code"))
    owners = pairs.filter(pl.col("key") != "").group_by("key").agg(pl.col("supplier_id").unique())
    return owners.filter(pl.col("supplier_id").list.len() == 1).with_columns(pl.col("supplier_id").list.first())
