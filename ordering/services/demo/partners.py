"""The demo's warehouses, its suppliers, and the shipments from one to the other."""

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ordering.kernels import Policy
from ordering.services.demo.words import CITIES, COUNTRIES, SUPPLIER_NAMES, TRADES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Strings = NDArray[np.str_]


class History(IntEnum):
    """What is known about a supplier's lead time; each leads to another lead-time source."""

    EVERYWHERE = 0
    ONE_WAREHOUSE = 1
    STATED = 2  # a default and too few shipments for statistics
    UNKNOWN = 3


KNOWLEDGE = np.array(
    [
        *[History.EVERYWHERE] * 3, History.ONE_WAREHOUSE, History.STATED,
        *[History.EVERYWHERE] * 2, History.STATED, History.EVERYWHERE, History.UNKNOWN,
    ],
    dtype=np.int64,
)  # fmt: skip
DAYS_OF_HISTORY = 900
WITHOUT = Policy().default_lead_time_days


@dataclass(frozen=True)
class Partners:
    """Rows to write, and what SKUs need to know of their suppliers.

    Attributes
    ----------
    shipments : DataFrame
        `supplier` and `warehouse` are row numbers of `suppliers` and `warehouses`.
    lead_time_days : float64, shape (n_suppliers + 1,) [days]
        The last one is for SKUs without supplier, so that supplier -1 finds it.
    currency : str, shape (n_suppliers + 1,)
    """

    warehouses: pl.DataFrame
    suppliers: pl.DataFrame
    shipments: pl.DataFrame
    lead_time_days: Floats
    currency: Strings


def draw_partners(rng: np.random.Generator, *, skus: int, warehouses: int, as_of: dt.date) -> Partners:
    count = max(len(KNOWLEDGE), round(3 * skus**0.4))
    shares = np.array([country.share for country in COUNTRIES])
    country = rng.choice(len(COUNTRIES), count, p=shares / shares.sum())
    history = np.resize(KNOWLEDGE, count)
    shortest = np.array([country.shortest_days for country in COUNTRIES])[country]
    longest = np.array([country.longest_days for country in COUNTRIES])[country]
    lead_time = np.where(history == History.UNKNOWN, WITHOUT, rng.uniform(shortest, longest).round())
    suppliers = _draw_suppliers(rng, country, history, lead_time)
    return Partners(
        warehouses=_name_warehouses(warehouses),
        suppliers=suppliers,
        shipments=_draw_shipments(rng, history, lead_time, warehouses, as_of),
        lead_time_days=np.append(lead_time, WITHOUT),
        currency=np.append(suppliers["currency"].to_numpy().astype(str), "USD"),
    )


def _name_warehouses(count: int) -> pl.DataFrame:
    rounds, cities = np.divmod(np.arange(count), len(CITIES))
    codes = [
        f"{CITIES[city]}-{number + 1}" if number else CITIES[city]
        for number, city in zip(rounds.tolist(), cities.tolist(), strict=True)
    ]
    return pl.DataFrame({"code": codes, "name": [f"{code.title()} distribution centre" for code in codes]})


def _draw_suppliers(rng: np.random.Generator, country: Ints, history: Ints, lead_time: Floats) -> pl.DataFrame:
    count = len(country)
    places = [rng.choice(COUNTRIES[index].places) for index in country.tolist()]
    names, trades = rng.choice(SUPPLIER_NAMES, count), rng.choice(TRADES, count)
    companies = [COUNTRIES[index].company for index in country.tolist()]
    states_default = (history == History.STATED) | ((history < History.STATED) & (rng.random(count) < 0.8))
    stated = np.where(states_default, np.maximum(5, (lead_time * rng.uniform(0.8, 1.1, count)).round()), np.nan)
    minimum = rng.choice([500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0], count)
    return pl.DataFrame({"place": places, "name": names, "trade": trades, "company": companies}).select(
        code=pl.col("place").str.replace_all(" ", "").str.head(3).str.to_uppercase()
        + pl.int_range(1, count + 1).cast(pl.String).str.zfill(4),
        name=pl.concat_str("place", "name", "trade", "company", separator=" "),
        country=pl.Series([COUNTRIES[index].name for index in country.tolist()]),
        currency=pl.Series([COUNTRIES[index].currency for index in country.tolist()]),
        default_lead_time_days=pl.Series(stated).fill_nan(None),
        min_order_value=pl.Series(np.where(rng.random(count) < 0.5, minimum, np.nan)).fill_nan(None),
        email="orders" + pl.int_range(1, count + 1).cast(pl.String) + pl.lit("@suppliers.example"),
    )


def _draw_shipments(
    rng: np.random.Generator, history: Ints, lead_time: Floats, warehouses: int, as_of: dt.date
) -> pl.DataFrame:
    number, column = np.arange(len(history))[:, None], np.arange(warehouses)
    shape = (len(history), warehouses)
    many, few = rng.integers(8, 40, shape), rng.integers(0, 3, shape)
    has_many = (history == History.EVERYWHERE)[:, None] | (
        (history == History.ONE_WAREHOUSE)[:, None] & (column == number % warehouses)
    )
    counts = np.where(has_many, many, np.where((history == History.STATED)[:, None], few, 0)).reshape(-1)
    supplier, at = (np.repeat(index.reshape(-1), counts) for index in np.indices(shape))

    variability = rng.uniform(0.05, 0.35, len(history))[supplier]
    distance = 1 + 0.1 * (at % 3)
    days = np.maximum(1, rng.gamma(variability**-2, variability**2) * lead_time[supplier] * distance).round()
    received_ago = rng.integers(0, DAYS_OF_HISTORY, len(days))
    on_the_way = rng.random(len(days)) < 0.04
    ordered_ago = np.where(on_the_way, days * rng.random(len(days)), received_ago + days)
    received = days_before(as_of, received_ago)
    return pl.DataFrame(
        {
            "supplier": supplier,
            "warehouse": at,
            "order_date": days_before(as_of, ordered_ago),
            "received_date": np.where(on_the_way, np.datetime64("NaT", "D"), received),
        }
    ).with_columns(
        po_number=pl.format(
            "PO-{}-{}", pl.col("order_date").dt.strftime("%y%m"), pl.int_range(pl.len()).cast(pl.String).str.zfill(5)
        )
    )


def days_before(day: dt.date, days: Floats | Ints) -> NDArray[np.datetime64]:
    return np.datetime64(day) - np.floor(days).astype("timedelta64[D]")
