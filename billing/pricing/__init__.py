"""Prices: what a tariff says, what a session costs, and how to say so (OCPI 2.3.0). Pure; no Django.

tariff   the OCPI tariff object, of elements and our own additions · personal  what it says to one driver
usage    what was or will be used
engine   price() · moments  when an element applies · limits, totals  from charges to a bill
words    a tariff for drivers · lint     what an operator should look at before publishing
"""

from billing.pricing.additions import Additions, GroupPrices, Holidays, Waiver
from billing.pricing.elements import (
    Day,
    Dimension,
    PriceComponent,
    PriceLimit,
    ReservationKind,
    TariffElement,
    TariffRestrictions,
    TariffType,
    TaxIncluded,
)
from billing.pricing.engine import price
from billing.pricing.lint import Finding, Level, lint
from billing.pricing.personal import is_free, resolve
from billing.pricing.reading import TariffError
from billing.pricing.tariff import Tariff
from billing.pricing.totals import Kind, Line, Priced, TaxSummary
from billing.pricing.usage import (
    Period,
    Reservation,
    Usage,
    UsageError,
    quote_usage,
    usage_from_readings,
)
from billing.pricing.words import PriceLine, describe

__all__ = [
    "Additions",
    "Day",
    "Dimension",
    "Finding",
    "GroupPrices",
    "Holidays",
    "Kind",
    "Level",
    "Line",
    "Period",
    "PriceComponent",
    "PriceLimit",
    "PriceLine",
    "Priced",
    "Reservation",
    "ReservationKind",
    "Tariff",
    "TariffElement",
    "TariffError",
    "TariffRestrictions",
    "TariffType",
    "TaxIncluded",
    "TaxSummary",
    "Usage",
    "UsageError",
    "Waiver",
    "describe",
    "is_free",
    "lint",
    "price",
    "quote_usage",
    "resolve",
    "usage_from_readings",
]
