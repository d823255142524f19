"""Issued documents: what they say, that they never change, and the files made of them."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from billing import actions, documents
from billing.exports import csv_invoices
from billing.models import Invoice
from tests import make, pdf
from tests.billing import money

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(provider):
    user = make.user(name="Ada Lovelace")
    return Invoice.objects.get(cdr=money.charged(user=user))


def test_the_pdf_says_it_all(invoice):
    name, content, kind = documents.invoice_attachment(invoice.pk)
    assert (name, kind) == (f"{invoice.number}.pdf", "application/pdf")
    text = pdf.text(content)
    for wanted in (
        invoice.number,
        "€4.90",
        "€4.12",
        "€0.78",
        "19 %",
        "10 kWh",
        "Ada Lovelace",
        invoice.seller["vat_id"],
        invoice.details["evse"],
        "•••• 4242",
        "1 kWh",
        "11 kWh",
    ):
        assert wanted in text, wanted
    assert pdf.pages(content) == 1


def test_the_pdf_is_always_the_same(invoice):
    assert documents.pdf(invoice) == documents.pdf(Invoice.objects.get(pk=invoice.pk))


def test_the_pdf_speaks_german(invoice):
    assert "4,90 €" in pdf.text(documents.pdf(invoice, language="de")).replace("\xa0", " ")


def test_a_credit_note_names_what_it_corrects(invoice):
    payment = invoice.cdr.session.payments.get()
    row = actions.refund(payment=payment, amount=Decimal("1.00"), reason="Too slow", by=None)
    note = row.credit_note
    assert (note.kind, note.corrects, note.gross) == ("381", invoice, Decimal("-1.00"))
    assert note.number != invoice.number
    text = pdf.text(documents.pdf(note))
    assert invoice.number in text
    assert "-€1.00" in text


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_invoice SET gross = 1, net = 1, tax = 0",
        "UPDATE billing_invoice SET number = 'X'",
        "DELETE FROM billing_invoice",
        "UPDATE billing_invoiceline SET text = 'X'",
        "DELETE FROM billing_invoiceline",
        "UPDATE billing_tariffversion SET ocpi = '{}'",
    ],
)
def test_not_even_sql_changes_what_was_issued(invoice, sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_an_erased_driver_leaves_the_document(invoice):
    Invoice.objects.filter(pk=invoice.pk).update(user=None)
    assert Invoice.objects.get(pk=invoice.pk).buyer["name"] == "Ada Lovelace"


def rows() -> str:
    return "".join(csv_invoices.rows(Invoice.objects.order_by("issued_at", "pk").prefetch_related("lines")))


def test_the_csv_has_control_totals_and_negative_numbers(invoice):
    actions.refund(payment=invoice.cdr.session.payments.get(), amount=Decimal("1.00"), reason="", by=None)
    text = rows()
    assert text == rows()
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert ",-0.84,-0.16,-1.00,EUR," in lines[2]
    assert lines[-2] == "TOTAL,2 documents,,,,,,,,,3.28,0.62,3.90,EUR,"


@pytest.mark.parametrize("name", ["=1+1", "+49", "-2", "@x", "\tx", "\rx"])
def test_the_csv_is_no_program(provider, name):
    Invoice.objects.get(cdr=money.charged(user=make.user(name=name)))
    assert f"'{name}" in rows()
