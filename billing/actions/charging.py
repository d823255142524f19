"""From the button to a session that is paid for: the hold, then the charger, then its first word."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from billing import limits, parties, policy, prices
from billing.actions import debts, holds, limiting, reauthorising, watching
from billing.exceptions import PaymentRefused, ProviderDown
from billing.limits import Limits
from billing.models import Card, Cdr, Payment, Start
from billing.readiness import NotReady, obstacle
from bookings.models import Booking
from evportal.accounts.models import User
from stations import commands, reservations
from stations.exceptions import Refused
from stations.models import Command, Evse, Session

log = logging.getLogger(__name__)
State = Start.State


class AlreadyCharging(PaymentRefused):
    """The driver's own session runs there; `session` is where to go."""

    default = _lazy("You are charging here already.")

    def __init__(self, session: Session):
        super().__init__()
        self.session = session


def start_charging(
    *,
    user: User,
    evse: Evse,
    card: Card | None,
    from_wallet: bool = False,
    booking: Booking | None = None,
    by: User | None = None,
    wanted: Limits = limits.NONE,
) -> Start:
    """Secure the money, then ask the charger. A second tap finds the first one's start.

    `wanted`: the driver's own limits; the hold follows from them. On a fleet's account nothing is held.

    The booking's hold, or one left over from a start that failed, is used before a new one is placed. The
    start may wait for the driver's bank (`payment.action_url`) or for the provider; `proceed` goes on then.
    """
    now = timezone.now()
    running = Session.objects.open().filter(user=user, evse=evse).first()
    if running is not None:
        raise AlreadyCharging(running)
    problem = obstacle(evse, user, now)
    if problem:
        raise NotReady(problem)
    debts.refuse_debtors(user=user, operator=evse.station.site.operator)
    start, is_new = _open(user=user, evse=evse, booking=booking, now=now)
    if not is_new:
        return start
    try:
        limiting.choose(start=start, wanted=wanted)
        _secure_start(start, card=card, from_wallet=from_wallet, wanted=wanted, now=now)
    except ProviderDown:
        # Whether the hold stands is not known yet: the start waits, and the sweeper asks again.
        return start
    except Refused as refusal:
        fail_start(start=start, problem=str(refusal))
        raise
    if start.payment is None or start.payment.state == Payment.State.HELD:
        ask_charger(start=start, by=by)
    return start


def _open(*, user: User, evse: Evse, booking: Booking | None, now: datetime) -> tuple[Start, bool]:
    try:
        with transaction.atomic():
            return Start.objects.create(
                user=user, evse=evse, booking=booking, expires_at=now + policy.CONFIRM_WITHIN
            ), True
    except IntegrityError:
        return Start.objects.open().get(user=user, evse=evse), False


def _secure_start(
    start: Start, *, card: Card | None, from_wallet: bool, wanted: Limits, now: datetime
) -> None:
    quote = getattr(start.booking, "quote", None) if start.booking is not None else None
    payment = usable_hold(user=start.user, evse=start.evse, booking=start.booking)
    if payment is not None:
        quote = payment.quote
    if quote is None:
        quote = limiting.quote(
            evse=start.evse, user=start.user, booking=start.booking, wanted=wanted, now=now
        )
    Start.objects.filter(pk=start.pk).update(quote=quote)
    start.quote = quote
    if payment is None and not quote.hold_amount:
        return
    if payment is None and parties.is_on_account(start.user, start.evse.station.site.operator):
        return
    if payment is None:
        try:
            payment = holds.place_hold(
                user=start.user,
                quote=quote,
                card=card,
                from_wallet=from_wallet,
                booking=start.booking,
                amount=limiting.hold_amount(quote=quote, wanted=wanted),
            )
        except ProviderDown:
            _remember(start, quote.payments.live().first())
            raise
    _remember(start, payment)


def _remember(start: Start, payment: Payment | None) -> None:
    Start.objects.filter(pk=start.pk).update(payment=payment)
    start.payment = payment


def usable_hold(*, user: User, evse: Evse, booking: Booking | None = None) -> Payment | None:
    """A hold of this driver for this place that no session uses yet: a retried start takes it again."""
    held = Payment.objects.filter(
        user=user,
        state=Payment.State.HELD,
        session=None,
        replaces=None,
        purpose=Payment.Purpose.SESSION,
    )
    if booking is not None:
        return held.filter(booking=booking).first()
    return held.filter(quote__evse=evse, booking=None).first()


