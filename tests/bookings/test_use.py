"""How bookings were used, and what was turned away, as reports ask for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bookings import actions, refusals, use
from bookings.exceptions import NotBookable, SlotTaken
from bookings.models import Booking, Refusal
from bookings.rules import Problem
from evportal.accounts.models import ApiKey
from tests import make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_each_fate_is_counted_and_only_what_was_confirmed():
    evse = make.evse()
    site = evse.station.site
    start = make.NOON
    used, missed, dropped = (make.booking(evse=evse, starts_at=start + number * HOUR) for number in range(3))
    make.booking(evse=evse, starts_at=start + 4 * HOUR, confirmed=False)
    session = make.session(evse=evse, started_at=start, minutes=20, energy_wh=5000)
    Booking.objects.filter(pk=used.pk).update(status="FULFILLED", session=session)
    Booking.objects.filter(pk=missed.pk).update(status="NO_SHOW")
    actions.cancel(booking=dropped, by=dropped.user, now=start - HOUR)
    Booking.objects.update(created_at=start - 3 * HOUR)
    Refusal.objects.create(evse=evse, starts_at=start, ends_at=start + HOUR, at=start)
    found = use.by_site([site.pk], start - HOUR, start + 24 * HOUR)[site.pk]
    assert (found.booked, found.used, found.no_shows, found.cancelled, found.failed) == (3, 1, 1, 1, 0)
    assert found.booked_h == 1.0 and round(found.used_h * 60) == 20
    assert found.lead_h == 4.0 and found.refused == 1
    assert use.by_site([make.site().pk], start - HOUR, start + 24 * HOUR) == {}


def test_a_slot_that_is_taken_is_written_down_once_for_a_person(client):
    evse = make.evse(state="available")
    starts_at = (timezone.now() + timedelta(hours=5)).replace(minute=0, second=0, microsecond=0)
    make.booking(evse=evse, starts_at=starts_at, minutes=60, now=timezone.now())
    client.force_login(make.user())
    wish = {
        "evse": evse.public_id,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + HOUR).isoformat(),
    }
    for _try in range(2):
        assert client.post("/api/v1/bookings/", wish, "application/json").status_code == 409
    assert Refusal.objects.count() == 1
    key, _row = ApiKey.issue(operator=evse.station.site.operator, role="manager", name="machine")
    headers = {"authorization": f"Bearer {key}"}
    assert client.post("/api/v1/bookings/", wish, "application/json", headers=headers).status_code == 409
    assert Refusal.objects.filter(user=None).count() == 1


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (SlotTaken(), True),
        (NotBookable(Problem.IN_USE), True),
        (NotBookable(Problem.CLOSED), False),
        (NotBookable(Problem.TOO_FAR), False),
    ],
)
def test_what_lacks_slots_and_what_breaks_rules(refused, expected):
    assert refusals.is_for_lack_of_slots(refused) is expected
