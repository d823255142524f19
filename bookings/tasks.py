"""The clock of bookings: holds that run out, slots that begin, drivers who never came."""

from celery import shared_task
from django.db.models import F, Q
from django.utils import timezone

from bookings import actions, at_charger, fulfilling, maintenance, no_show, rescue, slots
from bookings.availability import OUT_OF_ORDER
from bookings.models import Booking, MaintenanceRule
from stations import reservations
from stations.models import Session


@shared_task
def expire_holds() -> None:
    now = timezone.now()
    due = Booking.objects.filter(status=Booking.Status.PENDING, hold_expires_at__lte=now)
    for booking in due.order_by("hold_expires_at")[:500]:
        slots.expire_hold(booking=booking, now=now)


@shared_task
def turn_slots() -> None:
    """Have chargers keep the slots that begin, let go of those that end or that nobody came for."""
    now = timezone.now()
    reservations.begin_due(now)
    begun = Booking.objects.filter(status=Booking.Status.RESERVED, starts_at__lte=now).with_place()
    for booking in begun.order_by("starts_at").iterator(chunk_size=500):
        if booking.no_show_at <= now:
            release(booking, now)
    reservations.end_due(now)


@shared_task
def keep_stop_times() -> None:
    """Tell and stop sessions that run into a booking or past their own, and warn who comes next."""
    at_charger.follow(timezone.now())


def release(booking: Booking, now) -> None:
    """A slot whose driver seems not to have come: unless we missed the news, or it wasn't theirs to miss."""
    session = _session_of(booking)
    if session is not None and fulfilling.use(booking=booking, session=session):
        return
    evse = booking.evse
    if any(fulfilling.is_for(booking, one) for one in _charging(evse)):
        fulfilling.join(booking=booking)
        return
    if not no_show.may_decide(
        is_online=evse.station.is_online,
        connected_at=evse.station.connected_at,
        ends_at=booking.ends_at,
        now=now,
    ):
        return
    if not evse.station.is_online or evse.state in OUT_OF_ORDER:
        slots.fail(booking=booking, reason=slots.OUT_OF_ORDER, now=now)
    elif _in_the_way(booking):
        slots.fail(booking=booking, reason="Another session was in the way.", now=now)
    else:
        actions.no_show(booking=booking, now=now)


def _in_the_way(booking: Booking) -> bool:
    """Somebody else charges there since before the slot: it was not the driver who failed to come."""
    return any(one.start_received_at < booking.no_show_at for one in _charging(booking.evse))


def _charging(evse):
    return Session.objects.open().filter(evse=evse).select_related("id_token")


def _session_of(booking: Booking) -> Session | None:
    """What the driver has charged there: since the place was kept, or already before and still on."""
    since = Q(start_received_at__gte=booking.opens_at) | Q(stopped_at=None)
    found = Session.objects.filter(since, evse=booking.evse_id, booking=None, review="")
    found = found.filter(start_received_at__lt=booking.ends_at).order_by(F("start_received_at").desc())
    return next(
        (one for one in found.select_related("id_token")[:20] if fulfilling.is_for(booking, one)), None
    )


@shared_task
def rescue_bookings() -> None:
    """Bookings near their time whose charger is down: to another one, or given up."""
    rescue.rescue(timezone.now())


@shared_task
def follow_maintenance() -> None:
    """Close ahead what recurring maintenance closes, as far as can be booked from now."""
    now = timezone.now()
    for rule in MaintenanceRule.objects.order_by("pk").iterator(chunk_size=500):
        maintenance.follow(rule=rule, now=now)
