"""The three tiers: for each record a factor that prices it, or the reason why there is none."""

from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from suppliers.emissions.book import FactorBook
from suppliers.emissions.checks import FIRST_YEAR
from suppliers.emissions.footprints import Footprints, name_key
from suppliers.emissions.lookups import BLANK, UNKNOWN, look_up, taken
from suppliers.emissions.reasons import Reason
from suppliers.emissions.records import Records
from suppliers.emissions.tables import GLOBAL, NO_ROW, Floats, Groups, Ints
from suppliers.emissions.units import NO_UNIT
from suppliers.emissions.values import as_texts
from suppliers.kernels.emissions import LEAST_AVERAGE_DATA_DQI, price_index_ratio

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Offer:
    """What one tier makes of the records it was asked for, shape (n,).

    Attributes
    ----------
    row : int64, factor row; -1 where there is none, or it is the record's own PCF
    rate : float64, factor units for a record unit; in tier 3 the price index ratio
    reason : int8, `Reason`; USED where the tier prices the record
    """

    row: Ints
    rate: Floats
    reason: Codes


def supplier_specific(records: Records, book: FactorBook, at: Ints, unit: Ints) -> Offer:
    """Tier 1 for the records at these positions: their own PCF, else a footprint of that supplier and product."""
    pcf = records.supplier_pcf[at]
    own = pcf > 0
    row = np.full(len(at), NO_ROW)
    lacking = np.full(len(at), Reason.NO_FOOTPRINT, dtype=np.int8)
    asked = _with_footprints(records, book.footprints, at, own)
    if len(asked):
        row[asked], lacking[asked] = _find_footprints(records, book.footprints, at[asked])
    lacking[(lacking != Reason.EXPIRED_FOOTPRINT) & (pcf <= 0)] = Reason.PCF_NOT_POSITIVE
    target = book.factors.unit[row]
    if own.any():
        target[own] = book.units.numbers_of(taken(records.raw["pcf_unit"], at[own]))
    rate = book.units.rates(unit, target)
    reason = np.where(own | (row != NO_ROW), _amount_reasons(records, at, unit, target, rate), lacking)
    return Offer(row, rate, reason)


def _with_footprints(records: Records, footprints: Footprints, at: Ints, own: NDArray[np.bool_]) -> Ints:
    """Those without a PCF of their own whose supplier has registered any footprint."""
    if not footprints.suppliers:
        return np.empty(0, dtype=np.int64)
    known = map(footprints.suppliers.__contains__, taken(records.supplier, at))
    return (np.fromiter(known, dtype=bool, count=len(at)) & ~own).nonzero()[0]


def _find_footprints(records: Records, footprints: Footprints, at: Ints) -> tuple[Ints, Codes]:
    """Factor row of each record's footprint, -1 and the reason where there is none."""
    row = np.full(len(at), NO_ROW)
    reason = np.full(len(at), Reason.NO_FOOTPRINT, dtype=np.int8)
    for asked, candidate in _ranked(footprints.groups, _footprint_groups(records, footprints, at)):
        number = candidate - footprints.first_row
        usable = footprints.usable[number]
        starts, ends = footprints.valid_from[number], footprints.valid_until[number]
        valid = (starts <= records.first_day[at[asked]]) & (records.last_day[at[asked]] <= ends)
        found = usable & valid & (row[asked] == NO_ROW)
        row[asked[found]] = candidate[found]
        # The codes ascend: one that expired says more than one that was taken back.
        reason[asked] = np.maximum(reason[asked], np.where(usable, Reason.EXPIRED_FOOTPRINT, Reason.INACTIVE_FOOTPRINT))
    return row, reason


def _footprint_groups(records: Records, footprints: Footprints, at: Ints) -> Ints:
    """Group of the supplier's footprints with the product's code, else with its name, if those have no other code."""
    suppliers, codes = taken(records.supplier, at), as_texts(taken(records.raw["product_code"], at))
    found = map(footprints.by_code.get, zip(suppliers, codes, strict=True), repeat(NO_ROW))
    groups = np.fromiter(found, dtype=np.int64, count=len(at))
    without = (groups == NO_ROW).nonzero()[0]
    names = as_texts(taken(records.raw["product_name"], at[without]))
    for i, name in zip(without.tolist(), names, strict=True):
        if name:
            named = footprints.by_name_alone if codes[i] else footprints.by_name
            groups[i] = named.get((suppliers[i], name_key(name)), NO_ROW)
    return groups


