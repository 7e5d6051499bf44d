"""Purchase records of one chunk, column by column, and what is wrong with them whatever prices them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
PLAIN_NUMBERS = {float, int, type(None)}
PURCHASE, CREDIT = 0, 1
KINDS = {None: PURCHASE, "": PURCHASE, "purchase": PURCHASE, "credit": CREDIT}
RawColumns = Mapping[str, Sequence[Any]]


class Columns(dict[str, Sequence[Any]]):
    """The fields of a chunk's records as they came, each read when it is asked for."""

    def __init__(self, known: dict[str, Sequence[Any]], read: Callable[[str], Sequence[Any]]) -> None:
        super().__init__(known)
        self._read = read

    def __missing__(self, name: str) -> Sequence[Any]:
        column = self[name] = self._read(name)
        return column


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
    record_id, supplier : as text
    quantity [record units], spend [currency units] : negative for credits
    supplier_pcf : [kg CO2e/pcf unit]
    year : int64, whose money the spend is
    first_day, last_day : int64, between which the purchase was [days since 1970]
    refusals : what is wrong, by position
    """

    raw: RawColumns
    record_id: list[str]
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
        sound = np.ones(len(self), dtype=bool)
        sound[list(self.refusals)] = False
        return np.flatnonzero(sound)


def read_records(raw: RawColumns) -> Records:
    """Make a chunk's columns numbers; nothing in them stops it."""
    refusals = Refusals()
    record_id, supplier = as_texts(raw["record_id"]), as_texts(raw["supplier"])
    _refuse_unprintable(record_id, refusals)
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
        raw, record_id, supplier, **number, year=year, first_day=first_day, last_day=last_day, refusals=refusals
    )


def _refuse_unprintable(record_ids: list[str], refusals: Refusals) -> None:
    """Half a surrogate pair is a str to Python and no text to anybody else."""
    try:
        "".join(record_ids).encode()
    except UnicodeEncodeError:
        for at, record_id in enumerate(record_ids):
            record_ids[at] = record_id.encode(errors="replace").decode()
            if record_ids[at] != record_id:
                refusals.add(at, "missing_field", f"The record id has damaged characters: {shown(record_id)}.")


def _refuse_blank(words: str, texts: list[str], refusals: Refusals) -> None:
    if "" in texts:
        for at in (at for at, text in enumerate(texts) if not text):
            refusals.add(at, "missing_field", f"There is no {words}.")


def _credits(kinds: Sequence[Any], refusals: Refusals) -> Bools:
    kind = look_up(KINDS, kinds, fold=str.casefold)
    for at in np.flatnonzero(kind == UNKNOWN).tolist():
        refusals.add(at, "missing_field", f"The kind is {shown(kinds[at])}; write purchase or credit.")
    return np.equal(kind, CREDIT)


def _numbers(name: str, column: Sequence[Any], refusals: Refusals) -> Floats:
    """Plain numbers at once; anything else, and what looks odd, value by value."""
    if all(value is None for value in column):
        return np.full(len(column), np.nan)
    if set(map(type, column)) <= PLAIN_NUMBERS:
        try:
            numbers = np.array(column, dtype=np.float64)
        except OverflowError:
            pass
        else:
            usable = np.count_nonzero(np.abs(numbers) <= LARGEST)
            if usable + column.count(None) == len(column):
                return numbers
    return np.array([_number(name, at, value, refusals) for at, value in enumerate(column)], dtype=np.float64)


def _number(name: str, at: int, value: object, refusals: Refusals) -> float:
    try:
        return as_number(value)
    except NotANumber:
        words = name.replace("_", " ").replace("pcf", "PCF")
        refusals.add(at, "bad_number", f"The {words} is {shown(value)}, which is no number that can be used.")
        return np.nan


def _refuse_uncertain(uncertainty: Floats, refusals: Refusals) -> None:
    for at in np.flatnonzero((uncertainty < 0) | (uncertainty > 1)).tolist():
        refusals.add(at, "bad_number", f"The PCF uncertainty is {uncertainty[at]}; it is a share from 0 to 1.")


def _refuse_negative(name: str, numbers: Floats, purchase: Bools, refusals: Refusals) -> None:
    for at in np.flatnonzero((numbers < 0) & purchase).tolist():
        sentence = f"The {name} is negative: {numbers[at]}. Only a credit may be."
        refusals.add(at, f"negative_{name}", sentence)
