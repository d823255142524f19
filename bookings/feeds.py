"""Calendars that programs fetch by a secret address: a driver's own bookings, or a site's."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from bookings import ical
from bookings.models import Booking, CalendarFeed, Closure, DriverChoice
from evportal.accounts.access import Access
from evportal.accounts.models import User
from evportal.outbox import sealing
from stations.models import Site

#: What is past, or was cancelled, stays in the feed so long, so that programs that fetch rarely notice.
BACK = timedelta(days=30)


@transaction.atomic
def issue(*, user: User, site: Site | None = None) -> CalendarFeed:
    """A new secret address; the one before ends with it."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    revoke(user=user, site=site)
    token = secrets.token_urlsafe(32)
    return CalendarFeed.objects.create(
        user=user, site=site, token_hash=_hash(token), sealed_token=sealing.sealed(token)
    )


def revoke(*, user: User, site: Site | None = None) -> None:
    CalendarFeed.objects.filter(user=user, site=site).delete()


def find(token: str, *, site_id: int | None = None) -> CalendarFeed | None:
    """The feed of this address, while its owner may sign in and, for a site's, may still see its bookings."""
    feed = (
        CalendarFeed.objects.select_related("user", "site__operator")
        .filter(token_hash=_hash(token), site=site_id, user__is_active=True)
        .first()
    )
    if feed is None:
        return None
    if feed.site is not None and not Access.of(feed.user).may_at("view_bookings", feed.site):
        return None
    return feed


def url_of(feed: CalendarFeed) -> str:
    if feed.site_id:
        path = reverse("bookings:site_calendar", args=[feed.site_id, feed.token])
    else:
        path = f"{reverse('bookings:my_calendar')}?token={feed.token}"
    return settings.PUBLIC_URL + path


def of_driver(user: User, now: datetime) -> str:
    """All that is confirmed, and what was taken back lately."""
    bookings = (
        Booking.objects.of_driver(user)
        .filter(ends_at__gt=now - BACK, confirmed_at__isnull=False)
        .with_place()
        .prefetch_related("evse__connectors")
        .order_by("starts_at", "pk")
    )
    minutes = DriverChoice.minutes_of(user)
    with translation.override(user.language):
        lines = [line for each in bookings for line in ical.event(each, remind_minutes=minutes)]
        return ical.document(lines, name=_("Charging"))


def of_site(site: Site, access: Access, now: datetime) -> str:
    """The site's bookings and closures, as far as this access may see them."""
    with_driver = access.may_at("view_drivers", site)
    since = now - BACK
    bookings = (
        Booking.objects.filter(evse__station__site=site, ends_at__gt=since, confirmed_at__isnull=False)
        .with_place()
        .order_by("starts_at", "pk")
    )
    closures = Closure.objects.filter(evse__station__site=site, ends_at__gt=since)
    # What a site's people read is in English, as the rest of their desk.
    with translation.override("en"):
        lines = [line for each in bookings for line in ical.site_event(each, with_driver=with_driver)]
        for closure in closures.select_related("evse__station__site").order_by("starts_at", "pk"):
            lines += ical.closure_event(closure)
        return ical.document(lines, name=site.name)


def _hash(token: str) -> str:
    # 256 random bits need no slow hash.
    return sha256(token.encode()).hexdigest()
