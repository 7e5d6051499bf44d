import csv

import pytest
from django.core.management import call_command

from core.errors import WorkbenchError
from suppliers.models import Rate, RateSet
from suppliers.services.load_rates import load_rates

pytestmark = pytest.mark.django_db

CURRENCY, INDEX = RateSet.Kind.CURRENCY, RateSet.Kind.PRICE_INDEX
HEADERS = {CURRENCY: "year,currency,usd_per_unit", INDEX: "year,index,series"}
GOOD = {CURRENCY: "2020,GBP,1.284", INDEX: "2020,258.811,CPI"}


def a_csv(folder, *lines, name="rates.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def published(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_currency_rate_goes_in(emissions_data):
    path = emissions_data / "currency_rates.csv"

    report = load_rates(kind=CURRENCY, path=path)

    assert report.added == 6
    assert list(Rate.objects.order_by("source_row").values_list("year", "currency", "value", "source_row")) == [
        (int(row["year"]), row["currency"], float(row["usd_per_unit"]), number)
        for number, row in enumerate(published(path), start=2)
    ]
    assert str(RateSet.objects.get()) == "Currency rates: currency_rates 2017-2022"


def test_every_year_of_a_price_index_goes_in(emissions_data):
    path = emissions_data / "price_index.csv"

    load_rates(kind=INDEX, path=path, publisher="US BLS", version="2025-01")

    assert dict(Rate.objects.values_list("year", "value")) == {
        int(row["year"]): float(row["index"]) for row in published(path)
    }
    loaded = RateSet.objects.get()
    assert (loaded.kind, loaded.publisher, loaded.version) == (INDEX, "US BLS", "2025-01")
    assert loaded.series == "US CPI-U annual average (1982-84=100)"
    assert set(Rate.objects.values_list("currency", flat=True)) == {""}


@pytest.mark.parametrize("kind", HEADERS)
def test_the_same_file_again_adds_nothing_and_says_so(tmp_path, kind, capsys):
    path = a_csv(tmp_path, HEADERS[kind], GOOD[kind])
    word = {CURRENCY: "currency", INDEX: "index"}[kind]

    call_command("load_rates", word, str(path))
    call_command("load_rates", word, str(path))

    first, second = capsys.readouterr().out.splitlines()
    assert first == f"1 rates loaded as {kind.label}: rates 2020-2020."
    assert second == f"This file was loaded as {kind.label}: rates 2020-2020 before; nothing was added."
    assert Rate.objects.count() == 1


def test_a_changed_file_under_the_same_version_is_refused(tmp_path):
    load_rates(kind=CURRENCY, path=a_csv(tmp_path, HEADERS[CURRENCY], GOOD[CURRENCY]))

    with pytest.raises(WorkbenchError, match=r"rates\.csv was not loaded: Currency rates: rates 2020-2020 came from"):
        load_rates(kind=CURRENCY, path=a_csv(tmp_path, HEADERS[CURRENCY], "2020,GBP,1.3"))

    assert Rate.objects.get().value == 1.284


def test_the_two_kinds_do_not_mind_each_other(tmp_path):
    for kind in HEADERS:
        load_rates(kind=kind, path=a_csv(tmp_path, HEADERS[kind], GOOD[kind]))

    assert RateSet.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        (CURRENCY, "MMXX,GBP,1.2", "column year: 'MMXX' is not a number"),
        (CURRENCY, "20,GBP,1.2", "column year: '20' is not a year from 1900 to 2199"),
        (CURRENCY, "2021.5,GBP,1.2", "column year: '2021.5' is not a year from 1900 to 2199"),
        (CURRENCY, "2021,pound,1.2", "column currency: 'pound' is not a currency code like GBP"),
        (CURRENCY, "2021,GBP,0", "column usd_per_unit: '0' is not above 0"),
        (CURRENCY, "2021,GBP,-1", "column usd_per_unit: '-1' is not above 0"),
        (CURRENCY, "2021,GBP,NaN", "column usd_per_unit: 'NaN' is not a number"),
        (CURRENCY, "2021,GBP,1e308", "column usd_per_unit: '1e308' is more than 1,000,000,000,000"),
        (CURRENCY, "2020.0,gbp,1.2", "column year, currency: '2020, GBP' stands on row 2 already"),
        (INDEX, "2021,,CPI", "column index: '' is empty"),
        (INDEX, "2020,260,CPI", "column year: '2020' stands on row 2 already"),
    ],
)
def test_a_bad_row_refuses_the_whole_file(tmp_path, kind, row, reason):
    with pytest.raises(WorkbenchError) as refused:
        load_rates(kind=kind, path=a_csv(tmp_path, HEADERS[kind], GOOD[kind], row))

    assert f"row 3, {reason}." in str(refused.value)
    assert not RateSet.objects.exists()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([HEADERS[INDEX], GOOD[INDEX], "2021,1,PPI"], "rows of different series. Load each on its own."),
        ([HEADERS[INDEX]], "it has no rows"),
        (["year,value"], "missing columns 'index'; unknown columns 'value'"),
    ],
)
def test_a_file_that_is_no_index_is_refused(tmp_path, lines, sentence):
    with pytest.raises(WorkbenchError, match=sentence):
        load_rates(kind=INDEX, path=a_csv(tmp_path, *lines))


def test_the_series_may_be_left_out(tmp_path):
    load_rates(kind=INDEX, path=a_csv(tmp_path, "year,index", "2020,258.811"))

    assert RateSet.objects.get().series == ""
