"""Uptime as the law counts it: golden figures, worked out by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.uptime import formulas, spans
from monitoring.uptime.formulas import Down, Record
from stations import hours

BERLIN = ZoneInfo("Europe/Berlin")
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
JULY = datetime(2026, 7, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(day: int, hour: float = 0) -> datetime:
    return JUNE + timedelta(days=day - 1, hours=hour)


def record(*downs, **fields) -> Record:
    fields.setdefault("commissioned_at", LONG_AGO)
    return Record(downs=tuple(Down(*down) for down in downs), **fields)


CASES = {
    "nothing happened": (record(), 100.0),
    # 72 of 720 hours.
    "three days of thirty": (record((at(5), at(8), "faulted")), 90.0),
    "it began before the month and ended in it": (record((at(-9), at(4), "offline")), 90.0),
    "it still goes on": (record((at(28), None, "faulted")), 90.0),
    "it began after the month": (record((at(40), None, "faulted")), 100.0),
    "two that overlap count once": (
        record((at(5), at(7), "offline"), (at(6), at(8), "reported")), 90.0
    ),
    "one within another": (record((at(5), at(8), "offline"), (at(6), at(7), "reported")), 90.0),
    "excluded as a whole": (record((at(5), at(8), "offline"), excluded=((at(5), at(8)),)), 100.0),
    "excluded in part": (record((at(5), at(8), "offline"), excluded=((at(6), at(8)),)), 100 - 24 / 7.2),
    "an exclusion that is longer than its outage gives nothing extra": (
        record((at(5), at(8), "offline"), excluded=((at(1), at(20)),)), 100.0
    ),
    "an exclusion beside its outage": (
        record((at(5), at(8), "offline"), excluded=((at(10), at(20)),)), 90.0
    ),
    "two exclusions that overlap count once": (
        record((at(5), at(8), "offline"), excluded=((at(5), at(7)), (at(6), at(7)))), 100 - 24 / 7.2
    ),
    # Ten of the month's thirty days: of those twenty, two were bad.
    "commissioned on the eleventh": (
        record((at(21), at(23), "faulted"), commissioned_at=at(11)), 90.0
    ),
    "its outage before it was commissioned": (
        record((at(5), at(8), "faulted"), commissioned_at=at(11)), 100.0
    ),
    "commissioned after the month": (record(commissioned_at=JULY), None),
    "never commissioned": (record(commissioned_at=None), None),
    "closed in all of the outage": (record((at(5), at(8), "faulted"), closed=((at(5), at(8)),)), 100.0),
    # Lost while the portal was off: 24 hours are neither up nor down; 48 of the other 696 were bad.
    "lost contact while nobody watched": (
        record((at(5), at(8), "offline"), unwatched=((at(5), at(6)),)), 100 - 48 / 696 * 100
    ),
    "a fault goes on while nobody watched": (
        record((at(5), at(8), "faulted"), unwatched=((at(5), at(6)),)), 90.0
    ),
    "down all the time": (record((at(-9), None, "faulted")), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_month(name):
    one, expected = CASES[name]
    found = formulas.measure(one, JUNE, JULY).percent
    assert found == (None if expected is None else pytest.approx(expected))


def test_causes_are_told_apart():
    one = record((at(5), at(6), "offline"), (at(6), at(8), "faulted"))
    found = formulas.measure(one, JUNE, JULY)
    assert found.by_cause == {"offline": 86_400, "faulted": 172_800}
    assert found.outage_s == 259_200


def test_nevi_is_more_than_97_percent_of_525600_minutes():
    """The regulation's own terms: 15,768 minutes are three per cent of the year."""
    until = datetime(2026, 7, 1, tzinfo=UTC)
    begin = until - timedelta(minutes=100_000)
    exactly = record((begin, begin + timedelta(minutes=15_768), "faulted"))
    assert formulas.nevi(exactly, until) == pytest.approx(97.0)
    assert not formulas.nevi(exactly, until) > formulas.NEVI_PERCENT
    one = record(
        (begin, begin + timedelta(minutes=15_768), "faulted"),
        excluded=((begin, begin + timedelta(minutes=60)),),
    )
    assert formulas.nevi(one, until) == pytest.approx((525_600 - (15_768 - 60)) / 525_600 * 100)


