"""Refunds: whole, in part, by line; each with a credit note that says what went back."""

from decimal import Decimal

import pytest
from django.urls import reverse

from billing import actions, gateway, gateway_books
from billing.actions import monthly, refunds
from billing.exceptions import LinesRefused, RefundTooHigh
from billing.models import Cdr, Invoice, Payment, Refund
from tests import make
from tests.api import caller
from tests.billing import money
from tests.billing.test_books import account
from tests.billing.test_ledger import commit

pytestmark = pytest.mark.django_db
FOOD = {"type": "FLAT", "price": 1.00, "vat": 7, "step_size": 1}


@pytest.fixture
def payment(provider) -> Payment:
    """€4.90 of energy at 19 % and €1.00 at 7 %."""
    return Payment.objects.get(
        session=money.charged(evse=money.place(components=(money.ENERGY, FOOD))).session
    )


def invoice_of(payment: Payment) -> Invoice:
    return Cdr.objects.get(session=payment.session).billed_on


def refund(payment, **fields) -> Refund:
    return actions.refund(payment=payment, reason="Sorry", by=None, **fields)


def position(payment, percent: int) -> int:
    return invoice_of(payment).lines.get(vat_percent=percent).position


def test_chosen_lines_stand_on_the_credit_note_with_their_tax(payment):
    food, energy = position(payment, 7), position(payment, 19)
    row = refund(payment, lines={food: None, energy: Decimal("1.19")})
    assert (row.amount, row.state) == (Decimal("2.19"), "done")
    note = row.credit_note
    assert note.corrects == invoice_of(payment)
    said = note.lines.values_list("vat_percent", "net", "tax", "gross", "corrects__position")
    assert set(said) == {
        (Decimal(7), Decimal("-0.93"), Decimal("-0.07"), Decimal(-1), food),
        (Decimal(19), Decimal(-1), Decimal("-0.19"), Decimal("-1.19"), energy),
    }  # fmt: skip
    commit()


def test_lines_and_amounts_together_come_to_the_whole(payment):
    refund(payment, lines={position(payment, 19): Decimal("0.99")})
    refund(payment, amount=Decimal("0.50"))
    payment.refresh_from_db()
    refund(payment, amount=payment.refundable)
    documents = Invoice.objects.filter(cdr__session=payment.session)
    assert sum(each.gross for each in documents) == sum(each.tax for each in documents) == 0
    commit()


def test_more_than_a_line_has_left_is_refused(payment):
    energy = position(payment, 19)
    refund(payment, lines={energy: Decimal(4)})
    for wanted in ({energy: Decimal("0.91")}, {energy: Decimal("0.001")}, {99: None}, {99: Decimal(1)}):
        with pytest.raises(LinesRefused):
            refund(payment, lines=wanted)
    with pytest.raises(LinesRefused):
        refund(payment)
    with pytest.raises(LinesRefused):
        refund(payment, amount=Decimal(5), lines={energy: Decimal("0.90")})
    with pytest.raises(RefundTooHigh):
        refund(payment, amount=Decimal(100))
    assert Refund.objects.count() == 1
    payment.refresh_from_db()
    assert payment.amount_refunded == 4


def test_what_is_on_its_way_counts_as_given_back(payment):
    energy = position(payment, 19)
    line = invoice_of(payment).lines.get(position=energy)
    waiting = Refund.objects.create(payment=payment, amount=4, reason="x")
    waiting.lines.create(line=line, gross=4)
    with pytest.raises(LinesRefused):
        refund(payment, lines={energy: Decimal(1)})
    refunds.fail_refund(row=waiting, message="x")


def test_a_line_that_another_refund_took_meanwhile_is_credited_by_rate(payment):
    """The money is gone when the credit note is written: it is written in any case."""
    energy = position(payment, 19)
    line = invoice_of(payment).lines.get(position=energy)
    refund(payment, lines={energy: None})
    row = Refund.objects.create(payment=payment, amount=Decimal(1), reason="x")
    row.lines.create(line=line, gross=1)
    actions.send_refund(row=row)
    assert row.credit_note.gross == -1
    assert [each.vat_percent for each in row.credit_note.lines.all()] == [7]


