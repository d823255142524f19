"""The driver's own limits: chosen before the start, or while it charges."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import limits, prices
from billing.actions import watching
from billing.exceptions import PaymentRefused
from billing.limits import Limits
from billing.models import ChargeLimit, Quote, Start
from billing.outlook import Outlook
from evportal.accounts.models import User
from stations.models import Evse, Session


class LimitReached(PaymentRefused):
    default = _("You have charged that much already. Choose a higher limit, or stop charging.")


class NotYours(PaymentRefused):
    default = _("Only the driver of this session can change its limit. Sign in first.")


def choose(*, start: Start, wanted: Limits) -> None:
    """With the start, before any money is asked for."""
    if wanted:
        ChargeLimit.objects.get_or_create(start=start, defaults=_fields(wanted))


def attach(*, start: Start, session: Session) -> None:
    """The start has become a session, and its limit goes with it."""
    ChargeLimit.objects.filter(start=start, session=None).update(session=session)


def may_change(*, session: Session, user: User | None) -> bool:
    """A limit is money: having the session's link is enough to stop it, not to let it cost more."""
    return session.is_open and session.user_id is not None and user is not None and session.user_id == user.pk


def change(*, session: Session, wanted: Limits, now: datetime | None = None) -> ChargeLimit | None:
    """Another limit for a running session, or none. Raises `LimitReached` for one that is behind it."""
    now = now or timezone.now()
    if not session.is_open:
        raise PaymentRefused
    for reach in limits.reaches(wanted, Outlook(session).seen):
        if reach.share >= 1 or (reach.kind is limits.Kind.TIME and reach.at is not None and reach.at <= now):
            raise LimitReached
    with transaction.atomic():
        # The lock makes two changes at once two changes.
        Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
        row = ChargeLimit.objects.filter(session=session).first()
        if row is None and not wanted:
            return None
        row = row or ChargeLimit(session=session)
        for name, value in _fields(wanted).items():
            setattr(row, name, value)
        row.save()
    session.__dict__.pop("limit", None)
    watching.look(session=session, now=now)
    return row


def _fields(wanted: Limits) -> dict:
    return {
        "energy_wh": wanted.energy_wh,
        "money": wanted.money,
        "minutes": wanted.minutes,
        "soc_percent": wanted.soc_percent,
    }


def quote(*, evse: Evse, user: User | None, booking, wanted: Limits, now: datetime) -> Quote:
    """What the charge is quoted as: up to its limit, where that says how much or how long."""
    vehicle = user.vehicles.first() if user is not None else None
    battery = vehicle.battery_kwh * 1000 if vehicle is not None and vehicle.battery_kwh else None
    energy = limits.energy_bound(wanted, battery_wh=battery)
    ends_at = None
    if wanted.minutes is not None:
        ends_at = now + timedelta(minutes=wanted.minutes)
        given = Decimal(evse.max_power_w) * wanted.minutes / 60
        energy = min(energy, given) if energy is not None else None
    return prices.quote(
        evse=evse, starts_at=now, ends_at=ends_at, energy_wh=energy, user=user, booking=booking, now=now
    )


def hold_amount(*, quote: Quote, wanted: Limits) -> Decimal:
    """The driver's own amount where they named one, else what the quote says; nothing where it is free."""
    if wanted.money is None or not quote.hold_amount:
        return quote.hold_amount
    return wanted.money
