"""What other apps' pages show of bookings."""

from django import template
from django.utils import timezone

from bookings import availability, picker
from bookings.models import Closure, WaitlistPlace
from bookings.waitlist.showing import wish_words

register = template.Library()


@register.simple_tag
def first_free(sites) -> dict:
    """The first free slot of each site that can be booked soon: `{% first_free sites as soonest %}`."""
    return availability.first_free(sites, now=timezone.now())


@register.simple_tag
def is_bookable(site) -> bool:
    return availability.policies_of([site])[site.pk].bookable


@register.simple_tag
def next_times(site) -> list[dict]:
    """The next times at which something is free, each with the address of a picker that has it chosen."""
    return picker.next_times(site, timezone.now())


@register.simple_tag
def closures_now(site) -> list[Closure]:
    """What is closed at the site at the moment."""
    now = timezone.now()
    running = Closure.objects.filter(evse__station__site=site, starts_at__lte=now, ends_at__gt=now)
    return list(running.select_related("evse__station", "plan").order_by("ends_at"))


@register.simple_tag
def places_of(user) -> list[WaitlistPlace]:
    """Where a driver waits."""
    mine = WaitlistPlace.objects.of_driver(user).open().in_order().select_related("site")
    return list(mine.prefetch_related("offers"))


@register.simple_tag
def place_at(site, user) -> WaitlistPlace | None:
    """The place in this site's queue that somebody already has."""
    if not user.is_authenticated:
        return None
    return WaitlistPlace.objects.of_driver(user).open().filter(site=site).first()


@register.filter
def wish(place) -> str:
    return wish_words(place)


@register.filter
def at_site(slots: dict, site):
    return slots.get(site.pk)
