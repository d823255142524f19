"""Where a charge is taxed, and how: VAT by country and kind of customer. Pure.

Charging a car is a supply of electricity (CJEU C-282/22), taxed where the car is charged (Directive
2006/112/EC, Art. 39) whoever pays, at the rate of the tariff there. The tax is the customer's to pay
(reverse charge) where

- the seller is not registered in that country and the customer is, as a business (Art. 195);
- the customer sells the electricity on and is established in another country of the EU (Art. 38 and 195).
  One outside the EU is not charged its VAT at all.

Categories are those of UNTDID 5305 (EN 16931 BT-151).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.pricing import Line, Priced

STANDARD, REVERSE_CHARGE, ZERO, EXEMPT, NOT_SUBJECT = "S", "AE", "Z", "E", "O"

#: Member states by ISO 3166; Greece's VAT ids begin with EL, Northern Ireland's with XI.
_EU = """
AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK
"""
EU = frozenset(_EU.split())
_PREFIX_TO_COUNTRY = {"EL": "GR", "XI": "GB"}

#: Why no VAT is charged (EN 16931 BT-121).
REASON_CODES = {REVERSE_CHARGE: "VATEX-EU-AE", NOT_SUBJECT: "VATEX-EU-O"}


@dataclass(frozen=True, slots=True)
class Customer:
    """As the account says: `kind` is private, business or reseller."""

    kind: str = "private"
    country: str = ""
    vat_id: str = ""
    #: The country's register said that the id is nobody's.
    vat_id_refused: bool = False

    @property
    def is_identified(self) -> bool:
        return self.kind != "private" and bool(self.vat_id) and not self.vat_id_refused


def clean_vat_id(text: str) -> str:
    """Without the spaces, dots and dashes that people write."""
    return re.sub(r"[\s.\-/]", "", text).upper()


def country_of(vat_id: str) -> str:
    """The ISO code of the country that gave this id."""
    prefix = vat_id[:2]
    return _PREFIX_TO_COUNTRY.get(prefix, prefix)


def category(*, place: str, registered_in: Collection[str], customer: Customer) -> str:
    """How a charge in the country `place` is taxed for this customer by a seller with these VAT ids."""
    if customer.kind == "reseller":
        if customer.country and customer.country not in EU and customer.country not in registered_in:
            return NOT_SUBJECT
        abroad = country_of(customer.vat_id) not in registered_in
        return REVERSE_CHARGE if customer.is_identified and abroad else STANDARD
    if (
        customer.is_identified
        and place in EU
        and place not in registered_in
        and country_of(customer.vat_id) == place
    ):
        return REVERSE_CHARGE
    return STANDARD


def plan_category(*, seller_country: str, seller_vat_id: str, customer: Customer) -> str:
    """How a plan's fee is taxed, which is for a service and no electricity.

    A business is served where it is established (Art. 44) and owes the tax there itself (Art. 196) if that is
    another country of the EU than the seller's: a VAT id of the seller's in that country is no
    establishment. Everybody else pays the seller's own VAT.
    """
    theirs = country_of(customer.vat_id)
    abroad = theirs in EU and seller_country in EU and theirs != seller_country
    return REVERSE_CHARGE if customer.is_identified and seller_vat_id and abroad else STANDARD


def apply(lines: Iterable[Line], how: str) -> list[Line]:
    """The lines as they are billed: where no VAT is charged, the price is the net price."""
    if how in (STANDARD, ZERO):
        return list(lines)
    return [replace(line, vat=Decimal(0), tax=Decimal(0), gross=line.net) for line in lines]


def applied(priced: Priced, how: str) -> Priced:
    """The whole price as it is billed."""
    if how in (STANDARD, ZERO):
        return priced
    return replace(priced, lines=tuple(apply(priced.lines, how)), taxes=(), tax=Decimal(0), gross=priced.net)


def category_of_line(rate: Decimal | None, how: str) -> str:
    """A line's own category: one of rate 0 on a taxed document is zero-rated."""
    if how != STANDARD:
        return how
    return STANDARD if rate else ZERO
