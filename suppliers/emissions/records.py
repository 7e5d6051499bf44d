"""Purchase records of one chunk, column by column, and what is wrong with them whatever prices them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np

from suppliers.emissions.checks import LARGEST
from suppliers.emissions.lookups import UNKNOWN, look_up
from suppliers.emissions.periods import read_periods
from suppliers.emissions.tables import Bools, Floats, Ints
from suppliers.emissions.values import NotANumber, as_number, as_text, as_texts, shown

NUMBERS = ("quantity", "spend", "supplier_pcf", "pcf_uncertainty")
FIELDS = (
    "record_id",
    "supplier",
    "product_name",
    "product_code",
    "product_category",
    "quantity",
    "unit",
    "spend",
    "currency",
    "purchase_date",
    "year",
    "country",
    "sector_code",
    "supplier_pcf",
    "pcf_unit",
    "pcf_uncertainty",
    "kind",
)
PLAIN_NUMBERS = {float, int, NoneType}
PURCHASE, CREDIT = 0, 1
KINDS = {None: PURCHASE, "": PURCHASE, "purchase": PURCHASE, "credit": CREDIT}
Columns = Mapping[str, Sequence[Any]]


class Refusals(dict[int, tuple[str, str]]):
    """Code and sentence of each position that cannot be calculated; the first thing found stays."""

    def add(self, position: int, code: str, sentence: str) -> None:
        self.setdefault(position, (code, sentence))


@dataclass(frozen=True)
class Records:
    """A chunk of n records. Numbers are float64 of shape (n,), NaN where not given.

    Attributes
    ----------
    raw : fields as they came
    record_id, supplier : as text; `encoded_id` is the former in UTF-8
    quantity [record units], spend [currency units] : negative for credits
    supplier_pcf : [kg CO2e/pcf unit]
    year : int64, whose money the spend is
    first_day, last_day : int64, between which the purchase was [days since 1970]
    refusals : what is wrong, by position
    """

    raw: Columns
    record_id: list[str]
    encoded_id: list[bytes]
    supplier: list[str]
    quantity: Floats
    spend: Floats
    supplier_pcf: Floats
    pcf_uncertainty: Floats
    year: Ints
    first_day: Ints
    last_day: Ints
    refusals: Refusals

    def __len__(self) -> int:
        return len(self.quantity)

    def text(self, name: str, at: int) -> str:
        return as_text(self.raw[name][at])

    def sound(self) -> Ints:
        """Positions that nothing is wrong with."""
        if not self.refusals:
            return np.arange(len(self))
        sound = np.ones(len(self), dtype=bool)
        sound[list(self.refusals)] = False
        return sound.nonzero()[0]


def read_records(raw: Columns) -> Records:
    """Make a chunk's columns, all of `FIELDS`, numbers; nothing in them stops it."""
    refusals = Refusals()
    record_id, supplier = as_texts(raw["record_id"]), as_texts(raw["supplier"])
    encoded_id = _encoded(record_id, refusals)
    _refuse_blank("record id", record_id, refusals)
    _refuse_blank("supplier", supplier, refusals)
    year, first_day, last_day = read_periods(raw["purchase_date"], raw["year"], refusals)
    credit = _credits(raw["kind"], refusals)
    number = {name: _numbers(name, raw[name], refusals) for name in NUMBERS}
    _refuse_uncertain(number["pcf_uncertainty"], refusals)
    for name in ("quantity", "spend"):
        _refuse_negative(name, number[name], ~credit, refusals)
        # Files write a credit with either sign; it lowers the total in any case.
        number[name] = np.where(credit, -np.abs(number[name]), number[name]) + 0.0
    return Records(
        raw=raw,
        record_id=record_id,
        encoded_id=encoded_id,
        supplier=supplier,
        **number,
        year=year,
        first_day=first_day,
        last_day=last_day,
        refusals=refusals,
    )


def _encoded(record_ids: list[str], refusals: Refusals) -> list[bytes]:
    """The ids in UTF-8. Half a surrogate pair is a str to Python and no text to anybody else."""
    try:
        return list(map(str.encode, record_ids))
    except UnicodeEncodeError:
        encoded = [record_id.encode(errors="replace") for record_id in record_ids]
    for at, readable in enumerate(encoded):
        if readable.decode() != record_ids[at]:
            record_ids[at] = readable.decode()
            refusals.add(at, "missing_field", f"The record id has damaged characters: {shown(record_ids[at])}.")
    return encoded


def _refuse_blank(words: str, texts: list[str], refusals: Refusals) -> None:
    if "" in texts:
        for at in (at for at, text in enumerate(texts) if not text):
            refusals.add(at, "missing_field", f"There is no {words}.")


def _credits(kinds: Sequence[Any], refusals: Refusals) -> Bools:
    kind = look_up(KINDS, kinds, fold=str.casefold)
    for at in (kind == UNKNOWN).nonzero()[0].tolist():
        refusals.add(at, "missing_field", f"The kind is {shown(kinds[at])}; write purchase or credit.")
    return np.equal(kind, CREDIT)


def _numbers(name: str, column: Sequence[Any], refusals: Refusals) -> Floats:
    """Plain numbers at once; anything else, and what is not finite, value by value."""
    types = set(map(type, column))
    if types == {NoneType}:
        return np.full(len(column), np.nan)
    plain = column
    if not types <= PLAIN_NUMBERS:
        plain = [value if value.__class__ in PLAIN_NUMBERS else None for value in column]
    try:
        numbers = np.array(plain, dtype=np.float64)
    except OverflowError:  # an integer beyond any float
        numbers = np.array([value if value.__class__ is float else None for value in plain], dtype=np.float64)
    odd = ~(np.abs(numbers) <= LARGEST)
    if np.count_nonzero(odd) > plain.count(None) or plain is not column:
        for at in (at for at in odd.nonzero()[0].tolist() if column[at] is not None):
            numbers[at] = _number(name, at, column[at], refusals)
    return numbers


def _number(name: str, at: int, value: object, refusals: Refusals) -> float:
    try:
        return as_number(value)
    except NotANumber:
        words = name.replace("_", " ").replace("pcf", "PCF")
        refusals.add(at, "bad_number", f"The {words} is {shown(value)}, which is no number that can be used.")
        return np.nan


def _refuse_uncertain(uncertainty: Floats, refusals: Refusals) -> None:
    for at in ((uncertainty < 0) | (uncertainty > 1)).nonzero()[0].tolist():
        refusals.add(at, "bad_number", f"The PCF uncertainty is {uncertainty[at]}; it is a share from 0 to 1.")


def _refuse_negative(name: str, numbers: Floats, purchase: Bools, refusals: Refusals) -> None:
    for at in ((numbers < 0) & purchase).nonzero()[0].tolist():
        sentence = f"The {name} is negative: {numbers[at]}. Only a credit may be."
        refusals.add(at, f"negative_{name}", sentence)
