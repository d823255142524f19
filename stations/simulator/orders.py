"""What a portal may order of a charger, whichever protocol version it says it in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import certificates
from .point import Point
from .reservations import Reservation
from .tokens import ACCEPTED, Token
from .transport import CallRefused

if TYPE_CHECKING:
    from .charger import SimulatedCharger


def choose(charger: SimulatedCharger, number: int | None, token: Token) -> Point | None:
    """The EVSE a remote start is for: the one named, else one reserved for the token, else one with a car."""
    ready = [p for p in charger.points if p.may_start_remotely(token) and number in (None, p.number)]

    def suitability(point: Point) -> tuple[bool, bool]:
        return charger.reservations.holding(point.number) is not None, point.evse.car is not None

    return max(ready, key=suitability, default=None)


def set_availability(charger: SimulatedCharger, point: Point | None, operative: bool) -> str:
    """For one EVSE or (None) the station: Accepted, or Scheduled while a transaction runs."""
    subject = point or charger
    affected = [point] if point else charger.points
    if not operative and any(p.transaction for p in affected):
        subject.closing = True
        return "Scheduled"
    subject.operative, subject.closing = operative, False
    return ACCEPTED


def reserve(charger: SimulatedCharger, reservation: Reservation) -> str:
    """OCPP's status of a ReserveNow."""
    _require_reservations(charger)
    point = next((p for p in charger.points if p.number == reservation.evse), None)
    if not point:
        return "Rejected"
    if point.fault_code:
        return "Faulted"
    if not point.usable:
        return "Unavailable"
    held = charger.reservations.holding(point.number)
    if point.transaction or point.evse.car or (held and held.id != reservation.id):
        return "Occupied"
    charger.reservations.add(reservation)
    charger.spawn(_expire(charger, reservation))
    return ACCEPTED


def cancel_reservation(charger: SimulatedCharger, id: int) -> bool:
    _require_reservations(charger)
    return charger.reservations.remove(id) is not None


def composite(charger: SimulatedCharger, point: Point | None, duration_s: int, unit: str) -> list[dict]:
    """Periods of the limits that hold over the next `duration_s`, for an EVSE or (None) the station."""
    evse = (point or charger.points[0]).evse
    most_w = evse.max_power_w if point else sum(e.max_power_w for e in charger.station.evses)
    tx = point.transaction if point else None
    steps = charger.profiles.composite(
        point.number if point else 0,
        charger.now(),
        duration_s,
        most_w=most_w,
        tx_started=tx.energised_at if tx else None,
        voltage_v=evse.voltage_v,
        phases=evse.phases,
    )
    divisor = 1.0 if unit == "W" else evse.voltage_v * evse.phases
    return [{"startPeriod": start_s, "limit": round(watts / divisor, 1)} for start_s, watts in steps]


def trigger(charger: SimulatedCharger, message: str, point: Point | None) -> Callable[[], Any] | None:
    """How to send the message a portal asks for; None when we have no such message.

    Triggered messages are urgent: a portal may ask for them before it has accepted the boot.
    """
    dialect = charger.dialect
    points = [point] if point else charger.points

    async def boot() -> None:
        charger.heed_boot(await dialect.boot("Triggered"))

    async def each(send: Callable) -> None:
        for one in points:
            await send(one, urgent=True)

    ways = {
        "BootNotification": boot,
        "Heartbeat": lambda: dialect.heartbeat(urgent=True),
        "StatusNotification": lambda: each(dialect.status),
        "MeterValues": lambda: each(dialect.meter_values),
        "FirmwareStatusNotification": lambda: dialect.firmware_status(charger.firmware_status, urgent=True),
        "DiagnosticsStatusNotification": lambda: dialect.log_status(charger.log_status, urgent=True),
        "LogStatusNotification": lambda: dialect.log_status(
            charger.log_status, charger.log_request, urgent=True
        ),
    }
    if message in certificates.TRIGGERS and message in dialect.certificate_triggers:
        return lambda: charger.spawn(certificates.ask_to_sign(charger, certificates.TRIGGERS[message]))
    way = ways.get(message)
    return (lambda: charger.spawn(way())) if way else None


def upcoming(moment: datetime, now: datetime) -> float:
    """Seconds until a moment; 0 when it has passed."""
    return max(0.0, (moment - now).total_seconds())


def _require_reservations(charger: SimulatedCharger) -> None:
    if not charger.temper.supports_reservation:
        raise CallRefused("NotSupported", "This station cannot reserve.")


async def _expire(charger: SimulatedCharger, reservation: Reservation) -> None:
    await charger.clock.sleep(upcoming(reservation.expires_at, charger.now()))
    # Used up, cancelled or sent anew meanwhile: then it is not this one's turn.
    if charger.reservations.get(reservation.id) is reservation:
        charger.reservations.remove(reservation.id)
        charger.log.info("reservation %d expired", reservation.id)
        charger.announce(charger.evse(reservation.evse))
        await charger.dialect.reservation_ended(reservation.id, "Expired")
