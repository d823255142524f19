"""A document as EN 16931 counts it: the business terms (BT) that its two syntaxes write.

A credit note says in its type that it takes back, so its amounts are written without the sign that they have
in our rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from billing import vat
from billing.invoicing import RateTotal, by_rate
from billing.models import Invoice, InvoiceLine
from evportal.money import exponent

#: UN/ECE recommendation 20 (BT-130): one of it, kilowatt hour, minute.
UNITS = {"": "C62", "kWh": "KWH", "min": "MIN"}
#: What XML can't carry at all.
_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: BT-81 (UNTDID 4461): bank card, SEPA transfer, transfer, not said.
CARD, SEPA, TRANSFER, UNSAID = "48", "58", "30", "1"


def clean(text: object) -> str:
    """Text that XML can carry, in one line."""
    return " ".join(_UNPRINTABLE.sub("", str(text)).split())


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    vat_id: str = ""
    tax_number: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    position: int
    text: str
    quantity: Decimal
    unit: str
    #: Net, of one unit (BT-146): never below zero, so what is given back has a quantity below zero.
    price: Decimal
    net: Decimal
    category: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    number: str
    issued_on: date
    kind: str
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    rates: tuple[RateTotal, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal
    paid: Decimal
    means: str
    supplied_on: date
    period: tuple[date, date] | None = None
    due_on: date | None = None
    iban: str = ""
    bic: str = ""
    reference: str = ""
    note: str = ""
    corrects: tuple[str, date] | None = None
    places: int = 2

    @property
    def due(self) -> Decimal:
        return self.gross - self.paid

    @property
    def seller_id(self) -> str:
        """BT-29, which only a seller without a VAT id on the document needs (BR-CO-26)."""
        if self.seller.vat_id and self.shows_vat_ids:
            return ""
        return self.seller.tax_number or self.seller.vat_id or self.seller.email or self.seller.name

    @property
    def shows_vat_ids(self) -> bool:
        """What is not subject to VAT names no VAT ids at all (BR-O-02 to BR-O-04)."""
        return all(rate.vat_category != vat.NOT_SUBJECT for rate in self.rates)

    def money(self, amount: Decimal) -> str:
        return f"{amount:.{self.places}f}"


def of(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Facts:
    sign = -1 if invoice.is_credit_note else 1
    zone = ZoneInfo(invoice.details.get("time_zone", "UTC"))
    corrects = invoice.details.get("corrects") or invoice.details.get("replaces")
    paid = invoice.details.get("paid") or {}
    # What is set off later is owed to the customer: nobody pays it to the seller's bank account.
    iban = "" if invoice.details.get("set_off") else invoice.seller.get("iban", "")
    settled = sign * invoice.gross - Decimal(paid.get("open", "0")) if paid else Decimal(0)
    if invoice.details.get("reissued"):
        settled = sign * invoice.gross
    return Facts(
        number=clean(invoice.number),
        issued_on=invoice.issued_at.astimezone(zone).date(),
        kind=invoice.kind,
        currency=invoice.currency,
        seller=_party(invoice.seller, invoice.vat_country),
        buyer=_party(invoice.buyer, invoice.vat_country),
        lines=tuple(_line(line, sign) for line in lines),
        rates=tuple(_rate(rate, sign) for rate in by_rate(lines)),
        net=sign * invoice.net,
        tax=sign * invoice.tax,
        gross=sign * invoice.gross,
        paid=settled,
        means=CARD if paid else (SEPA if iban else UNSAID),
        supplied_on=invoice.supplied_on,
        period=(invoice.period_start, invoice.period_end) if invoice.period_end else None,
        due_on=invoice.due_on,
        iban=clean(iban).replace(" ", ""),
        bic=clean(invoice.seller.get("bic", "")),
        reference=clean(invoice.buyer.get("reference", "")),
        note=_place(invoice.details),
        corrects=_corrects(corrects, zone) if corrects else None,
        places=exponent(invoice.currency),
    )


def _place(details: dict) -> str:
    return clean(", ".join(filter(None, (details.get(name) for name in ("site", "address", "evse")))))


def _corrects(other: dict, zone: ZoneInfo) -> tuple[str, date]:
    return clean(other["number"]), datetime.fromisoformat(other["issued_at"]).astimezone(zone).date()


def _party(party: dict, country: str) -> Party:
    name = clean(party.get("name") or party.get("email") or "")
    return Party(
        # A guest is nobody by name; a document still has to name a buyer (BR-07).
        name=name or "–",
        street=clean(party.get("street", "")),
        postcode=clean(party.get("postcode", "")),
        city=clean(party.get("city", "")),
        country=clean(party.get("country") or country),
        vat_id=clean(party.get("vat_id", "")),
        tax_number=clean(party.get("tax_number", "")),
        email=clean(party.get("email", "")),
    )


def _rate(rate: RateTotal, sign: int) -> RateTotal:
    return RateTotal(
        vat_category=rate.vat_category,
        vat_percent=rate.vat_percent,
        net=sign * rate.net,
        tax=sign * rate.tax,
        gross=sign * rate.gross,
    )


def _line(line: InvoiceLine, sign: int) -> Line:
    """The net price is the line's net amount over its quantity, finer than a cent, so that they agree."""
    net = sign * line.net
    quantity = abs(line.quantity) or Decimal(1)
    return Line(
        position=line.position,
        text=clean(line.text) or "–",
        quantity=-quantity if net < 0 else quantity,
        unit=UNITS.get(line.unit, "C62"),
        price=(abs(net) / quantity).quantize(Decimal("0.00000001"), ROUND_HALF_UP),
        net=net,
        category=line.vat_category,
        percent=line.vat_percent,
    )
