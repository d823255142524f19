"""The queue against the database: offers are holds, each answer is taken once, nobody loses a turn."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections

from bookings import actions as bookings
from bookings import slots
from bookings.exceptions import BookingRefused, SlotTaken
from bookings.models import Booking, Claim, Offer, WaitlistPlace
from bookings.waitlist import actions, queue, tasks
from bookings.waitlist.exceptions import AlreadyWaiting, Hopeless, NotWaiting, OfferGone, TooManyPlaces
from evportal.outbox.models import Mail
from stations.models import Evse, Reservation, Station
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
State, Answer = WaitlistPlace.State, Offer.State
MINUTE, HALF, HOUR = timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1)
NOW = NOON - 2 * HOUR


def join(site, user=None, *, now=NOW, **wish):
    """Half an hour from noon on."""
    defaults = {"starts_after": NOON, "ends_before": NOON + HALF, "minutes": 30}
    return actions.join(site=site, user=user or make.user(password=""), now=now, **(defaults | wish))


def join_now(site, user=None, *, now=NOW, patience=HOUR, **wish):
    times = {"is_now": True, "starts_after": now, "ends_before": now + patience + HALF}
    return join(site, user, now=now, **(times | wish))


def taken(evse=None, now=NOW - HOUR):
    """An EVSE whose noon is booked."""
    evse = evse or make.evse()
    return evse, make.booking(evse=evse, now=now)


def offer(site, now=NOW):
    return actions.offer_all(site=site, now=now)


def fresh(place):
    return WaitlistPlace.objects.get(pk=place.pk)


def online(evse, state="available"):
    Station.objects.filter(pk=evse.station_id).update(connection=uuid4())
    Evse.objects.filter(pk=evse.pk).update(state=state)


class TestJoining:
    def test_a_place_at_the_end_and_a_double_click(self):
        evse, _booking = taken()
        site = evse.station.site
        first, user = join(site), make.user()
        second = join(site, user, now=NOW + MINUTE)
        assert join(site, user, now=NOW + 2 * MINUTE) == second
        assert list(WaitlistPlace.objects.in_order()) == [first, second]

    def test_one_place_in_each_queue_and_few_in_all(self):
        evse, _booking = taken()
        user = make.user()
        join(evse.station.site, user)
        with pytest.raises(AlreadyWaiting):
            join(evse.station.site, user, minutes=60, ends_before=NOON + 2 * HOUR)
        for _number in range(actions.MOST_PLACES - 1):
            join(make.evse().station.site, user)
        with pytest.raises(TooManyPlaces):
            join(make.evse().station.site, user)

    @pytest.mark.parametrize(
        ("wish", "words"),
        [
            ({"ends_before": NOON - HOUR}, "end must be after"),
            ({"starts_after": NOW - 2 * HOUR, "ends_before": NOW}, "already over"),
            ({"minutes": 10}, "shorter than can be booked"),
            ({"minutes": 300, "ends_before": NOON + 9 * HOUR}, "longer than can be booked"),
            ({"minutes": 60}, "shorter than the slot"),
            ({"starts_after": NOON + timedelta(days=40), "ends_before": NOON + timedelta(days=41)}, "ahead"),
            ({"standard": "CHADEMO"}, "No charger here"),
            ({"min_power_w": 10**6}, "No charger here"),
        ],
    )
    def test_wishes_that_nothing_could_fulfil(self, wish, words):
        with pytest.raises(BookingRefused, match=words):
            join(make.evse().station.site, **wish)
        assert not WaitlistPlace.objects.exists()

    def test_where_every_charger_is_for_walk_ins(self):
        evse = make.evse()
        make.site_rules(site=evse.station.site).walk_in_only.add(evse)
        with pytest.raises(Hopeless):
            join(evse.station.site)

    def test_a_site_that_takes_no_bookings_has_no_queue(self):
        evse = make.evse()
        make.site_rules(site=evse.station.site, bookable=False)
        with pytest.raises(BookingRefused):
            join(evse.station.site)


class TestOffers:
    def test_a_cancelled_slot_goes_to_the_first_and_is_kept_for_them(self):
        evse, booking = taken()
        first, second = join(evse.station.site), join(evse.station.site, now=NOW + MINUTE)
        assert offer(evse.station.site) == 0
        bookings.cancel(booking=booking, by=booking.user, now=NOW)
        assert [offer(evse.station.site), offer(evse.station.site)] == [1, 0]
        made = Offer.objects.get()
        assert (made.place, made.booking.user, made.booking.starts_at) == (first, first.user, NOON)
        assert (fresh(first).state, fresh(second).state) == (State.OFFERED, State.WAITING)
        assert made.expires_at == made.booking.hold_expires_at == NOW + 15 * MINUTE
        with pytest.raises(SlotTaken):
            bookings.hold(evse=evse, user=make.user(), starts_at=NOON, ends_at=NOON + HALF, now=NOW)
        mail = Mail.objects.get(key=f"offer {made.pk}")
        assert mail.to == first.user.email and mail.expires_at == made.expires_at
        assert f"/w/{first.pk}/" in mail.text and "12:15" in mail.text  # The site's time.

    def test_accepting_makes_it_a_hold_like_any_other(self):
        place = join(make.evse().station.site)
        offer(place.site)
        booking = actions.accept(place=place, now=NOW + 5 * MINUTE)
        assert (booking.status, booking.hold_expires_at) == (Booking.Status.PENDING, NOW + 15 * MINUTE)
        assert fresh(place).state == State.ACCEPTED
        assert actions.accept(place=place, now=NOW + 6 * MINUTE) == booking  # A double click.
        bookings.extend_hold(booking=booking, now=NOW + 6 * MINUTE)
        bookings.confirm(booking=booking, now=NOW + 20 * MINUTE)
        assert Offer.objects.get().state == Answer.ACCEPTED

    def test_an_offer_is_not_extended_before_it_is_accepted(self):
        place = join(make.evse().station.site)
        offer(place.site)
        with pytest.raises(BookingRefused):
            bookings.extend_hold(booking=Booking.objects.get(), now=NOW + MINUTE)

    def test_an_unanswered_offer_moves_on_and_the_second_one_ends_the_wait(self):
        evse = make.evse()
        first, second = join(evse.station.site), join(evse.station.site, now=NOW + MINUTE)
        offer(evse.station.site)
        late = Offer.objects.get().expires_at
        with pytest.raises(OfferGone):
            actions.accept(place=first, now=late)
        for _twice in range(2):
            slots.expire_hold(booking=Offer.objects.get(place=first).booking, now=late)
            actions.settle(booking=Offer.objects.get(place=first).booking, now=late)
        assert (fresh(first).state, fresh(first).queued_at, fresh(first).unanswered) == (
            State.WAITING,
            late,
            1,
        )
        offer(evse.station.site, late)
        assert fresh(second).state == State.OFFERED
        later = Offer.objects.get(place=second).expires_at
        actions.leave(place=second, now=later - MINUTE)
        offer(evse.station.site, later - MINUTE)
        assert fresh(first).state == State.OFFERED
        end = Offer.objects.filter(place=first).latest("made_at")
        slots.expire_hold(booking=end.booking, now=end.expires_at)
        actions.settle(booking=end.booking, now=end.expires_at)
        assert fresh(first).state == State.OVER
        assert "heard nothing" in Mail.objects.get(key=f"waitlist {first.pk} over").text

    def test_snoozing_keeps_the_place_and_the_slot_moves_on(self):
        evse = make.evse()
        first, second = join(evse.station.site), join(evse.station.site, now=NOW + MINUTE)
        offer(evse.station.site)
        key = f"offer {Offer.objects.get().pk}"
        actions.pause(place=first, minutes=30, now=NOW + MINUTE)
        assert not Mail.objects.filter(key=key).exists()  # Not sent yet, and no longer true.
        offer(evse.station.site, NOW + MINUTE)
        assert (fresh(first).state, fresh(second).state) == (State.WAITING, State.OFFERED)
        assert fresh(first).queued_at == NOW
        actions.leave(place=second, now=NOW + 2 * MINUTE)
        assert offer(evse.station.site, NOW + 3 * MINUTE) == 0
        assert offer(evse.station.site, NOW + 31 * MINUTE) == 1
        assert fresh(first).state == State.OFFERED

    def test_resuming_early(self):
        place = join(make.evse().station.site)
        actions.pause(place=place, minutes=60, now=NOW)
        assert offer(place.site) == 0
        actions.resume(place=place, now=NOW)
        assert offer(place.site) == 1

    def test_who_pauses_or_leaves_while_a_worker_looks_is_not_asked(self, monkeypatch):
        site = make.evse().station.site
        first, second, third = (join(site, now=NOW + number * MINUTE) for number in range(3))
        seen = queue.load(site, NOW + HALF)
        monkeypatch.setattr(queue, "load", lambda _site, _now: seen)
        actions.pause(place=first, minutes=60, now=NOW + HALF)
        actions.leave(place=second, now=NOW + HALF)
        assert offer(site, NOW + HALF) == 1
        assert [fresh(each).state for each in (first, third)] == [State.WAITING, State.OFFERED]

    def test_leaving_twice_and_after_the_end(self):
        place = join(make.evse().station.site)
        offer(place.site)
        for _twice in range(2):
            actions.leave(place=place, now=NOW)
        assert fresh(place).state == State.LEFT
        assert not Claim.objects.exists() and Offer.objects.get().state == Answer.DECLINED
        for change in (actions.pause, actions.resume):
            with pytest.raises(NotWaiting):
                change(place=place, now=NOW, **({"minutes": 5} if change is actions.pause else {}))
        with pytest.raises(OfferGone):
            actions.accept(place=place, now=NOW)

    def test_paying_without_a_click_on_accept_is_accepting(self):
        place = join(make.evse().station.site)
        offer(place.site)
        booking = bookings.confirm(booking=Booking.objects.get(), now=NOW + MINUTE)
        actions.settle(booking=booking, now=NOW + MINUTE)
        assert (fresh(place).state, Offer.objects.get().state) == (State.ACCEPTED, Answer.ACCEPTED)
        assert actions.accept(place=place, now=NOW + 2 * MINUTE) == booking

    def test_giving_the_slot_back_on_its_own_page_is_a_pause(self):
        place = join(make.evse().station.site)
        offer(place.site)
        booking = bookings.cancel(booking=Booking.objects.get(), by=place.user, now=NOW)
        actions.settle(booking=booking, now=NOW)
        assert fresh(place).is_paused(NOW + actions.REST - MINUTE)
        assert offer(place.site) == 0

    def test_a_charger_that_breaks_costs_nobody_their_turn(self):
        place = join(make.evse().station.site)
        offer(place.site)
        booking = Booking.objects.get()
        slots.fail(booking=booking, reason="The charger was out of order.", now=NOW + MINUTE)
        actions.settle(booking=booking, now=NOW + MINUTE)
        assert (fresh(place).state, fresh(place).queued_at, fresh(place).unanswered) == (
            State.WAITING,
            NOW,
            0,
        )
        assert Offer.objects.get().state == Answer.WITHDRAWN

    def test_who_has_as_many_bookings_as_allowed_is_passed_over_for_now(self):
        evse, _booking = taken()
        site = evse.station.site
        make.site_rules(site=site, max_open_per_driver=1)
        first, second = join(site), join(site, now=NOW + MINUTE)
        other = make.evse(station=evse.station, number=2)
        theirs = make.booking(evse=other, user=first.user, starts_at=NOON + 5 * HOUR, now=NOW)
        assert offer(site) == 1
        assert (fresh(first).state, fresh(second).state) == (State.WAITING, State.OFFERED)
        bookings.cancel(booking=theirs, by=first.user, now=NOW)
        third = make.evse(station=evse.station, number=3)
        assert third and offer(site) == 1 and fresh(first).state == State.OFFERED

    def test_two_slots_that_become_free_at_once_go_to_two_drivers(self):
        evse = make.evse()
        make.evse(station=evse.station, number=2)
        places = [join(evse.station.site, now=NOW + number * MINUTE) for number in range(3)]
        assert offer(evse.station.site, NOW + HALF) == 2
        assert [fresh(each).state for each in places] == [State.OFFERED, State.OFFERED, State.WAITING]


class TestNow:
    def test_what_becomes_free_is_kept_at_the_charger_while_the_driver_thinks(self):
        evse = make.evse()
        online(evse, "charging")
        session = make.session(evse=evse, started_at=NOW - HOUR)
        place = join_now(evse.station.site)
        assert offer(evse.station.site) == 0
        session.stopped_at = NOW + MINUTE
        session.save()
        online(evse)
        assert offer(evse.station.site, NOW + 2 * MINUTE) == 1
        made = Offer.objects.get()
        assert made.booking.starts_at == NOW + 5 * MINUTE
        kept = Reservation.objects.get()
        assert (kept.starts_at, kept.ends_at) == (NOW + 2 * MINUTE, made.booking.ends_at)
        assert kept.id_token.user == place.user
        actions.leave(place=place, now=NOW + 3 * MINUTE)
        kept.refresh_from_db()
        assert kept.status == Reservation.Status.CANCELLED

    def test_confirmed_it_is_kept_once(self):
        evse = make.evse()
        online(evse)
        place = join_now(evse.station.site)
        offer(evse.station.site)
        booking = bookings.confirm(booking=actions.accept(place=place, now=NOW), now=NOW + MINUTE)
        assert Reservation.objects.filter(status__in=Reservation.KEEPING).get() == booking.reservation

    def test_not_to_somebody_who_is_charging_somewhere(self):
        evse, other = make.evse(), make.evse()
        online(evse)
        place = join_now(evse.station.site)
        make.session(evse=other, user=place.user, started_at=NOW)
        assert offer(evse.station.site) == 0

    def test_not_what_is_kept_for_somebody_or_offline(self):
        evse, offline = make.evse(), make.evse()
        online(evse)
        place = join_now(evse.station.site)
        join_now(offline.station.site)
        token = make.id_token(operator=evse.station.site.operator)
        Reservation.objects.create(evse=evse, id_token=token, starts_at=NOW - HOUR, ends_at=NOW + HOUR)
        assert offer(evse.station.site) == offer(offline.station.site) == 0
        assert fresh(place).state == State.WAITING


class TestTheClock:
    def test_what_a_lost_message_left_is_found(self, time_machine_at):
        evse = make.evse()
        first, second = join(evse.station.site), join(evse.station.site, now=NOW + MINUTE)
        time_machine_at(NOW + 2 * MINUTE)
        for _twice in range(2):
            tasks.tend()
        assert Offer.objects.get().place == first
        time_machine_at(Offer.objects.get().expires_at)
        for _thrice in range(3):
            tasks.tend()
        assert [fresh(first).state, fresh(second).state] == [State.WAITING, State.OFFERED]

    def test_a_wait_that_is_over_says_so_once(self, time_machine_at):
        evse, _booking = taken()
        place = join(evse.station.site)
        time_machine_at(NOON + MINUTE)
        for _twice in range(2):
            tasks.tend()
        assert fresh(place).state == State.OVER
        assert Mail.objects.filter(key=f"waitlist {place.pk} over").count() == 1

    def test_a_site_or_booking_that_is_gone_is_no_error(self):
        tasks.offer_free(0)
        tasks.settle(str(uuid4()))


@pytest.fixture
def time_machine_at():
    import time_machine

    travellers = []

    def go(moment):
        while travellers:
            travellers.pop().stop()
        traveller = time_machine.travel(moment, tick=False)
        traveller.start()
        travellers.append(traveller)

    yield go
    while travellers:
        travellers.pop().stop()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @staticmethod
    def race(jobs):
        barrier = Barrier(len(jobs))

        def run(job):
            try:
                barrier.wait(timeout=30)
                return job()
            except BookingRefused as refused:
                return refused
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(run, jobs))

    def test_four_workers_make_each_offer_once_and_in_order(self):
        evse = make.evse()
        make.evse(station=evse.station, number=2)
        site = evse.station.site
        places = [join(site, now=NOW + number * MINUTE) for number in range(5)]
        at = NOW + HALF
        made = self.race([lambda: actions.offer_all(site=site, now=at)] * 4)
        assert sum(made) == Offer.objects.count() == Claim.objects.count() == 2
        states = [fresh(each).state for each in places]
        assert states == [State.OFFERED] * 2 + [State.WAITING] * 3

    def test_one_driver_in_two_queues_with_room_for_both(self):
        """Two sites' workers want the same drivers, in opposite order."""
        one, two = make.evse(), make.evse()
        alice, bob = make.user(password=""), make.user(password="")
        for person, first, second in ((alice, one, two), (bob, two, one)):
            join(first.station.site, person, now=NOW)
            join(second.station.site, person, now=NOW + MINUTE)
        self.race(
            [
                lambda site=evse.station.site: actions.offer_all(site=site, now=NOW + HALF)
                for evse in (one, two)
            ]
        )
        assert Offer.objects.count() == 2
        assert {each.place.user for each in Offer.objects.all()} == {alice, bob}

    def test_accepting_while_it_expires_has_one_outcome(self):
        evse = make.evse()
        for number in range(4):
            place = join(evse.station.site, now=NOW)
            offer(evse.station.site)
            made = Offer.objects.get(place=place)

            def expire(made=made):
                slots.expire_hold(booking=made.booking, now=made.expires_at)
                actions.settle(booking=made.booking, now=made.expires_at)

            accepted, _none = self.race(
                [
                    lambda place=place, made=made: actions.accept(
                        place=place, now=made.expires_at - timedelta(seconds=1)
                    ),
                    expire,
                ]
            )
            made.refresh_from_db()
            made.booking.refresh_from_db()
            if isinstance(accepted, Booking):
                assert (made.state, fresh(place).state) == (Answer.ACCEPTED, State.ACCEPTED)
                assert made.booking.status == Booking.Status.PENDING
            else:
                assert (made.state, made.booking.status) == (Answer.EXPIRED, Booking.Status.FAILED), number
                assert fresh(place).state == State.WAITING
            Claim.objects.all().delete()
            Booking.objects.update(status=Booking.Status.CANCELED)
            WaitlistPlace.objects.update(state=State.LEFT)


def test_standing_is_told_as_it_is():
    evse, _booking = taken()
    site = evse.station.site
    first, second = join(site), join(site, now=NOW + MINUTE)
    third = join(site, now=NOW + 2 * MINUTE)
    actions.pause(place=first, minutes=30, now=NOW)
    found = queue.load(site, NOW + 3 * MINUTE).standing(third)
    assert (found.ahead, found.paused, found.waiting) == (2, 1, 3)
    assert queue.load(site, NOW + 3 * MINUTE).standing(second).ahead == 1
