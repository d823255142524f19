"""Dates that come again, at the time on the wall: rules, weeks, and the nights in which clocks jump."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings import recurring

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
HOUR = timedelta(hours=1)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(
    rule, *, first="2026-06-01", at="03:00", zone=BERLIN, after="2026-06-01T00:00", before, until=None
):
    found = recurring.occurrences(
        rule,
        first=date.fromisoformat(first),
        at=time.fromisoformat(at),
        length=HOUR,
        zone=zone,
        after=utc(after),
        before=utc(before),
        until=until and date.fromisoformat(until),
    )
    assert all(end - start == HOUR for start, end in found)
    return [f"{start:%m-%dT%H:%M}" for start, _end in found]


@pytest.mark.parametrize(
    ("rule", "how", "expected"),
    [
        ("FREQ=WEEKLY;BYDAY=TU", {"before": "2026-06-17T00:00"},
         ["06-02T01:00", "06-09T01:00", "06-16T01:00"]),
        ("FREQ=DAILY", {"before": "2026-06-03T00:00"}, ["06-01T01:00", "06-02T01:00"]),
        ("FREQ=DAILY;INTERVAL=2", {"before": "2026-06-05T00:00"}, ["06-01T01:00", "06-03T01:00"]),
        ("FREQ=MONTHLY;BYDAY=1MO", {"before": "2026-08-01T00:00"}, ["06-01T01:00", "07-06T01:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", {"before": "2026-08-01T00:00"}, ["06-30T01:00", "07-31T01:00"]),
        ("FREQ=DAILY", {"before": "2026-07-01T00:00", "until": "2026-06-02"}, ["06-01T01:00", "06-02T01:00"]),
        # One that has begun is still going on.
        ("FREQ=DAILY", {"after": "2026-06-02T01:30", "before": "2026-06-03T00:00"}, ["06-02T01:00"]),
        ("FREQ=DAILY", {"after": "2026-06-02T02:00", "before": "2026-06-03T00:00"}, []),
        # By the wall's clock: an hour later by UTC in winter; what is skipped comes after the jump.
        ("FREQ=WEEKLY", {"first": "2026-10-18", "after": "2026-10-18T00:00", "before": "2026-10-26T00:00"},
         ["10-18T01:00", "10-25T02:00"]),
        ("FREQ=DAILY", {"first": "2026-03-28", "at": "02:30", "after": "2026-03-28T00:00",
                        "before": "2026-03-30T12:00"}, ["03-28T01:30", "03-29T01:30", "03-30T00:30"]),
        ("FREQ=DAILY", {"first": "2026-10-25", "at": "02:30", "after": "2026-10-24T12:00",
                        "before": "2026-10-25T12:00"}, ["10-25T00:30"]),
        ("FREQ=DAILY", {"at": "00:00", "zone": KATHMANDU, "before": "2026-06-02T00:00"}, ["06-01T18:15"]),
        ("FREQ=DAILY", {"first": "2026-10-04", "at": "02:15", "zone": LORD_HOWE, "after": "2026-10-03T00:00",
                        "before": "2026-10-04T20:00"}, ["10-03T15:45", "10-04T15:15"]),
    ],
)  # fmt: skip
def test_when_it_comes(rule, how, expected):
    assert starts(rule, **how) == expected


@pytest.mark.parametrize(
    "rule",
    ["", "weekly", "FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=YEARLY", "FREQ=WEEKLY;COUNT=3",
     "FREQ=WEEKLY;BYDAY=XX",
     "FREQ=WEEKLY;BYDAY=1MO", "FREQ=DAILY;BYMONTH=2", "FREQ=DAILY;BYMONTHDAY=30",
     "FREQ=MONTHLY;BYMONTHDAY=32",
     "FREQ=DAILY;FREQ=DAILY", "INTERVAL=2", "FREQ=DAILY;INTERVAL=0", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=13"],
)  # fmt: skip
def test_rules_that_are_refused(rule):
    with pytest.raises(recurring.Unreadable):
        recurring.check(rule)


def test_a_rule_may_be_old():
    assert starts("FREQ=DAILY", first="2001-01-01", before="2026-06-02T00:00") == ["06-01T01:00"]


@pytest.mark.parametrize(
    ("first", "weekdays", "every", "count", "zone", "expected"),
    [
        ("2026-06-15T12:00", [], 1, 3, BERLIN, ["06-15T12:00", "06-22T12:00", "06-29T12:00"]),
        ("2026-06-15T12:00", [], 2, 2, BERLIN, ["06-15T12:00", "06-29T12:00"]),
        # A Monday's wish for Mondays and Thursdays; a Thursday's does not go back to its Monday.
        ("2026-06-15T12:00", [0, 3], 1, 4, BERLIN,
         ["06-15T12:00", "06-18T12:00", "06-22T12:00", "06-25T12:00"]),
        ("2026-06-18T12:00", [0, 3], 1, 2, BERLIN, ["06-18T12:00", "06-22T12:00"]),
        # The same time on the wall when the clocks have changed, both ways.
        ("2026-10-19T16:00", [], 1, 2, BERLIN, ["10-19T16:00", "10-26T17:00"]),
        ("2026-03-23T17:00", [], 1, 2, BERLIN, ["03-23T17:00", "03-30T16:00"]),
        # Half past two is skipped on 29 March, and there twice on 25 October: the second, where it was meant.
        ("2026-03-22T01:30", [], 1, 2, BERLIN, ["03-22T01:30", "03-29T01:30"]),
        ("2026-10-25T01:30", [], 1, 2, BERLIN, ["10-25T01:30", "11-01T01:30"]),
        ("2026-10-25T00:30", [], 1, 2, BERLIN, ["10-25T00:30", "11-01T01:30"]),
        ("2026-03-29T12:00", [], 1, 2, LORD_HOWE, ["03-29T12:00", "04-05T12:30"]),
        ("2026-06-15T12:00", [], 1, 2, KATHMANDU, ["06-15T12:00", "06-22T12:00"]),
    ],
)  # fmt: skip
def test_week_after_week(first, weekdays, every, count, zone, expected):
    found = recurring.weekly(utc(first), weekdays=weekdays, zone=zone, every=every, count=count)
    assert [f"{start:%m-%dT%H:%M}" for start in found] == expected
