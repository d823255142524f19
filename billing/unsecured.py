"""A bill that must not be above what was secured for it: a guest can't be asked for more later. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing import invoicing, vat
from billing.pricing import Kind, Line

#: A standing word of documents (billing/documents/words.py).
TEXT = "More than was held, not charged"


def reduced(lines: Sequence[Line], *, by: Decimal, currency: str, how: str) -> list[Line]:
    """The lines and, for each rate of VAT in proportion, one that takes `by` (with tax) off their sum.

    `how` is the VAT category that the bill was priced with. Raises ValueError where `by` is not above zero,
    or above the sum.
    """
    as_billed = invoicing.lines_of(lines, how=how)
    rates = {
        (vat.category_of_line(line.vat, how), line.vat or Decimal(0)): line.vat for line in reversed(lines)
    }
    off = invoicing.credit_lines(as_billed, credited=[], amount=by, currency=currency, text=TEXT)
    return [
        *lines,
        *(
            Line(
                kind=Kind.FLAT,
                description=TEXT,
                quantity=Decimal(1),
                unit="",
                unit_price=line.gross,
                per=1,
                vat=rates[line.vat_category, line.vat_percent],
                net=line.net,
                tax=line.tax,
                gross=line.gross,
                start=lines[-1].start,
                end=lines[-1].end,
            )
            for line in off
        ),
    ]
