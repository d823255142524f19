"""Reservations of 1.6: the station keeps a connector for one token, or the portal does where it can't."""

from datetime import UTC, datetime, timedelta

from stations import reservations
from stations.models import Reservation, State
from tests import make
from tests.stations.conformance.bench import ACCEPTED, REJECTED
from tests.stations.conformance.v16.sessions import begin

Status = Reservation.Status


async def tc_046(bench):
    charger = await bench.boot()
    reservation = await reserves(bench, charger)
    assert reservation.status == Status.TOLD
    await bench.status(charger, "Reserved")
    assert await bench.state() == State.RESERVED
    await bench.database(make.id_token, operator=bench.operator, token=bench.other_token)
    assert await charger.authorize(bench.other_token) != "Accepted"
    assert await charger.authorize(bench.token) == "Accepted"
    await bench.status(charger, "Preparing")
    answer = await charger.start(bench.token, meter_wh=1000, reservationId=reservation.pk)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert (await bench.session()).is_open
    assert (await bench.reservation()).status == Status.USED


async def tc_047(bench):
    charger = await bench.boot()
    reservation = await reserves(bench, charger)
    await bench.status(charger, "Reserved")
    await bench.database(reservations.end_due, reservation.ends_at)
    await bench.status(charger, "Available")
    assert (await bench.reservation()).status == Status.EXPIRED
    assert await bench.state() == State.AVAILABLE
    # Anybody may charge there again.
    await bench.database(make.id_token, operator=bench.operator, token=bench.other_token)
    assert await charger.authorize(bench.other_token) == "Accepted"


async def tc_048_1(bench):
    await is_not_taken(bench, "Faulted")


async def tc_048_2(bench):
    await is_not_taken(bench, "Occupied")


async def tc_048_3(bench):
    await is_not_taken(bench, "Unavailable")


async def tc_048_4(bench):
    await is_not_taken(bench, "Rejected")


async def is_not_taken(bench, outcome: str) -> None:
    """§5.13: the station can't keep the place, so the portal itself refuses other tokens there."""
    charger = await bench.boot()
    reservation = await reserves(bench, charger, {"status": outcome})
    assert reservation.status == Status.PORTAL_ONLY
    await bench.database(make.id_token, operator=bench.operator, token=bench.other_token)
    assert await charger.authorize(bench.other_token) != "Accepted"


async def tc_049(bench):
    charger = await bench.boot()
    await bench.database(make.evse, station=bench.station, number=2)
    asked = {
        "connectorId": 0,
        "expiryDate": "2099-01-01T00:00:00Z",
        "idTag": bench.token,
        "reservationId": 4711,
    }
    await bench.send(charger, "ReserveNow", asked)
    await bench.status(charger, "Preparing")
    assert await charger.authorize(bench.token) == "Accepted"
    answer = await charger.start(bench.token, meter_wh=1000, reservationId=4711)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert (await bench.session()).is_open


async def tc_051(bench):
    charger = await bench.boot()
    reservation = await reserves(bench, charger)
    await bench.status(charger, "Reserved")
    payload = await bench.portal(
        charger, "CancelReservation", ACCEPTED, reservations.cancel, reservation=reservation
    )
    assert payload == {"reservationId": reservation.pk}
    await bench.status(charger, "Available")
    assert (await bench.reservation()).status == Status.CANCELLED
    assert await bench.state() == State.AVAILABLE


async def tc_052(bench):
    charger = await bench.boot()
    reservation = await reserves(bench, charger)
    await bench.portal(charger, "CancelReservation", REJECTED, reservations.cancel, reservation=reservation)
    # The station knows of no such reservation any more; for the portal it is over as well.
    assert (await bench.reservation()).status == Status.CANCELLED


async def tc_053(bench):
    group = f"G{bench.token}"
    await bench.database(type(bench.id_token).objects.filter(pk=bench.id_token.pk).update, group=group)
    sibling = await bench.database(
        make.id_token, operator=bench.operator, token=bench.other_token, group=group
    )
    charger = await bench.boot()
    await reserves(bench, charger)
    await bench.status(charger, "Reserved")
    answer = await charger.call("Authorize", {"idTag": sibling.token})
    assert answer["idTagInfo"] == {"parentIdTag": group, "status": "Accepted"}
    bench.token = sibling.token
    await begin(bench, charger)
    session = await bench.session()
    assert session.id_token_id == sibling.pk
    assert (await bench.reservation()).status == Status.USED


async def reserves(bench, charger, answer=ACCEPTED) -> Reservation:
    """The slot of a reservation begins: the station is told of it, as the standard spells it."""
    now = datetime.now(UTC).replace(microsecond=0)
    token = await bench.database(type(bench.id_token).objects.get, pk=bench.id_token.pk)
    reservation = await bench.database(
        reservations.reserve,
        evse=bench.evse,
        id_token=token,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=1),
    )
    payload = await bench.portal(charger, "ReserveNow", answer, reservations.begin_due, now=datetime.now(UTC))
    group = {"parentIdTag": token.group} if token.group else {}
    assert payload == group | {
        "connectorId": 1,
        "expiryDate": reservation.ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "idTag": bench.token,
        "reservationId": reservation.pk,
    }
    return await bench.until(
        lambda: Reservation.objects.get(pk=reservation.pk), lambda row: row.status != Status.SCHEDULED
    )
