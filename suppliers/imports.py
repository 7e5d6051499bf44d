"""The import files of this app."""

import polars as pl

from core.columns import Date, Number, Reference, Text, Whole
from core.imports import ImportKind, RowCheck
from suppliers.models import Shipment, Supplier, SupplierLeadTime, Warehouse

WAREHOUSES = ImportKind(
    name="warehouses",
    model=Warehouse,
    columns=(Text("code", max_length=32), Text("name", max_length=200, blank=True, default="")),
    key=("code_key",),
    code="code",
)

SUPPLIERS = ImportKind(
    name="suppliers",
    model=Supplier,
    columns=(
        Text("code", max_length=32),
        Text("name", max_length=200, blank=True, default=""),
        Text("country", max_length=64, blank=True, default=""),
        Text("currency", max_length=3, blank=True, default=""),
        Number("default_lead_time_days", maximum=3650, blank=True),
        Number("min_order_value", maximum=999_999_999_999, decimals=2, blank=True),
        Text("email", max_length=254, blank=True, default="", optional=True),
    ),
    key=("code_key",),
    code="code",
)

SHIPMENTS = ImportKind(
    name="shipments",
    model=Shipment,
    columns=(
        Text("po_number", max_length=64),
        Reference("supplier", "supplier_id", model=Supplier),
        Reference("warehouse", "warehouse_id", model=Warehouse),
        Date("order_date"),
        Date("received_date", blank=True),
    ),
    key=("supplier_id", "po_number", "warehouse_id"),
    checks=(RowCheck("received_date", pl.col("received_date") < pl.col("order_date"), "is before the order date"),),
)

LEAD_TIMES = ImportKind(
    name="lead_times",
    model=SupplierLeadTime,
    columns=(
        Reference("supplier", "supplier_id", model=Supplier),
        Reference("warehouse", "warehouse_id", model=Warehouse),
        Number("mean_days", maximum=3650, blank=True),
        Number("std_days", maximum=3650, blank=True),
        Number("median_days", maximum=3650, blank=True),
        Number("p95_days", maximum=3650, blank=True),
        Number("reliability", maximum=1, blank=True),
        Whole("shipment_count", blank=True, default=0),
    ),
    key=("supplier_id", "warehouse_id"),
    checks=(
        RowCheck(
            "mean_days",
            pl.col("mean_days").is_null() & pl.col("p95_days").is_null(),
            "is empty, and so is p95_days; one of them is needed",
        ),
    ),
    constants={"measured_through": None},
)

KINDS = (WAREHOUSES, SUPPLIERS, SHIPMENTS, LEAD_TIMES)