def test_a_refund_that_the_provider_tells_of_first_is_one_refund(payment):
    """Its webhook overtakes our own answer."""
    row = Refund.objects.create(payment=payment, amount=Decimal(1), reason="x")
    Payment.objects.update(amount_refunded=1)
    id_ = gateway.refund(payment.stripe_intent, refund_id=row.pk, amount=row.amount, currency="EUR")
    facts = gateway_books.refund(id_)
    for _twice in range(2):
        refunds.learn_refund(facts=facts)
    actions.send_refund(row=row)
    row.refresh_from_db()
    assert (row.state, row.stripe_id) == ("done", id_)
    assert Refund.objects.count() == Invoice.objects.filter(kind="381").count() == 1


def test_finance_refunds_a_line_on_the_page(client, payment, settings):
    settings.STAFF_MFA_REQUIRED = False
    client.force_login(make.member(operator=payment.operator, role="accountant"))
    url = reverse("fin:refund", args=[invoice_of(payment).pk])
    food = f"line_{position(payment, 7)}"
    page = client.get(url).content.decode()
    assert "at most €1.00" in page
    assert f'name="{food}"' in page
    for wrong in (
        {},
        {"amount": "1", food: "1"},
        {"everything": "on", "amount": "1"},
        {food: "1.01"},
        {food: "0.001"},
        {food: "x"},
    ):
        assert client.post(url, {"reason": "Cold", **wrong}).status_code == 422, wrong
    asked = client.post(url, {"reason": "Cold", food: "0.50"})
    assert "€0.50" in asked.content.decode()
    assert not Refund.objects.exists()
    client.post(url, {"reason": "Cold", food: "0.50", "amount": "", "confirmed": "1"})
    assert [(each.gross, each.line.vat_percent) for each in Refund.objects.get().lines.all()] == [
        (Decimal("0.50"), 7)
    ]
    asked = client.post(url, {"reason": "Cold", "everything": "on"})
    assert "Refund €5.40" in asked.content.decode()


def test_finance_refunds_one_charge_of_a_months_invoice(client, provider, settings):
    settings.STAFF_MFA_REQUIRED = False
    user, evse = make.user(), money.place()
    account(user, invoicing="monthly")
    payment = Payment.objects.get(session=money.charged(user=user, evse=evse).session)
    month = payment.session.stopped_at.date().replace(day=1)
    monthly.bill_month(operator=payment.operator, month=month)
    invoice = invoice_of(payment)
    assert invoice.cdr is None
    client.force_login(make.member(operator=payment.operator, role="accountant"))
    assert "Refund one charge of it" in client.get(reverse("fin:invoice", args=[invoice.pk])).content.decode()
    url = f"{reverse('fin:refund', args=[invoice.pk])}?line=1"
    client.post(url, {"reason": "Cold", "line_1": "2.00", "confirmed": "1"})
    assert Refund.objects.get().credit_note.corrects == invoice


def test_the_api_refunds_by_line(payment):
    api = caller(operator=payment.operator, role="accountant")
    url = f"payments/{payment.pk}/refund/"
    food = position(payment, 7)
    for wrong in (
        {},
        {"lines": [{"line": food}, {"line": food}]},
        {"lines": [{"line": 0}]},
        {"lines": [{"line": food, "amount": "-1"}]},
    ):
        assert api.post(url, {"reason": "Cold", **wrong}).status_code == 400, wrong
    refused = api.post(url, {"reason": "Cold", "lines": [{"line": food, "amount": "1.01"}]})
    assert refused.status_code == 409
    answer = api.post(url, {"reason": "Cold", "lines": [{"line": food}]})
    assert answer.status_code == 201
    assert (answer.json()["amount"], answer.json()["lines"]) == (
        "1.000", [{"line": food, "amount": "1.000"}],
    )  # fmt: skip
