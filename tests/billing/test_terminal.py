"""What a charger's own terminal took (2.1 NotifySettlement): a bill that is paid, with its document, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from billing import actions, sweeping, tasks
from billing.actions import missed, refunds, terminal
from billing.actions.bill import NOBODY
from billing.exceptions import PaymentRefused
from billing.ledger import Code
from billing.models import Cdr, Entry, Invoice, Journal, Payment
from stations import paying
from stations.models import Event, Session, Settlement
from tests import make
from tests.billing import money

REF = "psp-0001"


@pytest.fixture
def evse(db):
    return money.place()


def charge(evse, *, energy_wh=10_000) -> Session:
    """Begun by a card at the terminal: nobody's account."""
    type(evse.station.site).objects.update(takes_payment=True)
    session = make.session(evse=evse, energy_wh=energy_wh, minutes=30, token=REF, user=None, id_token=None)
    return Session.objects.with_place().get(pk=session.pk)


def told(session, amount="4.90", status="Settled", *, ref=REF, minute=31, **more) -> Settlement:
    at = session.started_at + timedelta(minutes=minute)
    return paying.settle(
        station=session.station,
        psp_ref=ref,
        status=status,
        amount=Decimal(amount),
        settled_at=at,
        received_at=timezone.now(),
        **{"transaction_id": session.transaction_id} | more,
    )


def bill(session) -> Cdr:
    tasks.bill_session(str(session.pk))
    return Cdr.objects.get(session=session)


def sums() -> dict:
    """Account → debit less credit, over the whole ledger."""
    rows = Entry.objects.values("account__code").annotate(debit=Sum("debit"), credit=Sum("credit"))
    found = {row["account__code"]: row["debit"] - row["credit"] for row in rows}
    assert sum(found.values()) == 0
    return {code: amount for code, amount in found.items() if amount}


def test_its_bill_is_settled_with_a_document(evse):
    session = charge(evse)
    assert (bill(session).state, bill(session).review) == ("review", NOBODY)
    told(session)
    cdr = terminal.pay(session=session)
    assert (cdr.state, cdr.review) == ("settled", "")
    payment, invoice = Payment.objects.get(), Invoice.objects.get()
    assert (payment.method, payment.state, payment.amount_captured) == (
        "terminal",
        "captured",
        Decimal("4.9"),
    )
    assert (invoice.cdr, invoice.gross, invoice.buyer["name"]) == (cdr, Decimal("4.9"), "")
    assert invoice.details["paid"] == {"amount": "4.900", "brand": "terminal", "last4": "", "open": "0.000"}
    assert sums() == {Code.TERMINAL: Decimal("4.9"), Code.REVENUE: -invoice.net, Code.VAT: -invoice.tax}
    assert Journal.objects.get(kind="terminal").reference == REF


def test_again_and_again_changes_nothing(evse):
    session = charge(evse)
    for _round in range(2):
        told(session)
        bill(session)
        terminal.pay(session=session)
        tasks.pay_at_terminal(str(session.pk))
    # The same payment once more, with another time of the terminal's clock.
    told(session, minute=45)
    terminal.pay(session=session)
    assert Settlement.objects.count() == 2
    assert Payment.objects.count() == Invoice.objects.count() == 1
    assert Journal.objects.count() == 2
    assert Cdr.objects.get().review == ""


def test_told_before_the_end_and_before_the_beginning(evse):
    session = charge(evse)
    Session.objects.update(stopped_at=None, stop_received_at=None)
    told(session)
    tasks.pay_at_terminal(str(session.pk))
    assert Payment.objects.count() == 1 and not Invoice.objects.exists()
    at = session.started_at + timedelta(minutes=30)
    Session.objects.update(stopped_at=at, stop_received_at=at)
    assert bill(session).state == "settled"
    # Before the station told of the charge, from its queue: it belongs to nobody until then.
    early = told(session, ref="psp-2", transaction_id="later")
    alarm = Event.objects.get(code="NotifySettlement")
    assert (alarm.severity, alarm.is_cleared) == (4, False)
    later = make.session(evse=evse, energy_wh=10_000, minutes=30, transaction_id="later", token="psp-2")
    assert bill(later).state == "settled"
    early.refresh_from_db()
    assert early.session == later
    assert Event.objects.filter(code="NotifySettlement", variable="psp-2", is_cleared=True).exists()
    assert sums()[Code.TERMINAL] == Decimal("9.8")


@pytest.mark.parametrize(("paid", "billed"), [("3.00", "3.00"), ("6.00", "4.90")])
def test_where_price_and_payment_differ_a_person_decides(evse, paid, billed):
    session = charge(evse)
    told(session, paid)
    cdr = bill(session)
    assert cdr.state == "review"
    assert cdr.review == f"Paid at the charger's terminal: €{paid}, where the price is €4.90."
    assert not Invoice.objects.exists()
    with pytest.raises(PaymentRefused, match="has to be billed"):
        actions.waive(cdr=cdr, by=make.user())
    actions.approve(cdr=cdr, by=make.user())
    cdr.refresh_from_db()
    assert (cdr.state, Invoice.objects.get().gross) == ("settled", Decimal(billed))
    found = sums()
    assert found[Code.TERMINAL] == Decimal(paid)
    # What is too much is still owed to whoever paid it.
    assert found.get(Code.RECEIVABLE, 0) == Decimal(billed) - Decimal(paid)
    terminal.pay(session=session)
    assert Invoice.objects.count() == 1


