"""What an invoice says: lines, VAT per rate, parties, numbers. Pure; values in, values out.

Amounts on a credit note are negative, so that a period's documents simply add up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from billing import vat
from billing.pricing.totals import split, to_decimal
from evportal.money import exponent, from_minor, round_money, to_minor


class Amounts(Protocol):
    """A line of a bill or of a document."""

    vat_category: str
    vat_percent: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class DocumentLine:
    kind: str
    text: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    per: int
    vat_percent: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    vat_category: str = vat.STANDARD
    #: Energy that the line is for, where its document is about several charges.
    energy_wh: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class RateTotal:
    """All lines of one VAT category and rate."""

    vat_percent: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    vat_category: str = vat.STANDARD


def no_words(text: str) -> str:
    return text


def lines_of(
    priced_lines: Iterable[Any], *, how: str = vat.STANDARD, words: Callable[[str], str] = no_words
) -> list[DocumentLine]:
    """A bill's lines as a document prints them; what came to nothing is left out.

    `how` is the VAT category that the bill was priced with; `words` says the tariff's standing words in the
    document's language.
    """
    return [
        DocumentLine(
            kind=str(line.kind),
            text=words(line.description)[:200],
            quantity=line.quantity.quantize(Decimal("0.0001")),
            unit=line.unit,
            unit_price=line.unit_price,
            per=line.per,
            vat_percent=line.vat if line.vat is not None else Decimal(0),
            net=line.net,
            tax=line.tax,
            gross=line.gross,
            vat_category=vat.category_of_line(line.vat, how),
            energy_wh=(line.quantity * 1000).quantize(Decimal("0.001"))
            if line.kind == "ENERGY"
            else Decimal(0),
        )
        for line in priced_lines
        if line.gross or line.kind == "ENERGY"
    ]


def session_lines(lines: Iterable[DocumentLine], *, text: str, energy_wh: Decimal) -> list[DocumentLine]:
    """One charge on a month's document: a line for each VAT rate, one of it at its price with tax."""
    return [
        DocumentLine(
            "SESSION", text[:200], Decimal(1), "", rate.gross, 1, rate.vat_percent, rate.net, rate.tax,
            rate.gross,
            rate.vat_category, energy_wh if position == 0 else Decimal(0),
        )
        for position, rate in enumerate(by_rate(lines))
    ]  # fmt: skip


def negated(lines: Iterable[Any], text: Callable[[Any], str]) -> list[DocumentLine]:
    """The same lines with the opposite sign: a document taken back whole."""
    return [
        DocumentLine(
            line.kind, text(line)[:200], line.quantity, line.unit, -line.unit_price, line.per,
            line.vat_percent,
            -line.net, -line.tax, -line.gross, line.vat_category, -line.energy_wh,
        )
        for line in lines
    ]  # fmt: skip


def fee_line(
    *, text: str, gross: Decimal, vat_percent: Decimal, currency: str, how: str = vat.STANDARD
) -> DocumentLine:
    """One amount that includes its tax; where `how` charges none, the amount and a rate of 0."""
    net = net_of(gross, vat_percent, currency)
    own = vat.category_of_line(vat_percent, how)
    return DocumentLine(
        "FEE", text[:200], Decimal(1), "", gross, 1, vat_percent, net, gross - net, gross, vat_category=own
    )


def net_of(gross: Decimal, vat_percent: Decimal, currency: str) -> Decimal:
    return round_money(to_decimal(Fraction(gross) * 100 / (100 + Fraction(vat_percent))), currency)


def by_rate(lines: Iterable[Amounts]) -> list[RateTotal]:
    """The VAT table, highest rate first."""
    found: dict[tuple[str, Decimal], RateTotal] = {}
    for line in lines:
        rate = Decimal(line.vat_percent).normalize()
        key = line.vat_category, rate
        so_far = found.get(key) or RateTotal(rate, Decimal(0), Decimal(0), Decimal(0), line.vat_category)
        found[key] = RateTotal(
            rate, so_far.net + line.net, so_far.tax + line.tax, so_far.gross + line.gross, line.vat_category
        )
    return sorted(found.values(), key=lambda total: (-total.vat_percent, total.vat_category))


