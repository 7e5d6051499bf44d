import pytest

from ordering.services.generate_recommendations import generate_recommendations
from tests.builders import AS_OF, MONTH, a_forecast, a_sku, stock, the_line

pytestmark = pytest.mark.django_db


def test_a_sku_with_stock_and_forecast_gets_a_line():
    sku = a_sku(moq=10)
    stock(sku, 5)
    a_forecast(sku, 310)

    run = generate_recommendations(month=MONTH, as_of=AS_OF)

    line = the_line(sku)
    assert run.line_count == 1
    assert line.urgency == "must_order"
    assert line.daily_demand == 10
    assert line.suggested_qty == -(-(line.order_up_to - 5) // 1)
