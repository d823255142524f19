"""The clock of bookings: each task does its work once, however often it runs."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from bookings import actions, tasks
from bookings.models import Booking, Claim
from evportal.outbox.models import Mail
from stations import sessions
from stations.models import Reservation, Station
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
Status = Booking.Status
MINUTE = timedelta(minutes=1)


def run(task, at, times=2):
    for _number in range(times):
        with time_machine.travel(at, tick=False):
            task()


def online(booking):
    """A charger that could have served."""
    Station.objects.filter(pk=booking.evse.station_id).update(
        connection="00000000-0000-0000-0000-000000000001"
    )
    return booking


def fresh(booking):
    return Booking.objects.get(pk=booking.pk)


def test_holds_expire_when_their_time_is_up():
    booking = make.booking(confirmed=False)
    run(tasks.expire_holds, booking.hold_expires_at - MINUTE)
    assert fresh(booking).status == Status.PENDING
    run(tasks.expire_holds, booking.hold_expires_at)
    assert (fresh(booking).status, fresh(booking).sequence) == (Status.FAILED, 1)
    assert not Claim.objects.exists()


def test_a_slot_begins_at_its_early_start():
    booking = make.booking()
    run(tasks.turn_slots, NOON - 11 * MINUTE)
    assert fresh(booking).reservation.status == Reservation.Status.SCHEDULED
    run(tasks.turn_slots, NOON - 10 * MINUTE)
    # The charger isn't connected, so it is for the portal to keep the place.
    assert fresh(booking).reservation.status == Reservation.Status.PORTAL_ONLY
    assert fresh(booking).status == Status.RESERVED


def test_a_driver_who_never_came():
    booking = make.booking(confirmed=False)
    Booking.objects.update(noshow_fee=Decimal("5"))
    booking.refresh_from_db()
    online(actions.confirm(booking=booking, now=NOON - timedelta(hours=1)))
    run(tasks.turn_slots, NOON + 14 * MINUTE)
    assert fresh(booking).status == Status.RESERVED
    run(tasks.turn_slots, NOON + 15 * MINUTE)
    done = fresh(booking)
    assert (done.status, done.fee, done.sequence) == (Status.NO_SHOW, 5, 1)
    assert Mail.objects.filter(key__contains="no_show").count() == 1


def test_an_offline_charger_is_not_the_drivers_fault():
    booking = make.booking()
    # It may hold a start that it couldn't report yet; at the end there is nothing to wait for.
    run(tasks.turn_slots, NOON + 29 * MINUTE)
    assert fresh(booking).status == Status.RESERVED
    run(tasks.turn_slots, NOON + 30 * MINUTE)
    assert (fresh(booking).status, fresh(booking).fee) == (Status.FAILED, 0)
    assert "charger could not serve" in Mail.objects.get(key__contains="failed").text


def test_a_start_whose_news_was_lost_still_counts():
    booking = online(make.booking())
    report = sessions.Start(
        evse_number=1, connector_number=1, token=booking.id_token.token, started_at=NOON, received_at=NOON
    )
    sessions.start(station=booking.evse.station, report=report)
    run(tasks.turn_slots, NOON + 15 * MINUTE)
    assert fresh(booking).status == Status.FULFILLED
    assert fresh(booking).session is not None


def test_who_is_already_charging_there_has_come():
    booking = online(make.booking())
    session = make.session(evse=booking.evse, user=booking.user, started_at=NOON - 40 * MINUTE)
    run(tasks.turn_slots, NOON + 15 * MINUTE)
    assert fresh(booking).session == session


def test_receivers_are_wired(django_capture_on_commit_callbacks):
    booking = make.booking(minutes=60)
    station = booking.evse.station
    with time_machine.travel(NOON + 20 * MINUTE, tick=False):
        with django_capture_on_commit_callbacks(execute=True):
            report = sessions.Start(
                evse_number=1,
                connector_number=1,
                token=booking.id_token.token,
                started_at=NOON,
                received_at=NOON,
            )
            session, _decision = sessions.start(station=station, report=report)
        assert fresh(booking).status == Status.FULFILLED
        with django_capture_on_commit_callbacks(execute=True):
            sessions.stop(
                station=station,
                transaction_id=session.transaction_id,
                stopped_at=NOON + 20 * MINUTE,
                received_at=NOON + 20 * MINUTE,
            )
    assert Claim.objects.get().period.upper == NOON + 20 * MINUTE
