"""Invoices, credit notes and statements as files: made anew from rows that never change, so always the same.

words   the standing words of each language · page    what the printed page says
facts   the same as EN 16931 counts it · cii, ubl  its two syntaxes · facturx  both in one PDF/A-3
"""

from __future__ import annotations

import json
from pathlib import Path

import typst

from billing.documents import cii, facts, facturx, ubl
from billing.documents.page import page
from billing.models import Invoice

TEMPLATE = Path(__file__).parent.parent / "typst" / "invoice.typ"


def invoice_attachment(invoice_id: int) -> tuple[str, bytes, str]:
    """What the outbox attaches to a mail: name, content, type."""
    invoice = Invoice.objects.with_place().get(pk=invoice_id)
    return file_name(invoice), pdf(invoice), "application/pdf"


def file_name(invoice: Invoice, ending: str = "pdf") -> str:
    return f"{invoice.number}.{ending}"


def pdf(invoice: Invoice, *, language: str = "") -> bytes:
    """The page for people, with the same as XML inside it (Factur-X, profile EN 16931)."""
    lines = list(invoice.lines.all())
    printed = compile_page(TEMPLATE, page(invoice, lines, language or invoice.language), invoice.issued_at)
    return facturx.attach(
        printed, cii.write(facts.of(invoice, lines)), title=invoice.number, at=invoice.issued_at
    )


def compile_page(template: Path, content: dict, at) -> bytes:
    """A page of ours as PDF/A-3b; `at` stands for the clock, so that the bytes stay the same."""
    return typst.compile(
        template.read_bytes(),
        root=str(template.parent),
        sys_inputs={"invoice": json.dumps(content)},
        # What typst brings along: the same letters on every machine.
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards="a-3b",
        timestamp=int(at.timestamp()),
    )


def cii_xml(invoice: Invoice) -> bytes:
    return cii.write(facts.of(invoice, list(invoice.lines.all())))


def ubl_xml(invoice: Invoice) -> bytes:
    return ubl.write(facts.of(invoice, list(invoice.lines.all())))
