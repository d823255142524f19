"""Periods, forecasts and advice: values in, values out."""

import random
from datetime import date

import pytest

from monitoring.patterns import advice, forecast, periods, sheets
from monitoring.patterns.advice import SiteFigures
from monitoring.patterns.periods import Period, PeriodRefused
from monitoring.patterns.sheets import Table

TODAY = date(2026, 6, 17)  # a Wednesday


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, (date(2026, 5, 20), date(2026, 6, 17))),
        (date(2026, 6, 1), None, (date(2026, 6, 1), date(2026, 6, 17))),
        (date(2026, 1, 1), None, (date(2026, 1, 1), date(2026, 1, 29))),
        (date(2026, 6, 17), None, (date(2026, 6, 17), date(2026, 6, 18))),
        (None, date(2026, 3, 31), (date(2026, 3, 4), date(2026, 4, 1))),
        (date(2026, 6, 1), date(2026, 6, 1), (date(2026, 6, 1), date(2026, 6, 2))),
        (date(2023, 6, 18), date(2026, 6, 16), (date(2023, 6, 18), date(2026, 6, 17))),
    ],
)
def test_days_that_were_asked_for(since, until, expected):
    found = periods.chosen(since, until, TODAY)
    assert (found.since, found.until) == expected


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (date(2026, 6, 2), date(2026, 6, 1), "before the first"),
        (date(2016, 1, 1), date(2026, 1, 1), "three years"),
        (date(2027, 1, 1), None, "future"),
        (date(1, 1, 1), date(1, 1, 2), "2010"),
        (date(9999, 12, 1), None, "future"),
    ],
)
def test_days_that_make_no_report(since, until, words):
    with pytest.raises(PeriodRefused, match=words):
        periods.chosen(since, until, TODAY)


def test_what_a_period_is_compared_with():
    june = Period(date(2026, 6, 1), date(2026, 7, 1))
    assert periods.before(june) == Period(date(2026, 5, 2), date(2026, 6, 1))
    assert periods.last_year(june) == Period(date(2025, 6, 1), date(2025, 7, 1))
    leap = Period(date(2024, 2, 29), date(2024, 3, 1))
    assert periods.last_year(leap) == Period(date(2023, 2, 28), date(2023, 3, 1))


def test_what_is_due():
    assert periods.due("week", TODAY) == Period(date(2026, 6, 8), date(2026, 6, 15))
    assert periods.due("week", date(2026, 6, 15)) == Period(date(2026, 6, 8), date(2026, 6, 15))
    assert periods.due("month", TODAY) == Period(date(2026, 5, 1), date(2026, 6, 1))
    assert periods.due("month", date(2026, 1, 1)) == Period(date(2025, 12, 1), date(2026, 1, 1))


def test_how_often_each_hour_of_the_week_occurs():
    counts = periods.slots(Period(date(2026, 6, 15), date(2026, 6, 24)))
    assert len(counts) == 168 and sum(counts) == 9 * 24
    assert (counts[0], counts[24], counts[48], counts[167]) == (2, 2, 1, 1)


# Forecast


def test_a_week_that_repeats_is_forecast_as_it_is():
    week = [float(hour % 24) for hour in range(168)]
    assert forecast.forecast(week * 4) == pytest.approx(week)
    checked = forecast.check(week * 8)
    assert checked.ours.mae == pytest.approx(0, abs=1e-9)
    assert checked.weeks == 4


def test_noise_is_averaged_out_better_than_by_the_week_before():
    dice = random.Random(7)
    week = [10 + 8 * (hour % 24 > 8) + 5 * (hour > 120) for hour in range(168)]
    history = [max(0, value + dice.gauss(0, 4)) for _week in range(12) for value in week]
    checked = forecast.check(history)
    assert checked.ours.mae < checked.naive.mae * 0.85
    assert checked.ours.wape < checked.naive.wape


