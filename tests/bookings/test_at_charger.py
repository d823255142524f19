"""Sessions that run into a booking or past their own: told, stopped and warned about, once each."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from bookings import actions, affected, fulfilling, overrun, tasks
from bookings.models import Booking, MoveOffer, SiteRules, StopTime
from evportal.outbox.models import Mail
from stations import sessions
from stations.models import Command, Event, Evse, Reservation, Session, State, Station
from tests import make
from tests.make import NOON

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
CONNECTION = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def evse(site):
    return place(site)


def place(site, **fields) -> Evse:
    station = make.station(site=site, connection=CONNECTION, ocpp_version="1.6", node="somewhere")
    return make.evse(station=station, state=State.AVAILABLE, **fields)


def run(at, times=2):
    """The tasks of that moment; what they have done once they don't do again."""
    with time_machine.travel(at, tick=False):
        for _number in range(times):
            tasks.turn_slots()
            tasks.keep_stop_times()


def stops() -> int:
    return Command.objects.filter(action="RemoteStopTransaction").count()


def walk_in(evse, at=NOON - 2 * HOUR, **fields):
    return make.session(evse=evse, user=make.user(), started_at=at, transaction_id="7", **fields)


def mails(word) -> int:
    return Mail.objects.filter(key__contains=word).count()


def test_a_walk_in_is_told_and_stopped_before_the_booking(evse):
    make.site_rules(site=evse.station.site, buffer_minutes=5)
    make.booking(evse=evse)
    session = walk_in(evse)
    run(NOON - 26 * MINUTE)
    stop = StopTime.objects.get(session=session)
    # Kept from ten minutes before, and free five minutes before that.
    assert (stop.at, stop.why) == (NOON - 15 * MINUTE, "next")
    assert (stops(), Mail.objects.filter(to=session.user.email).count()) == (0, 0)
    run(NOON - 25 * MINUTE)
    mail = Mail.objects.get(to=session.user.email)
    assert "13:45" in mail.subject and session.link in mail.text
    run(NOON - 15 * MINUTE, times=3)
    assert Command.objects.get(action="RemoteStopTransaction").payload == {"transactionId": 7}
    run(NOON - 14 * MINUTE)
    assert (stops(), Mail.objects.filter(to=session.user.email).count()) == (2, 1)


def test_a_booking_that_is_given_back_lifts_the_stop(evse):
    booking = make.booking(evse=evse)
    walk_in(evse)
    run(NOON - 20 * MINUTE)
    actions.cancel(booking=booking, by=None, now=NOON - 15 * MINUTE)
    run(NOON)
    assert stops() == 0
    assert not StopTime.objects.exists()


def test_the_drivers_own_session_is_not_in_the_way(evse):
    booking = make.booking(evse=evse)
    make.session(evse=evse, user=booking.user, started_at=NOON - HOUR)
    run(NOON)
    assert stops() == 0
    assert not MoveOffer.objects.exists()


def used(booking, at=NOON, **fields):
    session = make.session(evse=booking.evse, user=booking.user, started_at=at, transaction_id="8", **fields)
    assert fulfilling.fulfil(session=session) == booking
    return session


def test_a_booked_session_ends_with_its_time(evse):
    make.site_rules(site=evse.station.site, late_stop_minutes=5)
    used(make.booking(evse=evse, minutes=60))
    run(NOON + 64 * MINUTE)
    assert (stops(), mails(" ends ")) == (0, 1)
    run(NOON + 65 * MINUTE)
    assert stops() == 1


def test_a_fee_is_told_and_nobody_stopped(evse):
    make.site_rules(site=evse.station.site, late_stop_fee=Decimal("0.20"))
    used(make.booking(evse=evse, minutes=60))
    run(NOON + 2 * HOUR)
    assert stops() == 0
    assert "0.20" in Mail.objects.get(key__contains=" ends ").text


def test_who_booked_on_charges_on(evse):
    first = make.booking(evse=evse)
    second = make.booking(evse=evse, user=first.user, starts_at=NOON + 30 * MINUTE, now=NOON - HOUR)
    used(first)
    run(NOON + 46 * MINUTE)
    second.refresh_from_db()
    assert (second.status, second.fee) == (Booking.Status.FULFILLED, 0)
    assert stops() == 0
    run(NOON + 60 * MINUTE)
    assert stops() == 1


