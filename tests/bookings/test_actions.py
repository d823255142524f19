"""Every change to a booking: what it does, what it refuses, and that a refusal changes nothing."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest

from bookings import actions, fulfilling, signals
from bookings.exceptions import (
    AlreadyOver,
    BookingRefused,
    ClosureConflict,
    HoldExpired,
    HoldNotExtendable,
    NotBookable,
    NothingToChange,
    SlotTaken,
    TooLateToChange,
    TooManyBookings,
)
from bookings.models import Booking, Claim, Closure
from bookings.rules import Problem
from evportal.outbox.models import Mail
from stations import access, authorising, sessions
from stations.models import Reservation
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
Status = Booking.Status
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BEFORE = NOON - HOUR


@contextmanager
def hearing(signal):
    """The bookings that a signal tells of."""
    heard = []

    def listen(booking, **_news):
        heard.append(booking)

    signal.connect(listen)
    try:
        yield heard
    finally:
        signal.disconnect(listen)


def hold(evse, user=None, starts_at=NOON, minutes=30, now=BEFORE):
    return actions.hold(
        evse=evse,
        user=user or make.user(),
        starts_at=starts_at,
        ends_at=starts_at + minutes * MINUTE,
        now=now,
    )


def fresh(booking):
    return Booking.objects.get(pk=booking.pk)


class TestHold:
    def test_freezes_the_terms_and_claims_the_time_with_its_buffer(self):
        evse = make.evse()
        make.site_rules(site=evse.station.site, noshow_fee=Decimal("7.50"), buffer_minutes=5, hold_minutes=8)
        booking = hold(evse)
        assert (booking.status, booking.noshow_fee) == (Status.PENDING, Decimal("7.50"))
        assert booking.hold_expires_at == BEFORE + 8 * MINUTE
        assert (booking.claim.period.lower, booking.claim.period.upper) == (NOON, NOON + 35 * MINUTE)

    def test_the_second_gets_the_nearest_alternatives(self):
        site = make.site()
        first = make.evse(station=make.station(site=site))
        second = make.evse(station=make.station(site=site))
        make.evse(station=make.station(site=site), standard="CHADEMO")
        hold(first)
        with pytest.raises(SlotTaken) as refused:
            hold(first)
        found = [(slot.evse, slot.starts_at) for slot in refused.value.alternatives]
        assert found == [(second, NOON), (first, NOON - 30 * MINUTE), (first, NOON + 30 * MINUTE)]
        assert Booking.objects.count() == Claim.objects.count() == 1

    def test_ranges_are_half_open(self):
        evse = make.evse()
        hold(evse)
        hold(evse, starts_at=NOON + 30 * MINUTE)
        hold(evse, starts_at=NOON - 30 * MINUTE)
        assert Claim.objects.count() == 3

    def test_a_double_click_holds_once(self):
        evse, user = make.evse(), make.user()
        assert hold(evse, user) == hold(evse, user)
        assert Booking.objects.count() == 1

    def test_an_expired_hold_is_in_nobodys_way(self):
        evse = make.evse()
        first = hold(evse)
        second = hold(evse, now=BEFORE + 10 * MINUTE)
        assert (fresh(first).status, second.status) == (Status.FAILED, Status.PENDING)

    def test_a_driver_has_only_so_many(self):
        evse, user = make.evse(), make.user()
        for number in range(3):
            hold(evse, user, starts_at=NOON + number * HOUR)
        with pytest.raises(TooManyBookings):
            hold(evse, user, starts_at=NOON + 3 * HOUR)
        # A hold that has run out doesn't count.
        assert hold(evse, user, starts_at=NOON + 3 * HOUR, now=BEFORE + 11 * MINUTE)

    @pytest.mark.parametrize(
        ("starts_at", "minutes", "problem"),
        [
            (NOON, -30, Problem.REVERSED),
            (NOON, 0, Problem.REVERSED),
            (NOON, 24 * 60, Problem.TOO_LONG),
            (NOON, 5, Problem.TOO_SHORT),
            (BEFORE - MINUTE, 30, Problem.PAST),
            (NOON + timedelta(days=400), 30, Problem.TOO_FAR),
        ],
    )
    def test_a_bad_range_is_refused_with_a_sentence(self, starts_at, minutes, problem):
        with pytest.raises(NotBookable) as refused:
            hold(make.evse(), starts_at=starts_at, minutes=minutes)
        assert refused.value.problem is problem
        assert str(refused.value).endswith((".", "in."))
        assert not Booking.objects.exists()

    def test_walk_in_only_private_and_closed_are_refused(self):
        evse = make.evse()
        make.site_rules(site=evse.station.site).walk_in_only.add(evse)
        private = make.evse(station=make.station(site=make.site(is_public=False)))
        closed = make.evse()
        actions.close_evse(evse=closed, starts_at=BEFORE, ends_at=NOON + HOUR, now=BEFORE)
        for place, problem in [
            (evse, Problem.WALK_IN),
            (private, Problem.NOT_BOOKABLE),
            (closed, Problem.CLOSED),
        ]:
            with pytest.raises(NotBookable) as refused:
                hold(place)
            assert refused.value.problem is problem

    def test_somebody_still_charging_there(self):
        evse = make.evse(max_power_w=150_000)
        make.session(evse=evse, started_at=BEFORE)
        with pytest.raises(NotBookable) as refused:
            hold(evse, starts_at=BEFORE + 30 * MINUTE)
        assert refused.value.problem is Problem.IN_USE
        assert hold(evse)


class TestExtend:
    def test_once(self):
        booking = hold(make.evse())
        actions.extend_hold(booking=booking, now=BEFORE + 9 * MINUTE)
        assert booking.hold_expires_at == BEFORE + 20 * MINUTE
        with pytest.raises(HoldNotExtendable):
            actions.extend_hold(booking=booking, now=BEFORE + 9 * MINUTE)

    def test_not_when_it_has_run_out_or_is_paid(self):
        with pytest.raises(HoldExpired):
            actions.extend_hold(booking=hold(make.evse()), now=NOON)
        with pytest.raises(AlreadyOver):
            actions.extend_hold(booking=make.booking(), now=BEFORE)


class TestConfirm:
    def test_keeps_the_place_and_tells_the_driver(self, django_capture_on_commit_callbacks):
        booking = hold(make.evse())
        with (
            patch("evportal.outbox.tasks.send_mail.delay"),
            hearing(signals.booking_confirmed) as heard,
            django_capture_on_commit_callbacks(execute=True),
        ):
            actions.confirm(booking=booking, now=BEFORE)
        assert heard == [booking]
        assert booking.status == Status.RESERVED
        kept = booking.reservation
        assert (kept.starts_at, kept.ends_at) == (NOON - 10 * MINUTE, NOON + 30 * MINUTE)
        assert kept.id_token == booking.id_token
        mail = Mail.objects.get()
        assert mail.subject.startswith("Booked: Site")
        # The site's clock, two hours ahead of UTC in a Berlin summer.
        assert "14:00–14:30 (CEST, Europe/Berlin)" in mail.text
        assert mail.attachments[0]["source"] == "bookings.ics"

    def test_twice_is_once(self):
        booking = make.booking(now=BEFORE)
        actions.confirm(booking=booking, now=BEFORE)
        assert Reservation.objects.count() == Mail.objects.count() == 1

    def test_too_late(self):
        booking = hold(make.evse())
        with pytest.raises(HoldExpired):
            actions.confirm(booking=booking, now=BEFORE + 10 * MINUTE)
        assert not Reservation.objects.exists()

    def test_not_after_cancelling(self):
        booking = hold(make.evse())
        actions.cancel(booking=booking, by=booking.user, now=BEFORE)
        with pytest.raises(AlreadyOver):
            actions.confirm(booking=booking, now=BEFORE)

    @pytest.mark.parametrize("earlier_first", [True, False])
    def test_the_driver_before_may_come_until_their_own_end(self, earlier_first):
        evse = make.evse()
        slots = [NOON, NOON + 30 * MINUTE]
        made = {
            starts_at: make.booking(evse=evse, starts_at=starts_at, now=BEFORE)
            for starts_at in (slots if earlier_first else reversed(slots))
        }
        assert fresh(made[slots[1]]).opens_at == NOON + 30 * MINUTE
        assert fresh(made[slots[0]]).opens_at == NOON - 10 * MINUTE

    def test_the_charger_refuses_others_during_the_slot(self):
        booking = make.booking()
        station = booking.evse.station
        other = make.id_token(operator=station.site.operator, user=make.user())
        answer = authorising.authorize(station=station, token=other.token, now=NOON, evse_number=1)
        assert answer.verdict is access.Verdict.NOT_AT_THIS_TIME
        own = authorising.authorize(station=station, token=booking.id_token.token, now=NOON, evse_number=1)
        assert own.allowed


class TestCancel:
    def fee_booking(self):
        evse = make.evse()
        make.site_rules(site=evse.station.site, noshow_fee=Decimal("5"))
        return make.booking(evse=evse, now=BEFORE)

    @pytest.mark.parametrize(("minutes_before", "fee"), [(30, 0), (29, 5)])
    def test_costs_what_was_agreed(self, minutes_before, fee):
        booking = self.fee_booking()
        now = NOON - minutes_before * MINUTE
        assert actions.cancellation_fee(booking, now) == fee
        done = actions.cancel(booking=booking, by=booking.user, now=now)
        assert (done.status, done.fee, done.sequence) == (Status.CANCELED, fee, 1)
        assert not Claim.objects.exists()
        assert fresh(done).reservation.status == Reservation.Status.CANCELLED

    def test_the_operators_cancelling_is_never_the_drivers_cost(self):
        booking = self.fee_booking()
        staff = make.member(operator=booking.evse.station.site.operator)
        assert actions.cancel(booking=booking, by=staff, now=NOON).fee == 0

    def test_twice(self):
        booking = self.fee_booking()
        actions.cancel(booking=booking, by=booking.user, now=BEFORE)
        with pytest.raises(AlreadyOver):
            actions.cancel(booking=booking, by=booking.user, now=NOON)
        assert fresh(booking).fee == 0
        assert Mail.objects.filter(key__contains="cancelled").count() == 1

    def test_a_held_slot_is_given_back_without_ado(self):
        booking = hold(make.evse())
        actions.cancel(booking=booking, by=booking.user, now=BEFORE)
        assert not Mail.objects.exists() and not Claim.objects.exists()


class TestReschedule:
    def test_moves_the_claim_and_the_place(self, django_capture_on_commit_callbacks):
        booking = make.booking(now=BEFORE)
        before = booking.reservation
        with (
            patch("evportal.outbox.tasks.send_mail.delay"),
            hearing(signals.booking_moved) as heard,
            django_capture_on_commit_callbacks(execute=True),
        ):
            # It overlaps the old time, which is no obstacle.
            moved = actions.reschedule(
                booking=booking, starts_at=NOON + 15 * MINUTE, ends_at=NOON + HOUR, now=BEFORE
            )
        assert heard == [moved]
        moved = fresh(moved)
        assert (moved.starts_at, moved.minutes, moved.sequence) == (NOON + 15 * MINUTE, 45, 1)
        assert Claim.objects.get().period.lower == NOON + 15 * MINUTE
        assert moved.reservation != before
        assert Reservation.objects.get(pk=before.pk).status == Reservation.Status.CANCELLED

    def test_to_another_evse_of_the_site_only(self):
        booking = make.booking(now=BEFORE)
        elsewhere, beside = make.evse(), make.evse(station=booking.evse.station, number=2)
        times = {"starts_at": NOON, "ends_at": NOON + 30 * MINUTE, "now": BEFORE}
        with pytest.raises(BookingRefused, match="within its site"):
            actions.reschedule(booking=booking, evse=elsewhere, **times)
        assert actions.reschedule(booking=booking, evse=beside, **times).evse == beside
        assert Claim.objects.get().evse == beside

    def test_refusals_change_nothing(self):
        evse = make.evse()
        booking = make.booking(evse=evse, now=BEFORE)
        hold(evse, starts_at=NOON + HOUR)
        half = 30 * MINUTE
        for error, starts_at, ends_at, now in [
            (NothingToChange, NOON, NOON + half, BEFORE),
            (SlotTaken, NOON + HOUR, NOON + HOUR + half, BEFORE),
            (NotBookable, NOON, NOON - half, BEFORE),
            (TooLateToChange, NOON + 2 * HOUR, NOON + 3 * HOUR, NOON - 29 * MINUTE),
        ]:
            with pytest.raises(error):
                actions.reschedule(booking=booking, starts_at=starts_at, ends_at=ends_at, now=now)
        same = fresh(booking)
        assert (same.starts_at, same.sequence, same.claim.period.lower) == (NOON, 0, NOON)
        assert same.reservation.status == Reservation.Status.SCHEDULED


class TestClosure:
    def test_lists_what_is_in_its_way(self):
        booking = make.booking()
        with pytest.raises(ClosureConflict) as refused:
            actions.close_evse(evse=booking.evse, starts_at=BEFORE, ends_at=NOON + MINUTE, now=BEFORE)
        assert refused.value.bookings == [booking]
        assert not Closure.objects.exists()

    def test_two_closures(self):
        evse = make.evse()
        closure = actions.close_evse(
            evse=evse, starts_at=NOON, ends_at=NOON + HOUR, now=BEFORE, reason="Works"
        )
        with pytest.raises(ClosureConflict) as refused:
            actions.close_evse(evse=evse, starts_at=BEFORE, ends_at=NOON + MINUTE, now=BEFORE)
        assert refused.value.closures == [closure]
        with pytest.raises(NotBookable):
            actions.close_evse(evse=evse, starts_at=NOON, ends_at=NOON, now=BEFORE)


class TestUse:
    def test_the_drivers_start_fulfils(self, django_capture_on_commit_callbacks):
        booking = make.booking()
        with hearing(signals.booking_fulfilled) as heard, django_capture_on_commit_callbacks(execute=True):
            _session, decision = start(booking.evse, booking.id_token.token, NOON)
        assert decision.allowed
        done = fresh(booking)
        assert (done.status, done.session.user) == (Status.FULFILLED, booking.user)
        assert done.reservation.status == Reservation.Status.USED
        assert heard == [booking]

    @pytest.mark.parametrize("minutes", [-10, 0, 29])
    def test_with_another_card_of_theirs_within_the_window(self, minutes):
        booking = make.booking()
        card = make.id_token(operator=booking.evse.station.site.operator, user=booking.user)
        session, _decision = start(booking.evse, card.token, NOON + minutes * MINUTE)
        assert fulfilling.fulfil(session=session) == booking

    @pytest.mark.parametrize("minutes", [-11, 30])
    def test_not_outside_the_window(self, minutes):
        booking = make.booking()
        session, _decision = start(booking.evse, booking.id_token.token, NOON + minutes * MINUTE)
        assert fulfilling.fulfil(session=session) is None

    def test_a_group_card_counts(self):
        booking = make.booking()
        operator = booking.evse.station.site.operator
        type(booking.id_token).objects.filter(pk=booking.id_token_id).update(group="FLEET")
        card = make.id_token(operator=operator, group="FLEET")
        session, decision = start(booking.evse, card.token, NOON)
        assert decision.allowed
        assert fulfilling.fulfil(session=session) == booking

    def test_a_strangers_start_doesnt(self):
        booking = make.booking()
        other = make.id_token(operator=booking.evse.station.site.operator, user=make.user())
        session, decision = start(booking.evse, other.token, NOON)
        assert not decision.allowed
        assert fulfilling.fulfil(session=session) is None

    def test_what_is_left_of_the_slot_is_freed(self):
        booking = make.booking(minutes=60)
        session, _decision = start(booking.evse, booking.id_token.token, NOON)
        fulfilling.fulfil(session=session)
        fulfilling.free_rest(session=session, now=NOON + 20 * MINUTE)
        assert Claim.objects.get().period.upper == NOON + 20 * MINUTE
        fulfilling.free_rest(session=session, now=NOON + 40 * MINUTE)
        assert Claim.objects.get().period.upper == NOON + 20 * MINUTE

    def test_ended_before_its_slot_began(self):
        booking = make.booking(minutes=60)
        session, _decision = start(booking.evse, booking.id_token.token, NOON - 10 * MINUTE)
        fulfilling.fulfil(session=session)
        fulfilling.free_rest(session=session, now=NOON)
        assert not Claim.objects.exists()


def test_a_no_show_is_released_once_with_its_fee():
    evse = make.evse()
    make.site_rules(site=evse.station.site, noshow_fee=Decimal("5"))
    booking = make.booking(evse=evse)
    assert actions.no_show(booking=booking, now=NOON + 15 * MINUTE)
    assert not actions.no_show(booking=booking, now=NOON + 16 * MINUTE)
    done = fresh(booking)
    assert (done.status, done.fee) == (Status.NO_SHOW, 5)
    assert done.reservation.status == Reservation.Status.CANCELLED
    assert not Claim.objects.exists()


def start(evse, token, received_at):
    report = sessions.Start(
        evse_number=evse.number,
        connector_number=1,
        token=token,
        started_at=received_at,
        received_at=received_at,
    )
    return sessions.start(station=evse.station, report=report)
