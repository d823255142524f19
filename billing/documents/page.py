"""What a document's page says, in words of its language: the template only sets it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing import vat
from billing.documents.words import day, language_of, speak
from billing.invoicing import by_rate
from billing.models import Invoice, InvoiceLine
from evportal.money import format_money, format_number, format_unit_price

_WORDS = {
    "item": "Item",
    "quantity": "Quantity",
    "price": "Price",
    "vat": "VAT",
    "amount": "Amount",
    "net": "Net",
    "tax": "Tax",
    "gross": "Gross",
    "rate": "VAT rate",
    "page": "Page",
}

_REASONS = {
    vat.REVERSE_CHARGE: "Reverse charge: VAT is to be paid by the customer.",
    vat.NOT_SUBJECT: "Not subject to VAT in the EU.",
    vat.EXEMPT: "No VAT is charged.",
}


def page(invoice: Invoice, lines: Sequence[InvoiceLine], locale: str) -> dict:
    _ = speak(locale)
    details = invoice.details
    zone = ZoneInfo(details.get("time_zone", "UTC"))
    issued = invoice.issued_at.astimezone(zone)
    seller = _party(invoice.seller, _)
    rates = by_rate(lines)
    total = "Total credited" if invoice.is_credit_note else "Total, tax included"
    if not invoice.tax:
        total = "Total credited" if invoice.is_credit_note else "Total"
    return {
        "lang": language_of(locale),
        "date": [issued.year, issued.month, issued.day],
        "title": _(title(invoice)),
        "number": invoice.number,
        "seller": seller,
        "seller_line": " · ".join(seller),
        "buyer": _party(invoice.buyer, _, contact=True),
        "facts": _facts(invoice, issued, zone, locale),
        "supply": _supply(details, zone, locale),
        "words": {name: _(word) for name, word in _WORDS.items()} | {"total": _(total)},
        "lines": [_line(line, invoice.currency, locale) for line in lines],
        "rates": [
            {
                "rate": f"{format_number(rate.vat_percent, locale)} %",
                "net": format_money(rate.net, invoice.currency, locale),
                "tax": format_money(rate.tax, invoice.currency, locale),
                "gross": format_money(rate.gross, invoice.currency, locale),
            }
            for rate in rates
        ],
        "signed": _signed(details, locale),
        "total": format_money(invoice.gross, invoice.currency, locale),
        "payment": _payment(invoice, locale),
        "notes": [
            *(_(_REASONS[rate.vat_category]) for rate in rates if rate.vat_category in _REASONS),
            *_notes(invoice, zone, locale),
        ],
    }


_VERDICTS = {
    "good": "Verified",
    "bad": "Wrong signature",
    "inconsistent": "Contradictory",
    "unknown_key": "Public key unknown",
    "unchecked": "Could not be checked",
    "missing": "Incomplete",
}


def _signed(details: dict, locale: str) -> dict | None:
    """The annex with the signed meter values; None where the meter signs none."""
    signed = details.get("signed")
    if not signed:
        return None
    _ = speak(locale)
    facts = [[_("Our check"), _(_VERDICTS[signed["verdict"]])]]
    if signed["meter"]:
        facts.append([_("Meter number"), signed["meter"]])
    return {
        "title": _("Signed meter values"),
        "facts": facts,
        "values": [_lines(text) for text in signed["values"]],
        "key_title": _("Public key of the meter"),
        "key": _lines(signed["key"] or "–"),
        "how": _(
            "You can check these values yourself: open the file from the receipt page in the "
            "Transparenzsoftware of S.A.F.E. e.V. (transparenz.software)."
        ),
    }


def _lines(text: str, width: int = 98) -> list[str]:
    """As wide as the page's small letters: a text without blanks breaks nowhere by itself."""
    return [text[at : at + width] for at in range(0, len(text), width)]


def title(invoice: Invoice) -> str:
    if invoice.is_self_billed:
        return "Self-billed statement"
    return "Credit note" if invoice.is_credit_note else "Invoice"


def _party(party: dict, _, *, contact: bool = False) -> list[str]:
    place = f"{party.get('postcode', '')} {party.get('city', '')}".strip()
    wanted = [
        party.get("name"),
        party.get("contact") if contact else "",
        party.get("street"),
        place,
        party.get("country", ""),
        f"{_('VAT id')} {party['vat_id']}" if party.get("vat_id") else "",
        f"{_('Tax number')} {party['tax_number']}" if party.get("tax_number") else "",
        party.get("email"),
        party.get("phone"),
    ]
    return [part for part in wanted if part]


def _facts(invoice: Invoice, issued: datetime, zone: ZoneInfo, locale: str) -> list[list[str]]:
    _ = speak(locale)
    facts = [[_("Number"), invoice.number], [_("Date of issue"), day(issued.date(), locale)]]
    if invoice.period_start and invoice.period_end:
        span = f"{day(invoice.period_start, locale)} – {day(invoice.period_end, locale)}"
        facts.append([_("Period"), span])
    else:
        facts.append([_("Date of supply"), day(invoice.supplied_on, locale)])
    if invoice.due_on and not invoice.details.get("paid"):
        facts.append([_("Due"), day(invoice.due_on, locale)])
    if invoice.buyer.get("reference"):
        facts.append([_("Your reference"), invoice.buyer["reference"]])
    for name, words in (("corrects", "Corrects invoice"), ("replaces", "Replaces invoice")):
        other = invoice.details.get(name)
        if other:
            at = datetime.fromisoformat(other["issued_at"]).astimezone(zone).date()
            facts.append([_(words), f"{other['number']}, {day(at, locale)}"])
    return facts