# --- overrun ------------------------------------------------------------------------------------


def test_the_next_driver_is_offered_another_place_and_moves_with_one_click(evse, client):
    booking = make.booking(evse=evse, minutes=60)
    weak = place(evse.station.site, max_power_w=11_000)
    other_plug = place(evse.station.site, standard="CHADEMO")
    twin = place(evse.station.site)
    strong = place(evse.station.site, max_power_w=50_000)
    session = walk_in(evse)
    run(NOON - 10 * MINUTE)
    # Asked to stop just now.
    assert (stops(), MoveOffer.objects.count()) == (1, 0)
    run(NOON - 9 * MINUTE, times=3)
    offer = MoveOffer.objects.get()
    assert (offer.booking, offer.session, offer.evse) == (booking, session, twin)
    assert [evse.pk for evse in overrun.equivalents(booking, NOON)] == [twin.pk, strong.pk]
    assert not {weak.pk, other_plug.pk} & {offer.evse_id}
    assert mails("overrun") == 1
    event = Event.objects.get(code="Booking.Overrun")
    assert twin.public_id in event.text and event.evse == evse
    client.force_login(booking.user)
    with time_machine.travel(NOON - 8 * MINUTE, tick=False):
        page = client.get(f"/b/{booking.pk}/").content.decode()
        assert twin.public_id in page
        for _click in range(2):
            answer = client.post(f"/b/{booking.pk}/take-offer/", {"evse": twin.pk})
            assert answer.status_code == 302
    booking.refresh_from_db()
    assert (booking.evse, booking.status, booking.sequence) == (twin, Booking.Status.RESERVED, 1)
    assert booking.claim.evse == twin
    assert mails("moved") == 1
    assert MoveOffer.objects.get().state == MoveOffer.State.ACCEPTED
    run(NOON)
    # The walk-in may charge on now: nobody is waiting for the place.
    assert Reservation.objects.get(booking=booking).evse == twin


def test_only_the_driver_takes_the_offer(evse, client):
    booking = make.booking(evse=evse)
    twin = place(evse.station.site)
    walk_in(evse)
    run(NOON)
    client.force_login(make.user())
    assert client.post(f"/b/{booking.pk}/take-offer/", {"evse": twin.pk}).status_code == 404
    booking.refresh_from_db()
    assert booking.evse == evse


def test_an_offer_that_somebody_else_took_is_renewed(evse):
    booking = make.booking(evse=evse)
    twin = place(evse.station.site)
    walk_in(evse)
    run(NOON - 5 * MINUTE)
    make.session(evse=twin, started_at=NOON - 4 * MINUTE)
    with pytest.raises(overrun.NoMove):
        overrun.accept(booking=booking, now=NOON - 3 * MINUTE, evse_id=twin.pk)
    run(NOON - 2 * MINUTE)
    assert MoveOffer.objects.get().evse is None
    third = place(evse.station.site)
    run(NOON - MINUTE)
    assert MoveOffer.objects.get().evse == third
    # Warned, then offered the third one; not once for each run.
    assert mails("overrun") == 2


def test_a_dearer_place_is_not_offered(evse, monkeypatch):
    cheap, dear = place(evse.station.site), place(evse.station.site)
    prices = {evse.pk: Decimal(10), cheap.pk: Decimal(10), dear.pk: Decimal("10.01")}
    booking = make.booking(evse=evse)
    reckoned = {(booking.pk, pk): price for pk, price in prices.items()}
    monkeypatch.setattr(affected, "_pricers", [lambda _bookings, _evses: reckoned])
    assert overrun.equivalents(booking, NOON) == [cheap]


def test_the_offer_lapses_when_the_place_comes_free(evse):
    booking = make.booking(evse=evse)
    place(evse.station.site)
    session = walk_in(evse)
    run(NOON)
    Session.objects.filter(pk=session.pk).update(stopped_at=NOON)
    run(NOON + MINUTE)
    assert MoveOffer.objects.get().state == MoveOffer.State.LAPSED
    with pytest.raises(overrun.NoMove):
        overrun.accept(booking=booking, now=NOON + MINUTE)


