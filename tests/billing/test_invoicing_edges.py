"""Edges of documents that a slip in the code would move unseen; most were found by `make mutants`."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from lxml import etree

from billing import actions, documents, gateway, gateway_books, invoicing, statements
from billing.actions import invoices, monthly, refunds
from billing.actions.invoices import reissue
from billing.actions.refunds import WalletGone
from billing.documents import facts
from billing.exceptions import LinesRefused
from billing.models import Account, AccountDriver, Books, Cdr, Invoice, Payment, Refund
from billing.pricing import price, quote_usage
from evportal.outbox.models import Mail
from tests import make, pdf
from tests.billing import money
from tests.billing.test_invoicing import by_line, issued
from tests.billing.test_pricing import BERLIN, NOON, a_tariff, fee, hour, kwh

D = Decimal


# Pure


def test_a_fee_is_one_of_its_kind_at_its_whole_price():
    line = invoicing.fee_line(text="Late", gross=D("11.90"), vat_percent=D(19), currency="EUR")
    assert (line.quantity, line.per, line.unit_price, line.unit) == (1, 1, D("11.90"), "")
    assert (line.net, line.tax, line.gross, line.vat_category) == (D("10.00"), D("1.90"), D("11.90"), "S")
    untaxed = invoicing.fee_line(text="Late", gross=D(5), vat_percent=D(0), currency="EUR")
    assert (untaxed.net, untaxed.tax, untaxed.vat_category) == (5, 0, "Z")


def test_two_lines_of_a_rate_share_what_is_left_of_it():
    """A refund without lines has taken of the rate: together they can't give back more than the rest."""
    lines = [issued(1, "3.00"), issued(2, "3.00")]
    taken = issued(3, "2.00")
    taken = type(taken)(3, 3, -taken.gross, taken.vat_percent, -taken.net, -taken.tax)
    back = by_line(lines, {1: "3.00", 2: "1.00"}, [taken])
    assert invoicing.total([*lines, taken, *back]) == (0, 0, 0)
    with pytest.raises(invoicing.LineRefused, match="At most 1.00 EUR"):
        by_line(lines, {1: "3.00", 2: "1.01"}, [taken])


def test_a_document_taken_back_has_the_same_quantities_at_the_opposite_price():
    line = issued(1, "4.90")
    [back] = invoicing.negated([line], lambda line: line.text)
    assert (back.quantity, back.unit, back.per) == (2, "kWh", 1)
    assert (back.unit_price, back.energy_wh) == (D("-0.5"), -2000)
    assert (back.net, back.tax, back.gross) == (-line.net, -line.tax, D("-4.90"))
    [again] = invoicing.negated([back], lambda line: line.text)
    assert (again.unit_price, again.gross, again.energy_wh) == (D("0.5"), D("4.90"), 2000)


def test_a_line_s_credit_is_at_its_price_or_at_its_part():
    lines, common = [issued(1, "4.90")], {"currency": "EUR", "text": lambda line: "x" * 300, "credited": []}
    [(_old, whole)] = invoicing.line_credits(lines, wanted={1: D("4.90")}, **common)
    assert (whole.unit_price, whole.per, len(whole.text)) == (D("-0.5"), 1, 200)
    [(_old, part)] = invoicing.line_credits(lines, wanted={1: D("0.90")}, **common)
    assert (part.unit_price, part.per, part.quantity) == (D("-0.90"), 1, 1)


def test_a_line_s_words_fit_into_its_column():
    usage = quote_usage(NOON, NOON + timedelta(hours=1), tz=BERLIN, energy_kwh=D(10))
    priced = price(a_tariff(kwh("0.50", 19)), usage)
    [line] = invoicing.lines_of(priced.lines, words=lambda text: text * 100)
    assert len(line.text) == 200
    assert (line.quantity, line.energy_wh, line.unit_price, line.gross) == (10, 10_000, D("0.50"), D("5.95"))


def test_what_came_to_nothing_is_left_out_unless_it_is_the_energy():
    usage = quote_usage(NOON, NOON + timedelta(hours=1), tz=BERLIN, energy_kwh=D(10))
    priced = price(a_tariff(kwh(0, 19), fee(0, 19), hour(6, 19)), usage)
    assert [line.kind for line in invoicing.lines_of(priced.lines)] == ["ENERGY", "TIME"]


# Documents


@pytest.fixture
def invoice(provider, db) -> Invoice:
    return Invoice.objects.get(cdr=money.charged(user=make.user(name="Ada Lovelace")))


def test_a_credit_note_is_mailed_and_says_what_went_back(invoice):
    Mail.objects.all().delete()
    payment = invoice.cdr.session.payments.get()
    row = actions.refund(payment=payment, amount=D("1.00"), reason="Too slow", by=None)
    mail = Mail.objects.get()
    assert mail.to == invoice.user.email and row.credit_note.number in mail.subject + mail.text
    paid = row.credit_note.details["paid"]
    assert (D(paid["amount"]), paid["brand"], paid["last4"]) == (1, "visa", "4242")
    assert "€1.00 refunded to" in pdf.text(documents.pdf(row.credit_note))
    assert (D(invoice.details["paid"]["amount"]), D(invoice.details["paid"]["open"])) == (invoice.gross, 0)
    assert invoices.billed(payment) == invoice
    assert "4.90 paid by" in pdf.text(documents.pdf(invoice))


def test_a_document_that_nobody_has_paid_names_the_receipt_page(invoice):
    invoice.details["paid"] = None
    assert "Not paid yet." in pdf.text(documents.pdf(invoice))


