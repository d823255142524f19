"""Paying for a slot: a hold first, then the booking; never a hold without a slot, or a slot without one."""

from __future__ import annotations

import logging

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import parties, prices
from billing.actions import debts, fleet_fees, holds, invoices, refunds
from billing.exceptions import PaymentRefused, ProviderDown
from billing.models import Card, FeeDebt, Payment, Quote
from bookings import actions as bookings
from bookings.models import Booking
from stations.exceptions import Refused

log = logging.getLogger(__name__)


#: Why a fee goes back; on the credit note's page and in the admin.
CAME = "The driver had plugged in in time; the charger told so later."


class SlotGone(PaymentRefused):
    default = _(
        "The time for which we held this slot was over before your bank answered. "
        "The hold on your card is released; please choose a slot again."
    )


def booking_quote(booking: Booking) -> Quote:
    """What the driver of this booking is shown and, having paid, is billed by."""
    return prices.quote(
        evse=booking.evse,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        user=booking.user,
        booking=booking,
        now=timezone.now(),
    )


def requote(*, booking: Booking) -> Quote | None:
    """A booking has another time: its quote follows, at the version of the tariff that was agreed to.

    One that nobody has been quoted is quoted when it is looked at.
    """
    if not Quote.objects.filter(booking=booking).exists():
        return None
    return booking_quote(booking)


def confirm_booking(*, booking: Booking, card: Card | None, from_wallet: bool = False) -> Payment | None:
    """Place the hold and confirm the slot. Nothing is held where charging is free, and for whom a fleet pays:
    then there is no payment.

    A declined card leaves the slot held, so that another card can be tried. The payment returned may need
    the driver at their bank (`NEEDS_ACTION`); `confirm_held` goes on when they are back.
    """
    if booking.status == Booking.Status.RESERVED:
        return booking.payments.live().first()
    if booking.status != Booking.Status.PENDING:
        raise SlotGone
    debts.refuse_debtors(user=booking.user, operator=booking.evse.station.site.operator)
    quote = booking_quote(booking)
    if not quote.hold_amount or parties.is_on_account(booking.user, booking.evse.station.site.operator):
        bookings.confirm(booking=booking, now=timezone.now())
        return None
    payment = holds.place_hold(
        user=booking.user, quote=quote, card=card, from_wallet=from_wallet, booking=booking
    )
    if payment.state == Payment.State.HELD:
        confirm_held(payment=payment)
    return payment


def confirm_held(*, payment: Payment) -> Booking:
    """The hold stands: confirm the slot, or where it is gone give the money free and say so."""
    try:
        with transaction.atomic():
            # Two that bring the same news, the driver's browser and the webhook, go one after the other.
            booking = Booking.objects.select_for_update().get(pk=payment.booking_id)
            if booking.status == Booking.Status.PENDING:
                bookings.confirm(booking=booking, now=timezone.now())
                return booking
    except Refused as refusal:
        holds.release(payment=payment)
        raise SlotGone from refusal
    if booking.status in (Booking.Status.RESERVED, Booking.Status.FULFILLED, Booking.Status.NO_SHOW):
        return booking
    holds.release(payment=payment)
    raise SlotGone


def charge_fee(*, booking: Booking) -> Payment | None:
    """A closed booking's end: its fee once, from its hold or else from the driver's card; without a fee the
    hold is given free. One with a session is billed with that."""
    if booking.session_id is not None:
        return None
    done = Payment.objects.filter(booking=booking, purpose=Payment.Purpose.NO_SHOW)
    payment = done.exclude(state=Payment.State.FAILED).first() or _fee_payment(booking)
    if payment is None or payment.purpose != Payment.Purpose.NO_SHOW:
        return payment
    if payment.state in (Payment.State.HELD, Payment.State.CAPTURING):
        holds.capture(payment=payment, amount=min(booking.fee, payment.amount))
    if payment.state == Payment.State.CAPTURED:
        invoices.issue_no_show(payment=payment)
    return payment


def forgive_fee(*, booking: Booking) -> None:
    """A slot was released as not used, and a charger told later that its driver had come: the fee goes back.

    Once however often this is called: what was sent back is counted on the payment's row.
    """
    for payment in booking.payments.filter(purpose=Payment.Purpose.NO_SHOW):
        if payment.state == Payment.State.HELD:
            holds.release(payment=payment)
        left = payment.amount_captured - payment.amount_refunded
        if payment.state == Payment.State.CAPTURED and left > 0:
            # In case the two come in the order in which nobody expects them: what is corrected comes first.
            invoices.issue_no_show(payment=payment)
            refunds.refund(payment=payment, amount=left, reason=CAME, by=None)
    debts.drop_fee(booking=booking)
    fleet_fees.take_back(booking=booking)


def _fee_payment(booking: Booking) -> Payment | None:
    """The payment that the fee is taken from, marked as such."""
    held = booking.payments.filter(
        purpose=Payment.Purpose.SESSION, session=None, state=Payment.State.HELD
    ).first()
    if not booking.fee:
        return holds.release(payment=held) if held is not None else None
    if held is not None:
        try:
            with transaction.atomic():
                Payment.objects.filter(pk=held.pk).update(purpose=Payment.Purpose.NO_SHOW)
        except IntegrityError:
            return None
        held.refresh_from_db()
        return held
    # The hold had run out before the slot came.
    if FeeDebt.objects.filter(booking=booking).exists():
        return None
    account = parties.account_of(booking.user, booking.evse.station.site.operator)
    if account is not None and account.on_account:
        # Nobody has agreed to have it taken from a card of their own: it is the fleet's, like the charges.
        fleet_fees.put_on_account(booking=booking, account=account)
        return None
    card = Card.objects.of_driver(booking.user).first()
    quote = Quote.objects.filter(booking=booking).first()
    if card is None or quote is None:
        debts.owe_fee(booking=booking, why="No hold stood for it, and no card is known.")
        return None
    try:
        return holds.place_hold(
            user=booking.user,
            quote=quote,
            card=card,
            booking=booking,
            amount=booking.fee,
            purpose=Payment.Purpose.NO_SHOW,
            off_session=True,
        )
    except IntegrityError:
        # Another run has taken it between our look and now.
        return Payment.objects.filter(booking=booking, purpose=Payment.Purpose.NO_SHOW).first()
    except ProviderDown:
        raise
    except PaymentRefused as refusal:
        log.warning("The fee of booking %s could not be charged: %s", booking.pk, refusal)
        debts.owe_fee(booking=booking, why=str(refusal))
        return None
