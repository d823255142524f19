"""Many drivers, one slot: the database lets one of them have it, whatever runs at the same time."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from bookings import actions, slots
from bookings.exceptions import BookingRefused, TooManyBookings
from bookings.models import Booking, Claim
from tests import make
from tests.api import as_person
from tests.make import NOON

#: `EVPORTAL_RACES=200 pytest tests/bookings/test_race.py` for the whole of it.
DRIVERS, ROUNDS = 50, int(os.environ.get("EVPORTAL_RACES", "2"))
HALF = timedelta(minutes=30)
BEFORE = NOON - timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_constraint_brings_its_extension():
    """Our own PostgreSQL has it already; another's may not."""
    first = MigrationLoader(connection).get_migration("bookings", "0001_initial").operations[0]
    assert isinstance(first, BtreeGistExtension)


def race(jobs):
    """All at the same moment, each over a connection of their own; what each got, or was refused with."""
    barrier = Barrier(len(jobs))

    def run(job):
        try:
            barrier.wait(timeout=30)
            return job()
        except BookingRefused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def hold(evse, user, starts_at):
    return lambda: actions.hold(
        evse=evse, user=user, starts_at=starts_at, ends_at=starts_at + HALF, now=BEFORE
    )


def drivers(count):
    return [make.user(password="") for _number in range(count)]


def ask(client, evse, starts_at):
    """The same over HTTP, as a browser or an app does it: (status, body)."""
    wish = {"evse": evse.public_id, "starts_at": iso(starts_at), "ends_at": iso(starts_at + HALF)}

    def post():
        answer = client.post("bookings/", wish)
        return answer.status_code, answer.data

    return post


def iso(moment):
    return moment.isoformat().replace("+00:00", "Z")


def one_race(clients, evse, starts_at):
    Booking.objects.update(status=Booking.Status.CANCELED)
    return race([ask(client, evse, starts_at) for client in clients])


def faults(outcomes) -> list[str]:
    """What is wrong with a race's outcomes: one winner, everybody else refused cleanly with other slots."""
    won = [body for status, body in outcomes if status == 201]
    wrong = [f"{len(won)} winners"] if len(won) != 1 else []
    for status, body in outcomes:
        if status == 201:
            continue
        if status != 409 or body["code"] != "taken" or len(body["alternatives"]) != 3:
            wrong.append(f"{status}: {body}")
    return wrong


@pytest.fixture
def clients():
    with time_machine.travel(BEFORE, tick=False):
        yield [as_person(user) for user in drivers(DRIVERS)]


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_one_slot_has_one_winner(clients):
    evse = make.evse()
    for turn in range(ROUNDS):
        starts_at = NOON + turn * timedelta(hours=1)  # 200 hours are within the fortnight.
        assert not faults(one_race(clients, evse, starts_at)), turn
    assert Claim.objects.count() == ROUNDS


def test_overlapping_slots_at_the_same_moment():
    evse = make.evse()
    shifts = [timedelta(minutes=5 * number) for number in range(6)]
    outcomes = race([hold(evse, user, NOON + shift) for user, shift in zip(drivers(6), shifts, strict=True)])
    assert sum(isinstance(each, Booking) for each in outcomes) == 1


def test_without_the_constraint_everybody_would_win(clients):
    """The control: nothing but the constraint stands between two drivers and one slot."""
    evse = make.evse()
    constraint = next(each for each in Claim._meta.constraints if each.name == "no_two_claims_overlap")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Claim, constraint)
    try:
        outcomes = one_race(clients, evse, NOON)
        assert sum(status == 201 for status, _body in outcomes) > 1
        assert faults(outcomes)
    finally:
        Claim.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Claim, constraint)


def test_one_driver_cannot_pass_the_limit_with_parallel_requests():
    evse, user = make.evse(), make.user()
    slots = [NOON + number * HALF for number in range(10)]
    outcomes = race([hold(evse, user, starts_at) for starts_at in slots])
    assert sum(isinstance(each, Booking) for each in outcomes) == 3
    assert sum(isinstance(each, TooManyBookings) for each in outcomes) == 7


def test_expiry_and_confirmation_at_the_same_moment_have_one_outcome():
    for _turn in range(5):
        booking = make.booking(confirmed=False, now=BEFORE)
        end = booking.hold_expires_at
        confirmed, expired = race(
            [
                lambda booking=booking, end=end: actions.confirm(
                    booking=Booking.objects.get(pk=booking.pk), now=end - timedelta(seconds=1)
                ),
                lambda booking=booking, end=end: slots.expire_hold(
                    booking=Booking.objects.get(pk=booking.pk), now=end
                ),
            ]
        )
        booking.refresh_from_db()
        if isinstance(confirmed, Booking):
            assert (expired, booking.status) == (False, Booking.Status.RESERVED)
            assert Claim.objects.filter(booking=booking).exists()
        else:
            assert (expired, booking.status) == (True, Booking.Status.FAILED)
            assert not Claim.objects.filter(booking=booking).exists()
