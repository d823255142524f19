"""Running sessions end in time: at the driver's limit, and before they cost more than is secured.

`look` works out from the last meter value what comes next (billing/limits.py), raises a hold that will not
do, and keeps the moment on the session's `SessionWatch`. Who looks: each new meter value, and the sweeper
when the moment has come. A stop that the charger does not obey is asked for again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from billing import hold_rules, limits, policy
from billing.actions import posting, raising
from billing.exceptions import PaymentRefused, ProviderDown
from billing.limits import Kind, Reach
from billing.models import ChargeLimit, HoldIncrement, Payment, SessionWatch
from billing.outlook import Outlook
from stations import commands
from stations.exceptions import Refused
from stations.models import Session

log = logging.getLogger(__name__)

WHY = {
    Kind.ENERGY: "limit reached: energy",
    Kind.MONEY: "limit reached: amount",
    Kind.TIME: "limit reached: time",
    Kind.SOC: "limit reached: state of charge",
    Kind.HOLD: "hold reached",
    Kind.EXPIRY: "the hold expires",
}


@dataclass(frozen=True)
class Next:
    """What ends the session first as far as it can be foreseen, and when to look again at the latest."""

    reach: Reach | None
    look_at: datetime | None


def limits_of(session: Session) -> limits.Limits:
    row = ChargeLimit.objects.filter(session=session).first()
    return row.limits if row is not None else limits.Limits()


def held_for(session: Session) -> Payment | None:
    return Payment.objects.filter(
        session=session, state=Payment.State.HELD, purpose=Payment.Purpose.SESSION
    ).first()


def look(*, session: Session, now: datetime | None = None) -> bool:
    """Raise, wait or stop; true when it was told to stop just now."""
    now = now or timezone.now()
    if not session.is_open:
        return False
    wanted, payment = limits_of(session), held_for(session)
    if payment is None and not wanted:
        # Nothing to keep to any more; a stop because nothing is secured stays.
        SessionWatch.objects.filter(session=session).exclude(kind=SessionWatch.Kind.UNSECURED).delete()
        return False
    found = _next(Outlook(session), wanted, payment, now)
    if found.reach is None and found.look_at is None:
        SessionWatch.objects.filter(session=session).delete()
        return False
    return _keep(session, found, now)


def _next(outlook: Outlook, wanted: limits.Limits, payment: Payment | None, now: datetime) -> Next:
    silent = limits.is_silent(outlook.at, outlook.every, now)
    seen = outlook.seen
    found = []
    for reach in limits.reaches(wanted, seen):
        if silent and reach.kind is not Kind.TIME and reach.share < 1:
            # Only the clock's own limit runs on without a meter that speaks.
            reach = replace(reach, at=None)
        found.append(reach)
    look_at = None
    if payment is not None and outlook.version is not None:
        since = outlook.at if silent else now
        # Beyond the next value that the meter should give, and time to raise and to stop.
        horizon = max(outlook.at + outlook.every, since) + policy.RAISE_AHEAD + policy.STOP_LAG
        at = _secured_until(payment, outlook, wanted, seen.cost, horizon)
        if at is not None:
            found.append(_end_of_money(payment, outlook, wanted, seen.cost, at, now if silent else None))
        elif not silent:
            look_at = horizon - policy.RAISE_AHEAD
        if payment.capture_before is not None:
            found.append(Reach(Kind.EXPIRY, payment.capture_before - policy.EXPIRY_MARGIN, Decimal(0)))
    return Next(limits.in_order(found)[0] if found else None, look_at)


def _secured_until(
    payment: Payment, outlook: Outlook, wanted: limits.Limits, cost: Decimal, horizon: datetime
) -> datetime | None:
    """Until when the hold does, after it was raised where that is due; None: beyond the horizon."""
    while True:
        at = limits.secured_until(
            cost_at=outlook.cost_at_most, secured=payment.amount, since=outlook.at, horizon=horizon
        )
        if at is None or not _raised(payment, outlook.session, wanted, cost):
            return at


def _end_of_money(
    payment: Payment,
    outlook: Outlook,
    wanted: limits.Limits,
    cost: Decimal,
    at: datetime,
    silent_now: datetime | None,
) -> Reach:
    kind = Kind.MONEY if wanted.money is not None and payment.amount >= wanted.money else Kind.HOLD
    stop_at: datetime | None = at - policy.STOP_LAG
    if silent_now is not None:
        # Each late value is judged as of its own time: by the next one it would be too late.
        stop_at = silent_now if at <= outlook.at + outlook.every + policy.STOP_LAG else None
    return Reach(kind, stop_at, limits.share(cost, payment.amount))


def _raised(payment: Payment, session: Session, wanted: limits.Limits, cost: Decimal) -> bool:
    """Raise the hold if the site wants that and the card or wallet allows it; whether it is higher now."""
    rules = hold_rules.of(session.station.site)
    if not rules.raises or not raising.may_be_raised(payment):
        return False
    first = raising.first_amount(payment)
    most = rules.ceiling(first)
    if payment.method == Payment.Method.WALLET and payment.user is not None:
        left = posting.wallet_balance(user=payment.user, operator=payment.operator, currency=payment.currency)
        most = min(most, payment.amount + left)
    target = limits.raised_to(held=payment.amount, cost=cost, step=first, most=most, wanted=wanted.money)
    if target is None:
        return False
    before = payment.amount
    try:
        row = raising.raise_hold(payment=payment, amount=target)
    except ProviderDown:
        log.warning("Payment %s could not be raised: the provider does not answer", payment.pk)
        return False
    except PaymentRefused:
        # Charged or released in this very moment.
        payment.refresh_from_db()
        return False
    payment.refresh_from_db()
    return row.state == HoldIncrement.State.DONE and payment.amount > before


def _keep(session: Session, found: Next, now: datetime) -> bool:
    reach = found.reach
    at = min((one for one in (reach.at if reach else None, found.look_at) if one is not None), default=None)
    kind = SessionWatch.Kind(reach.kind.value if reach else Kind.HOLD.value)
    due = reach is not None and reach.at is not None and reach.at <= now
    why = WHY[reach.kind] if reach is not None else ""
    row, is_new = SessionWatch.objects.get_or_create(
        session=session, defaults={"kind": kind, "at": at, "why": why}
    )
    if not is_new:
        fields: dict = {"kind": kind, "at": at, "why": why}
        if not due:
            # There is time again: the driver wants more, or more is secured.
            fields |= {"asked_at": None, "tries": 0, "command": None}
        SessionWatch.objects.filter(pk=row.pk).update(**fields)
        row.refresh_from_db()
    row.session = session
    return due and _order(row, now)


def stop(*, session: Session, why: str, now: datetime | None = None) -> bool:
    """End a session that nothing secures; asked for again until it is secured, or over."""
    now = now or timezone.now()
    row, is_new = SessionWatch.objects.get_or_create(
        session=session, defaults={"kind": SessionWatch.Kind.UNSECURED, "at": now, "why": why[:120]}
    )
    if not is_new and row.kind != SessionWatch.Kind.UNSECURED:
        SessionWatch.objects.filter(pk=row.pk).update(kind=SessionWatch.Kind.UNSECURED, at=now, why=why[:120])
        row.refresh_from_db()
    row.session = session
    return _order(row, now)


def _order(row: SessionWatch, now: datetime) -> bool:
    """Ask the charger, once for each try; one that is away is asked when it is back."""
    if row.tries >= policy.STOP_MOST_TRIES or (row.asked_at and now - row.asked_at < policy.STOP_AGAIN):
        return False
    session = row.session
    with transaction.atomic():
        mine = SessionWatch.objects.filter(pk=row.pk, asked_at=row.asked_at)
        if not mine.update(asked_at=now, tries=F("tries") + 1):
            return False
        reason = f"transaction {session.transaction_id}: {row.why}"[:120]
        try:
            with transaction.atomic():
                row.command = commands.remote_stop(session=session, reason=reason)
        except Refused as refusal:
            SessionWatch.objects.filter(pk=row.pk).update(asked_at=row.asked_at, tries=F("tries") - 1)
            log.info("Session %s can't be told to stop (%s): %s", session.pk, row.why, refusal)
            return False
        SessionWatch.objects.filter(pk=row.pk).update(command=row.command)
    if row.tries + 1 == policy.STOP_MOST_TRIES:
        log.error("Session %s does not stop (%s); it is not asked again", session.pk, row.why)
    return True


def due(now: datetime) -> QuerySet[SessionWatch]:
    """Whose moment has come, and whose charger has not obeyed."""
    asked_long_ago = Q(asked_at=None) | Q(asked_at__lt=now - policy.STOP_AGAIN)
    rows = SessionWatch.objects.filter(
        asked_long_ago,
        at__lte=now,
        tries__lt=policy.STOP_MOST_TRIES,
        session__stopped_at=None,
        session__station__connection__isnull=False,
    )
    return rows.order_by("at")


def follow(row: SessionWatch, now: datetime) -> None:
    """One of those that are due."""
    session = Session.objects.with_place().select_related("cdr__version").get(pk=row.session_id)
    if row.kind != SessionWatch.Kind.UNSECURED:
        look(session=session, now=now)
    elif session.payments.live().exists():
        SessionWatch.objects.filter(pk=row.pk).delete()
    else:
        row.session = session
        _order(row, now)
