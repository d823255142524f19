"""What a charger's rows say, and what was known before: the history of its condition."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.uptime import history
from monitoring.uptime.formulas import Down
from monitoring.uptime.history import Facts, Seen

T0 = datetime(2026, 6, 15, 12, tzinfo=UTC)


def t(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def online(state="available", came=0, went=None, since=None, **station) -> Facts:
    return Facts(
        True,
        t(came),
        None if went is None else t(went),
        state,
        None if since is None else t(since),
        **station,
    )


def offline(went, came=0, state="available") -> Facts:
    return Facts(False, t(came), t(went), state, None)


CASES = {
    "never connected": (Facts(False, None, None, "unknown", None), None, []),
    "first seen online": (online(came=1), None, [(1, "up")]),
    "first seen online, with a fault since": (online("faulted", came=1, since=3), None, [(3, "faulted")]),
    "nothing new": (online(), (0, "up"), []),
    "in use is up": (online("charging", since=4), (0, "up"), []),
    "reserved is up": (online("reserved", since=4), (0, "up"), []),
    "a fault": (online("faulted", since=4), (0, "up"), [(4, "faulted")]),
    "out of service": (online("unavailable", since=4), (0, "up"), [(4, "out_of_service")]),
    "mended": (online("available", since=9), (4, "faulted"), [(9, "up")]),
    "gone": (offline(7), (0, "up"), [(7, "offline")]),
    "gone while faulted": (offline(7, state="faulted"), (4, "faulted"), [(7, "offline")]),
    "back": (online(came=9, went=7), (7, "offline"), [(9, "up")]),
    "back, still faulted": (online("faulted", came=9, went=7, since=4), (7, "offline"), [(9, "faulted")]),
    "gone and back between two looks": (online(came=9, went=7), (0, "up"), [(7, "offline"), (9, "up")]),
    "back and gone between two looks": (offline(9, came=8), (5, "offline"), [(8, "up"), (9, "offline")]),
    "taken over by a newer socket": (online(came=9, went=-5), (0, "up"), []),
    "the station as a whole is out of service": (
        online(station_state="unavailable", station_state_since=t(5)), (0, "up"), [(5, "out_of_service")]
    ),
    "first seen when it was gone already": (offline(7, came=2), None, [(2, "up"), (7, "offline")]),
    "news from before what is known": (online("faulted", since=2), (5, "up"), [(5, "faulted")]),
    "never from the future": (online("faulted", since=99), (0, "up"), [(60, "faulted")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_news(name):
    facts, last, expected = CASES[name]
    known = None if last is None else Seen(t(last[0]), last[1])
    found = history.news(facts, known, t(60))
    assert [seen.condition for seen in found] == [condition for _at, condition in expected]
    for seen, (minute, _condition) in zip(found, expected, strict=True):
        assert abs(seen.at - t(minute)) <= history.TICK
    if known and found:
        assert found[0].at > known.at
        # Told once: with what was added known, there is nothing more to add.
        assert history.news(facts, found[-1], t(60)) == []


def test_outages_of_a_history():
    seen = [
        Seen(t(0), "up"),
        Seen(t(1), "offline"),
        Seen(t(2), "faulted"),
        Seen(t(3), "up"),
        Seen(t(4), "offline"),
    ]
    assert history.outages(seen) == [
        Down(t(1), t(2), "offline"), Down(t(2), t(3), "faulted"), Down(t(4), None, "offline"),
    ]  # fmt: skip
    assert history.outages(reversed(seen)) == history.outages(seen)
    repeated = [Seen(t(1), "offline"), Seen(t(2), "offline"), Seen(t(3), "up")]
    assert history.outages(repeated) == [Down(t(1), t(3), "offline")]