def _ranked(groups: Groups, group: Ints) -> list[tuple[Ints, Ints]]:
    """First, second, ... rows of each group: the positions that have one, and the rows. Groups are small."""
    inside = (group != NO_ROW).nonzero()[0]
    if not len(inside):
        return []
    start, count = groups.start[group[inside]], groups.count[group[inside]]
    return [(inside[count > rank], groups.rows[start[count > rank] + rank]) for rank in range(int(count.max()))]


def average_data(records: Records, book: FactorBook, at: Ints, unit: Ints) -> Offer:
    """Tier 2: a factor for the product code, else the category, in the record's country, else global."""
    group = _activity_groups(records, book, at)
    row, rate = np.full(len(at), NO_ROW), np.full(len(at), np.nan)
    for asked, candidate in _ranked(book.activities.groups, group):
        unpriced = np.isnan(rate[asked])
        asked, candidate = asked[unpriced], candidate[unpriced]
        rate[asked] = book.units.rates(unit[asked], book.factors.unit[candidate])
        row[asked] = np.where((row[asked] == NO_ROW) | ~np.isnan(rate[asked]), candidate, row[asked])
    reason = _amount_reasons(records, at, unit, book.factors.unit[row], rate)
    poor = book.factors.dqi[row] < LEAST_AVERAGE_DATA_DQI
    reason[(reason == Reason.USED) & poor] = Reason.LOW_QUALITY
    reason[group == NO_ROW] = Reason.NO_FACTOR
    return Offer(row, rate, reason)


def _activity_groups(records: Records, book: FactorBook, at: Ints) -> Ints:
    index, raw = book.activities, records.raw
    group = np.full(len(at), NO_ROW)
    if not len(index.groups.rows):
        return group
    country = look_up(index.regions, raw["country"], fold=str.upper)[at]  # to pick first costs more than to look up all
    for lookup, column in ((index.codes, "product_code"), (book.codes_by_category, "product_category")):
        code = look_up(lookup, raw[column])[at]
        for region in (country, index.regions[GLOBAL]):
            group = np.where(group == NO_ROW, index.group[code, region], group)
    return group


def spend_based(records: Records, book: FactorBook, at: Ints, currency: Ints, currency_rate: Floats) -> Offer:
    """Tier 3: spend by the record's own sector code, else by that of its category."""
    sector = _sectors(records, book, at)
    row = np.maximum(sector, NO_ROW)
    base, year = book.factors.base_year[row], records.year[at]
    index = book.rates.index
    ratio = np.where(base == year, 1.0, price_index_ratio(index[base - FIRST_YEAR], index[year - FIRST_YEAR]))
    reason = np.where(np.isnan(currency_rate[at]) | np.isnan(ratio), Reason.NO_RATE, Reason.USED).astype(np.int8)
    reason[currency[at] == UNKNOWN] = Reason.UNKNOWN_CURRENCY
    reason[currency[at] == BLANK] = Reason.NO_CURRENCY
    reason[sector < 0] = Reason.UNKNOWN_SECTOR
    reason[sector == BLANK] = Reason.NO_SECTOR
    reason[np.isnan(records.spend[at])] = Reason.NO_SPEND
    return Offer(row, ratio, reason)


def _sectors(records: Records, book: FactorBook, at: Ints) -> Ints:
    """Factor row of each record's sector, `BLANK` where it has none, another negative number where that is unknown."""
    sector = look_up(book.sectors, records.raw["sector_code"])[at]
    without = (sector == BLANK).nonzero()[0]
    if len(without):
        mapped = look_up(book.sectors_by_category, taken(records.raw["product_category"], at[without]))
        sector[without] = np.where(mapped == UNKNOWN, BLANK, mapped)
    return sector


def _amount_reasons(records: Records, at: Ints, unit: Ints, target: Ints, rate: Floats) -> Codes:
    """Why a quantity cannot be multiplied by a factor per target unit; USED where it can.

    A quantity of 0 that cost money is a service line or a gap in the file, not a delivery without emissions.
    """
    quantity, spend = records.quantity[at], records.spend[at]
    reason = np.zeros(len(at), dtype=np.int8)
    reason[np.isnan(rate)] = Reason.UNIT_MISMATCH
    reason[(unit < NO_UNIT) | (target < NO_UNIT)] = Reason.UNKNOWN_UNIT
    reason[(unit == NO_UNIT) | (target == NO_UNIT)] = Reason.NO_UNIT
    reason[(quantity == 0) & ~np.isnan(spend) & (spend != 0)] = Reason.ZERO_QUANTITY
    reason[np.isnan(quantity)] = Reason.NO_QUANTITY
    return reason