def test_a_stop_that_the_charger_refuses_warns_at_once(evse):
    make.site_rules(site=evse.station.site, buffer_minutes=20)
    make.booking(evse=evse)
    walk_in(evse)
    run(NOON - 30 * MINUTE)
    assert not MoveOffer.objects.exists()
    Command.objects.filter(action="RemoteStopTransaction").update(
        status=Command.Status.ANSWERED, response={"status": "Rejected"}
    )
    run(NOON - 29 * MINUTE, times=1)
    assert MoveOffer.objects.count() == 1


def test_who_finds_the_place_taken_pays_nothing(evse):
    make.site_rules(site=evse.station.site, noshow_fee=Decimal(5))
    booking = make.booking(evse=evse)
    walk_in(evse)
    run(NOON + 15 * MINUTE)
    booking.refresh_from_db()
    assert (booking.status, booking.fee) == (Booking.Status.FAILED, 0)
    assert mails("no_show") == 0


# --- late news ----------------------------------------------------------------------------------


def late_start(booking, started_at, received_at, token=None):
    report = sessions.Start(
        evse_number=1,
        connector_number=1,
        token=token or booking.id_token.token,
        started_at=started_at,
        received_at=received_at,
    )
    return sessions.start(station=booking.evse.station, report=report)[0]


def test_a_start_out_of_an_offline_queue_fulfils_the_booking(evse):
    make.site_rules(site=evse.station.site, noshow_fee=Decimal(5))
    booking = make.booking(evse=evse, minutes=60)
    Station.objects.filter(pk=evse.station_id).update(connection=None)
    run(NOON + 30 * MINUTE)
    booking.refresh_from_db()
    # The charger may know better: nothing is decided before it has said so.
    assert booking.status == Booking.Status.RESERVED
    back_at = NOON + 40 * MINUTE
    Station.objects.filter(pk=evse.station_id).update(connection=CONNECTION, connected_at=back_at)
    run(back_at + MINUTE)
    session = late_start(booking, NOON + 2 * MINUTE, back_at + 90 * MINUTE / 60)
    assert fulfilling.fulfil(session=session) == booking
    run(back_at + 10 * MINUTE)
    booking.refresh_from_db()
    assert (booking.status, booking.session, booking.fee) == (Booking.Status.FULFILLED, session, 0)


def test_a_start_that_comes_after_all_was_given_up(evse):
    booking = make.booking(evse=evse)
    Station.objects.filter(pk=evse.station_id).update(connection=None)
    run(NOON + 31 * MINUTE)
    booking.refresh_from_db()
    assert booking.status == Booking.Status.FAILED
    session = late_start(booking, NOON + 2 * MINUTE, NOON + 3 * HOUR)
    assert fulfilling.fulfil(session=session) == booking
    booking.refresh_from_db()
    assert (booking.status, booking.closed_at, booking.closed_reason) == ("FULFILLED", None, "")


@pytest.mark.parametrize("whose", ["another card", "group"])
def test_any_of_their_cards_fulfils_it(evse, whose):
    operator = evse.station.site.operator
    booking = make.booking(evse=evse)
    if whose == "another card":
        token = make.id_token(operator=operator, user=booking.user)
    else:
        booking.id_token = make.id_token(operator=operator, group="Fleet")
        booking.save()
        token = make.id_token(operator=operator, group="FLEET")
    session = make.session(evse=evse, id_token=token, user=token.user)
    assert fulfilling.fulfil(session=session) == booking
    assert Booking.objects.get().reservation.status == Reservation.Status.USED


def test_rules_freeze_the_late_stop_terms(evse):
    make.site_rules(site=evse.station.site, late_stop_fee=Decimal(2), late_stop_fee_per="once")
    booking = make.booking(evse=evse)
    SiteRules.objects.update(late_stop_fee=9)
    booking.refresh_from_db()
    assert (booking.late_stop_fee, booking.late_stop_fee_per) == (2, "once")
