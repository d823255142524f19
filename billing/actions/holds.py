"""A hold's steps: the row in its own commit, then the provider, then a conditional update of the row.

Whoever dies between two of them leaves a row that says which step was under way; `reconcile` reads the
provider's side first and finishes it.
"""

from __future__ import annotations

import logging
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from billing import gateway, hold_rules, payments, policy
from billing.actions import pages, posting, wallet_holds
from billing.exceptions import CardDeclined, NoCard, PaymentRefused, ProviderRefused, WalletTooLow
from billing.models import Card, Payment, Quote
from bookings.models import Booking
from evportal.accounts.models import Operator, User
from stations.models import Session

log = logging.getLogger(__name__)
State = Payment.State


def place_hold(
    *,
    user: User,
    quote: Quote,
    card: Card | None,
    booking: Booking | None = None,
    session: Session | None = None,
    amount: Decimal | None = None,
    purpose: str = Payment.Purpose.SESSION,
    off_session: bool = False,
    from_wallet: bool = False,
    replaces: Payment | None = None,
) -> Payment:
    """Hold the quote's amount on the card, or in the driver's wallet. A booking or session that has a live
    hold keeps that one. One that `replaces` another belongs to no session before it takes its place
    (billing/actions/reauthorising.py).

    Returns the payment, which may need the driver (`NEEDS_ACTION`, its `action_url`). Raises `CardDeclined`
    or `WalletTooLow`; and `ProviderDown` where the outcome is unknown: the row stays, and the sweeper finds
    out.
    """
    payment, is_new = _open(
        user=user,
        quote=quote,
        card=card,
        booking=booking,
        session=session,
        amount=quote.hold_amount if amount is None else amount,
        purpose=purpose,
        method=Payment.Method.WALLET if from_wallet else Payment.Method.CARD,
        replaces=replaces,
    )
    if from_wallet:
        return payment
    return _ask(payment, off_session=off_session) if is_new else payment


def means(*, user: User, quote: Quote, amount: Decimal) -> dict:
    """What a driver who is not asked pays with: their wallet where it carries so much, else the card that
    is used first."""
    if wallet_holds.covers(user=user, operator=_operator(quote), currency=quote.currency, amount=amount):
        return {"card": None, "from_wallet": True}
    return {"card": Card.objects.of_driver(user).first(), "from_wallet": False}


def _open(*, user, quote, card, booking, session, amount, purpose, method, replaces) -> tuple[Payment, bool]:
    in_wallet = method == Payment.Method.WALLET
    if not in_wallet and (card is None or card.removed_at is not None or card.customer.user_id != user.pk):
        raise NoCard
    if amount <= 0:
        raise PaymentRefused
    try:
        # Durable: the row must be there before the provider hears of it.
        with transaction.atomic(durable=True):
            payment = Payment.objects.create(
                operator=_operator(quote),
                user=user,
                quote=quote,
                card=None if in_wallet else card,
                booking=booking,
                session=session,
                purpose=purpose,
                method=method,
                state=State.HELD if in_wallet else State.NEW,
                currency=quote.currency,
                amount=amount,
                replaces=replaces,
            )
            if in_wallet:
                wallet_holds.reserve(payment)
            return payment, True
    except IntegrityError as error:
        if "wallets_are_never_negative" in str(error):
            raise WalletTooLow from error
        live = Payment.objects.live().filter(purpose=purpose)
        if replaces is not None:
            live = live.filter(replaces=replaces)
        elif session is not None:
            live = live.filter(session=session)
        else:
            live = live.filter(booking=booking)
        found = live.first()
        if found is None:
            raise
        return found, False


def _operator(quote: Quote) -> Operator:
    return quote.evse.station.site.operator


def _ask(payment: Payment, *, off_session: bool) -> Payment:
    try:
        opened = gateway.open_hold(
            payment_id=payment.pk,
            amount=payment.amount,
            currency=payment.currency,
            customer=payment.card.customer.stripe_id,
            card=payment.card.stripe_id,
            description=f"{payment.operator} · {payment.quote.evse}",
            may_grow=payment.purpose == Payment.Purpose.SESSION
            and hold_rules.of(payment.quote.evse.station.site).raises,
        )
        Payment.objects.filter(pk=payment.pk).update(stripe_intent=opened.id, updated_at=timezone.now())
        payment.stripe_intent = opened.id
        intent = gateway.confirm_hold(
            opened.id,
            payment_id=payment.pk,
            off_session=off_session,
            return_url="" if off_session else return_url(payment),
        )
    except (CardDeclined, ProviderRefused) as refusal:
        code = getattr(refusal, "code", "refused")
        _move(payment, State.FAILED, error_code=code[:60], error_message=str(refusal)[:255])
        raise
    return learn(payment=payment, intent=intent)


def return_url(payment: Payment) -> str:
    """Where the bank's page sends the driver back to."""
    return settings.PUBLIC_URL + reverse("billing:payment", args=[payment.pk])


def learn(*, payment: Payment, intent: gateway.Intent) -> Payment:
    """Take over what the provider says of this payment, if it is news; never backwards."""
    news = payments.after_news(payment.state, intent.status, refused=intent.refused)
    if news is None:
        return payment
    fields: dict = {"stripe_intent": intent.id, "action_url": intent.action_url}
    if intent.refused and news == State.FAILED:
        fields |= {"error_code": intent.error_code, "error_message": intent.error_message[:255]}
    if intent.capture_before:
        fields["capture_before"] = intent.capture_before
    if intent.may_raise:
        fields["may_raise"] = True
    if news == State.CAPTURED:
        fields["amount_captured"] = min(intent.received, payment.amount)
    _move(payment, news, **fields)
    return payment


