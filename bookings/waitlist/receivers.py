"""What makes somebody's turn come: bookings that end or move, and EVSEs that become free."""

from django.dispatch import receiver

from bookings import signals
from bookings.models import WaitlistPlace
from bookings.waitlist import tasks
from stations.models import State
from stations.signals import session_ended, status_changed


@receiver([signals.booking_cancelled, signals.booking_failed, signals.no_show, signals.booking_confirmed])
def on_booking_changed(booking, **_news):
    tasks.settle.delay_on_commit(str(booking.pk))
    look_at(booking.evse.station.site_id)


@receiver(signals.booking_moved)
def on_booking_moved(booking, **_news):
    look_at(booking.evse.station.site_id)


@receiver(session_ended)
def on_session_ended(session, **_news):
    look_at(session.station.site_id)


@receiver(status_changed)
def on_status_changed(evses, **_news):
    for site_id in {evse.station.site_id for evse in evses if evse.state == State.AVAILABLE}:
        look_at(site_id)


def look_at(site_id: int) -> None:
    """Chargers report all day long; most sites have nobody waiting."""
    if WaitlistPlace.objects.filter(site=site_id, state=WaitlistPlace.State.WAITING).exists():
        tasks.offer_free.delay_on_commit(site_id)
