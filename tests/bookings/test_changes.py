"""Another end, and late drivers: what is granted, what is refused, and that a refusal changes nothing."""

from datetime import timedelta

import pytest

from bookings import actions, changes, fulfilling
from bookings.exceptions import (
    AlreadyOver,
    HoldExpired,
    NotBookable,
    NothingToChange,
    NoTimeAfter,
    NotWaitedFor,
    OverlappingBooking,
    TooManyOnDay,
)
from bookings.models import Booking, Claim
from bookings.rules import Problem
from evportal.outbox.models import Mail
from stations.models import Reservation
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
Status = Booking.Status
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BEFORE = NOON - HOUR


def until(booking, minutes, now=BEFORE):
    return changes.change_end(booking=booking, ends_at=booking.starts_at + minutes * MINUTE, now=now)


class TestEnd:
    def test_longer_keeps_the_place_and_tells_the_driver(self):
        booking = make.booking()
        make.site_rules(site=booking.evse.station.site, buffer_minutes=5)
        booking = until(booking, 60)
        assert (booking.ends_at, booking.sequence) == (NOON + HOUR, 1)
        assert Claim.objects.get().period.upper == NOON + 65 * MINUTE
        (kept,) = Reservation.objects.filter(status=Reservation.Status.SCHEDULED)
        assert (kept, kept.ends_at) == (booking.reservation, NOON + HOUR)
        assert Mail.objects.filter(key__contains="moved").count() == 1

    def test_shorter_gives_the_rest_to_others_even_while_it_runs(self):
        booking = make.booking(minutes=90)
        booking = until(booking, 60, now=NOON + 10 * MINUTE)
        assert make.booking(evse=booking.evse, starts_at=NOON + HOUR, now=NOON + 10 * MINUTE)

    def test_while_charging(self):
        booking = make.booking()
        session = make.session(evse=booking.evse, user=booking.user)
        assert fulfilling.use(booking=booking, session=session)
        assert until(booking, 60, now=NOON + 20 * MINUTE).ends_at == NOON + HOUR
        session.stopped_at = session.stop_received_at = NOON + 25 * MINUTE
        session.save()
        with pytest.raises(AlreadyOver):
            until(booking, 90, now=NOON + 26 * MINUTE)

    def test_somebody_comes_after(self):
        booking = make.booking()
        after = make.booking(evse=booking.evse, starts_at=NOON + HOUR, now=BEFORE)
        assert until(booking, 60).ends_at == after.starts_at
        with pytest.raises(NoTimeAfter) as refused:
            until(booking, 90)
        assert refused.value.alternatives
        booking.refresh_from_db()
        assert (booking.ends_at, booking.claim.period.upper) == (NOON + HOUR, NOON + HOUR)

    @pytest.mark.parametrize(
        ("minutes", "now", "problem"),
        [
            (0, BEFORE, Problem.REVERSED),
            (-30, BEFORE, Problem.REVERSED),
            (15, BEFORE, Problem.TOO_SHORT),
            (1000, BEFORE, Problem.TOO_LONG),
            (30, NOON + 40 * MINUTE, Problem.PAST),
        ],
    )
    def test_ends_that_cannot_be(self, minutes, now, problem):
        booking = make.booking(minutes=60)
        with pytest.raises(NotBookable) as refused:
            until(booking, minutes, now=now)
        assert refused.value.problem is problem
        assert Claim.objects.get().period.upper == NOON + HOUR

    def test_not_beyond_closing_time(self):
        booking = make.booking()
        site = booking.evse.station.site
        site.opening_hours = "06:00-15:00"  # One o'clock by UTC.
        site.save()
        assert until(booking, 60).ends_at == NOON + HOUR
        with pytest.raises(NotBookable) as refused:
            until(booking, 90)
        assert refused.value.problem is Problem.OUTSIDE_HOURS

    def test_the_same_end_one_that_is_over_and_a_hold_that_ran_out(self):
        booking = make.booking()
        with pytest.raises(NothingToChange):
            until(booking, 30)
        with pytest.raises(AlreadyOver):
            until(booking, 60, now=NOON + 30 * MINUTE)
        held = make.booking(confirmed=False)
        with pytest.raises(HoldExpired):
            until(held, 60, now=held.hold_expires_at)

    def test_what_is_offered_is_what_is_granted(self):
        booking = make.booking(minutes=60)
        make.site_rules(site=booking.evse.station.site, buffer_minutes=10)
        make.booking(evse=booking.evse, starts_at=NOON + 3 * HOUR, now=BEFORE)
        now = NOON + 5 * MINUTE
        offered = changes.end_choices(booking, now)
        assert [(at - NOON) / MINUTE for at in offered] == [30, 90, 120, 150]
        for minutes in range(30, 270, 30):
            at = NOON + minutes * MINUTE
            try:
                changed = changes.change_end(booking=booking, ends_at=at, now=now)
            except (NotBookable, NoTimeAfter, NothingToChange):
                assert at not in offered
            else:
                assert at in offered
                changes.change_end(booking=changed, ends_at=NOON + HOUR, now=now)


