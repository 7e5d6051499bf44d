"""Query results as arrays, and their rows scattered into (n_skus, n_warehouses)."""

from typing import Any

import numpy as np
from django.db import models
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Array = NDArray[Any]


class Grid:
    """Where rows of input tables belong; rows of other SKUs and warehouses fall out."""

    def __init__(self, sku_ids: Ints, warehouse_ids: Ints) -> None:
        self.sku_ids, self.warehouse_ids = sku_ids, warehouse_ids
        self.shape = (len(sku_ids), len(warehouse_ids))
        self.size = len(sku_ids) * len(warehouse_ids)

    def cells(self, sku_id: Ints, warehouse_id: Ints) -> tuple[Ints, Bools]:
        """Flat cell numbers, and whether each pair is part of the grid at all."""
        row, row_found = find(self.sku_ids, sku_id)
        column, column_found = find(self.warehouse_ids, warehouse_id)
        return row * self.shape[1] + column, row_found & column_found

    def place(self, table: list[Array]) -> tuple[Ints, list[Array]]:
        """Columns sku_id, warehouse_id, ... to flat cell numbers and the remaining columns."""
        cell, found = self.cells(table[0], table[1])
        return cell[found], [values[found] for values in table[2:]]

    def place_skus(self, table: list[Array]) -> tuple[Ints, list[Array]]:
        row, found = find(self.sku_ids, table[0])
        return row[found], [values[found] for values in table[1:]]

    def scatter(self, cell: Ints, values: Array, fill: float | bool) -> Array:
        grid = np.full(self.size, fill, dtype=values.dtype)
        grid[cell] = values
        return grid.reshape(self.shape)


def fetch_columns(rows: "models.QuerySet[Any]", *, limit: int | None = None, **types: Any) -> list[Array]:
    """One query to one array per column."""
    return as_arrays(list(rows.order_by(*(["id"] if limit else [])).values_list(*types)[:limit]), types)


def as_arrays(table: list[tuple[Any, ...]], types: dict[str, Any]) -> list[Array]:
    """Rows to one array per column; a null becomes NaN or NaT."""
    values = zip(*table, strict=True) if table else [()] * len(types)
    return [np.array(column, dtype=kind) for column, kind in zip(values, types.values(), strict=True)]


def find(sorted_ids: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    if len(sorted_ids) == 0:
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    position = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
    return position, sorted_ids[position] == wanted
