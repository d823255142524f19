"""Invoices and credit notes as PDF: made anew from rows that never change, so always the same file."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import typst
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.invoicing import by_rate
from billing.models import Invoice
from billing.pricing.words import plain
from evportal.money import format_money, format_unit_price

TEMPLATE = Path(__file__).parent / "typst" / "invoice.typ"


def invoice_attachment(invoice_id: int) -> tuple[str, bytes, str]:
    """What the outbox attaches to a mail: name, content, type."""
    invoice = Invoice.objects.with_place().get(pk=invoice_id)
    return file_name(invoice), pdf(invoice), "application/pdf"


def file_name(invoice: Invoice) -> str:
    return f"{invoice.number}.pdf"


def pdf(invoice: Invoice, *, language: str = "") -> bytes:
    with override(language or (invoice.user.language if invoice.user else "en")):
        content = page(invoice, language or (invoice.user.language if invoice.user else "en"))
    return typst.compile(
        TEMPLATE.read_bytes(),
        root=str(TEMPLATE.parent),
        sys_inputs={"invoice": json.dumps(content)},
        # What typst brings along: the same letters on every machine.
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards="a-3b",
        timestamp=int(invoice.issued_at.timestamp()),
    )


def page(invoice: Invoice, locale: str) -> dict:
    """Everything the page says, in words of its language."""
    details = invoice.details
    zone = ZoneInfo(details.get("time_zone", "UTC"))
    lines = list(invoice.lines.all())
    issued = invoice.issued_at.astimezone(zone)
    return {
        "lang": locale.split("-")[0],
        "date": [issued.year, issued.month, issued.day],
        "title": _("Credit note") if invoice.is_credit_note else _("Invoice"),
        "number": invoice.number,
        "seller": _party(invoice.seller),
        "seller_line": " · ".join(part for part in _party(invoice.seller) if part),
        "buyer": _party(invoice.buyer),
        "facts": _facts(invoice, issued, zone),
        "supply": _supply(details, zone),
        "words": {
            "item": _("Item"),
            "quantity": _("Quantity"),
            "price": _("Price"),
            "vat": _("VAT"),
            "amount": _("Amount"),
            "net": _("Net"),
            "tax": _("Tax"),
            "gross": _("Gross"),
            "rate": _("VAT rate"),
            "total": _("Total credited") if invoice.is_credit_note else _("Total, tax included"),
            "page": _("Page"),
        },
        "lines": [_line(line, invoice.currency, locale) for line in lines],
        "rates": [
            {
                "rate": f"{plain(rate.vat_percent)} %",
                "net": format_money(rate.net, invoice.currency, locale),
                "tax": format_money(rate.tax, invoice.currency, locale),
                "gross": format_money(rate.gross, invoice.currency, locale),
            }
            for rate in by_rate(lines)
        ],
        "total": format_money(invoice.gross, invoice.currency, locale),
        "payment": _payment(invoice, locale),
        "notes": _notes(invoice, zone),
    }


def _party(party: dict) -> list[str]:
    place = f"{party.get('postcode', '')} {party.get('city', '')}".strip()
    vat = f"{_('VAT id')} {party['vat_id']}" if party.get("vat_id") else ""
    country = party.get("country", "")
    wanted = [
        party.get("name"),
        party.get("street"),
        place,
        country,
        vat,
        party.get("email"),
        party.get("phone"),
    ]
    return [part for part in wanted if part]


def _facts(invoice: Invoice, issued: datetime, zone: ZoneInfo) -> list[list[str]]:
    facts = [
        [_("Number"), invoice.number],
        [_("Date of issue"), date_format(issued.date())],
        [_("Date of supply"), date_format(invoice.supplied_on)],
    ]
    corrects = invoice.details.get("corrects")
    if corrects:
        day = datetime.fromisoformat(corrects["issued_at"]).astimezone(zone).date()
        facts.append([_("Corrects invoice"), f"{corrects['number']}, {date_format(day)}"])
    return facts


def _supply(details: dict, zone: ZoneInfo) -> list[list[str]]:
    where = ", ".join(filter(None, [details.get("site"), details.get("address")]))
    rows = [[_("Place"), where], [_("Charge point"), details.get("evse", "")]]
    for label, name in ((_("Start"), "starts_at"), (_("End"), "ends_at")):
        if details.get(name):
            at = datetime.fromisoformat(details[name]).astimezone(zone)
            rows.append([label, f"{date_format(at)}, {at:%H:%M:%S} {at.tzname()}"])
    for label, name in ((_("Meter at start"), "meter_start_wh"), (_("Meter at end"), "meter_stop_wh")):
        if details.get(name) is not None:
            rows.append([label, f"{plain(Decimal(details[name]) / 1000)} kWh"])
    return rows


def _line(line, currency: str, locale: str) -> dict:
    unit = {"kWh": "kWh", "min": _("min")}.get(line.unit, "")
    per = f" / {line.per} {unit}" if line.per != 1 else (f" / {unit}" if unit else "")
    return {
        "text": line.text,
        "quantity": f"{plain(line.quantity)} {unit}".strip(),
        "price": f"{format_unit_price(line.unit_price, currency, locale)}{per}",
        "vat": f"{plain(line.vat_percent)} %",
        "amount": format_money(line.gross, currency, locale),
    }


def _payment(invoice: Invoice, locale: str) -> str:
    paid = invoice.details.get("paid")
    if not paid:
        return _("Not paid yet. Please settle it on the receipt page named in our mail.")
    amount = format_money(Decimal(paid["amount"]), invoice.currency, locale)
    card = f"{paid['brand'].title()} •••• {paid['last4']}" if paid["last4"] else _("card")
    if paid["brand"] == "wallet":
        card = _("wallet")
    if invoice.is_credit_note:
        return _("%(amount)s refunded to %(card)s.") % {"amount": amount, "card": card}
    words = _("%(amount)s paid by %(card)s.") % {"amount": amount, "card": card}
    still_open = Decimal(paid.get("open", "0"))
    if still_open > 0:
        due = format_money(still_open, invoice.currency, locale)
        words += " " + _("%(amount)s is still open.") % {"amount": due}
    return words


def _notes(invoice: Invoice, zone: ZoneInfo) -> list[str]:
    notes = [_("Times are those of the place (%(zone)s).") % {"zone": zone.key}]
    if invoice.details.get("estimated"):
        notes.append(_("The charger did not report the end; billed up to its last meter value."))
    return notes