def look(*, payment: Payment) -> Payment:
    """Ask the provider how this payment stands, without pushing it on."""
    if payment.method == Payment.Method.WALLET:
        return payment
    if pages.is_waited_for(payment):
        intent = pages.read(payment).intent
        return payment if intent is None else learn(payment=payment, intent=intent)
    return learn(payment=payment, intent=gateway.retrieve(payment.stripe_intent))


@transaction.atomic
def _move(payment: Payment, state: str, **fields) -> bool:
    """The conditional update that decides who won; the row as it is now is read again either way."""
    won = Payment.objects.filter(pk=payment.pk, state=payment.state).update(
        state=state, updated_at=timezone.now(), **fields
    )
    payment.refresh_from_db()
    if won and state == State.CAPTURED:
        posting.book(booking=posting.of_capture(payment))
    return won == 1


def attach_hold(*, payment: Payment, session: Session) -> bool:
    """This hold pays for this session; a hold belongs to one session only."""
    try:
        with transaction.atomic():
            return (
                Payment.objects.filter(pk=payment.pk, session=None, state__in=Payment.LIVE).update(
                    session=session, updated_at=timezone.now()
                )
                == 1
            )
    except IntegrityError:
        # The session has a live hold already.
        return False


def capture(*, payment: Payment, amount: Decimal) -> Payment:
    """Take this much of the hold, once, whoever asks at the same time. The rest is free again."""
    if amount <= 0 or amount > payment.amount:
        raise PaymentRefused
    if payment.method == Payment.Method.WALLET:
        wallet_holds.capture(payment=payment, amount=amount)
        return payment
    if payment.state == State.HELD:
        _move(payment, State.CAPTURING, amount_to_capture=amount)
    if payment.state == State.CAPTURING:
        # Also the loser of the race comes here: the provider knows this step by its key, so it is one step.
        _capture(payment)
    return payment


def _capture(payment: Payment) -> None:
    try:
        intent = gateway.capture(
            payment.stripe_intent,
            payment_id=payment.pk,
            amount=payment.amount_to_capture,
            currency=payment.currency,
        )
    except ProviderRefused:
        # Captured by another hand, or expired: the provider's state says which.
        intent = gateway.retrieve(payment.stripe_intent)
    learn(payment=payment, intent=intent)


def release(*, payment: Payment) -> Payment:
    """Give the hold free; harmless when it is already."""
    if payment.method == Payment.Method.WALLET:
        wallet_holds.release(payment=payment)
        return payment
    if payments.may(payment.state, State.RELEASING):
        _move(payment, State.RELEASING)
    if payment.state == State.RELEASING:
        _release(payment)
    return payment


def _release(payment: Payment) -> None:
    if pages.is_waited_for(payment) and pages.close(payment).status == "open":
        # The bank is just being asked there: it can't be shut, and what comes of it is asked for again.
        return
    if not payment.stripe_intent:
        # The provider was never asked, so nothing is held.
        _move(payment, State.RELEASED)
        return
    try:
        intent = gateway.release(payment.stripe_intent, payment_id=payment.pk)
    except ProviderRefused:
        intent = gateway.retrieve(payment.stripe_intent)
        if intent.refused:
            # The bank had said no already, which holds nothing either.
            _move(payment, State.RELEASED)
            return
    learn(payment=payment, intent=intent)


def reconcile(*, payment: Payment) -> Payment:
    """Finish the step that a crash or a lost answer left: read the provider's side, then go on from there."""
    if payment.method == Payment.Method.WALLET:
        # Each of its steps is one transaction: none is left half done.
        payment.refresh_from_db()
        return payment
    if payment.state == State.NEW and pages.is_waited_for(payment):
        return _look_at_page(payment)
    if payment.state == State.NEW and not payment.stripe_intent:
        # The id is stored before the bank is asked: without one nothing can have been held.
        _move(payment, State.FAILED, error_code="not_sent", error_message=str(PaymentRefused.default))
        return payment
    if pages.is_waited_for(payment):
        _release(payment)
        return payment
    intent = gateway.retrieve(payment.stripe_intent)
    learn(payment=payment, intent=intent)
    if payment.state == State.NEW:
        # The bank was never asked, and the driver is gone: don't ask behind their back.
        release(payment=payment)
    elif payment.state == State.CAPTURING:
        _capture(payment)
    elif payment.state == State.RELEASING:
        _release(payment)
    return payment


def _look_at_page(payment: Payment) -> Payment:
    """A guest is at the provider's page: they have paid, or it is shut, or they have more time."""
    take_page(payment=payment, page=pages.read(payment))
    if payment.state == State.NEW and payment.created_at < timezone.now() - policy.CONFIRM_WITHIN:
        release(payment=payment)
    return payment


def take_page(*, payment: Payment, page: gateway.HoldPage) -> Payment:
    """Write down what a guest's page says of their hold."""
    if page.intent is not None:
        return learn(payment=payment, intent=page.intent)
    if page.status == "expired" and payments.may(payment.state, State.RELEASED):
        _move(payment, State.RELEASED)
    return payment
