"""The waterfall: each tier prices what the tiers before it could not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from suppliers.emissions.book import FactorBook
from suppliers.emissions.checks import FIRST_YEAR, LARGEST
from suppliers.emissions.lookups import look_up
from suppliers.emissions.reasons import FAULTS, Reason
from suppliers.emissions.records import Records
from suppliers.emissions.sentences import explain
from suppliers.emissions.tables import NO_ROW, SIGMA_ACTIVITY, Bools, Floats, Ints
from suppliers.emissions.tiers import Offer, average_data, spend_based, supplier_specific
from suppliers.kernels.emissions import (
    DEFAULT_DQI,
    Codes,
    Tier,
    choose_tier,
    emissions_of,
    factor_uncertainty,
    interval_spread,
    lognormal_sigma,
)


@dataclass(frozen=True)
class Priced:
    """Numbers of a chunk, shape (n,); NaN and -1 where there is none.

    Attributes
    ----------
    tier : int8, 1 to 3, 0 where unaccounted
    reasons : int8, shape (3, n), why tiers 1 to 3 were not used
    row : int64, factor row
    by_own_pcf : bool, the record brought its own PCF
    value : float64 [kg CO2e/factor unit]
    rate : float64, factor units for a record unit, or the price index ratio
    activity : float64 [factor units]
    emissions : float64 [kg CO2e]
    currency_rate, spend_usd : float64 [USD/currency unit], [USD of the year]
    uncertainty : float64, relative, of the factor
    spread, dqi : float64, of the result
    """

    tier: Codes
    reasons: Codes
    row: Ints
    by_own_pcf: Bools
    value: Floats
    rate: Floats
    activity: Floats
    emissions: Floats
    currency_rate: Floats
    spend_usd: Floats
    uncertainty: Floats
    spread: Floats
    dqi: Floats


@dataclass(frozen=True)
class Offers:
    """What each tier offered, shape (3, n)."""

    row: Ints
    rate: Floats
    reason: Codes
    usable: Bools


def price(records: Records, book: FactorBook) -> Priced:
    """Price the sound records; refuse those that no tier prices because something in them is wrong."""
    currency, currency_rate = _currency_rates(records, book)
    offers = _ask_tiers(records, book, currency, currency_rate)
    tier = choose_tier(offers.usable)
    chosen = np.maximum(tier - 1, 0), np.arange(len(records))
    row = np.where(tier > 0, offers.row[chosen], NO_ROW)
    rate = np.where(tier > 0, offers.rate[chosen], np.nan)
    by_own_pcf = (tier == Tier.SUPPLIER_SPECIFIC) & (row == NO_ROW)
    value = np.where(by_own_pcf, records.supplier_pcf, book.factors.value[row])
    uncertainty, spread = _uncertainties(records, book, row, by_own_pcf)
    spend_usd = records.spend * currency_rate
    activity, emissions = emissions_of(np.where(tier == Tier.SPEND_BASED, spend_usd, records.quantity), rate, value)
    _refuse_faults(records, book, offers, tier)
    _refuse_excess(records, emissions)
    return Priced(
        tier=tier,
        reasons=offers.reason,
        row=row,
        by_own_pcf=by_own_pcf,
        value=value,
        rate=rate,
        activity=activity,
        emissions=emissions,
        currency_rate=currency_rate,
        spend_usd=spend_usd,
        uncertainty=uncertainty,
        spread=spread,
        dqi=np.where(by_own_pcf, DEFAULT_DQI[Tier.SUPPLIER_SPECIFIC], book.factors.dqi[row]),
    )


def _uncertainties(records: Records, book: FactorBook, row: Ints, by_own_pcf: Bools) -> tuple[Floats, Floats]:
    """Relative uncertainty of each record's factor, and the spread of its interval."""
    uncertainty, spread = book.factors.uncertainty[row], book.factors.spread[row]
    own = by_own_pcf.nonzero()[0]
    if len(own):
        tier = np.full(len(own), Tier.SUPPLIER_SPECIFIC, dtype=np.int8)
        uncertainty[own] = factor_uncertainty(tier, records.pcf_uncertainty[own])
        spread[own] = interval_spread(SIGMA_ACTIVITY[tier], lognormal_sigma(uncertainty[own]))
    return uncertainty, spread


def _currency_rates(records: Records, book: FactorBook) -> tuple[Ints, Floats]:
    """Number of each record's currency, negative where it has none, and USD for one unit of it where it spent any."""
    currency = look_up(book.rates.currencies, records.raw["currency"], fold=str.upper)
    rate = np.where(currency < 0, np.nan, book.rates.usd_per_unit[np.maximum(currency, 0), records.year - FIRST_YEAR])
    return currency, np.where(np.isnan(records.spend), np.nan, rate)


def _ask_tiers(records: Records, book: FactorBook, currency: Ints, currency_rate: Floats) -> Offers:
    shape = (3, len(records))
    offers = Offers(
        row=np.full(shape, NO_ROW),
        rate=np.full(shape, np.nan),
        reason=np.zeros(shape, dtype=np.int8),
        usable=np.zeros(shape, dtype=bool),
    )
    unit = book.units.numbers_of(records.raw["unit"])
    tiers: tuple[Callable[[Ints], Offer], ...] = (
        lambda at: supplier_specific(records, book, at, unit[at]),
        lambda at: average_data(records, book, at, unit[at]),
        lambda at: spend_based(records, book, at, currency, currency_rate),
    )
    at = records.sound()
    for tier, ask in enumerate(tiers):
        if len(at):
            offer = ask(at)
            offers.row[tier, at], offers.rate[tier, at], offers.reason[tier, at] = offer.row, offer.rate, offer.reason
            used = offer.reason == Reason.USED
            offers.usable[tier, at] = used
            at = at[~used]
    return offers


def _refuse_faults(records: Records, book: FactorBook, offers: Offers, tier: Codes) -> None:
    """Records that no tier prices and that hold something wrong: the first tier's fault is told."""
    if tier.all():
        return
    faults = FAULTS[offers.reason] & (tier == 0)
    positions = faults.any(axis=0).nonzero()[0]
    first = np.argmax(faults[:, positions], axis=0)
    codes, rows = offers.reason[first, positions], offers.row[first, positions]
    for at, code, row in zip(positions.tolist(), codes.tolist(), rows.tolist(), strict=True):
        reason = Reason(code)
        records.refusals.add(at, reason.name.lower(), explain(records, book, at, reason, row))


def _refuse_excess(records: Records, emissions: Floats) -> None:
    for at in (np.abs(emissions) > LARGEST).nonzero()[0].tolist():
        sentence = f"The emissions would be {emissions[at]:.3g} kg, more than the world's; check quantity and unit."
        records.refusals.add(at, "bad_number", sentence)
