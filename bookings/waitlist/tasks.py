"""The clock of the queues. Whatever a lost message left undone, the sweep finds; both may run at once."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from bookings import slots
from bookings.models import Booking, Offer, WaitlistPlace
from bookings.waitlist import actions
from stations.models import Site

#: No site lets anybody book for longer.
LONGEST_SLOT = timedelta(hours=24)


@shared_task
def offer_free(site_id: int) -> None:
    """Offer what is free at this site now."""
    site = Site.objects.select_related("operator").filter(pk=site_id).first()
    if site is not None:
        actions.offer_all(site=site, now=timezone.now())


@shared_task
def settle(booking_id: str) -> None:
    booking = Booking.objects.filter(pk=booking_id).first()
    if booking is not None:
        actions.settle(booking=booking, now=timezone.now())


@shared_task
def tend() -> None:
    """End offers and waits whose time is up, settle what was missed, and look at every queue again."""
    now = timezone.now()
    for offer in Offer.objects.filter(state=Offer.State.OPEN, expires_at__lte=now).select_related("booking"):
        slots.expire_hold(booking=offer.booking, now=now)
    answered = Offer.objects.filter(state=Offer.State.OPEN).exclude(booking__status=Booking.Status.PENDING)
    for offer in answered.select_related("booking"):
        actions.settle(booking=offer.booking, now=now)
    waiting = WaitlistPlace.objects.filter(state=WaitlistPlace.State.WAITING)
    for place in waiting.filter(ends_before__lte=now + LONGEST_SLOT):
        actions.close_over(place=place, now=now)
    for site in Site.objects.filter(pk__in=waiting.values("site")).select_related("operator"):
        actions.offer_all(site=site, now=now)