def test_growth_is_followed_in_part_and_a_festival_is_no_boom():
    week = [10.0] * 168
    grown = [value * 1.1**number for number in range(8) for value in week]
    assert sum(grown[-168:]) > sum(forecast.forecast(grown)) > sum(grown[-3 * 168 : -2 * 168])
    festival = [*week * 7, *(value * 10 for value in week)]
    assert max(forecast.forecast(festival)) < 60


def test_too_little_is_known():
    assert forecast.forecast([1.0] * 335) is None
    assert forecast.check([1.0] * 400) is None
    assert forecast.forecast([0.0] * 336) == [0.0] * 168
    assert forecast.error([0.0, 0.0], [0.0, 0.0]).wape is None
    assert forecast.error([1.0, 3.0], [2.0, 2.0]) == forecast.Error(1.0, 50.0)


# Advice


def site(**fields) -> SiteFigures:
    """A site with nothing to be said about: four weeks, four EVSEs, a fifth of their time taken."""
    usual = {
        "name": "Harbour", "hours": 672, "evses": 4, "occupied_h": 540, "idle_h": 54, "sessions": 600,
        "failed_starts": 6, "full_hours": 4,
    }  # fmt: skip
    return SiteFigures(**(usual | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"full_hours": 40}, ["power"]),
        ({"occupied_h": 1200, "idle_h": 100}, ["power"]),
        # Full, but of cars that have long been charged: the tariff first, no new chargers.
        ({"occupied_h": 1200, "idle_h": 600, "full_hours": 40}, ["tariff"]),
        # Many short stays of cars that are full disturb nobody.
        ({"idle_h": 200}, []),
        ({"idle_h": 400}, ["tariff"]),
        ({"failed_starts": 100}, ["repair"]),
        ({"occupied_h": 20, "idle_h": 2}, ["promote"]),
        ({"bookings": 40, "no_shows": 10, "booked_h": 40, "used_h": 30}, ["slots"]),
        ({"bookings": 40, "no_shows": 1, "booked_h": 80, "used_h": 20}, ["slots"]),
        ({"bookings": 40, "no_shows": 1, "booked_h": 80, "used_h": 60}, []),
        ({"bookings": 5, "no_shows": 5, "booked_h": 5}, []),
        ({"bookings": 40, "no_shows": 1, "booked_h": 80, "used_h": 60, "refused": 12}, ["slots"]),
        ({"bookings": 400, "no_shows": 1, "booked_h": 800, "used_h": 600, "refused": 12}, []),
        # Too new to be judged, or nothing there.
        ({"hours": 100, "full_hours": 90}, []),
        ({"evses": 0, "occupied_h": 0, "idle_h": 0, "sessions": 0}, []),
    ],
)
def test_what_to_change(fields, expected):
    assert [found.what for found in advice.advise(site(**fields))] == expected


def test_the_heaviest_first_and_with_figures():
    found = advice.advise_all([site(name="A", full_hours=40), site(name="B", failed_starts=600)])
    assert [each.site for each in found] == ["B", "A"]
    assert found[1].figures == {"utilisation": "20", "full": "10", "evses": "4"}


# Sheets


def test_cells_that_a_spreadsheet_would_run():
    table = Table("t", "=T", ["+A", "B"], [["=cmd|' /C calc'!A0", -3], ["@x", 1.5], ["plain", None]])
    lines = sheets.as_csv(table, "June").decode("utf-8-sig").splitlines()
    assert lines[0].startswith("'=T") and lines[1] == "'+A,B"
    assert lines[2].startswith("'=cmd") or lines[2].startswith("\"'=cmd")
    assert lines[2].endswith(",-3") and lines[3] == "'@x,1.5" and lines[4] == "plain,"


def test_a_workbook_with_a_sheet_for_each_table():
    import zipfile
    from io import BytesIO

    long = Table("x", "A name: that is [much] longer than a sheet's may be", ["A"], [["=1+1"], [2]])
    book = zipfile.ZipFile(BytesIO(sheets.as_xlsx([long, Table("y", "Other", ["B"], [])], "June")))
    assert {"xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"} <= set(book.namelist())
    assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
