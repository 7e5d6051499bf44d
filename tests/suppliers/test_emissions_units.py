import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from suppliers.emissions.units import Units, parse_unit


def rate(source, target):
    units = Units()
    return units.rates(units.numbers_of([source]), units.numbers_of([target])).item()


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("kg", "kg", 1),
        ("kg", "tonne", 0.001),
        ("g", "tonne", 1e-06),
        ("tonne", "kg", 1000),
        ("lb", "kg", 0.45359237),
        ("short ton", "kg", 907.18474),
        ("long ton", "kg", 1016.0469088),
        ("litre", "m3", 0.001),
        ("US gallon", "litre", 3.785411784),
        ("imperial gallon", "litre", 4.54609),
        ("kWh", "MJ", 3.6),
        ("MWh", "kWh", 1000),
        ("mile", "km", 1.609344),
        ("ha", "m2", 10_000),
        ("ft2", "m2", 0.09290304),
        ("dozen", "each", 12),
        ("each", "thousand", 0.001),
    ],
)
def test_rates_are_the_nearest_float_to_the_true_ones(source, target, expected):
    assert rate(source, target) == expected


@pytest.mark.parametrize(
    ("meaning", "spellings"),
    [
        ("kg", ["KG", "Kg", "kgs", "kilogram", "Kilograms", "kilo", " kg ", "kg.", "KGM"]),
        ("tonne", ["t", "T", "tonnes", "Tonnes", "metric ton", "MT", "mt", "TNE"]),
        ("lb", ["LB", "lbs", "LBS", "pound", "pounds"]),
        ("litre", ["l", "L", "litres", "Liter", "ltr", "LTR"]),
        ("m3", ["M3", "m³", "m^3", "m 3", "cubic metre", "cubic meters", "cbm", "cu m", "cu. m"]),
        ("m2", ["m²", "sqm", "sq m", "Sq. m", "square metres"]),
        ("kWh", ["kwh", "KWH", "kilowatt hour", "kilowatt-hours", "Kwh"]),
        ("MWh", ["MWH", "mwh", "megawatt hour"]),
        ("m", ["M", "metre", "meters", "mtr"]),
        ("each", ["EA", "pcs", "PCS", "pc", "piece", "pieces", "unit", "Units", "item", "no", "1"]),
    ],
)
def test_buyers_spell_units_in_many_ways(meaning, spellings):
    assert {spelling: parse_unit(spelling) for spelling in spellings} == dict.fromkeys(spellings, parse_unit(meaning))
    assert parse_unit(meaning) is not None


def test_case_tells_mega_from_milli():
    assert rate("Mt", "tonne") == 1e6
    assert rate("mWh", "MWh") == 1e-9
    assert rate("ML", "ml") == 1e9


@pytest.mark.parametrize("text", ["ton", "Tons", "kiloton", "ST", "barrel"])
def test_a_unit_that_is_three_things_is_unknown(text):
    assert parse_unit(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("blorb", "USD", "GBP", "h", "day", "%", "rad", "ppm", "parsec", "b", "rod", "K", "tonne.km", "passenger.km"),
        *(
            "kg2",
            "kg/m3",
            "2 kg",
            "kg*kg",
            "9**9**9",
            "box",
            "__import__('os')",
            "m" * 50,
            "k" * 1_000_000,
            "m4",
            "\ud800",
        ),
    ],
)
def test_what_is_no_amount_of_goods_is_unknown(text):
    assert Units().numbers_of([text]).tolist() == [-1]


@pytest.mark.parametrize(
    ("source", "target"),
    [("kg", "litre"), ("m", "m2"), ("m2", "m3"), ("each", "kg"), ("kWh", "kg"), ("kg", "blorb"), ("", "kg"), ("", "")],
)
def test_other_dimensions_unknown_and_missing_units_have_no_rate(source, target):
    assert math.isnan(rate(source, target))
    assert math.isnan(rate(target, source))


def test_missing_units_are_not_unknown_ones():
    assert Units().numbers_of([None, "", "  ", float("nan"), "blorb"]).tolist() == [0, 0, 0, 0, -1]


def test_values_that_are_no_text_do_not_stop_a_column():
    units = Units()

    numbers = units.numbers_of([["kg"], "kg", {}, 1, b"kg"])

    assert (numbers[[0, 2, 4]] == -1).all()
    assert numbers[1] == units.numbers_of(["kg"])[0]
    assert numbers[3] == units.numbers_of(["each"])[0]


def test_rates_known_before_stay_when_units_are_added():
    units = Units()
    kg, tonne = units.numbers_of(["kg", "t"])
    before = units.rates(np.array([kg]), np.array([tonne]))
    units.numbers_of(["lb", "m", "kWh", "m2", "dozen"])

    assert units.rates(np.array([kg, kg, -1]), np.array([tonne, -1, kg])).tolist()[:1] == before.tolist() == [0.001]
    assert np.isnan(units.rates(np.array([kg, -1]), np.array([-1, kg]))).all()


def test_units_keep_their_numbers_in_another_process():
    units = Units()
    numbers = units.numbers_of(["kg", "lb", "m3"])

    again = pickle.loads(pickle.dumps(units))  # noqa: S301 - our own

    assert again.numbers_of(["kg", "lb", "m3"]).tolist() == numbers.tolist()


def test_the_units_library_waits_until_a_unit_is_met():
    code = "import sys, suppliers.emissions.stream as _; print('pint' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "False"
