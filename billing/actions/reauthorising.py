"""A session that outlives its hold: a new hold is placed, takes the old one's place, and that one goes free.

The new one belongs to no session before it stands, so at no moment two holds do; which of them the bill is
taken from is decided by one conditional update. Each step that a crash leaves is found by the sweeper: a new
hold that stands and has no place takes it or is given free.
"""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from billing import policy, prices
from billing.actions import holds
from billing.exceptions import CardDeclined, NoCard, PaymentRefused
from billing.models import Card, Cdr, Payment
from stations.models import Session

log = logging.getLogger(__name__)
State = Payment.State


def due(now: datetime) -> QuerySet[Payment]:
    """Holds of running sessions that the bank lets go of soon, and that nothing replaces yet."""
    tried = Payment.objects.filter(replaces=OuterRef("pk"))
    rows = Payment.objects.filter(
        state=State.HELD,
        method=Payment.Method.CARD,
        purpose=Payment.Purpose.SESSION,
        session__stopped_at=None,
        session__isnull=False,
        capture_before__lt=now + policy.REAUTHORISE_BEFORE,
    )
    # Not again and again: a bank that has just said no is asked an hour later.
    recent = tried.filter(Q(state__in=Payment.LIVE) | Q(created_at__gt=now - policy.REAUTHORISE_AGAIN))
    return rows.exclude(Exists(recent)).select_related("card", "user", "quote", "session").order_by("pk")


def replace(*, payment: Payment) -> Payment | None:
    """Place a new hold in this one's stead, without its driver; refused, the old one stays.

    The charge then ends before the bank lets go of it (billing/actions/watching.py). Raises `ProviderDown`
    where the outcome is unknown.
    """
    session = payment.session
    if payment.state != State.HELD or session is None or not session.is_open:
        raise PaymentRefused
    card = payment.card
    if card is None or card.removed_at is not None:
        card = Card.objects.of_driver(payment.user).first()
    try:
        new = holds.place_hold(
            user=payment.user,
            quote=payment.quote,
            card=card,
            amount=payment.amount,
            off_session=True,
            replaces=payment,
        )
    except (CardDeclined, NoCard) as refusal:
        log.warning("Payment %s could not be placed anew: %s", payment.pk, refusal)
        return None
    if new.state == State.HELD:
        swap(payment=new)
    return new


def swap(*, payment: Payment) -> bool:
    """Put a hold that stands into the place of the one it replaces; where that is over, give it free."""
    if _take_place(payment):
        old = Payment.objects.get(pk=payment.replaces_id)
        if old.state == State.RELEASING:
            holds.release(payment=old)
        return True
    holds.release(payment=payment)
    return False


def _take_place(payment: Payment) -> bool:
    """Both rows in one transaction: the old hold is being released exactly when the new one counts."""
    try:
        with transaction.atomic():
            old = Payment.objects.select_for_update().get(pk=payment.replaces_id)
            if old.state not in (State.HELD, State.RELEASED, State.RELEASING):
                return False
            session, booking = old.session, old.booking
            if session is None or _is_settled(session):
                return False
            if old.state == State.HELD:
                Payment.objects.filter(pk=old.pk).update(state=State.RELEASING, updated_at=timezone.now())
            won = Payment.objects.filter(pk=payment.pk, state=State.HELD, session=None).update(
                session=session, booking=booking, updated_at=timezone.now()
            )
            if not won:
                # Somebody else has done all of it, or nothing of it is left.
                transaction.set_rollback(True)
    except IntegrityError:
        # Another live hold stands for the session.
        return False
    payment.refresh_from_db()
    return won == 1 or payment.session_id is not None


def _is_settled(session: Session) -> bool:
    return Cdr.objects.filter(session=session, state__in=[Cdr.State.SETTLED, Cdr.State.WAIVED]).exists()


def without_place(stale: datetime) -> QuerySet[Payment]:
    """New holds that stand, left between the bank's yes and their place."""
    return Payment.objects.filter(
        state=State.HELD, session=None, replaces__isnull=False, updated_at__lt=stale
    ).order_by("updated_at")


def lost(now: datetime) -> QuerySet[Session]:
    """Running sessions whose hold the bank has let go of: nothing stands for them any more."""
    live = Payment.objects.filter(session=OuterRef("pk"), state__in=Payment.LIVE)
    recent = Payment.objects.filter(session=OuterRef("pk"), created_at__gt=now - policy.REAUTHORISE_AGAIN)
    rows = Session.objects.open().filter(
        payments__state=State.RELEASED, user__isnull=False, review="", cdr__state=Cdr.State.OPEN
    )
    rows = rows.exclude(Exists(live)).exclude(Exists(recent)).exclude(watch__kind="unsecured")
    return rows.distinct().with_place().select_related("cdr__version")


def amount_for(session: Session, quoted: Decimal) -> Decimal:
    """What has to be secured for a session that runs already: the quote's hold, and what it costs so far.

    At its start that is nothing, or a fee that the quote has in it.
    """
    priced = prices.running(session)
    so_far = Decimal(0) if priced is None else priced.gross
    return quoted if so_far * 2 <= quoted else so_far + quoted
