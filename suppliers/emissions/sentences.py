"""What a buyer is told about a record that could be priced if something in it were right."""

from suppliers.emissions.book import FactorBook
from suppliers.emissions.reasons import Reason
from suppliers.emissions.records import Records
from suppliers.emissions.tables import NO_ROW
from suppliers.emissions.units import NO_UNIT
from suppliers.emissions.values import day_of, shown

EXAMPLE_UNITS = "kg, tonne, litre, kWh, m, m2 or each"


def explain(records: Records, book: FactorBook, at: int, reason: Reason, row: int) -> str:
    """The sentence for one record; `row` is the factor row that its tier looked at."""
    match reason:
        case Reason.EXPIRED_FOOTPRINT:
            return _expired(records, at)
        case Reason.UNKNOWN_UNIT:
            return _unknown_unit(records, book, at, _factor_unit(records, book, at, row))
        case Reason.UNIT_MISMATCH:
            unit, target = shown(records.text("unit", at)), shown(_factor_unit(records, book, at, row))
            return f"The unit {unit} does not convert to {target}, the unit of the emission factor."
        case Reason.UNKNOWN_CURRENCY:
            return f"There are no rates for the currency {shown(records.text('currency', at))}; write it as EUR or GBP."
        case Reason.NO_RATE:
            return _no_rate(records, book, at)
        case _:
            code = records.text("sector_code", at)
            if code:
                return f"The sector code {shown(code)} is not in the factor set."
            category = records.text("product_category", at)
            code = book.sector_of_category[category]
            return f"The sector code {shown(code)} of the category {shown(category)} is not in the factor set."


def _factor_unit(records: Records, book: FactorBook, at: int, row: int) -> str:
    return records.text("pcf_unit", at) if row == NO_ROW else str(book.factors.unit_text[row])


def _unknown_unit(records: Records, book: FactorBook, at: int, target: str) -> str:
    unit = records.text("unit", at)
    if book.units.numbers_of([unit])[0] < NO_UNIT:
        return f"The unit {shown(unit)} is not known; write it as {EXAMPLE_UNITS}."
    return f"The unit {shown(target)} of the emission factor is not known; write it as {EXAMPLE_UNITS}."


def _expired(records: Records, at: int) -> str:
    product = records.text("product_code", at) or records.text("product_name", at)
    first, last = day_of(int(records.first_day[at])), day_of(int(records.last_day[at]))
    when = f"on {first}" if first == last else f"throughout {first.year}"
    return f"No footprint of {shown(product)} by {shown(records.supplier[at])} is valid {when}."


def _no_rate(records: Records, book: FactorBook, at: int) -> str:
    currency, year = records.text("currency", at).upper(), int(records.year[at])
    if book.rates.knows(currency, year):
        return f"There is no price index for {year} or for the base year of the factors."
    return f"There is no rate for {shown(currency)} in {year}."
