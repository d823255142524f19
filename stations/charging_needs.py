"""What cars ask for (2.x K15–K17), and the limit that the portal answers with."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from stations import charging_profiles, commands, signals
from stations.exceptions import Refused
from stations.models import ChargingNeeds, Command, Evse, Session, Station
from stations.ocpp import wire

#: By this the profiles that answer a car's needs are known.
REASON = "what the car needs"
ACCEPTED, PROCESSING, REJECTED, NO_PROFILE = "Accepted", "Processing", "Rejected", "NoChargingProfile"


def answer(version: str, *, limit_w: Decimal | None, is_managed: bool) -> str:
    """Accepted promises a profile at once, Processing one later, NoChargingProfile (2.1) none. Pure.

    2.0.1 has no word for "none": there the EVSE's own power is the profile.
    """
    if limit_w is not None:
        return ACCEPTED
    if is_managed:
        return PROCESSING
    return NO_PROFILE if version == "2.1" else ACCEPTED


def wish(needs: dict) -> tuple[Decimal | None, Decimal | None]:
    """(energy in Wh, most power in W) that the car asks for, whichever parameters it sends. Pure."""
    ac, dc = needs.get("acChargingParameters") or {}, needs.get("dcChargingParameters") or {}
    v2x = needs.get("v2xChargingParameters") or {}
    energy = ac.get("energyAmount", dc.get("energyAmount", v2x.get("evTargetEnergyRequest")))
    power = dc.get("evMaxPower", v2x.get("maxChargePower"))
    if power is None and dc:
        power = dc["evMaxCurrent"] * dc["evMaxVoltage"]
    if power is None and ac:
        phases = {"AC_single_phase": 1, "AC_two_phase": 2}.get(needs["requestedEnergyTransfer"], 3)
        power = ac["evMaxCurrent"] * ac["evMaxVoltage"] * phases
    return _number(energy), _number(power)


def _number(value: object) -> Decimal | None:
    found = wire.number(value)
    return found if found is not None and found < Decimal(10) ** 11 else None


@transaction.atomic
def notified(*, station: Station, version: str, payload: dict, received_at: datetime) -> str:
    """Keep what the car needs, and send the profile that the answer promises."""
    session = _running(station, payload["evseId"])
    if session is None:
        return REJECTED
    needs = payload["chargingNeeds"]
    evse = session.evse
    limit_w = charging_profiles.held_limit_w(evse, received_at)
    status = answer(version, limit_w=limit_w, is_managed=station.site.grid_limit_w is not None)
    energy_wh, max_power_w = wish(needs)
    row, _new = ChargingNeeds.objects.update_or_create(
        session=session,
        defaults={
            "energy_transfer": needs["requestedEnergyTransfer"],
            "departure_at": _moment(needs.get("departureTime"), received_at),
            "energy_wh": energy_wh,
            "max_power_w": max_power_w,
            "needs": needs,
            "max_schedule_tuples": payload.get("maxScheduleTuples"),
            "received_at": received_at,
            "answer": status,
        },
    )
    if status == ACCEPTED:
        charging_profiles.set_limit(
            session=session,
            watts=min(limit_w if limit_w is not None else evse.max_power_w, evse.max_power_w),
            reason=REASON,
        )
    signals.after_commit(signals.needs_reported, needs=row)
    return status


def _moment(text: str | None, received_at: datetime) -> datetime | None:
    """A departure may be days ahead, so only what can't be read is left out."""
    if not text:
        return None
    try:
        return wire.parse_time(text)[0]
    except (ValueError, OverflowError):
        return None


def _running(station: Station, evse_number: int) -> Session | None:
    return (
        Session.objects.open()
        .select_related("evse", "station__site")
        .filter(station=station, evse__number=evse_number)
        .order_by("-started_at")
        .first()
    )


@transaction.atomic
def planned(*, station: Station, payload: dict, received_at: datetime) -> str:
    """NotifyEVChargingSchedule: what the car means to draw within the limit (K17)."""
    session = _running(station, payload["evseId"])
    if session is None:
        return REJECTED
    row, _new = ChargingNeeds.objects.update_or_create(
        session=session,
        defaults={
            "schedule": payload["chargingSchedule"],
            "schedule_from": wire.device_time(payload["timeBase"], received_at)[0],
        },
    )
    signals.after_commit(signals.needs_reported, needs=row)
    return ACCEPTED


@transaction.atomic
def priority_changed(*, station: Station, transaction_id: str, activated: bool) -> None:
    """2.1 NotifyPriorityCharging: at the charger itself, the driver asked for all the power there is."""
    session = Session.objects.filter(station=station, transaction_id=transaction_id).first()
    if session is not None:
        ChargingNeeds.objects.update_or_create(session=session, defaults={"has_priority": activated})


class NotPossible(Refused):
    default = "That takes a charger that speaks OCPP 2.1, and a running session."


def use_priority(*, session: Session, activate: bool, by=None) -> Command:
    """2.1: let this session charge by the station's priority profile (K22)."""
    return _about(session, "UsePriorityCharging", {"activate": activate}, by)


def allow_transfer(*, session: Session, allowed: list[str], by=None) -> Command:
    """2.1: which ways of transferring energy the session may use from now on (Q)."""
    return _about(session, "NotifyAllowedEnergyTransfer", {"allowedEnergyTransfer": allowed}, by)


def _about(session: Session, action: str, payload: dict, by) -> Command:
    station = session.station
    if station.ocpp_version != "2.1" or not session.is_open:
        raise NotPossible
    payload = {"transactionId": session.transaction_id, **payload}
    return commands.send(station=station, action=action, payload=payload, by=by)


@transaction.atomic
def command_finished(command: Command) -> None:
    if command.action not in ("UsePriorityCharging", "NotifyAllowedEnergyTransfer") or not command.accepted:
        return
    transaction_id = command.payload["transactionId"]
    session = Session.objects.filter(station=command.station, transaction_id=transaction_id).first()
    if session is None:
        return
    found = (
        {"has_priority": command.payload["activate"]}
        if command.action == "UsePriorityCharging"
        else {"allowed_transfer": command.payload["allowedEnergyTransfer"]}
    )
    ChargingNeeds.objects.update_or_create(session=session, defaults=found)


def latest(evse: Evse) -> ChargingNeeds | None:
    """Of the session that runs there."""
    return ChargingNeeds.objects.filter(session__evse=evse, session__stopped_at=None).first()
