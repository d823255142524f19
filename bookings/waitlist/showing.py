"""A place in the queue in words."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import rules
from bookings.models import WaitlistPlace
from bookings.picker import length
from bookings.waitlist.rules import Standing
from stations.models import Connector
from stations.naming import kilowatts


def wish_words(place: WaitlistPlace) -> str:
    """“as soon as possible until 18:00, 1 h, CCS, at least 50 kW”, in the site's time."""
    zone = place.site.zone
    end = rules.wall_clock(place.ends_before, zone)
    if place.is_now:
        when = _("as soon as possible, done by %(end)s") % {"end": end}
    else:
        day = date_format(place.starts_after.astimezone(zone), "D j M")
        when = f"{day}, {rules.wall_clock(place.starts_after, zone)}–{end}"
    words = [when, length(place.minutes)]
    if place.standard:
        words.append(str(Connector.Standard(place.standard).label))
    if place.min_power_w:
        words.append(_("at least %(power)s") % {"power": kilowatts(place.min_power_w)})
    return ", ".join(words)


def standing_words(place: WaitlistPlace, standing: Standing, now: datetime) -> str:
    """Where somebody stands, with what it depends on; never a promise of a time."""
    if place.is_paused(now):
        until = rules.wall_clock(place.paused_until, place.site.zone)
        return _("Paused until %(until)s. You keep your place and are offered nothing until then.") % {
            "until": until
        }
    if not standing.ahead:
        return _("You are next: the first slot that fits your wish is offered to you.")
    words = ngettext(
        "%(n)s driver before you waits for what you could use.",
        "%(n)s drivers before you wait for what you could use.",
        standing.ahead,
    ) % {"n": standing.ahead}
    if standing.paused:
        words += " " + ngettext(
            "%(n)s of them is pausing.", "%(n)s of them are pausing.", standing.paused
        ) % {"n": standing.paused}
    return words
