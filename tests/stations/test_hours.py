"""Hours of the week, as tables: what is written, what it covers, and the nights in which clocks jump."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import hours
from stations.models import Site
from stations.naming import opening_words

BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
DAY = (0, 24 * 60)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("24/7", [(DAY,)] * 7),
        ("00:00-24:00", [(DAY,)] * 7),
        ("Mo-Fr 06:00-22:00", [((360, 1320),)] * 5 + [()] * 2),
        ("mo,we 6:00-7:30", [((360, 450),), (), ((360, 450),), (), (), (), ()]),
        ("Sa-Mo 10:00-12:00", [((600, 720),), (), (), (), (), ((600, 720),), ((600, 720),)]),
        ("08:00-20:00; Su off", [((480, 1200),)] * 6 + [()]),
        ("Mo 08:00-12:00, 13:00-17:00", [((480, 720), (780, 1020)), (), (), (), (), (), ()]),
        ("Fr 22:00-06:00", [(), (), (), (), ((1320, 1800),), (), ()]),
    ],
)
def test_what_is_written(text, days):
    assert hours.parse(text).days == tuple(days)


@pytest.mark.parametrize(
    "text",
    ["always", "Mo", "Mo 8-12", "Mo 25:00-26:00", "Mo 08:60-09:00", "Xx 08:00-09:00",
     "Mo 08:00-12:00,11:00-13:00",
     "Mo 08:00", "08:00-24:30", "Mo-Fr08:00-09:00x", "\x00", "PH off"],
)  # fmt: skip
def test_what_cannot_be_read(text):
    with pytest.raises(hours.Unreadable):
        hours.parse(text)


@given(st.text(alphabet="MoTuWeThFrSaSu-,; 0123456789:of", max_size=40))
def test_no_text_breaks_it(text):
    try:
        week = hours.parse(text)
    except hours.Unreadable:
        return
    assert all(start < end <= start + 1440 for day in week.days for start, end in day)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "starts", "ends", "covered", "touched"),
    [
        # A Monday in summer: eight in Berlin is six by UTC.
        ("Mo 08:00-12:00", BERLIN, "2026-06-15T06:00", "2026-06-15T10:00", True, True),
        ("Mo 08:00-12:00", BERLIN, "2026-06-15T05:59", "2026-06-15T07:00", False, True),
        ("Mo 08:00-12:00", BERLIN, "2026-06-15T10:00", "2026-06-15T11:00", False, False),
        # Past midnight, and from one day into the next without a gap.
        ("Su 22:00-02:00", BERLIN, "2026-06-14T21:30", "2026-06-15T00:00", True, True),
        ("Su,Mo 00:00-24:00", BERLIN, "2026-06-14T20:00", "2026-06-15T03:00", True, True),
        ("24/7", BERLIN, "2026-06-14T20:00", "2026-06-20T03:00", True, True),
        ("off", BERLIN, "2026-06-14T20:00", "2026-06-14T21:00", False, False),
        # The hour that Berlin's clocks skip on 29 March is nobody's; the one they show twice is there twice.
        ("Su 02:00-03:00", BERLIN, "2026-03-29T00:30", "2026-03-29T01:30", False, False),
        ("Su 02:00-03:00", BERLIN, "2026-10-25T00:00", "2026-10-25T02:00", True, True),
        ("Su 01:00-02:30", BERLIN, "2026-10-25T01:00", "2026-10-25T01:30", True, True),
        # A quarter to the hour, and clocks that jump by half an hour.
        ("Mo 06:00-07:00", KATHMANDU, "2026-06-15T00:15", "2026-06-15T01:15", True, True),
        ("Mo 06:00-07:00", KATHMANDU, "2026-06-15T00:00", "2026-06-15T00:15", False, False),
        ("Su 01:30-02:00", LORD_HOWE, "2026-04-04T14:30", "2026-04-04T15:30", True, True),
    ],
)  # fmt: skip
def test_what_the_hours_cover(text, zone, starts, ends, covered, touched):
    week = hours.parse(text)
    assert hours.covers(week, zone, at(starts), at(ends)) is covered
    assert hours.touches(week, zone, at(starts), at(ends)) is touched


def test_a_week_of_the_clocks_jump_is_an_hour_shorter_or_longer():
    for last, expected in ((date(2026, 3, 29), 167), (date(2026, 10, 25), 169)):
        (whole,) = hours.ranges(hours.ALWAYS, BERLIN, date.fromordinal(last.toordinal() - 6), last)
        # The day before is looked at too.
        assert (whole[1] - whole[0]).total_seconds() / 3600 == expected + 24


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Day and night"),
        ("24/7", "Day and night"),
        ("Mo-Fr 06:00-22:00; Sa 8:00-20:00", "Mon–Fri 06:00–22:00, Sat 08:00–20:00"),
        ("Fr 22:00-06:00", "Fri 22:00–06:00"),
        ("off", "Closed"),
        ("when the shop is open", "when the shop is open"),
    ],
)
def test_how_a_site_says_it(text, words):
    assert opening_words(Site(opening_hours=text)) == words
