"""kg CO2e of a SKU's unit, and where buyers see it."""

import datetime as dt

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ordering.models import OrderConfirmation, Sku
from ordering.services.export_orders import export_orders
from ordering.services.generate_recommendations import generate_recommendations
from ordering.services.refresh_sku_emissions import refresh_sku_emissions
from suppliers.models import Category, Factor, FactorSet, ProductFootprint, Rate, RateSet, SupplierName
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, a_supplier, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def factors():
    """0.4 kg/USD of 2022 for pans, 5,000 kg/tonne for steel; prices in 2025 are 10 % over 2022."""
    spend = FactorSet.objects.create(publisher="EPA", version="1", base_year=2022, currency="USD", file_hash="a" * 64)
    Factor.objects.create(factor_set=spend, code="332215", region="US", unit="USD", value=0.4, source_row=2)
    average = FactorSet.objects.create(publisher="DESNZ", version="1", file_hash="b" * 64)
    Factor.objects.create(factor_set=average, code="steel", unit="tonne", value=5_000, score=60, source_row=2)
    index = RateSet.objects.create(kind="price_index", publisher="BLS", version="1", file_hash="c" * 64)
    for year, value in ((2022, 100.0), (2025, 110.0)):
        Rate.objects.create(rate_set=index, year=year, value=value, source_row=year)
    Category.objects.create(name="Pans", sector_code="332215")
    Category.objects.create(name="Steel", factor_code="steel")


def emissions_of(sku):
    refresh_sku_emissions()
    sku.refresh_from_db()
    return sku.emissions_kgco2e, sku.emissions_tier


def test_by_cost_where_nothing_better_is_known(factors):
    sku = a_sku(unit_cost="5.50", emission_category="Pans")
    assert emissions_of(sku) == (pytest.approx(5.50 * 100 / 110 * 0.4), 3)


def test_by_weight_where_the_category_has_an_average_factor(factors):
    sku = a_sku(emission_category="Steel", net_weight_kg=1.2)
    assert emissions_of(sku) == (pytest.approx(6.0), 2)


def test_the_suppliers_own_footprint_of_a_piece_goes_first(factors):
    sku = a_sku("PAN-1", emission_category="Steel", net_weight_kg=1.2)
    name = SupplierName.objects.create(name="Acme Limited", key="acme", supplier=a_supplier())
    ProductFootprint.objects.create(
        source="csv", external_id="1", supplier_name=name, product_name="Pan", product_code="PAN-1", pcf=4.5,
        declared_unit="each", valid_from=dt.date(2024, 1, 1), valid_until=dt.date(2027, 1, 1), file_hash="d" * 64,
    )  # fmt: skip
    assert emissions_of(sku) == (4.5, 1)
    ProductFootprint.objects.update(status="deprecated")
    assert emissions_of(sku) == (pytest.approx(6.0), 2)


def test_nothing_is_guessed(factors):
    assert emissions_of(a_sku(currency="XXX", emission_category="Pans")) == (None, None)
    assert emissions_of(a_sku("A-2")) == (None, None)


def test_a_sku_that_loses_its_category_loses_its_number(factors):
    sku = a_sku(emission_category="Pans")
    assert emissions_of(sku)[1] == 3
    Sku.objects.update(emission_category="")
    assert emissions_of(sku) == (None, None)


def test_without_any_factors_no_sku_has_a_number():
    assert emissions_of(a_sku(emission_category="Pans")) == (None, None)


def test_lines_the_order_and_the_export_show_it(factors, client, tmp_path):
    sku = a_sku(unit_cost="5.50", emission_category="Pans")
    stock(sku, 0)
    a_forecast(sku, 310)
    generate_recommendations(month=MONTH, as_of=AS_OF)
    refresh_sku_emissions()
    line = OrderConfirmation.objects.select_related("sku").get()
    expected = line.order_qty * 2.0
    assert line.emissions_kgco2e == pytest.approx(expected)
    user = User.objects.create_user("buyer")
    user.groups.add(Group.objects.get(name="buyer"))
    client.force_login(user)
    page = client.get("/months/2026-12/lines/").content.decode()
    assert f"{round(expected):,}" in page
    assert "tier 3" in page
    assert f"{expected:,.0f} kg CO2e" in client.get(f"/months/2026-12/suppliers/{sku.supplier_id}/").content.decode()
    export_orders(month=MONTH, output=tmp_path / "orders.csv")
    header, row = (tmp_path / "orders.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert (cells["kgco2e_per_unit"], cells["emissions_tier"]) == ("2", "3")


# What generating order lines costs


def statements_of(work):
    with CaptureQueriesContext(connection) as queries:
        work()
    return [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]


def generate():
    generate_recommendations(month=MONTH, as_of=AS_OF)


def emission_tables():
    about_lead_times = {"suppliers.models.partners", "suppliers.models.shipments"}
    models = apps.get_app_config("suppliers").get_models(include_auto_created=True)
    return {model._meta.db_table for model in models if model.__module__ not in about_lead_times}


def asked_of(statements, words):
    return {word for word in words if any(word in sql for sql in statements)}


@pytest.fixture
def planned(factors):
    sku = a_sku(unit_cost="5.50", emission_category="Pans", net_weight_kg=1.2)
    stock(sku, 0)
    a_forecast(sku, 310)
    return sku


def test_generating_reads_nothing_of_emissions(planned):
    """Numbers get onto a SKU apart from it, so that the monthly run is no slower for them."""
    generating, refreshing = statements_of(generate), statements_of(refresh_sku_emissions)

    assert OrderConfirmation.objects.get().suggested_qty > 0
    assert asked_of(generating, {"emission", *emission_tables()}) == set()
    assert {"emission", "suppliers_factor", "suppliers_productfootprint"} <= asked_of(
        refreshing, {"emission", *emission_tables()}
    )


def test_generating_takes_the_same_statements_whether_skus_have_emissions_or_not(planned):
    generate()
    without = statements_of(generate)
    assert Sku.objects.get().emissions_tier is None
    refresh_sku_emissions()
    assert Sku.objects.get().emissions_tier == 3

    assert len(statements_of(generate)) == len(without) > 10
