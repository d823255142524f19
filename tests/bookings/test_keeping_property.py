"""Whatever the order of events and however often tasks run: one fee, and no stranger at a kept EVSE."""

from datetime import timedelta
from decimal import Decimal

import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bookings import actions, fulfilling, tasks
from bookings.exceptions import BookingRefused
from bookings.models import Booking
from evportal.outbox.models import Mail
from stations import authorising, reservations, sessions
from stations.models import Command, Reservation, Session, State, Station
from tests import make
from tests.make import NOON

MINUTE = timedelta(minutes=1)
CONNECTION = "00000000-0000-0000-0000-000000000001"
EVENTS = st.lists(
    st.sampled_from(
        [
            "tasks",
            "tasks",
            "stranger",
            "own",
            "late own",
            "stop",
            "away",
            "back",
            "cancel",
            "answer",
            "refuse",
        ]
    ),
    max_size=14,
)


class World:
    def __init__(self):
        site = make.site()
        make.site_rules(site=site, noshow_fee=Decimal(5))
        station = make.station(site=site, connection=CONNECTION, node="here", ocpp_version="1.6")
        self.evse = make.evse(station=station, state=State.AVAILABLE)
        self.booking = make.booking(evse=self.evse, minutes=60)
        self.strangers_card = make.id_token(operator=site.operator, user=make.user())
        self.now = NOON - 15 * MINUTE
        self.fees: list[Decimal] = []

    @property
    def station(self) -> Station:
        return Station.objects.get(pk=self.evse.station_id)

    def do(self, event: str) -> None:
        with time_machine.travel(self.now, tick=False):
            getattr(self, event.replace(" ", "_"))()
        self.booking.refresh_from_db()
        if self.booking.fee:
            self.fees.append(self.booking.fee)

    def tasks(self):
        tasks.turn_slots()
        tasks.keep_stop_times()

    def _start(self, token: str, at) -> tuple[Session, bool]:
        report = sessions.Start(
            evse_number=1, connector_number=1, token=token, started_at=at, received_at=self.now
        )
        session, decision = sessions.start(station=self.station, report=report)
        fulfilling.fulfil(session=session)
        return session, decision.allowed

    def stranger(self):
        if not self.station.is_online:
            return
        kept = Reservation.objects.keeping(self.evse, self.now).exists()
        card = self.strangers_card.token
        if kept:
            assert not authorising.authorize(station=self.station, token=card, now=self.now).allowed
        session, allowed = self._start(card, self.now)
        assert not (kept and allowed)
        assert kept <= bool(session.review)

    def own(self):
        if self.station.is_online:
            self._start(self.booking.id_token.token, self.now)

    def late_own(self):
        if self.station.is_online:
            self._start(self.booking.id_token.token, max(NOON, self.now - 20 * MINUTE))

    def stop(self):
        for session in Session.objects.open():
            fulfilling.free_rest(session=session, now=self.now)
        Session.objects.open().update(stopped_at=self.now, stop_received_at=self.now)

    def away(self):
        Station.objects.update(connection=None, node="")

    def back(self):
        if not self.station.is_online:
            Station.objects.update(connection=CONNECTION, node="here", connected_at=self.now)

    def cancel(self):
        try:
            actions.cancel(booking=self.booking, by=self.booking.user, now=self.now)
        except BookingRefused:
            assert not self.booking.is_open

    def answer(self, status="Accepted"):
        waiting = Command.objects.filter(status__in=[Command.Status.QUEUED, Command.Status.SENT])
        for command in waiting:
            command.status, command.response = Command.Status.ANSWERED, {"status": status}
            command.answered_at = self.now
            command.save()
            reservations.command_finished(command)

    def refuse(self):
        self.answer("Rejected")


class Property(TestCase):
    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(events=st.lists(st.tuples(st.integers(0, 9), EVENTS), max_size=6))
    def test_one_fee_and_no_stranger(self, events):
        world = World()
        for minutes, group in events:
            world.now += minutes * MINUTE
            for event in group:
                world.do(event)
        booking = world.booking
        # A fee, once there, is that fee; and it is told once.
        assert len(set(world.fees)) <= 1
        assert Mail.objects.filter(key__contains=f"{booking.pk} no_show").count() <= 1
        assert Mail.objects.filter(key__contains=f"{booking.pk} cancelled").count() <= 1
        if booking.fee:
            assert booking.status in (Booking.Status.NO_SHOW, Booking.Status.CANCELED)
            assert booking.session is None
        if booking.status == Booking.Status.FULFILLED:
            assert booking.session.user == booking.user
        live = Reservation.objects.filter(status__in=Reservation.KEEPING, ends_at__gt=world.now)
        assert not (live.exists() and not booking.is_open)