def total(lines: Iterable[Amounts]) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and gross of all lines; exact, because every line is rounded already."""
    net = tax = gross = Decimal(0)
    for line in lines:
        net, tax, gross = net + line.net, tax + line.tax, gross + line.gross
    return net, tax, gross


def credit_lines(
    original: Sequence[Amounts], *, credited: Sequence[Amounts], amount: Decimal, currency: str, text: str
) -> list[DocumentLine]:
    """A refund of this gross amount, over the invoice's VAT rates in proportion to what is left of each.

    What is refunded last is the rest to the cent, so an invoice that is refunded whole is credited whole.
    `credited` are the lines of earlier credit notes (negative).
    """
    left = by_rate([*original, *credited])
    open_gross = sum((rate.gross for rate in left), Decimal(0))
    if not 0 < amount <= open_gross:
        raise ValueError("A credit note can't be larger than what is left of its invoice.")
    unit = 10 ** exponent(currency)
    parts = [Fraction(rate.gross) * Fraction(amount) / Fraction(open_gross) * unit for rate in left]
    lines = []
    for rate, minor in zip(left, split(to_minor(amount, currency), parts), strict=True):
        gross = from_minor(minor, currency)
        if not gross:
            continue
        net = rate.net if gross == rate.gross else net_of(gross, rate.vat_percent, currency)
        lines.append(
            DocumentLine(
                "CREDIT",
                text[:200],
                Decimal(1),
                "",
                -gross,
                1,
                rate.vat_percent,
                net=-net,
                tax=net - gross,
                gross=-gross,
                vat_category=rate.vat_category,
            )
        )
    return lines


class LineRefused(ValueError):
    """This much of this line can't be given back; the sentence says why."""


def left_of(line: Any, credits: Iterable[Amounts]) -> tuple[Decimal, Decimal]:
    """Net and gross of a line that are not credited yet; `credits` are those of this line (negative)."""
    given = list(credits)
    net = line.net + sum((one.net for one in given), Decimal(0))
    return net, line.gross + sum((one.gross for one in given), Decimal(0))


def line_credits(
    original: Sequence[Any],
    *,
    credited: Sequence[Any],
    wanted: dict[int, Decimal],
    currency: str,
    text: Callable[[Any], str],
) -> list[tuple[Any, DocumentLine]]:
    """The lines of a credit note that gives back these gross amounts, by the original lines' positions.

    Each with the line that it gives back. A line that is given back whole takes its own net and tax with it;
    what ends a VAT rate takes the rest of the rate, so that the documents together come to nothing. Raises
    `LineRefused` for more than what is left of a line, or of its rate.
    """
    by_position = {line.position: line for line in original}
    left = {
        (rate.vat_category, rate.vat_percent): (rate.net, rate.gross)
        for rate in by_rate([*original, *credited])
    }
    found = []
    for position, gross in sorted(wanted.items()):
        line = by_position.get(position)
        if line is None:
            raise LineRefused(f"There is no line {position} on this document.")
        net_left, gross_left = left_of(line, (one for one in credited if one.corrects_id == line.pk))
        rate = line.vat_category, Decimal(line.vat_percent).normalize()
        rate_net, rate_gross = left[rate]
        most = min(gross_left, rate_gross)
        if not 0 < gross <= most:
            raise LineRefused(
                f"At most {round_money(max(most, Decimal(0)), currency)} {currency} is left of “{line.text}”."
            )
        if gross == rate_gross:
            net = rate_net
        elif gross == gross_left:
            net = net_left
        else:
            net = net_of(gross, line.vat_percent, currency)
        left[rate] = rate_net - net, rate_gross - gross
        whole = gross == line.gross
        found.append(
            (
                line,
                DocumentLine(
                    line.kind, text(line)[:200],
                    line.quantity if whole else Decimal(1), line.unit if whole else "",
                    -line.unit_price if whole else -gross, line.per if whole else 1,
                    line.vat_percent, -net, net - gross, -gross, line.vat_category,
                    -line.energy_wh if whole else Decimal(0),
                ),
            )
        )  # fmt: skip
    return found


#: Each kind of document counts by itself: credit notes, hosts' statements.
LETTERS = {"380": "", "381": "C", "389": "H"}


def series_prefix(*, party_id: str, year: int, kind: str = "380") -> str:
    """Each operator counts each kind of document by itself, anew each year: ABC-2026-, ABC-C2026-."""
    start = f"{party_id}-" if party_id else ""
    return f"{start}{LETTERS[kind]}{year}-"


def number(prefix: str, sequence: int) -> str:
    return f"{prefix}{sequence:06d}"


def seller(operator: Any) -> dict[str, str]:
    return {
        "name": operator.seller_name,
        "street": operator.street,
        "postcode": operator.postcode,
        "city": operator.city,
        "country": operator.country,
        "vat_id": operator.vat_id,
        "email": operator.support_email,
        "phone": operator.support_phone,
    }


def company(address: Mapping[str, str], vat_id: str) -> dict[str, str]:
    """A buyer by OCPP's address (2.1 AddressType), whose country may be a name."""
    street = ", ".join(filter(None, [address.get("address1"), address.get("address2")]))
    country = address.get("country", "").strip().upper()
    return {
        "name": address["name"],
        "street": street,
        "postcode": address.get("postalCode", ""),
        "city": address.get("city", ""),
        "country": country if re.fullmatch("[A-Z]{2}", country) else "",
        "vat_id": vat_id,
    }


def buyer(user: Any) -> dict[str, str]:
    if user is None:
        return {"name": "", "email": ""}
    return {"name": user.name, "email": user.mail_address}
