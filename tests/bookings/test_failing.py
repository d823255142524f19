"""When a charger that is down costs a booking its place: the rule alone."""

from datetime import timedelta

import pytest

from bookings.failing import Step, Trouble, step, trouble
from tests.make import NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("kind", "down_for", "slot_in", "expected"),
    [
        # A fault that clears in two minutes moves nobody, however near the slot is.
        (Trouble.FAULTED, 2, 10, Step.WAIT),
        (Trouble.FAULTED, 2, -1, Step.WAIT),
        (Trouble.FAULTED, 3, 10, Step.MOVE_OR_CANCEL),
        (Trouble.FAULTED, 3, 15, Step.MOVE_OR_CANCEL),
        (Trouble.FAULTED, 3, 16, Step.MOVE),
        (Trouble.FAULTED, 3, 45, Step.MOVE),
        # Far away: it may be mended by then.
        (Trouble.FAULTED, 600, 46, Step.WAIT),
        (Trouble.FAULTED, 600, -10, Step.MOVE_OR_CANCEL),
        (Trouble.UNAVAILABLE, 4, 12, Step.MOVE_OR_CANCEL),
        # A lost socket is mostly back soon, and the charger may charge without it.
        (Trouble.OFFLINE, 4, 4, Step.WAIT),
        (Trouble.OFFLINE, 5, 10, Step.MOVE),
        (Trouble.OFFLINE, 5, 5, Step.MOVE_OR_CANCEL),
        (Trouble.OFFLINE, 60, 31, Step.WAIT),
    ],
)
def test_a_step_for_each_booking(kind, down_for, slot_in, expected):
    found = step(trouble=kind, since=NOON - down_for * MINUTE, starts_at=NOON + slot_in * MINUTE, now=NOON)
    assert found is expected


def seen(**fields):
    defaults = {
        "state": "available",
        "state_since": NOON - 60 * MINUTE,
        "station_state": "",
        "station_since": None,
        "is_online": True,
        "offline_since": None,
        "listening_since": NOON - 600 * MINUTE,
        "now": NOON,
    }
    return trouble(**(defaults | fields))


def test_what_keeps_an_evse_from_serving():
    assert seen() is None
    assert seen(state="charging") is None
    assert seen(state="faulted") == (Trouble.FAULTED, NOON - 60 * MINUTE)
    # The station as a whole, and whatever began first.
    whole = {"station_state": "unavailable", "station_since": NOON - 90 * MINUTE}
    assert seen(**whole) == (Trouble.UNAVAILABLE, NOON - 90 * MINUTE)
    assert seen(state="faulted", **whole) == (Trouble.UNAVAILABLE, NOON - 90 * MINUTE)


def test_a_silent_chargers_last_word_counts_for_nothing():
    gone = {"is_online": False, "offline_since": NOON - 7 * MINUTE}
    assert seen(state="faulted", **gone) == (Trouble.OFFLINE, NOON - 7 * MINUTE)


def test_while_nobody_could_reach_us_nobody_was_offline():
    gone = {"is_online": False, "offline_since": NOON - 300 * MINUTE}
    assert seen(**gone, listening_since=NOON - 2 * MINUTE) == (Trouble.OFFLINE, NOON - 2 * MINUTE)
    assert seen(**gone, listening_since=None) is None
    # One that has never been there counts from then on, too.
    assert seen(is_online=False, listening_since=NOON - MINUTE) == (Trouble.OFFLINE, NOON - MINUTE)
