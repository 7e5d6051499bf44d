"""Rows for tests, as plain functions; every argument has a default that works."""

import datetime as dt
from typing import Any

from django.contrib.auth.models import Group, User

from ordering.models import (
    ForecastDetail,
    ForecastRun,
    Inventory,
    MonthlySales,
    OrderConfirmation,
    PendingOrder,
    Sku,
)
from suppliers.models import Shipment, Supplier, Warehouse

MONTH = dt.date(2026, 12, 1)
AS_OF = dt.date(2026, 11, 20)


def a_warehouse(code: str = "burnaby", **fields: Any) -> Warehouse:
    return Warehouse.objects.get_or_create(code=code, defaults=fields)[0]


def a_supplier(code: str = "ACME", **fields: Any) -> Supplier:
    return Supplier.objects.get_or_create(code=code, defaults={"name": f"{code} Ltd", "currency": "USD"} | fields)[0]


def a_sku(sku: str = "A-1", **fields: Any) -> Sku:
    if "supplier" not in fields:
        fields["supplier"] = a_supplier()
    return Sku.objects.create(sku=sku, **{"unit_cost": "2.50", "currency": "USD"} | fields)


def stock(sku: Sku, on_hand: int, warehouse: Warehouse | None = None) -> Inventory:
    return Inventory.objects.create(sku=sku, warehouse=warehouse or a_warehouse(), on_hand=on_hand)


def a_forecast(
    sku: Sku, qty: float, confidence: float = 1.0, warehouse: Warehouse | None = None, run: ForecastRun | None = None
) -> ForecastDetail:
    run = run or a_forecast_run()
    return ForecastDetail.objects.create(
        run=run, sku=sku, warehouse=warehouse or a_warehouse(), avg_monthly_qty=qty, confidence=confidence
    )


def a_forecast_run(name: str = "November", **fields: Any) -> ForecastRun:
    defaults = {"forecast_date": dt.date(2026, 11, 1), "status": ForecastRun.Status.COMPLETED} | fields
    return ForecastRun.objects.get_or_create(name=name, defaults=defaults)[0]


def sales(sku: Sku, units_sold: float, month: dt.date = dt.date(2026, 11, 1), **fields: Any) -> MonthlySales:
    fields.setdefault("warehouse", a_warehouse())
    return MonthlySales.objects.create(sku=sku, month=month, units_sold=units_sold, **fields)


def an_open_order(sku: Sku, quantity: int, arrival: dt.date | None = None, **fields: Any) -> PendingOrder:
    defaults = {
        "reference": f"PO-{PendingOrder.objects.count() + 1}",
        "warehouse": a_warehouse(),
        "order_date": dt.date(2026, 11, 1),
    }
    return PendingOrder.objects.create(sku=sku, quantity=quantity, expected_arrival=arrival, **defaults | fields)


def a_shipment(days: int, received: dt.date = dt.date(2026, 11, 1), **fields: Any) -> Shipment:
    defaults = {
        "po_number": f"PO-{Shipment.objects.count() + 1}",
        "supplier": a_supplier(),
        "warehouse": a_warehouse(),
    }
    return Shipment.objects.create(
        order_date=received - dt.timedelta(days), received_date=received, **defaults | fields
    )


def an_order_line(
    sku: Sku, quantity: int | None = 10, warehouse: Warehouse | None = None, **fields: Any
) -> OrderConfirmation:
    """A line as a run would leave it, without a run."""
    defaults = {
        "month": MONTH,
        "supplier": sku.supplier,
        "suggested_qty": quantity,
        "unit_cost": sku.unit_cost,
        "currency": sku.currency,
    }
    line = OrderConfirmation.objects.create(sku=sku, warehouse=warehouse or a_warehouse(), **defaults | fields)
    return OrderConfirmation.objects.get(pk=line.pk)


def a_user(role: str = "buyer", name: str = "", **fields: Any) -> User:
    user = User.objects.create_user(name or role, **fields)
    user.groups.add(Group.objects.get(name=role))
    return user


def the_line(sku: Sku, month: dt.date = MONTH, warehouse: Warehouse | None = None) -> OrderConfirmation:
    return OrderConfirmation.objects.get(sku=sku, month=month, warehouse=warehouse or a_warehouse())