def ask_charger(*, start: Start, by: User | None = None) -> Start:
    """Send the start to the charger, once; a charger that can't be asked ends it and frees the hold."""
    now = timezone.now()
    claimed = Start.objects.filter(pk=start.pk, state=State.PAYING).update(
        state=State.ASKED, asked_at=now, expires_at=now + policy.START_WITHIN
    )
    start.refresh_from_db()
    if not claimed:
        return start
    try:
        # The message leaves with this commit, so its answer always finds the start it belongs to.
        with transaction.atomic():
            # A charger that keeps the place itself lets in the token that it was told.
            token = reservations.start_token(start.evse, start.user, now) or commands.app_token(
                start.user, start.evse.station.site.operator
            )
            start.command = commands.remote_start(evse=start.evse, id_token=token, by=by or start.user)
            start.save(update_fields=["command"])
    except Refused as refusal:
        fail_start(start=start, problem=str(refusal), keeps_hold=True)
        raise
    return start


def fail_start(*, start: Start, problem: str, keeps_hold: bool = False) -> Start:
    """It will not start: say why, and give a hold free that is not a booking's.

    `keeps_hold`: the driver stands there and tries again, so the same hold waits for that; the sweeper gives
    it free after a few minutes (`usable_hold`, policy.START_WITHIN).
    """
    won = Start.objects.filter(pk=start.pk, state__in=Start.OPEN).update(
        state=State.FAILED, problem=problem[:255]
    )
    start.refresh_from_db()
    if won and start.payment is not None and start.payment.booking_id is None:
        # A guest's next try is another guest's, who pays anew.
        if keeps_hold and not start.user.is_guest:
            Payment.objects.filter(pk=start.payment.pk).update(updated_at=timezone.now())
        else:
            holds.release(payment=start.payment)
    return start


def command_answered(*, command: Command) -> None:
    """What the charger said to our start; its yes is not yet a session, its no is the end."""
    start = Start.objects.filter(command=command, state=State.ASKED).first()
    if start is None or command.accepted:
        return
    problem = {
        Command.Status.OFFLINE: _("The charger is not connected right now. Try another one."),
        Command.Status.TIMED_OUT: _("The charger did not answer. Try again, or use another one."),
    }.get(
        command.status,
        _("The charger refused to start. Plug in the cable, then try again, or use another one."),
    )
    fail_start(start=start, problem=problem, keeps_hold=True)


def match_start(session: Session) -> Start | None:
    """The start that this session is the answer to."""
    if session.user_id is None:
        return None
    known = Start.objects.filter(session=session).first()
    if known is not None:
        return known
    start = Start.objects.open().filter(user=session.user_id, evse=session.evse_id).first()
    if start is None:
        return None
    Start.objects.filter(pk=start.pk).update(state=State.CHARGING, session=session)
    start.refresh_from_db()
    limiting.attach(start=start, session=session)
    return start


def secure(*, session: Session, cdr: Cdr) -> Payment | None:
    """See to it that a running session is paid for; one that can't be is stopped (billing/policy.py)."""
    live = Payment.objects.live().filter(session=session).first()
    if live is not None or session.review or cdr.version is None or prices.is_free(cdr.version, cdr.groups):
        return live
    if session.user is None:
        # Whose card this is nobody knows, but the operator let it charge: the bill waits for a person.
        return None
    if parties.is_on_account(session.user, session.station.site.operator):
        return None
    try:
        debts.refuse_debtors(user=session.user, operator=session.station.site.operator)
        now = timezone.now()
        quote = prices.quote_of(cdr, now=now)
        Cdr.objects.filter(pk=cdr.pk, quote=None).update(quote=quote)
        amount = reauthorising.amount_for(session, quote.hold_amount)
        return holds.place_hold(
            user=session.user,
            quote=quote,
            **holds.means(user=session.user, quote=quote, amount=amount),
            session=session,
            amount=amount,
            off_session=True,
        )
    except ProviderDown:
        raise
    except PaymentRefused as refusal:
        if policy.STOP_UNSECURED and session.is_open:
            watching.stop(session=session, why=f"no payment: {refusal}")
        return None


def watch_hold(*, session: Session) -> bool:
    """Stop a session before it costs more than is held; true when it was told to stop."""
    return watching.look(session=session)
