"""What happens to bookings when chargers report."""

from django.dispatch import receiver
from django.utils import timezone

from bookings import at_charger, closures, fulfilling
from stations.signals import availability_planned, session_ended, session_started


@receiver(session_started)
def on_session_started(session, **_news):
    fulfilling.fulfil(session=session)
    at_charger.follow_session(session=session, now=timezone.now())


@receiver(session_ended)
def on_session_ended(session, **_news):
    fulfilling.free_rest(session=session, now=timezone.now())


@receiver(availability_planned)
def on_availability_planned(plan, **_news):
    closures.follow(plan=plan, now=timezone.now())
