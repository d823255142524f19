"""Reminders: as early as the driver chose, once for each start, none for what is cancelled or moved."""

from datetime import timedelta

import pytest
import time_machine

from bookings import actions, reminders
from bookings.models import DriverChoice
from evportal.outbox.models import Mail
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def reminded(at):
    for _twice in range(2):
        with time_machine.travel(at, tick=False):
            reminders.remind_drivers()
    return Mail.objects.filter(key__contains=" reminder ")


def test_an_hour_before_and_once():
    booking = make.booking(now=NOON - 5 * HOUR)
    assert not reminded(NOON - 61 * MINUTE)
    mail = reminded(NOON - HOUR).get()
    assert mail.to == booking.user.email and mail.expires_at == NOON
    assert mail.subject.startswith("Soon: ") and "14:00" in mail.subject
    assert reminded(NOON - 10 * MINUTE).count() == 1


@pytest.mark.parametrize(("minutes", "at"), [(15, 15), (120, 120), (24 * 60, 24 * 60)])
def test_as_early_as_chosen(minutes, at):
    booking = make.booking(now=NOON - timedelta(days=2))
    DriverChoice.objects.create(user=booking.user, remind_minutes=minutes)
    assert not reminded(NOON - (at + 1) * MINUTE)
    assert reminded(NOON - at * MINUTE).count() == 1


def test_never_means_never():
    booking = make.booking(now=NOON - 5 * HOUR)
    DriverChoice.objects.create(user=booking.user, remind_minutes=0)
    assert not reminded(NOON - MINUTE)


def test_not_of_what_was_booked_just_before():
    make.booking(now=NOON - HOUR / 2)
    assert not reminded(NOON - 20 * MINUTE)


def test_none_for_a_cancelled_one_even_where_it_waits_to_be_sent():
    booking = make.booking(now=NOON - 5 * HOUR)
    assert reminded(NOON - HOUR).exists()
    actions.cancel(booking=booking, by=booking.user, now=NOON - 50 * MINUTE)
    assert not reminded(NOON - 40 * MINUTE).exists()


def test_a_moved_one_is_reminded_of_anew_and_not_of_the_old_time():
    booking = make.booking(now=NOON - 5 * HOUR)
    assert reminded(NOON - HOUR).count() == 1
    later = NOON + 3 * HOUR
    moved = actions.reschedule(
        booking=booking, starts_at=later, ends_at=later + HOUR / 2, now=NOON - 50 * MINUTE
    )
    assert not reminded(NOON - 40 * MINUTE).exists()
    mail = reminded(later - HOUR).get()
    assert str(moved.pk) in mail.key and "17:00" in mail.subject


def test_a_booking_cancelled_between_the_look_and_the_claim_is_not_mentioned():
    booking = make.booking(now=NOON - 5 * HOUR)
    actions.cancel(booking=booking, by=booking.user, now=NOON - 2 * HOUR)
    assert not reminders.remind(booking_id=booking.pk, starts_at=NOON, now=NOON - HOUR)
    assert not Mail.objects.filter(key__contains=" reminder ").exists()
