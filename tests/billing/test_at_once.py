"""Fifty at the same moment, and a death between any two steps: money moves once.

`EVPORTAL_RACES=200 pytest tests/billing/test_at_once.py` for the whole of it.
"""

import os
from collections import Counter
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from billing import actions, gateway, gateway_books, prices, sweeping
from billing.actions import disputes, follow, invoices, posting, refunds
from billing.actions import holds as hold_steps
from billing.exceptions import RefundTooHigh
from billing.models import Cdr, Dispute, Invoice, Journal, Payment, Refund, Series, WebhookEvent
from tests import make
from tests.billing import money
from tests.billing.test_wallet import together
from tests.billing.test_webhook import event, post, signed

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE, ROUNDS = 50, int(os.environ.get("EVPORTAL_RACES", "1"))


def held() -> Payment:
    user, evse = make.user(), money.place()
    quote = prices.quote(evse=evse, starts_at=make.NOON, user=user, now=timezone.now())
    return actions.place_hold(user=user, quote=quote, card=money.card(user))


def fresh(row):
    return type(row).objects.get(pk=row.pk)


# Fifty at once


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_fifty_captures_take_the_money_once(provider):
    for _turn in range(ROUNDS):
        payment = held()
        together(AT_ONCE, lambda payment=payment: actions.capture(payment=fresh(payment), amount=Decimal(7)))
        payment = fresh(payment)
        assert (payment.state, payment.amount_captured) == ("captured", 7)
        [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
        assert charge["amount_captured"] == 700
        assert len(provider.all("balance_transaction", source=charge["id"])) == 1
        assert Journal.objects.filter(key=f"capture {payment.pk}").count() == 1


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_fifty_refunds_of_the_whole_give_it_back_once(provider):
    for _turn in range(ROUNDS):
        payment = held()
        actions.capture(payment=payment, amount=Decimal(7))

        def whole(payment=payment):
            return actions.refund(payment=fresh(payment), amount=Decimal(7), reason="x", by=None)

        got = together(AT_ONCE, whole)
        assert sum(isinstance(each, Refund) for each in got) == 1, got
        assert sum(isinstance(each, RefundTooHigh) for each in got) == AT_ONCE - 1
        [there] = provider.all("refund", payment_intent=payment.stripe_intent)
        assert there["amount"] == 700
        [row] = Refund.objects.filter(payment=payment)
        # And fifty that send the same row.
        Refund.objects.filter(pk=row.pk).update(state="new", stripe_id="")
        together(AT_ONCE, lambda row=row: actions.send_refund(row=fresh(row)))
        assert len(provider.all("refund", payment_intent=payment.stripe_intent)) == 1
        assert Journal.objects.filter(key=f"refund {row.pk}").count() == 1


@pytest.mark.timeout(120 + 30 * ROUNDS)
def test_fifty_documents_at_once_have_fifty_numbers_without_a_gap(provider):
    cdr = money.charged()
    operator = cdr.session.station.site.operator
    line = invoices.invoicing.fee_line(text="x", gross=Decimal(1), vat_percent=Decimal(19), currency="EUR")

    @transaction.atomic
    def issue():
        return invoices.issue(
            operator=operator, site=cdr.session.station.site, kind="380", lines=[line], currency="EUR",
            supplied_on=timezone.localdate(), vat_country="DE", seller={}, buyer={},
        )  # fmt: skip

    for turn in range(1, ROUNDS + 1):
        got = together(AT_ONCE, issue)
        assert all(isinstance(each, Invoice) for each in got), got
        numbers = sorted(Invoice.objects.filter(operator=operator).values_list("sequence", flat=True))
        assert numbers == list(range(1, turn * AT_ONCE + 2))
        assert Series.objects.get(operator=operator).last_number == numbers[-1]


def test_fifty_that_bill_the_same_charge_issue_one_invoice(provider):
    cdr = money.charged()
    got = together(AT_ONCE, lambda: actions.issue_invoice(cdr=fresh(cdr)).number)
    assert len(set(got)) == 1, got


def test_fifty_copies_of_one_webhook_are_one_case(client, provider):
    payment = held()
    actions.capture(payment=payment, amount=Decimal(7))
    [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
    there = provider.dispute(charge["id"])
    body = event("charge.dispute.created", {"id": there["id"], "object": "dispute"})
    got = together(AT_ONCE, lambda: post(client, body, signed(body)).status_code)
    assert set(got) == {200}, got
    assert Dispute.objects.count() == 1
    assert WebhookEvent.objects.filter(type="charge.dispute.created").count() == 1
    kinds = Counter(Journal.objects.values_list("kind", flat=True))
    assert (kinds["dispute"], kinds["fee"]) == (1, 1)


# A death at each step


class Killed(BaseException):
    """As if the process had ended here: nothing catches it, nothing is written after it."""


@pytest.fixture
def kill():
    """Die at a call: `before` it did anything, or `after` it did everything and before it is known here."""

    def at(module, name, *, after: bool):
        patch = pytest.MonkeyPatch()
        real = getattr(module, name)

        def dies(*args, **fields):
            patch.undo()
            if after:
                real(*args, **fields)
            raise Killed

        patch.setattr(module, name, dies)
        return patch

    return at


def later() -> None:
    """Some time on, when the sweeper takes what was left for left."""
    for model in (Payment, Refund, Dispute):
        model.objects.update(updated_at=timezone.now() - timezone.timedelta(minutes=5))
    sweeping.sweep(timezone.now())


WHEN = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@WHEN
@pytest.mark.parametrize(
    ("module", "name"), [(gateway, "open_hold"), (gateway, "confirm_hold"), (hold_steps, "learn")]
)
def test_a_death_while_a_hold_is_placed(provider, kill, module, name, after):
    kill(module, name, after=after)
    with pytest.raises(Killed):
        held()
    later()
    payment = Payment.objects.get()
    intents = provider.all("payment_intent", metadata={"payment": str(payment.pk)})
    # Nobody waits for it any more: nothing may stay held, and nothing was taken.
    assert payment.state in ("failed", "released", "held")
    standing = [each for each in intents if each["status"] == "requires_capture"]
    assert len(standing) == (payment.state == "held")
    assert not Journal.objects.exists()


@WHEN
@pytest.mark.parametrize(
    ("module", "name"),
    [(gateway, "capture"), (hold_steps, "_move"), (hold_steps, "learn"), (posting, "book")],
)
def test_a_death_while_money_is_taken(provider, kill, module, name, after):
    payment = held()
    kill(module, name, after=after)
    with pytest.raises(Killed):
        actions.capture(payment=payment, amount=Decimal(7))
    later()
    payment = fresh(payment)
    if payment.state == "released":
        # It died before the row said that anything began, and a hold of nothing is let go.
        assert (name, after) == ("_move", False)
        assert not Journal.objects.exists()
        return
    assert (payment.state, payment.amount_captured) == ("captured", 7)
    [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
    assert charge["amount_captured"] == 700
    assert Journal.objects.filter(kind="capture").count() == 1


@WHEN
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (gateway, "refund"),
        (refunds, "send_refund"),
        (refunds, "finish_refund"),
        (posting, "book"),
        (invoices, "issue_credit_note"),
    ],
)
def test_a_death_while_money_goes_back(provider, kill, module, name, after):
    payment = Payment.objects.get(session=money.charged().session)
    kill(module, name, after=after)
    with pytest.raises(Killed):
        actions.refund(payment=payment, amount=Decimal(2), reason="x", by=None)
    later()
    [row] = Refund.objects.all()
    assert (row.state, fresh(payment).amount_refunded) == ("done", 2)
    [there] = provider.all("refund", payment_intent=payment.stripe_intent)
    assert there["id"] == row.stripe_id
    assert Journal.objects.filter(kind="refund").count() == 1
    assert Invoice.objects.filter(kind="381").count() == 1


@WHEN
@pytest.mark.parametrize(
    ("module", "name"), [(gateway, "retrieve"), (actions, "learn"), (posting, "book"), (WebhookEvent, "save")]
)
def test_a_death_while_a_webhook_is_taken_in(client, provider, kill, module, name, after):
    payment = held()
    gateway.client().payment_intents.capture(payment.stripe_intent, {"amount_to_capture": 700})
    body = event("payment_intent.succeeded", {"id": payment.stripe_intent, "object": "payment_intent"})
    patch = kill(module, name, after=after)
    with pytest.raises(Killed):
        post(client, body, signed(body))
    patch.undo()
    # Neither the event nor its effect is there, so the provider's next try does both.
    assert not WebhookEvent.objects.exists()
    assert (fresh(payment).state, Journal.objects.count()) == ("held", 0)
    for _again in range(2):
        assert post(client, body, signed(body)).status_code == 200
    assert fresh(payment).state == "captured"
    assert Journal.objects.filter(kind="capture").count() == WebhookEvent.objects.count() == 1


@WHEN
@pytest.mark.parametrize(
    ("module", "name"),
    [(gateway_books, "dispute"), (gateway_books, "send_evidence"), (disputes, "learn_dispute")],
)
def test_a_death_while_evidence_is_sent(provider, kill, module, name, after):
    payment = held()
    actions.capture(payment=payment, amount=Decimal(7))
    [charge] = provider.all("charge", payment_intent=payment.stripe_intent)
    case = disputes.learn_dispute(facts=gateway_books.dispute(provider.dispute(charge["id"])["id"]))
    kill(module, name, after=after)
    with pytest.raises(Killed):
        disputes.send_evidence(dispute=case, explanation="It was delivered.", by=None)
    later()
    assert (fresh(case).evidence_state, fresh(case).status) == ("sent", "under_review")
    [there] = provider.all("dispute", id=case.stripe_id)
    assert there["evidence_details"]["submission_count"] == 1


@WHEN
@pytest.mark.parametrize(("module", "name"), [(invoices, "issue_invoice"), (hold_steps, "capture")])
def test_a_death_while_a_charge_is_billed(provider, kill, module, name, after):
    user, evse = make.user(), money.place()
    actions.start_charging(user=user, evse=evse, card=money.card(user))
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    session = money.end(session)
    kill(module, name, after=after)
    with pytest.raises(Killed):
        actions.bill(session=session)
    Cdr.objects.update(priced_at=timezone.now() - timezone.timedelta(minutes=5))
    later()
    for payment in Payment.objects.filter(state="captured"):
        follow.proceed(payment=payment)
    [invoice] = Invoice.objects.all()
    payment = Payment.objects.get()
    assert (payment.state, payment.amount_captured) == ("captured", invoice.gross)
    assert Counter(Journal.objects.values_list("kind", flat=True)) == {"capture": 1, "invoice": 1}
