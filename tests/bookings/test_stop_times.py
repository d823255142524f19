"""Until when a session may charge: a table for each rule."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import SimpleTestCase

from bookings import no_show, stop_times
from bookings.stop_times import Next, Own, Plan, Why
from tests.make import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FREE, DEAR = Decimal(0), Decimal("0.20")


@pytest.mark.parametrize(
    ("own", "following", "expected"),
    [
        (None, None, None),
        (None, Next(NOON + HOUR), Plan(NOON + HOUR, Why.NEXT)),
        (None, Next(NOON + HOUR, 10 * MINUTE), Plan(NOON + 50 * MINUTE, Why.NEXT)),
        # Who comes in the buffer itself: a few minutes, but never into the time that is kept.
        (None, Next(NOON + 8 * MINUTE, 10 * MINUTE), Plan(NOON + 5 * MINUTE, Why.NEXT)),
        (None, Next(NOON + 3 * MINUTE, 10 * MINUTE), Plan(NOON + 3 * MINUTE, Why.NEXT)),
        (Own(NOON + HOUR, 5, FREE), None, Plan(NOON + 65 * MINUTE, Why.END)),
        (Own(NOON + HOUR, 5, DEAR), None, Plan(NOON + 65 * MINUTE, Why.FEE)),
        # What is booked is not cut short by the next one's early start or by the buffer…
        (Own(NOON + HOUR, 0, FREE), Next(NOON + 50 * MINUTE), Plan(NOON + HOUR, Why.NEXT)),
        # …and what is allowed after it is, whether it costs or not.
        (Own(NOON + HOUR, 15, FREE), Next(NOON + HOUR), Plan(NOON + HOUR, Why.NEXT)),
        (Own(NOON + HOUR, 15, DEAR), Next(NOON + 70 * MINUTE), Plan(NOON + 70 * MINUTE, Why.NEXT)),
        (Own(NOON + HOUR, 15, DEAR), Next(NOON + 90 * MINUTE), Plan(NOON + 75 * MINUTE, Why.FEE)),
    ],
)
def test_when_it_ends_and_why(own, following, expected):
    assert stop_times.plan(started_at=NOON, own=own, following=following) == expected


@pytest.mark.parametrize(
    ("after", "asked", "tries", "expected"),
    [
        (-MINUTE, None, 0, False),
        (0 * MINUTE, None, 0, True),
        (MINUTE / 2, 0 * MINUTE, 1, False),
        (MINUTE, 0 * MINUTE, 1, True),
        # Asked for an earlier moment, which was lifted since.
        (0 * MINUTE, -10 * MINUTE, 0, True),
        (HOUR, 0 * MINUTE, 10, False),
    ],
)
def test_when_the_charger_is_asked(after, asked, tries, expected):
    plan = Plan(NOON, Why.END)
    asked_at = None if asked is None else NOON + asked
    assert stop_times.is_to_stop(plan, asked_at=asked_at, tries=tries, now=NOON + after) is expected


class Rules(SimpleTestCase):
    def test_a_fee_stops_nobody(self):
        assert not stop_times.is_to_stop(Plan(NOON, Why.FEE), asked_at=None, tries=0, now=NOON + HOUR)

    def test_told_ten_minutes_before_and_once(self):
        assert not stop_times.is_to_tell(NOON, None, NOON - 11 * MINUTE)
        assert stop_times.is_to_tell(NOON, None, NOON - 10 * MINUTE)
        assert not stop_times.is_to_tell(NOON, NOON, NOON)
        assert stop_times.is_to_tell(NOON, NOON - MINUTE, NOON)

    def test_an_overrun_is_of_the_next_booking_only(self):
        plan = Plan(NOON - 10 * MINUTE, Why.NEXT)
        ask = {"opens_at": NOON, "stop_failed": False}
        assert not stop_times.is_overrun(plan, now=NOON - MINUTE, **ask)
        assert stop_times.is_overrun(plan, now=NOON, **ask)
        no_buffer = Plan(NOON, Why.NEXT)
        assert not stop_times.is_overrun(no_buffer, now=NOON, **ask)
        assert stop_times.is_overrun(no_buffer, now=NOON + MINUTE, **ask)
        assert stop_times.is_overrun(plan, now=NOON - MINUTE, opens_at=NOON, stop_failed=True)
        assert not stop_times.is_overrun(Plan(NOON, Why.END), now=NOON + HOUR, **ask)

    def test_each_minute_begun(self):
        for seconds, minutes in ((-60, 0), (0, 0), (1, 1), (60, 1), (61, 2)):
            assert stop_times.late_minutes(NOON, NOON + timedelta(seconds=seconds)) == minutes
        assert stop_times.late_fee(fee=DEAR, per="minute", minutes=7) == Decimal("1.40")
        assert stop_times.late_fee(fee=DEAR, per="once", minutes=7) == DEAR
        assert stop_times.late_fee(fee=DEAR, per="once", minutes=0) == 0

    def test_nobody_is_missing_while_the_charger_may_know_better(self):
        ask = {"ends_at": NOON + HOUR, "now": NOON + 15 * MINUTE}
        assert not no_show.may_decide(is_online=False, connected_at=NOON, **ask)
        assert not no_show.may_decide(is_online=True, connected_at=NOON + 14 * MINUTE, **ask)
        assert no_show.may_decide(is_online=True, connected_at=NOON + 13 * MINUTE, **ask)
        assert no_show.may_decide(is_online=True, connected_at=None, **ask)
        over = {"ends_at": NOON, "now": NOON}
        assert no_show.may_decide(is_online=False, connected_at=None, **over)
