"""A booking as a calendar entry (RFC 5545, with RFC 5546's PUBLISH and CANCEL)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.models import Booking
from stations.naming import evse_name, plugs

GONE = (Booking.Status.CANCELED, Booking.Status.FAILED, Booking.Status.REJECTED, Booking.Status.NO_SHOW)
OCTETS = 75


def calendar(booking: Booking) -> str:
    """The entry as the booking is now: one that was given back takes itself out of the calendar."""
    site = booking.evse.station.site
    is_gone = booking.status in GONE
    contact = site.operator.support_email or settings.SUPPORT_EMAIL
    url = settings.PUBLIC_URL + reverse("bookings:booking", args=[booking.pk])
    changed_at = booking.closed_at or booking.confirmed_at or booking.created_at
    with translation.override(booking.user.language):
        place = f"{evse_name(booking.evse)}, {plugs(booking.evse)}"
        summary = _("Charging at %(site)s") % {"site": site.name}
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//evportal//bookings//EN",
        f"METHOD:{'CANCEL' if is_gone else 'PUBLISH'}",
        "BEGIN:VEVENT",
        f"UID:{booking.pk}@{urlsplit(settings.PUBLIC_URL).hostname}",
        f"SEQUENCE:{booking.sequence}",
        f"DTSTAMP:{_utc(changed_at)}",
        f"DTSTART:{_utc(booking.starts_at)}",
        f"DTEND:{_utc(booking.ends_at)}",
        f"STATUS:{'CANCELLED' if is_gone else 'CONFIRMED' if booking.confirmed_at else 'TENTATIVE'}",
        f"SUMMARY:{_text(summary)}",
        f"LOCATION:{_text(', '.join(filter(None, [site.name, site.address])))}",
        f"GEO:{site.latitude:.6f};{site.longitude:.6f}",
        f"DESCRIPTION:{_text(place)}\\n{_text(url)}",
        f"URL:{url}",
        f'ORGANIZER;CN="{_quoted(site.operator.name)}":mailto:{contact}',
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_fold(line)}\r\n" for line in lines)


def attachment(booking_id: str) -> tuple[str, str, str]:
    """Name, content and type, for the outbox to attach."""
    booking = Booking.objects.with_place().get(pk=booking_id)
    method = "CANCEL" if booking.status in GONE else "PUBLISH"
    return "booking.ics", calendar(booking), f"text/calendar; method={method}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _quoted(value: str) -> str:
    """A parameter's value, which may hold neither quotes nor line ends."""
    return " ".join(value.replace('"', "'").split())


def _fold(line: str) -> str:
    """No line longer than 75 octets, and no character cut in two."""
    rows, row, size = [], "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > OCTETS:
            rows.append(row)
            row, size = " ", 1
        row += letter
        size += octets
    return "\r\n".join([*rows, row])