def test_both_parties_have_their_electronic_address(invoice):
    invoice.seller["email"] = "desk@example.com"
    found = facts.of(invoice, list(invoice.lines.all()))
    assert found.seller.email != found.buyer.email
    for xml in (documents.cii_xml(invoice), documents.ubl_xml(invoice)):
        told = {node.text for node in etree.fromstring(xml).iter() if node.get("schemeID") == "EM"}
        assert told == {found.seller.email, found.buyer.email}


def test_a_newer_document_is_made_out_anew_only_once(invoice):
    assert invoice.details.get("replaces") is None
    newer = reissue(invoice=invoice, by=None)
    assert newer.details["replaces"]["number"] == invoice.number
    assert reissue(invoice=invoice, by=None) == newer
    assert Invoice.objects.filter(kind="381").count() == 1
    assert (newer.gross, newer.site, newer.supplied_on) == (invoice.gross, invoice.site, invoice.supplied_on)


@pytest.mark.parametrize(
    ("iban", "words"), [("DE89370400440532013000", "to IBAN DE89"), ("", "Please pay €4.90 by")]
)
def test_what_is_not_paid_says_how_to_pay_it(provider, db, iban, words):
    evse, user = money.place(), make.user()
    operator = evse.station.site.operator
    Books.objects.update_or_create(operator=operator, defaults={"iban": iban})
    fleet = Account.objects.create(
        operator=operator,
        name="Fleet AG",
        kind="business",
        invoicing="monthly",
        on_account=True,
        email="fleet@example.com",
    )
    AccountDriver.objects.create(account=fleet, user=user)
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    actions.bill(session=money.end(session))
    monthly.bill_month(operator=operator, month=date(2026, 6, 1))
    bill = Invoice.objects.get()
    assert (bill.details["paid"], bill.details["charges"], D(bill.details["energy_wh"])) == (None, 1, 10_000)
    assert monthly.bill_month(operator=operator, month=date(2026, 6, 1)) == 0
    assert Mail.objects.get(to="fleet@example.com").subject.count(bill.number) == 1
    with pytest.raises(invoices.DocumentRefused, match="one charge"):
        reissue(invoice=bill, by=None)
    text = pdf.text(documents.pdf(bill))
    assert words in text and f"{bill.due_on.year}" in text
    assert (bill.number in text.split("naming")[-1]) or not iban


def test_a_month_says_what_its_cards_paid_and_what_is_open(provider, db):
    """Two charges: the first from a card, the second when the driver had become a fleet's."""
    evse, user = money.place(), make.user()
    operator = evse.station.site.operator
    fleet = Account.objects.create(
        operator=operator, name="Fleet AG", kind="business", invoicing="monthly", on_account=True
    )
    AccountDriver.objects.create(account=fleet, user=user)
    fleet.on_account = False
    fleet.save()
    money.charged(user=user, evse=evse)
    fleet.on_account = True
    fleet.save()
    session = money.begin(evse, user, at=make.NOON + timedelta(days=1))
    actions.open_cdr(session=session)
    actions.bill(session=money.end(session))
    assert monthly.bill_month(operator=operator, month=date(2026, 6, 1)) == 1
    bill = Invoice.objects.get()
    paid = bill.details["paid"]
    assert (bill.gross, D(paid["amount"]), D(paid["open"])) == (D("9.80"), D("4.90"), D("4.90"))
    assert bill.details["charges"] == 2
    assert [line.energy_wh for line in bill.lines.all()] == [10_000, 10_000]


# Refunds


def test_what_was_paid_from_a_wallet_goes_nowhere_without_its_driver(invoice):
    payment = invoice.cdr.session.payments.get()
    Payment.objects.filter(pk=payment.pk).update(method="wallet", user=None)
    with pytest.raises(WalletGone):
        actions.refund(payment=Payment.objects.get(), amount=D(1), reason="x", by=None)
    assert (Refund.objects.get().state, Payment.objects.get().amount_refunded) == ("failed", 0)


def test_what_the_provider_says_of_a_refund_is_answered_with_its_row(invoice):
    payment = invoice.cdr.session.payments.get()
    there = gateway.refund(payment.stripe_intent, refund_id="none of ours", amount=D(1), currency="EUR")
    row = refunds.learn_refund(facts=gateway_books.refund(there))
    assert (row.stripe_id, row.state, row.amount) == (there, "done", 1)
    assert refunds.learn_refund(facts=gateway_books.refund(there)) == row
    Payment.objects.update(stripe_intent="pi_of_nobody")
    Refund.objects.update(stripe_id="re_other")
    assert refunds.learn_refund(facts=gateway_books.refund(there)) is None


def test_a_line_that_is_not_there_is_named(invoice):
    payment = invoice.cdr.session.payments.get()
    with pytest.raises(LinesRefused, match="no line 7"):
        actions.refund(payment=payment, lines={7: None}, reason="x", by=None)
    assert not Refund.objects.exists()


# Drivers' own papers


def test_a_years_archive_has_its_documents_and_its_charges(invoice):
    year = invoice.issued_at.year
    cdr = Cdr.objects.get()
    begins = datetime(year, 12, 31, 11, tzinfo=UTC)
    type(cdr.session).objects.update(started_at=begins)
    out = io.BytesIO()
    assert statements.archive(invoice.user, year, out) == 1
    file = zipfile.ZipFile(out)
    assert sorted(file.namelist()) == sorted([documents.file_name(invoice), f"charges-{year}.csv"])
    assert file.read(documents.file_name(invoice)) == documents.pdf(invoice)
    # The year's last day is in it.
    assert f"{year}-12-31" in file.read(f"charges-{year}.csv").decode()
    assert statements.archive(make.user(), year, io.BytesIO()) == 0
    again = io.BytesIO()
    statements.archive(invoice.user, year, again)
    assert again.getvalue() == out.getvalue()
