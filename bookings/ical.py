"""A booking as a calendar entry (RFC 5545, with RFC 5546's PUBLISH and CANCEL)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.models import Booking, Closure, DriverChoice
from stations.naming import evse_name, plugs

GONE = (Booking.Status.CANCELED, Booking.Status.FAILED, Booking.Status.REJECTED, Booking.Status.NO_SHOW)
OCTETS = 75


def calendar(booking: Booking) -> str:
    """The entry as the booking is now: one that was given back takes itself out of the calendar."""
    method = "CANCEL" if booking.status in GONE else "PUBLISH"
    with translation.override(booking.user.language):
        return document(event(booking, remind_minutes=DriverChoice.minutes_of(booking.user)), method=method)


def document(lines: list[str], *, method: str = "", name: str = "") -> str:
    """A whole calendar of the entries' lines; `name` is what a program that follows it calls it."""
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//evportal//bookings//EN"]
    if method:
        head.append(f"METHOD:{method}")
    if name:
        head += [
            f"NAME:{_text(name)}",
            f"X-WR-CALNAME:{_text(name)}",
            "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
            "X-PUBLISHED-TTL:PT15M",
        ]
    return "".join(f"{_fold(line)}\r\n" for line in [*head, *lines, "END:VCALENDAR"])


def event(booking: Booking, *, remind_minutes: int = 0) -> list[str]:
    """A driver's entry, in the language that is active. Each booking is an entry of its own, in UTC, also
    one of a weekly series: so an hour that the clocks skip or repeat moves none of them."""
    site = booking.evse.station.site
    contact = site.operator.support_email or settings.SUPPORT_EMAIL
    url = settings.PUBLIC_URL + reverse("bookings:booking", args=[booking.pk])
    summary = _("Charging at %(site)s") % {"site": site.name}
    lines = [
        *_head(booking),
        f"SUMMARY:{_text(summary)}",
        f"LOCATION:{_text(', '.join(filter(None, [site.name, site.address])))}",
        f"GEO:{site.latitude:.6f};{site.longitude:.6f}",
        f"DESCRIPTION:{_text(f'{evse_name(booking.evse)}, {plugs(booking.evse)}')}\\n{_text(url)}",
        f"URL:{url}",
        f'ORGANIZER;CN="{_quoted(site.operator.name)}":mailto:{contact}',
    ]
    if remind_minutes and booking.status == Booking.Status.RESERVED:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"TRIGGER:-PT{remind_minutes}M",
            f"DESCRIPTION:{_text(summary)}",
            "END:VALARM",
        ]
    return [*lines, "END:VEVENT"]


def site_event(booking: Booking, *, with_driver: bool) -> list[str]:
    """An operator's entry: which EVSE, in what state; whose, only for a role that may see drivers."""
    what = f"{evse_name(booking.evse)}: {booking.get_status_display()}"
    url = settings.PUBLIC_URL + reverse("bookings:booking", args=[booking.pk])
    about = [booking.evse.public_id, *([booking.user.get_full_name()] if with_driver else []), url]
    return [
        *_head(booking),
        f"SUMMARY:{_text(what)}",
        f"LOCATION:{_text(booking.evse.station.site.name)}",
        f"DESCRIPTION:{_text(chr(10).join(about))}",
        f"URL:{url}",
        "END:VEVENT",
    ]


def closure_event(closure: Closure) -> list[str]:
    what = f"{evse_name(closure.evse)}: {closure.get_kind_display()}"
    return [
        "BEGIN:VEVENT",
        f"UID:closure-{closure.pk}@{_host()}",
        "SEQUENCE:0",
        f"DTSTAMP:{_utc(closure.created_at)}",
        f"DTSTART:{_utc(closure.starts_at)}",
        f"DTEND:{_utc(closure.ends_at)}",
        "STATUS:CONFIRMED",
        f"SUMMARY:{_text(what)}",
        f"LOCATION:{_text(closure.evse.station.site.name)}",
        *([f"DESCRIPTION:{_text(closure.reason)}"] if closure.reason else []),
        "END:VEVENT",
    ]


def _head(booking: Booking) -> list[str]:
    changed_at = booking.closed_at or booking.confirmed_at or booking.created_at
    is_gone = booking.status in GONE
    return [
        "BEGIN:VEVENT",
        f"UID:{booking.pk}@{_host()}",
        f"SEQUENCE:{booking.sequence}",
        f"DTSTAMP:{_utc(changed_at)}",
        f"DTSTART:{_utc(booking.starts_at)}",
        f"DTEND:{_utc(booking.ends_at)}",
        f"STATUS:{'CANCELLED' if is_gone else 'CONFIRMED' if booking.confirmed_at else 'TENTATIVE'}",
    ]


def _host() -> str | None:
    return urlsplit(settings.PUBLIC_URL).hostname


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
