"""The sweeper: every step of money that was begun is finished, or undone, whatever died in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import actions, policy, prices
from billing.actions import (
    debt_pages,
    disputes,
    plan_rounds,
    plan_terms,
    raising,
    reauthorising,
    subscriptions,
    terminal,
    watching,
)
from billing.exceptions import ProviderDown
from billing.models import (
    Cdr,
    DebtPage,
    Dispute,
    FeeDebt,
    HoldIncrement,
    Payment,
    Refund,
    Start,
    TariffVersion,
    TopUp,
)
from bookings.models import Booking
from stations.exceptions import Refused
from stations.models import Session

log = logging.getLogger(__name__)

#: At most so many of a kind in one round: the next round is seconds away.
BATCH = 100
LOCK = 0x62696C6C


def sweep(now: datetime) -> None:
    """One round. Two at a time would only do each other's work, so the second one leaves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return
        try:
            _round(now)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _round(now: datetime) -> None:
    stale = now - policy.STALE_AFTER
    _each(watching.due(now), lambda row: watching.follow(row, now))
    _each(_stale_raises(stale), lambda row: raising.finish(row=row))
    _each(_stale_payments(now, stale), _finish_payment)
    _each(reauthorising.without_place(stale), lambda payment: actions.proceed(payment=payment))
    _each(reauthorising.due(now), lambda payment: reauthorising.replace(payment=payment))
    _each(Refund.objects.filter(state=Refund.State.NEW, updated_at__lt=stale), _finish_refund)
    _each(
        Dispute.objects.filter(evidence_state=Dispute.Evidence.SENDING, updated_at__lt=stale),
        lambda dispute: disputes.finish_evidence(dispute=dispute),
    )
    _each(_open_top_ups(now, stale), _finish_top_up)
    _sweep_plans(now)
    _each(debt_pages.open_ones(now, stale), _look_at_debt_page)
    _each(debt_pages.unfinished(stale), lambda payment: actions.proceed(payment=payment))
    _each(_uncharged_fees(now, stale), lambda booking: actions.charge_fee(booking=booking))
    _each(_undue_fees(now, stale), lambda booking: actions.forgive_fee(booking=booking))
    _each(_dead_starts(now, stale), _finish_start)
    _each(
        _unopened(now, stale),
        lambda session: actions.secure(session=session, cdr=actions.open_cdr(session=session)),
    )
    _each(_unsecured(now, stale), lambda session: actions.secure(session=session, cdr=session.cdr))
    _each(reauthorising.lost(now), lambda session: actions.secure(session=session, cdr=session.cdr))
    _each(_unbilled(now, stale), lambda session: actions.bill(session=session))
    _each(terminal.untaken(now, stale), lambda session: terminal.pay(session=session))
    _each(
        Cdr.objects.filter(state=Cdr.State.PRICED, priced_at__lt=stale), lambda cdr: actions.settle(cdr=cdr)
    )
    _each(_idle_holds(now), _let_go)


def _sweep_plans(now: datetime) -> None:
    _each(plan_rounds.unfinished_switches(now), lambda row: subscriptions.finish_switch(row=row))
    _each(plan_rounds.unfinished(now), plan_rounds.look_again)
    _each(plan_rounds.untold_ends(now), lambda row: subscriptions.tell_end(row=row))
    _each(plan_rounds.out_of_grace(now), lambda row: subscriptions.end_unpaid(row=row))
    _each(plan_terms.to_be_taxed_anew(now), lambda row: plan_terms.apply_vat(row=row))
    _each(plan_terms.to_be_told(now), lambda row: plan_terms.give_notice(row=row, now=now))
    _each(plan_terms.to_be_renewed_anew(now), lambda row: plan_terms.apply_notice(row=row))


def _each(rows: Iterable, step: Callable) -> None:
    """One row's trouble is not the others'."""
    for row in rows[:BATCH]:
        try:
            step(row)
        except ProviderDown:
            log.warning("The payment provider does not answer; %r waits", row)
        except Refused as refusal:
            log.info("%r: %s", row, refusal)
        except Exception:
            log.exception("Sweeping %r failed", row)


def _stale_payments(now: datetime, stale: datetime):
    State = Payment.State
    moving = Q(state__in=[State.NEW, State.CAPTURING, State.RELEASING], updated_at__lt=stale)
    # The driver is at their bank: ask now and then, not every round.
    waiting = Q(state=State.NEEDS_ACTION, updated_at__lt=stale)
    ran_out = Q(state=State.HELD, capture_before__lt=now)
    return Payment.objects.filter(moving | waiting | ran_out).order_by("updated_at")


def _stale_raises(stale: datetime):
    rows = HoldIncrement.objects.filter(state=HoldIncrement.State.NEW, updated_at__lt=stale)
    return rows.select_related("payment").order_by("updated_at")


def _finish_payment(payment: Payment) -> None:
    before = payment.state
    # First of all, so that a row which always fails goes to the end of the line.
    Payment.objects.filter(pk=payment.pk).update(updated_at=timezone.now())
    actions.reconcile(payment=payment)
    if (
        payment.state == Payment.State.NEEDS_ACTION
        and payment.created_at < timezone.now() - policy.CONFIRM_WITHIN
    ):
        actions.release(payment=payment)
    if payment.state != before or payment.state == Payment.State.CAPTURED:
        actions.proceed(payment=payment)


def _finish_refund(row: Refund) -> None:
    actions.send_refund(row=row)


def _open_top_ups(now: datetime, stale: datetime):
    """The driver may be at the page for a day: ask now and then."""
    asked = Q(stripe_checkout="", updated_at__lt=stale) | Q(updated_at__lt=now - policy.ASK_OPEN_PAGES_EVERY)
    return TopUp.objects.filter(asked, state=TopUp.State.NEW).order_by("updated_at")


