"""Closing over bookings, and chargers that fail before a slot: who moves, who is told, and only once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import affected, closing, relocating, rescue
from bookings.exceptions import NotBookable, NothingToChange, SlotTaken
from bookings.models import Booking, Claim, Closure
from evportal.outbox.models import Mail
from stations.models import AvailabilityPlan, Command, Evse, Node, Reservation, Station
from tests import make
from tests.make import NOON

Status = Booking.Status
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BEFORE = NOON - 2 * HOUR


@pytest.fixture(autouse=True)
def prices(monkeypatch):
    """What a slot costs at each EVSE, by its id; 9 where nothing is said."""
    known: dict[int, Decimal] = {}

    def at(bookings, evses):
        return {
            (booking.pk, evse.pk): known.get(evse.pk, Decimal(9))
            for booking in bookings
            for evse in [booking.evse, *evses]
        }

    monkeypatch.setattr(affected, "_pricers", [at])
    return known


def place(site, *, online=True, **fields) -> Evse:
    station = make.station(site=site, connection=uuid4() if online else None, node="tests" if online else "")
    return make.evse(station=station, state=fields.pop("state", "available"), **fields)


@pytest.fixture
def site(db):
    return make.site()


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def close(*evses, choice="", starts_at=NOON - HOUR, ends_at=NOON + 6 * HOUR, now=BEFORE, **how):
    return closing.close(evses=evses, starts_at=starts_at, ends_at=ends_at, now=now, choice=choice, **how)


def mails(news: str):
    return Mail.objects.filter(key__contains=f" {news} ")


class TestPreview:
    def test_lists_who_is_affected_and_where_they_would_go(self, site):
        first, second = place(site), place(site)
        here = make.booking(evse=first, now=BEFORE)
        also = make.booking(evse=first, starts_at=NOON + HOUR, now=BEFORE)
        make.booking(evse=second, starts_at=NOON + HOUR, now=BEFORE)
        make.booking(evse=first, starts_at=NOON + 8 * HOUR, now=BEFORE)
        found = closing.preview(evses=[first], starts_at=NOON, ends_at=NOON + 6 * HOUR, now=BEFORE)
        assert [(each.booking, each.target) for each in found.affected] == [(here, second), (also, None)]
        assert Closure.objects.count() == 0 and fresh(here).evse == first

    @pytest.mark.parametrize(
        ("starts_at", "ends_at", "refusal"),
        [
            (NOON, NOON, closing.ClosureBackwards),
            (NOON, NOON - HOUR, closing.ClosureBackwards),
            (BEFORE - HOUR, NOON, closing.ClosureOver),
            (NOON, NOON + timedelta(days=367), closing.ClosureTooLong),
        ],
    )
    def test_times_that_can_not_be(self, site, starts_at, ends_at, refusal):
        evse = place(site)
        with pytest.raises(refusal):
            closing.preview(evses=[evse], starts_at=starts_at, ends_at=ends_at, now=BEFORE)
        with pytest.raises(refusal):
            close(evse, starts_at=starts_at, ends_at=ends_at)
        assert not Closure.objects.exists()


class TestClose:
    def test_without_a_choice_nothing_happens_over_bookings(self, site):
        evse = place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        with pytest.raises(closing.BookingsInTheWay) as refused:
            close(evse)
        assert [each.booking for each in refused.value.affected] == [booking]
        assert not Closure.objects.exists() and fresh(booking).status == Status.RESERVED

    def test_moves_and_tells_each_driver_once(self, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        told_before = Mail.objects.count()
        done = close(evse, choice="move", reason="New cables")
        moved = fresh(booking)
        assert (done.moved, done.cancelled) == ([booking], [])
        assert (moved.evse, moved.starts_at, moved.status) == (other, NOON, Status.RESERVED)
        assert moved.reservation.evse == other and moved.claim.evse == other
        assert not Reservation.objects.filter(evse=evse, status__in=Reservation.KEEPING).exists()
        mail = mails("moved").get()
        assert "New cables" in mail.text and other.station.name in mail.text
        assert Mail.objects.count() == told_before + 1
        assert Closure.objects.get().claim.period.lower == NOON - HOUR

    def test_cancels_whom_nothing_equivalent_takes(self, site, prices):
        evse = place(site, max_power_w=50_000)
        weaker = place(site)
        dearer, plugless = (
            place(site, max_power_w=50_000),
            place(site, max_power_w=50_000, standard="CHADEMO"),
        )
        prices[dearer.pk] = Decimal("9.01")
        make.site_rules(site=site, noshow_fee=5).walk_in_only.add(place(site, max_power_w=50_000))
        booking = make.booking(evse=evse, now=BEFORE)
        done = close(evse, choice="move", reason="New cables", now=NOON - 10 * MINUTE, starts_at=NOON)
        gone = fresh(booking)
        assert done.cancelled == [booking]
        assert (gone.status, gone.fee, gone.evse) == (Status.CANCELED, 0, evse)
        assert "New cables" in mails("cancelled").get().text
        assert not Claim.objects.filter(evse__in=[weaker, dearer, plugless]).exists()

    def test_cancel_moves_nobody(self, site):
        evse, _free = place(site), place(site)
        make.booking(evse=evse, now=BEFORE)
        done = close(evse, choice="cancel")
        assert len(done.cancelled) == 1 and not done.moved

    def test_around_leaves_bookings_and_closes_the_rest(self, site):
        evse = place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        done = close(evse, choice="around")
        spans = [(each.starts_at, each.ends_at) for each in done.closures]
        assert spans == [(NOON - HOUR, NOON), (NOON + 30 * MINUTE, NOON + 6 * HOUR)]
        assert fresh(booking).status == Status.RESERVED and not mails("moved").exists()

    def test_twice_is_refused(self, site):
        evse = place(site)
        closure = close(evse).closures[0]
        for choice in ("", "move", "around"):
            with pytest.raises(closing.ClosedAlready) as refused:
                close(evse, choice=choice)
            assert refused.value.closures == [closure]
        assert Closure.objects.count() == 1

    def test_what_has_changed_since_the_look_is_looked_at_again(self, site):
        evse = place(site)
        seen = closing.preview(evses=[evse], starts_at=NOON, ends_at=NOON + HOUR, now=BEFORE).seen
        booking = make.booking(evse=evse, now=BEFORE)
        with pytest.raises(closing.LooksDifferent):
            close(evse, choice="cancel", seen=seen)
        assert fresh(booking).status == Status.RESERVED

    def test_a_hold_moves_too_and_is_not_written_to(self, site):
        evse, other = place(site), place(site)
        held = make.booking(evse=evse, now=BEFORE, confirmed=False)
        close(evse, choice="move", now=BEFORE + MINUTE)
        assert (fresh(held).evse, fresh(held).status) == (other, Status.PENDING)
        assert not Mail.objects.exists()

    def test_a_running_session_goes_on_or_is_stopped(self, site):
        evse = place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        session = make.session(evse=evse, user=booking.user, started_at=NOON)
        Booking.objects.filter(pk=booking.pk).update(status=Status.FULFILLED, session=session)
        at = NOON + 10 * MINUTE
        found = closing.preview(evses=[evse], starts_at=at, ends_at=NOON + HOUR, now=at)
        assert list(found.sessions) == [session] and not found.affected
        done = close(evse, starts_at=at, ends_at=NOON + HOUR, now=at, stop_sessions=True)
        assert done.stopped == [session]
        assert Command.objects.get().action == "RemoteStopTransaction"
        assert fresh(booking).claim.period.upper == at
        assert fresh(booking).status == Status.FULFILLED

    def test_an_offline_charger_can_not_be_told_to_stop(self, site):
        evse = place(site, online=False)
        session = make.session(evse=evse, started_at=NOON)
        done = close(evse, starts_at=NOON, now=NOON, stop_sessions=True)
        assert (done.stopped, done.unreached) == ([], [session])
        assert Closure.objects.count() == 1

    def test_the_charger_is_told_and_its_plan_keeps_the_closure(
        self, site, django_capture_on_commit_callbacks
    ):
        evse = place(site)
        with django_capture_on_commit_callbacks(execute=True):
            done = close(evse, starts_at=NOON, now=NOON, out_of_service=True, reason="New cables")
        plan = AvailabilityPlan.objects.get()
        assert (plan.state, plan.evse, plan.reason) == ("running", evse, "New cables")
        assert Command.objects.get().action == "ChangeAvailability"
        assert Closure.objects.get() == done.closures[0]
        assert Closure.objects.get().plan == plan
        with django_capture_on_commit_callbacks(execute=True):
            closing.reopen(closure=done.closures[0], now=NOON + HOUR)
        assert fresh(plan).state == "over"
        assert Closure.objects.get().ends_at == NOON + HOUR
        assert Claim.objects.get().period.upper == NOON + HOUR

    def test_reopening(self, site):
        evse = place(site)
        closure = close(evse).closures[0]
        closing.reopen(closure=closure, now=BEFORE)
        assert not Closure.objects.exists() and not Claim.objects.exists()
        with pytest.raises(closing.ClosureOver):
            closing.reopen(closure=closure, now=BEFORE)


class TestRelocate:
    def test_to_another_time_whatever_the_terms_say(self, site):
        evse = place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        at = NOON - 5 * MINUTE
        relocating.relocate(
            booking=booking, evse=evse, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR, now=at, why="By phone"
        )
        assert (fresh(booking).starts_at, fresh(booking).ends_at) == (NOON + HOUR, NOON + 2 * HOUR)
        assert "By phone" in mails("moved").get().text

    def test_refusals_change_nothing(self, site):
        evse, taken, elsewhere = place(site), place(site), place(make.site())
        booking = make.booking(evse=evse, now=BEFORE)
        make.booking(evse=taken, now=BEFORE)
        mail_count = Mail.objects.count()
        for refusal, wish in [
            (SlotTaken, {"evse": taken}),
            (NothingToChange, {"evse": evse}),
            (Exception, {"evse": elsewhere}),
            (NotBookable, {"evse": evse, "starts_at": NOON + HOUR, "ends_at": NOON}),
            (NotBookable, {"evse": evse, "starts_at": BEFORE - HOUR, "ends_at": NOON}),
            (NotBookable, {"evse": evse, "ends_at": NOON + 24 * HOUR}),
        ]:
            with pytest.raises(refusal):
                relocating.relocate(booking=booking, now=BEFORE, **wish)
        assert fresh(booking).sequence == 0 and Mail.objects.count() == mail_count


class TestRescue:
    @pytest.fixture(autouse=True)
    def _listening(self, db):
        Node.objects.create(channel="tests", started_at=BEFORE - 24 * HOUR, seen_at=NOON + 24 * HOUR)

    def fault(self, evse, since, state="faulted"):
        Evse.objects.filter(pk=evse.pk).update(state=state, state_since=since)

    def test_a_fault_ten_minutes_before_the_slot_moves_it_once(self, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        self.fault(evse, NOON - 13 * MINUTE)
        for _time in range(3):
            rescue.rescue(NOON - 10 * MINUTE)
        assert (fresh(booking).evse, fresh(booking).sequence) == (other, 1)
        assert "out of order" in mails("moved").get().text

    def test_in_the_drivers_language_nothing_is_lost(self, site):
        evse, _other = place(site), place(site)
        make.booking(evse=evse, user=make.user(language="de"), now=BEFORE)
        self.fault(evse, NOON - 13 * MINUTE)
        rescue.rescue(NOON - 10 * MINUTE)
        assert mails("moved").get().text

    def test_a_fault_that_clears_moves_nobody(self, site):
        evse, _other = place(site), place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        self.fault(evse, NOON - 12 * MINUTE)
        rescue.rescue(NOON - 10 * MINUTE)
        self.fault(evse, NOON - 10 * MINUTE, state="available")
        rescue.rescue(NOON - 5 * MINUTE)
        assert fresh(booking).sequence == 0 and not mails("moved").exists()

    def test_far_away_bookings_wait(self, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        self.fault(evse, BEFORE)
        rescue.rescue(NOON - 50 * MINUTE)
        assert fresh(booking).evse == evse
        rescue.rescue(NOON - 45 * MINUTE)
        assert fresh(booking).evse == other

    def test_no_place_is_said_in_time_and_nothing_is_owed(self, site):
        make.site_rules(site=site, noshow_fee=5)
        evse = place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        self.fault(evse, NOON - 40 * MINUTE)
        rescue.rescue(NOON - 20 * MINUTE)
        assert fresh(booking).status == Status.RESERVED
        for _time in range(2):
            rescue.rescue(NOON - 15 * MINUTE)
        assert (fresh(booking).status, fresh(booking).fee) == (Status.FAILED, 0)
        assert mails("failed").count() == 1

    def test_offline_within_reach(self, site):
        evse, other = place(site), place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        Station.objects.filter(pk=evse.station_id).update(connection=None, disconnected_at=NOON - 24 * MINUTE)
        rescue.rescue(NOON - 20 * MINUTE)
        assert fresh(booking).evse == evse
        rescue.rescue(NOON - 19 * MINUTE)
        assert fresh(booking).evse == other

    def test_after_our_own_outage_chargers_get_time_to_come_back(self, site):
        evse, _other = place(site), place(site)
        booking = make.booking(evse=evse, now=BEFORE)
        Station.objects.filter(pk=evse.station_id).update(connection=None, disconnected_at=BEFORE)
        Node.objects.update(started_at=NOON - 6 * MINUTE)
        rescue.rescue(NOON - 4 * MINUTE)
        assert fresh(booking).evse == evse
        Node.objects.all().delete()
        rescue.rescue(NOON)
        assert fresh(booking).evse == evse

    def test_one_that_has_begun_moves_for_what_is_left(self, site):
        evse, other = place(site), place(site)
        # Somebody had the other until a moment ago.
        make.booking(evse=other, starts_at=NOON - 25 * MINUTE, now=BEFORE)
        booking = make.booking(evse=evse, now=BEFORE)
        self.fault(evse, NOON + MINUTE)
        rescue.rescue(NOON + 5 * MINUTE)
        assert fresh(booking).evse == other
        assert fresh(booking).claim.period.lower == NOON + 5 * MINUTE

    def test_what_is_wrong_at_one_site_keeps_no_other_waiting(self, site, monkeypatch):
        broken = make.site(name="Broken")
        evses = [place(broken), place(site)]
        free = place(site)
        made = [make.booking(evse=evse, now=BEFORE) for evse in evses]
        for evse in evses:
            self.fault(evse, NOON - 40 * MINUTE)
        lock = relocating.lock

        def breaks(where, *rest):
            if where == broken:
                raise RuntimeError
            lock(where, *rest)

        monkeypatch.setattr(relocating, "lock", breaks)
        rescue.rescue(NOON - 20 * MINUTE)
        assert [fresh(booking).evse for booking in made] == [evses[0], free]

    def test_the_queries_do_not_grow_with_the_bookings_that_wait(self, site, django_assert_max_num_queries):
        evse = place(site)
        for number in range(4):
            make.booking(evse=evse, starts_at=NOON + number * HOUR / 2, now=BEFORE)
        self.fault(evse, BEFORE)
        with django_assert_max_num_queries(3):
            rescue.rescue(NOON - 50 * MINUTE)


slots = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(1, 3)), min_size=1, max_size=7)


@pytest.mark.django_db
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(slots, st.lists(st.tuples(st.sampled_from([11, 22, 50]), st.integers(7, 10)), min_size=4, max_size=4))
def test_whatever_is_closed_nobody_overlaps_or_is_worse_off(prices, rows, kinds):
    site = make.site()
    make.site_rules(site=site, max_open_per_driver=100)
    evses = [place(site, max_power_w=kw * 1000) for kw, _price in kinds]
    prices |= {evse.pk: Decimal(price) for evse, (_kw, price) in zip(evses, kinds, strict=True)}
    made = []
    for number, start, length in rows:
        try:
            made.append(
                make.booking(
                    evse=evses[number],
                    starts_at=NOON + start * HOUR / 2,
                    minutes=30 * length,
                    user=make.user(password=""),
                    now=BEFORE,
                )
            )
        except SlotTaken:
            continue
    was_on = {booking.pk: booking.evse for booking in made}
    first = close(*evses[:2], choice="move")
    told = list(Mail.objects.values_list("key", flat=True))
    with pytest.raises(closing.ClosedAlready):
        close(*evses[:2], choice="move")
    # The same bookings, as they were before: what has been dealt with isn't there any more.
    again = relocating.clear(
        bookings=made,
        avoid=[evse.pk for evse in evses],
        now=BEFORE,
        why="",
        give_up=pytest.fail,
        move=False,
        may_give_up=[booking.pk for booking in made if booking.evse in evses[:2]],
    )
    assert not again.moved and not again.cancelled
    assert len(first.moved) + len(first.cancelled) == sum(booking.evse in evses[:2] for booking in made)
    assert list(Mail.objects.values_list("key", flat=True)) == told
    for booking in made:
        now_on, before = fresh(booking), was_on[booking.pk]
        if now_on.status != Status.RESERVED:
            assert before in evses[:2]
            assert sum(str(booking.pk) in key and " cancelled " in key for key in told) == 1
            continue
        assert now_on.evse.max_power_w >= before.max_power_w
        assert prices[now_on.evse_id] <= prices[before.pk]
        assert now_on.claim.evse == now_on.evse
        assert now_on.evse not in evses[:2]
        assert sum(str(booking.pk) in key and " moved " in key for key in told) == (before in evses[:2])


@pytest.mark.django_db(transaction=True)
def test_two_closures_that_would_move_into_each_other(prices):
    """At the same moment, neither waits for ever, and nobody is lost."""
    site = make.site()
    evses = [place(site), place(site)]
    made = [make.booking(evse=evse, now=BEFORE) for evse in evses]

    def run(evse):
        try:
            return close(evse, choice="move")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, evses))
    assert sum(len(each.closures) for each in done) == 2
    assert [fresh(each).status for each in made] == [Status.CANCELED] * 2
