"""Maintenance that comes again: made ahead, held by the constraint, around what is booked."""

from datetime import date, time, timedelta

import pytest
from django.core.exceptions import ValidationError

from bookings import actions, availability, maintenance
from bookings.exceptions import NotBookable
from bookings.models import Closure, MaintenanceRule
from bookings.rules import Problem, SlotState
from bookings.tasks import follow_maintenance
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BEFORE = NOON - HOUR


def rule(evse=None, *, site=None, **fields):
    """Tuesdays from two to four by Berlin's clock, which is noon by UTC; NOON is a Monday's."""
    defaults = {
        "rule": "FREQ=WEEKLY;BYDAY=TU",
        "first_on": date(2026, 6, 1),
        "begins": time(14),
        "minutes": 120,
    }
    return MaintenanceRule.objects.create(
        site=site or evse.station.site, evse=evse, reason="cleaning", **(defaults | fields)
    )


def closed(**which):
    return [
        (row.starts_at - NOON, row.ends_at - NOON)
        for row in Closure.objects.filter(**which).order_by("starts_at")
    ]


def test_it_closes_ahead_up_to_the_horizon():
    evse = make.evse()
    assert maintenance.apply(rule=rule(evse), now=BEFORE) == []
    assert closed() == [(DAY, DAY + 2 * HOUR), (8 * DAY, 8 * DAY + 2 * HOUR), (15 * DAY, 15 * DAY + 2 * HOUR)]
    with pytest.raises(NotBookable) as refused:
        make.booking(evse=evse, starts_at=NOON + DAY + HOUR, now=BEFORE)
    assert refused.value.problem is Problem.CLOSED
    rows = availability.free_slots(evse.station.site, date(2026, 6, 16), 60, now=BEFORE)
    shown = {slot.starts_at: slot.state for slot in rows[0].slots}
    assert shown[NOON + DAY] is shown[NOON + DAY + HOUR] is SlotState.CLOSED
    assert shown[NOON + DAY - HOUR] is shown[NOON + DAY + 2 * HOUR] is SlotState.FREE


def test_again_changes_nothing_and_time_brings_more():
    evse = make.evse()
    row = rule(evse)
    maintenance.apply(rule=row, now=BEFORE)
    ids = set(Closure.objects.values_list("pk", flat=True))
    maintenance.follow(rule=row, now=BEFORE)
    assert set(Closure.objects.values_list("pk", flat=True)) == ids
    maintenance.follow(rule=row, now=BEFORE + 7 * DAY)
    assert set(Closure.objects.values_list("pk", flat=True)) > ids


def test_a_booking_in_the_way_stays_and_is_named_and_its_time_is_closed_once_it_is_gone():
    evse = make.evse()
    booking = make.booking(evse=evse, starts_at=NOON + DAY + HOUR / 2, now=BEFORE)
    row = rule(evse)
    assert maintenance.apply(rule=row, now=BEFORE) == [booking]
    assert closed(starts_at__lt=NOON + 2 * DAY) == [
        (DAY, DAY + HOUR / 2),
        (DAY + HOUR, DAY + 2 * HOUR),
    ]
    actions.cancel(booking=booking, by=None, now=BEFORE)
    maintenance.follow(rule=row, now=BEFORE)
    assert (DAY + HOUR / 2, DAY + HOUR) in closed()


def test_a_change_opens_what_it_closed_and_keeps_what_is_past():
    evse = make.evse()
    row = rule(evse)
    maintenance.apply(rule=row, now=BEFORE)
    later = BEFORE + 2 * DAY
    row.begins, row.minutes = time(16), 60
    row.save()
    maintenance.apply(rule=row, now=later)
    assert closed() == [
        (DAY, DAY + 2 * HOUR),
        (8 * DAY + 2 * HOUR, 8 * DAY + 3 * HOUR),
        (15 * DAY + 2 * HOUR, 15 * DAY + 3 * HOUR),
    ]
    row.until = date(2026, 6, 20)
    row.save()
    maintenance.apply(rule=row, now=later)
    assert closed() == [(DAY, DAY + 2 * HOUR)]


def test_all_of_a_site_and_of_new_evses_by_the_clock():
    site = make.site()
    for _number in range(2):
        make.evse(station=make.station(site=site))
    row = rule(site=site, rule="FREQ=DAILY")
    follow_maintenance()
    before = Closure.objects.filter(rule=row)
    each = before.count() / 2
    assert each >= 14
    make.evse(station=make.station(site=site))
    follow_maintenance()
    assert Closure.objects.filter(rule=row).count() == 3 * each


def test_without_the_rule_its_closures_go():
    row = rule(make.evse())
    maintenance.apply(rule=row, now=BEFORE)
    row.delete()
    assert not Closure.objects.exists()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"rule": "FREQ=SECONDLY"}, "rule"),
        ({"minutes": 0}, "minutes"),
        ({"until": date(2026, 5, 1)}, "until"),
    ],
)
def test_what_cannot_be_entered(fields, wrong):
    evse = make.evse()
    defaults = {"rule": "FREQ=DAILY", "first_on": date(2026, 6, 1), "begins": time(14), "minutes": 60}
    row = MaintenanceRule(site=evse.station.site, evse=evse, **(defaults | fields))
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert wrong in refused.value.message_dict


def test_an_evse_of_another_site_is_refused():
    row = MaintenanceRule(
        site=make.site(), evse=make.evse(), rule="FREQ=DAILY", first_on=date(2026, 6, 1), begins=time(14)
    )
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert "evse" in refused.value.message_dict