def _finish_top_up(row: TopUp) -> None:
    TopUp.objects.filter(pk=row.pk).update(updated_at=timezone.now())
    actions.look_at_top_up(row=row)


def _look_at_debt_page(row: DebtPage) -> None:
    DebtPage.objects.filter(pk=row.pk).update(updated_at=timezone.now())
    debt_pages.look(row=row)
    if row.payment is not None:
        actions.proceed(payment=row.payment)


def _undue_fees(now: datetime, stale: datetime):
    """Used bookings for which a fee stands: their driver had come, as a charger told too late.

    From the few fees to their bookings: nearly all used bookings never had one.
    """
    used = {"booking__status": Booking.Status.FULFILLED, "booking__session__isnull": False}
    fees = Payment.objects.filter(
        Q(state=Payment.State.HELD)
        | Q(state=Payment.State.CAPTURED, amount_captured__gt=F("amount_refunded")),
        purpose=Payment.Purpose.NO_SHOW,
        updated_at__range=(now - policy.LOOK_BACK, stale),
        **used,
    )
    # What the provider has refused to send back is for people.
    fees = fees.exclude(refunds__state=Refund.State.FAILED)
    owed = FeeDebt.objects.filter(state__in=[FeeDebt.State.OPEN, FeeDebt.State.ACCOUNT], **used)
    owed = owed.exclude(pages__state="new")
    found = {*fees.values_list("booking", flat=True), *owed.values_list("booking", flat=True)}
    return Booking.objects.filter(pk__in=found).with_place().order_by("starts_at")


def _uncharged_fees(now: datetime, stale: datetime):
    """Fees that no hold stands for, and that nobody has asked a card for."""
    Status = Booking.Status
    taken = Payment.objects.filter(booking=OuterRef("pk"), purpose=Payment.Purpose.NO_SHOW).exclude(
        state=Payment.State.FAILED
    )
    standing = Payment.objects.live().filter(booking=OuterRef("pk"))
    rows = Booking.objects.filter(
        status__in=[Status.NO_SHOW, Status.CANCELED],
        fee__gt=0,
        fee_debt=None,
        closed_at__range=(now - policy.LOOK_BACK, stale),
    )
    return rows.exclude(Exists(taken)).exclude(Exists(standing)).with_place().order_by("closed_at")


def _dead_starts(now: datetime, stale: datetime):
    crashed = Q(state=Start.State.PAYING, payment=None, created_at__lt=stale)
    never_asked = Q(state=Start.State.ASKED, command=None, asked_at__lt=stale)
    return Start.objects.open().filter(Q(expires_at__lt=now) | crashed | never_asked)


def _finish_start(start: Start) -> None:
    late = _("Charging did not start in time. Plug in the cable, then try again. The hold is released.")
    actions.fail_start(start=start, problem=late)


def _unopened(now: datetime, stale: datetime):
    recent = Session.objects.filter(cdr=None, start_received_at__range=(now - policy.LOOK_BACK, stale))
    return recent.open().with_place()


def _unsecured(now: datetime, stale: datetime):
    """Running sessions that should be paid for and never came to a hold."""
    recent = Session.objects.open().filter(start_received_at__range=(now - policy.LOOK_BACK, stale))
    waiting = recent.filter(payments=None, user__isnull=False, review="", cdr__version__isnull=False)
    of_waiting = Cdr.objects.filter(session__in=waiting).order_by()
    priced_by = list(of_waiting.values_list("version_id", "groups").distinct())
    versions = TariffVersion.objects.in_bulk({version for version, _groups in priced_by})
    free = Q(pk__in=[])
    for version, groups in priced_by:
        if prices.is_free(versions[version], groups):
            free |= Q(cdr__version=version, cdr__groups=groups)
    return waiting.exclude(free).with_place().select_related("cdr__version")


def _unbilled(now: datetime, stale: datetime):
    ended = Session.objects.filter(stop_received_at__range=(now - policy.LOOK_BACK, stale))
    return ended.filter(Q(cdr=None) | Q(cdr__state=Cdr.State.OPEN)).with_place()


def _idle_holds(now: datetime):
    """Holds that nothing will be charged to any more."""
    Status = Booking.Status
    over = Q(booking__status__in=[Status.CANCELED, Status.REJECTED, Status.FAILED, Status.NO_SHOW])
    lost = Q(booking__status=Status.PENDING, booking__hold_expires_at__lt=now)
    # A booked session that carries its own hold, or none: this one was never used.
    used = Q(booking__status=Status.FULFILLED, booking__session__stopped_at__lt=now - policy.STALE_AFTER)
    walked_away = Q(booking=None, updated_at__lt=now - policy.START_WITHIN) & ~Q(starts__state__in=Start.OPEN)
    settled = Q(session__cdr__state__in=[Cdr.State.SETTLED, Cdr.State.WAIVED])
    # One that replaces another is given its place, or free, by itself.
    held = Payment.objects.filter(state=Payment.State.HELD).exclude(replaces__isnull=False, session=None)
    return held.filter(Q(session=None) & (over | lost | used | walked_away) | settled).order_by(
        F("updated_at").asc()
    )


def _let_go(payment: Payment) -> None:
    booking = payment.booking
    if (
        booking is not None
        and payment.session_id is None
        and booking.status
        in (
            Booking.Status.NO_SHOW,
            Booking.Status.CANCELED,
        )
    ):
        actions.charge_fee(booking=booking)
    else:
        actions.release(payment=payment)