class TestLate:
    def test_is_waited_for(self):
        booking = make.booking(minutes=60)
        assert booking.no_show_at == NOON + 15 * MINUTE
        booking = changes.late(booking=booking, minutes=20, now=NOON + 10 * MINUTE)
        assert Booking.objects.get().no_show_at == booking.no_show_at == NOON + 35 * MINUTE
        assert changes.late_choices(booking, 30, NOON + 20 * MINUTE) == [30]

    @pytest.mark.parametrize("minutes", [20, 45])
    def test_not_for_longer_than_the_site_or_the_slot_allows(self, minutes):
        booking = make.booking(minutes=60 if minutes == 45 else 30)
        if minutes == 20:
            booking = changes.late(booking=booking, minutes=15, now=BEFORE)
            assert booking.no_show_at == booking.ends_at
        with pytest.raises(NotWaitedFor):
            changes.late(booking=booking, minutes=minutes, now=BEFORE)

    def test_not_when_it_is_too_late_to_say_so(self):
        booking = make.booking()
        with pytest.raises(AlreadyOver):
            changes.late(booking=booking, minutes=10, now=booking.no_show_at)
        assert changes.late_choices(booking, 30, booking.no_show_at) == []

    def test_a_site_may_wait_for_nobody(self):
        booking = make.booking(minutes=60)
        make.site_rules(site=booking.evse.station.site, max_late_minutes=0)
        assert changes.late_choices(booking, 0, BEFORE) == []
        with pytest.raises(NotWaitedFor):
            changes.late(booking=booking, minutes=10, now=BEFORE)


class TestLimits:
    def test_per_day_of_the_site(self):
        evse, user = make.evse(), make.user()
        make.site_rules(site=evse.station.site, max_per_day=1, max_open_per_driver=9)
        first = make.booking(evse=evse, user=user)
        with pytest.raises(TooManyOnDay):
            make.booking(evse=evse, user=user, starts_at=NOON + HOUR, now=BEFORE)
        # Half past ten in the evening by UTC is the next day in Berlin.
        tomorrow = make.booking(evse=evse, user=user, starts_at=NOON + 10.5 * HOUR, now=BEFORE)
        with pytest.raises(TooManyOnDay):
            actions.reschedule(
                booking=tomorrow, starts_at=NOON + 2 * HOUR, ends_at=NOON + 3 * HOUR, now=BEFORE
            )
        # On its own day it may be moved, and one that was given back doesn't count.
        actions.reschedule(booking=first, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, now=BEFORE)
        actions.cancel(booking=first, by=user, now=BEFORE)
        assert make.booking(evse=evse, user=user)

    def test_one_driver_in_two_places_at_once(self):
        evse, user = make.evse(), make.user()
        make.site_rules(site=evse.station.site, overlapping_bookings_allowed=False)
        make.booking(user=user, minutes=60)
        with pytest.raises(OverlappingBooking):
            make.booking(evse=evse, user=user, starts_at=NOON + 30 * MINUTE, now=BEFORE)
        assert make.booking(evse=evse, user=user, starts_at=NOON + HOUR, now=BEFORE)
