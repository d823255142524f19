"""Billing's work in the background: each task takes an id, reads the row, and calls; again is harmless."""

import logging
from datetime import date
from decimal import Decimal

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from billing import actions, at_charger, gateway_books, policy, sweeping
from billing.actions import accounts, guests, missed, monthly, movements, reconciliation, terminal
from billing.exceptions import PaymentRefused, ProviderDown
from billing.exports import making
from billing.models import Account, Payment
from bookings.models import Booking
from evportal.accounts.models import Operator
from stations.exceptions import Refused
from stations.models import Command, Session

log = logging.getLogger(__name__)


def _session(session_id) -> Session:
    return Session.objects.with_place().get(pk=session_id)


@shared_task
def open_session(session_id) -> None:
    """A charger reported a start: freeze the price, find or place the hold."""
    session = _session(session_id)
    cdr = actions.open_cdr(session=session)
    try:
        actions.secure(session=session, cdr=cdr)
    except ProviderDown:
        log.warning("The hold for session %s has to wait for the payment provider", session_id)
    at_charger.tell_price(session)


@shared_task
def watch_holds(session_ids) -> None:
    """New meter values: no session may cost more than is held for it, or go beyond its driver's limit."""
    concerned = Q(payments__state=Payment.State.HELD) | Q(limit__isnull=False)
    held = Session.objects.open().filter(concerned, pk__in=session_ids)
    for session in held.with_place().select_related("cdr__version").distinct():
        try:
            actions.watch_hold(session=session)
        except Exception:
            # One session's trouble is not the others'; the sweeper looks again.
            log.exception("Session %s could not be watched", session.pk)
    at_charger.tell_running(session_ids)


@shared_task
def bill_session(session_id) -> None:
    """A session ended: price it, charge it, issue its invoice."""
    try:
        actions.bill(session=_session(session_id))
    except ProviderDown:
        log.warning("Billing session %s has to wait for the payment provider", session_id)
    terminal.pay(session=_session(session_id))
    at_charger.tell_final(_session(session_id))


@shared_task
def requote(booking_id) -> None:
    """A booking was moved, or has another end: its price follows."""
    try:
        actions.requote(booking=Booking.objects.with_place().get(pk=booking_id))
    except PaymentRefused as refusal:
        log.warning("Booking %s has no price where it is now: %s", booking_id, refusal)


@shared_task
def pay_at_terminal(session_id) -> None:
    """A charger's terminal settled a payment: it pays the charge's bill."""
    session = _session(session_id)
    terminal.pay(session=session)
    at_charger.tell_final(session)


@shared_task
def tell_tariffs() -> None:
    """Stations that reckon themselves have the tariff of today."""
    at_charger.tell_tariffs(timezone.now())


@shared_task
def correct_session(session_id, previous_energy_wh) -> None:
    """What came late changed an ended session: price it anew, or correct what was billed."""
    try:
        actions.correct(session=_session(session_id), previous_energy_wh=Decimal(previous_energy_wh))
    except ProviderDown:
        log.warning("Correcting session %s has to wait for the payment provider", session_id)


@shared_task
def close_booking(booking_id) -> None:
    """A booking ended without a session: take its fee, or give its hold free."""
    try:
        actions.charge_fee(booking=Booking.objects.with_place().get(pk=booking_id))
    except ProviderDown:
        log.warning("Booking %s has to wait for the payment provider", booking_id)


@shared_task
def forgive_fee(booking_id) -> None:
    """A booking was used after all: what was taken for not using it goes back."""
    try:
        actions.forgive_fee(booking=Booking.objects.with_place().get(pk=booking_id))
    except ProviderDown:
        log.warning("The fee of booking %s goes back as soon as the payment provider answers", booking_id)


@shared_task
def follow_command(command_id) -> None:
    try:
        actions.command_answered(command=Command.objects.get(pk=command_id))
    except ProviderDown:
        log.warning("A hold is released as soon as the payment provider answers")


@shared_task
def proceed(payment_id) -> None:
    """A payment's state is news: go on with what waited for it."""
    try:
        actions.proceed(payment=Payment.objects.get(pk=payment_id))
    except (PaymentRefused, Refused) as refusal:
        log.info("Payment %s: %s", payment_id, refusal)


@shared_task
def sweep() -> None:
    """Finish what crashes and lost messages left behind."""
    sweeping.sweep(timezone.now())


@shared_task
def make_export(export_id) -> None:
    """An accountant asked for a file."""
    making.make(export_id=export_id)


@shared_task
def sweep_exports() -> None:
    """Files that were ordered and not begun, and files whose time is up."""
    making.sweep(timezone.now())


@shared_task
def bill_month(operator_id, month) -> None:
    """The invoices of a month that is over, for everybody who wants one a month."""
    operator = Operator.objects.get(pk=operator_id)
    monthly.bill_month(operator=operator, month=date.fromisoformat(month))


@shared_task
def bill_months() -> None:
    """Once a day: the month before, wherever something waits; again is harmless."""
    monthly.bill_all(now=timezone.now())


@shared_task
def ask_vat_register(account_id) -> None:
    """Whether a customer's VAT id is anybody's, where a register is set up."""
    accounts.ask_register(account=Account.objects.get(pk=account_id))


@shared_task
def book_missed() -> None:
    """The ledger has what the rows of the last days say, whatever wrote them."""
    booked = missed.book_missed(since=timezone.now() - policy.LOOK_BACK)
    if booked:
        log.warning("%s events of money were not in the ledger, and are now", booked)


@shared_task
def erase_guests() -> None:
    """Several times a day: who charged without an account is forgotten after a time."""
    erased = guests.erase_old(now=timezone.now())
    if erased:
        log.info("The addresses of %s guests are removed", erased)


@shared_task
def learn_payout(payout_id) -> None:
    """A payout has news: take over its state and what is in it."""
    try:
        movements.learn_payout(facts=gateway_books.payout(payout_id))
    except ProviderDown:
        log.warning("Payout %s has to wait for the payment provider", payout_id)


@shared_task
def learn_provider() -> None:
    """Fees, disputes and payouts whose webhooks were lost."""
    since = movements.where_to_begin()
    if since is None or not settings.STRIPE_SECRET_KEY:
        return
    try:
        movements.sync(since=since)
    except ProviderDown:
        log.warning("The payment provider's books have to wait for it")


@shared_task
def reconcile() -> None:
    """The days that are over against the provider's books; again is harmless."""
    if not settings.STRIPE_SECRET_KEY:
        return
    for day in reconciliation.days_due(now=timezone.now()):
        try:
            found = reconciliation.reconcile_day(day=day)
        except ProviderDown:
            log.warning("The reconciliation of %s has to wait for the payment provider", day)
            return
        if found:
            log.warning("The reconciliation of %s found %s differences", day, len(found))
