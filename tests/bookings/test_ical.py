"""Calendar entries, read back by a small reader of RFC 5545."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMessage

from bookings import actions, ical
from bookings.models import Booking
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def read(text: str) -> dict[str, str]:
    """Name → value of every line, unfolded; what isn't a proper calendar doesn't pass."""
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-1] == "END:VCALENDAR"
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 1
    found: dict[str, str] = {}
    for line in lines:
        name, value = line.split(":", 1)
        name = name.split(";")[0]
        assert name in ("BEGIN", "END") or name not in found, f"{name} twice"
        found[name] = value
    return found


def moment(value: str) -> datetime:
    return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def test_an_entry():
    site = make.site(name="Bahnhof; Süd, Halle " + "ö" * 60)
    booking = make.booking(evse=make.evse(station=make.station(site=site)))
    entry = read(ical.calendar(booking))
    assert entry["METHOD"] == "PUBLISH" and entry["STATUS"] == "CONFIRMED"
    assert moment(entry["DTSTART"]) == NOON
    assert moment(entry["DTEND"]) == NOON + timedelta(minutes=30)
    assert entry["UID"].startswith(f"{booking.pk}@") and entry["SEQUENCE"] == "0"
    assert "Bahnhof\\; Süd\\, Halle ööö" in entry["SUMMARY"]
    assert entry["URL"].endswith(f"/b/{booking.pk}/")


def test_moving_and_cancelling_count_up_under_the_same_uid():
    booking = make.booking()
    first = read(ical.calendar(booking))
    start = NOON + timedelta(hours=1)
    now = NOON - timedelta(hours=1)
    booking = actions.reschedule(
        booking=booking, starts_at=start, ends_at=start + timedelta(minutes=30), now=now
    )
    second = read(ical.calendar(booking))
    third = read(ical.calendar(actions.cancel(booking=booking, by=booking.user, now=now)))
    assert first["UID"] == second["UID"] == third["UID"]
    assert [each["SEQUENCE"] for each in (first, second, third)] == ["0", "1", "2"]
    assert moment(second["DTSTART"]) == start
    assert (third["METHOD"], third["STATUS"]) == ("CANCEL", "CANCELLED")


def test_the_repeated_hour_is_two_hours_in_utc():
    """02:00–02:30 CET on the night the clocks go back, not CEST's an hour before."""
    starts_at = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    entry = read(ical.calendar(make.booking(starts_at=starts_at)))
    assert entry["DTSTART"] == "20261025T010000Z"


def test_as_an_attachment():
    booking = make.booking()
    message = EmailMessage("Booked", "Text", to=["driver@example.com"])
    message.attach(*ical.attachment(str(booking.pk)))
    part = message.message().get_payload()[1]
    assert part.get_content_type() == "text/calendar"
    assert part.get_param("method") == "PUBLISH"
    assert read(part.get_payload(decode=True).decode())["STATUS"] == "CONFIRMED"


def test_an_operators_name_cannot_add_lines():
    operator = make.operator(name='Evil"\r\nATTENDEE:mailto:x@example.com')
    booking = make.booking(evse=make.evse(station=make.station(site=make.site(operator=operator))))
    assert "ATTENDEE" not in read(ical.calendar(Booking.objects.with_place().get(pk=booking.pk)))
