"""Calendar entries, read back by a parser of RFC 5545."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from icalendar import Calendar

from bookings import actions, ical
from bookings.models import Booking, DriverChoice
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db


def read(text: str):
    """The one entry, as a calendar program's parser sees it; what isn't a proper calendar doesn't pass."""
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    calendar = Calendar.from_ical(text)
    assert not calendar.errors and str(calendar["VERSION"]) == "2.0"
    (entry,) = calendar.walk("VEVENT")
    assert not entry.errors
    return calendar, entry


def test_an_entry():
    site = make.site(name="Bahnhof; Süd, Halle " + "ö" * 60)
    booking = make.booking(evse=make.evse(station=make.station(site=site)))
    calendar, entry = read(ical.calendar(booking))
    assert calendar["METHOD"] == "PUBLISH" and entry["STATUS"] == "CONFIRMED"
    assert entry.decoded("DTSTART") == NOON
    assert entry.decoded("DTEND") == NOON + timedelta(minutes=30)
    assert entry["UID"].startswith(f"{booking.pk}@") and entry["SEQUENCE"] == 0
    assert "Bahnhof; Süd, Halle ööö" in entry["SUMMARY"]
    assert str(entry["URL"]).endswith(f"/b/{booking.pk}/")
    (alarm,) = entry.walk("VALARM")
    assert alarm.decoded("TRIGGER") == timedelta(minutes=-60)


def test_the_alarm_is_as_early_as_the_driver_chose():
    booking = make.booking()
    choice = DriverChoice.objects.create(user=booking.user, remind_minutes=15)
    assert read(ical.calendar(booking))[1].walk("VALARM")[0].decoded("TRIGGER") == timedelta(minutes=-15)
    choice.remind_minutes = 0
    choice.save()
    assert not read(ical.calendar(booking))[1].walk("VALARM")


def test_moving_and_cancelling_count_up_under_the_same_uid():
    booking = make.booking()
    _first, first = read(ical.calendar(booking))
    start = NOON + timedelta(hours=1)
    now = NOON - timedelta(hours=1)
    booking = actions.reschedule(
        booking=booking, starts_at=start, ends_at=start + timedelta(minutes=30), now=now
    )
    _second, second = read(ical.calendar(booking))
    last, third = read(ical.calendar(actions.cancel(booking=booking, by=booking.user, now=now)))
    assert first["UID"] == second["UID"] == third["UID"]
    assert [each["SEQUENCE"] for each in (first, second, third)] == [0, 1, 2]
    assert second.decoded("DTSTART") == start
    assert (last["METHOD"], third["STATUS"]) == ("CANCEL", "CANCELLED")
    assert not third.walk("VALARM")


def test_the_repeated_hour_is_two_hours_in_utc():
    """02:00–02:30 CET on the night the clocks go back, not CEST's an hour before."""
    starts_at = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert "DTSTART:20261025T010000Z" in ical.calendar(make.booking(starts_at=starts_at))


def test_as_an_attachment():
    booking = make.booking()
    message = EmailMessage("Booked", "Text", to=["driver@example.com"])
    message.attach(*ical.attachment(str(booking.pk)))
    part = message.message().get_payload()[1]
    assert part.get_content_type() == "text/calendar"
    assert part.get_param("method") == "PUBLISH"
    assert read(part.get_payload(decode=True).decode())[1]["STATUS"] == "CONFIRMED"


def test_an_operators_name_cannot_add_lines():
    operator = make.operator(name='Evil"\r\nATTENDEE:mailto:x@example.com')
    booking = make.booking(evse=make.evse(station=make.station(site=make.site(operator=operator))))
    assert "ATTENDEE" not in read(ical.calendar(Booking.objects.with_place().get(pk=booking.pk)))[1]