def test_nevi_in_a_leap_year_still_has_525600_minutes():
    until = datetime(2024, 7, 1, tzinfo=UTC)
    begin = datetime(2024, 2, 29, tzinfo=UTC)
    one = record((begin, begin + timedelta(days=1), "faulted"))
    assert formulas.nevi(one, until) == pytest.approx((525_600 - 1440) / 525_600 * 100)


def test_nevi_of_a_port_commissioned_mid_year():
    until = datetime(2026, 7, 1, tzinfo=UTC)
    one = record((at(21), at(22), "faulted"), commissioned_at=until - timedelta(days=100))
    assert formulas.nevi(one, until) == pytest.approx(99.0)


def test_uk_counts_rapid_ones_and_not_lost_contact():
    """Two rapid chargers, one of which was out of order for 72 of 720 hours: 95 % on average."""
    rapid = [
        record((at(5), at(8), "faulted"), max_power_w=50_000),
        record((at(5), at(9), "offline"), max_power_w=150_000),
    ]
    slow = record((at(1), at(30), "faulted"), max_power_w=22_000)
    assert formulas.uk_reliability([*rapid, slow], JUNE, JULY) == pytest.approx(95.0)
    assert formulas.uk_reliability([slow], JUNE, JULY) is None


def test_uk_knows_no_exclusions_but_the_hours_of_access():
    down = (at(5), at(8), "out_of_service")
    excluded = record(down, excluded=((at(5), at(8)),), max_power_w=50_000)
    assert formulas.uk_reliability([excluded], JUNE, JULY) == pytest.approx(90.0)
    # Open from noon on: half of the outage, and half of the month.
    shut = tuple((at(day), at(day, 12)) for day in range(1, 31))
    assert formulas.uk_reliability(
        [record(down, closed=shut, max_power_w=50_000)], JUNE, JULY
    ) == pytest.approx(90.0)
    whole = record((at(5), at(5, 12), "faulted"), closed=shut, max_power_w=50_000)
    assert formulas.uk_reliability([whole], JUNE, JULY) == pytest.approx(100.0)


def test_days_add_up_to_the_whole():
    one = record((at(5, 3), at(8, 7), "faulted"), excluded=((at(6), at(6, 5)),), commissioned_at=at(2, 6))
    bounds = [at(day) for day in range(1, 31)] + [JULY]
    daily = formulas.days(one, bounds)
    assert len(daily) == 30
    whole, sums = formulas.measure(one, JUNE, JULY), formulas.total(daily)
    assert (sums.period_s, sums.outage_s, sums.excluded_s) == (
        whole.period_s,
        whole.outage_s,
        whole.excluded_s,
    )
    assert sums.percent == pytest.approx(whole.percent)


WEEK = hours.parse("08:00-20:00")


def test_opening_hours_follow_the_clocks_of_the_site():
    """Berlin's night before 29 March 2026 is an hour shorter: closed 8 pm to 8 am is eleven hours."""
    since = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    until = datetime(2026, 3, 29, 12, tzinfo=BERLIN)
    (night,) = spans.closed(WEEK, BERLIN, since, until)
    assert spans.seconds([(night[0].astimezone(UTC), night[1].astimezone(UTC))]) == 11 * 3600
    assert night[0].astimezone(BERLIN).hour == 20 and night[1].astimezone(BERLIN).hour == 8


def test_opening_hours_over_midnight_and_none_at_all():
    since = datetime(2026, 6, 1, tzinfo=UTC)
    shut = spans.closed(hours.parse("18:00-02:00"), ZoneInfo("UTC"), since, since + timedelta(days=1))
    assert shut == [(since + timedelta(hours=2), since + timedelta(hours=18))]
    assert spans.closed(hours.ALWAYS, BERLIN, since, since + timedelta(days=3)) == []


def test_spans_without_each_other():
    whole = [(at(1), at(10))]
    assert spans.without(whole, [(at(2), at(3)), (at(9), at(12))]) == [(at(1), at(2)), (at(3), at(9))]
    assert spans.without(whole, [(at(1), at(10))]) == []
    assert spans.union([(at(3), at(4)), (at(1), at(2)), (at(2), at(3))]) == [(at(1), at(4))]