def _supply(details: dict, zone: ZoneInfo, locale: str) -> list[list[str]]:
    _ = speak(locale)
    if details.get("charges") == 0:
        # A month of nothing but fees; its lines say where and when.
        return []
    if "charges" in details:
        said = {
            "charges": details["charges"],
            "kwh": format_number(Decimal(details["energy_wh"]) / 1000, locale),
        }
        return [[_("Charges"), _("%(charges)s charges, %(kwh)s kWh") % said]]
    where = ", ".join(filter(None, [details.get("site"), details.get("address")]))
    rows = [[_("Place"), where]] if where else []
    if details.get("evse"):
        rows.append([_("Charge point"), details["evse"]])
    for label, name in (("Start", "starts_at"), ("End", "ends_at")):
        if details.get(name):
            at = datetime.fromisoformat(details[name]).astimezone(zone)
            rows.append([_(label), f"{day(at.date(), locale)}, {at:%H:%M:%S} {at.tzname()}"])
    for label, name in (("Meter at start", "meter_start_wh"), ("Meter at end", "meter_stop_wh")):
        if details.get(name) is not None:
            rows.append([_(label), f"{format_number(Decimal(details[name]) / 1000, locale)} kWh"])
    return rows


def _line(line: InvoiceLine, currency: str, locale: str) -> dict:
    unit = {"kWh": "kWh", "min": speak(locale)("min")}.get(line.unit, "")
    per = f" / {line.per} {unit}" if line.per != 1 else (f" / {unit}" if unit else "")
    return {
        "text": line.text,
        "quantity": f"{format_number(line.quantity, locale)} {unit}".strip(),
        "price": f"{format_unit_price(line.unit_price, currency, locale)}{per}",
        "vat": f"{format_number(line.vat_percent, locale)} %",
        "amount": format_money(line.gross, currency, locale),
    }


def _payment(invoice: Invoice, locale: str) -> str:
    _ = speak(locale)
    if invoice.details.get("reissued"):
        return _("Nothing was paid back for it: it is replaced by an invoice with other details.")
    if invoice.details.get("set_off"):
        return _("It is set off against what you owe us on your account.")
    if invoice.is_self_billed:
        iban = invoice.seller.get("iban")
        if not iban:
            return _("We pay it to the account that you named.")
        return _("We pay it to IBAN %(iban)s.") % {"iban": iban}
    paid = invoice.details.get("paid")
    if not paid:
        return _transfer(invoice, locale)
    if "cards" in paid:
        words = _("Paid with your cards when you charged.")
    else:
        amount = format_money(Decimal(paid["amount"]), invoice.currency, locale)
        card = f"{paid['brand'].title()} •••• {paid['last4']}" if paid["last4"] else _("card")
        if paid["brand"] == "wallet":
            card = _("wallet")
        elif paid["brand"] == "terminal":
            card = _("card at the charger's terminal")
        words = (
            "%(amount)s refunded to %(card)s." if invoice.is_credit_note else "%(amount)s paid by %(card)s."
        )
        words = _(words) % {"amount": amount, "card": card}
    still_open = Decimal(paid.get("open", "0"))
    if still_open > 0:
        due = format_money(still_open, invoice.currency, locale)
        words += " " + _("%(amount)s is still open.") % {"amount": due}
    return words


def _transfer(invoice: Invoice, locale: str) -> str:
    _ = speak(locale)
    if invoice.due_on is None:
        return _("Not paid yet. Please settle it on the receipt page named in our mail.")
    said = {
        "amount": format_money(invoice.gross, invoice.currency, locale),
        "day": day(invoice.due_on, locale),
        "iban": invoice.seller.get("iban", ""),
        "number": invoice.number,
    }
    if not said["iban"]:
        return _("Please pay %(amount)s by %(day)s.") % said
    return _("Please transfer %(amount)s by %(day)s to IBAN %(iban)s, naming %(number)s.") % said


def _allowance(said: dict, zone: ZoneInfo, locale: str) -> str:
    """What a plan gave to the charge, and what it had left then."""
    kwh = {
        name: format_number((Decimal(said[f"{name}_wh"]) / 1000).quantize(Decimal("0.1")), locale)
        for name in ("used", "left", "included")
    }
    until = day(datetime.fromisoformat(said["until"]).astimezone(zone).date(), locale)
    words = speak(locale)(
        "%(used)s kWh were included in your plan %(plan)s; "
        "%(left)s of %(included)s kWh were left until %(until)s."
    )
    return words % (kwh | {"plan": said["plan"], "until": until})


def _notes(invoice: Invoice, zone: ZoneInfo, locale: str) -> list[str]:
    _ = speak(locale)
    notes = [_("Times are those of the place (%(zone)s).") % {"zone": zone.key}]
    if not invoice.is_credit_note and invoice.details.get("allowance"):
        notes.append(_allowance(invoice.details["allowance"], zone, locale))
    if invoice.details.get("estimated"):
        notes.append(_("The charger did not report the end; billed up to its last meter value."))
    return notes