def test_two_cards_paid_for_one_charge(evse):
    session = charge(evse)
    told(session)
    assert bill(session).state == "settled"
    told(session, ref="psp-2")
    terminal.pay(session=session)
    cdr = Cdr.objects.get()
    assert cdr.state == "settled" and "€9.80, where the price is €4.90" in cdr.review
    assert Invoice.objects.count() == 1 and sums()[Code.RECEIVABLE] == Decimal("-4.9")


def test_what_was_given_up_too_early_is_looked_at_again(evse):
    session = charge(evse)
    actions.waive(cdr=bill(session), by=make.user())
    assert Cdr.objects.get().state == "waived"
    told(session)
    assert terminal.pay(session=session).state == "settled"
    assert Invoice.objects.get().gross == Decimal("4.9")


def test_a_persons_look_at_the_charge_comes_first(evse):
    session = charge(evse)
    Session.objects.update(review="The meter ran backwards.")
    told(session)
    cdr = bill(session)
    assert (cdr.state, cdr.review) == ("review", "The meter ran backwards.")
    assert Payment.objects.count() == 1 and not Invoice.objects.exists()
    actions.approve(cdr=cdr, by=make.user())
    assert Cdr.objects.get().state == "settled" and Invoice.objects.count() == 1


def test_a_drivers_charge_is_not_paid_twice(evse):
    session = make.session(evse=evse, energy_wh=10_000, minutes=30, user=make.user(), token=REF)
    told(session)
    terminal.pay(session=Session.objects.with_place().get(pk=session.pk))
    assert not Payment.objects.exists() and not Journal.objects.exists()
    event = Event.objects.get(code="NotifySettlement")
    assert event.severity == 4 and "a driver is billed for" in event.text


@pytest.mark.parametrize("status", ["Rejected", "Failed", "Canceled"])
def test_what_did_not_come_in_is_told_and_over_when_it_does(evse, status):
    session = charge(evse)
    told(session, status=status, info="no such payment")
    told(session, status=status, info="no such payment")
    terminal.pay(session=session)
    assert bill(session).state == "review"
    assert not Payment.objects.exists() and not Invoice.objects.exists()
    event = Event.objects.get()
    assert (event.code, event.severity, event.variable) == ("NotifySettlement", 4, REF)
    assert "no such payment" in event.text
    told(session, minute=60)
    terminal.pay(session=session)
    assert Event.objects.filter(is_cleared=True).count() == 1
    assert Cdr.objects.get().state == "settled" and Invoice.objects.count() == 1


def test_a_payment_given_up_before_anything_began_is_only_noted(evse):
    session = charge(evse)
    told(session, "0", "Canceled", ref="psp-9", transaction_id="")
    assert Event.objects.get().severity == 7


def test_made_out_to_a_company(evse):
    session = charge(evse)
    company = {
        "name": "ACME GmbH",
        "address1": "Ring 1",
        "city": "Wien",
        "postalCode": "1010",
        "country": "at",
    }
    told(session, vat_number="ATU12345678", company=company)
    bill(session)
    buyer = Invoice.objects.get().buyer
    assert (buyer["name"], buyer["street"], buyer["country"]) == ("ACME GmbH", "Ring 1", "AT")
    assert buyer["vat_id"] == "ATU12345678"


def test_it_is_given_back_at_the_terminal(evse):
    session = charge(evse)
    told(session)
    bill(session)
    payment = Payment.objects.get()
    assert payment.refundable == 0
    with pytest.raises(refunds.TakenAtTerminal):
        refunds.refund(payment=payment, amount=Decimal(1), reason="x", by=None)
    assert not payment.refunds.exists()


def test_a_lost_task_is_made_up_for(evse):
    session = charge(evse)
    bill(session)
    told(session)
    sweeping.sweep(timezone.now() + timedelta(minutes=10))
    assert Cdr.objects.get().state == "settled"
    sweeping.sweep(timezone.now() + timedelta(minutes=20))
    assert Invoice.objects.count() == Payment.objects.count() == 1


def test_what_was_not_booked_is_found(evse):
    session = charge(evse)
    told(session)
    bill(session)
    before = sums()
    assert missed.book_missed(since=timezone.now() - timedelta(days=1)) == 0
    payment = Payment.objects.get()
    other = told(session, ref="psp-2")
    Payment.objects.create(
        operator=payment.operator, method="terminal", settlement=other, state="captured", currency="EUR",
        amount=2, amount_captured=2,
    )  # fmt: skip
    assert missed.book_missed(since=timezone.now() - timedelta(days=1)) == 1
    assert sums()[Code.TERMINAL] == before[Code.TERMINAL] + 2


@pytest.mark.parametrize("fields", [{"method": "terminal"}, {"method": "card", "settled": True}])
def test_the_database_holds_that_such_a_payment_was_settled(evse, fields):
    settled = told(charge(evse)) if fields.pop("settled", False) else None
    with pytest.raises(IntegrityError, match="terminal_payments_are_settlements"), transaction.atomic():
        Payment.objects.create(
            operator=evse.station.site.operator, currency="EUR", amount=1, settlement=settled, **fields
        )


@pytest.mark.django_db(transaction=True)
def test_told_by_two_workers_at_once():
    session = charge(money.place())
    bill(session)
    told(session)

    def pay(_n):
        try:
            return terminal.pay(session=Session.objects.with_place().get(pk=session.pk)).state
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pay, range(4)))
    assert Cdr.objects.get().state == "settled"
    assert Payment.objects.count() == Invoice.objects.count() == 1
    assert sums()[Code.TERMINAL] == Decimal("4.9")
