"""Ask stations once after each boot what they can do, and keep their answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from stations import commands
from stations.abilities import reading
from stations.abilities.reading import Able
from stations.models import Abilities, Command, Station, TokenRules

__all__ = ["Able", "ask", "ask_due", "command_finished", "of"]

#: Many stations are busy for a moment after their boot.
SETTLE = timedelta(seconds=5)
AGAIN = timedelta(minutes=30)


def of(station: Station) -> Able:
    """What the station can do; nothing, as long as it has not said so."""
    row = Abilities.objects.filter(station=station).first()
    return reading.able(station.ocpp_version, row.told) if row is not None else Able()


def ask_due(now: datetime) -> int:
    """Ask the stations that are there and have not been asked since they came."""
    newly = (
        Q(abilities=None)
        | Q(abilities__asked_at=None)
        | Q(abilities__asked_at__lt=F("booted_at"))
        | Q(abilities__asked_at__lt=F("connected_at"), abilities__known_at=None)
        | Q(abilities__asked_at__lt=now - AGAIN, abilities__known_at=None)
    )
    due = Station.objects.filter(
        newly,
        connection__isnull=False,
        registration=Station.Registration.ACCEPTED,
        connected_at__lt=now - SETTLE,
    )
    count = 0
    for station in due.order_by("pk")[:200]:
        ask(station=station, now=now)
        count += 1
    return count


@transaction.atomic
def ask(*, station: Station, now: datetime, by=None) -> Command:
    """Ask what the station can do; a station may refuse a question without harm."""
    if station.ocpp_version in ("", "1.6"):
        action, payload = "GetConfiguration", {"key": list(reading.KEYS_16)}
    else:
        variables = reading.VARIABLES + (reading.VARIABLES_21 if station.ocpp_version == "2.1" else ())
        asked = [_variable(*variable) for variable in variables]
        asked.append(_variable("LocalAuthListCtrlr", "Entries", "") | {"attributeType": "MaxSet"})
        action, payload = "GetVariables", {"getVariableData": asked}
    command = commands.send(station=station, action=action, payload=payload, by=by, reason="what it can do")
    Abilities.objects.update_or_create(
        station=station, defaults={"asked_at": now, "known_at": None, "command": command}
    )
    return command


def _variable(component: str, variable: str, instance: str) -> dict:
    named = {"name": variable} | ({"instance": instance} if instance else {})
    return {"component": {"name": component}, "variable": named}


def command_finished(command: Command) -> None:
    """Keep the answer to `ask`; then tell a 2.x station which group is its master."""
    if command.action not in ("GetConfiguration", "GetVariables"):
        return
    row = Abilities.objects.select_related("station__site").filter(command=command).first()
    if row is None or command.status != Command.Status.ANSWERED:
        return
    answer = command.response or {}
    read = reading.from_configuration if command.action == "GetConfiguration" else reading.from_variables
    row.told, row.known_at = read(answer), command.answered_at
    row.save(update_fields=["told", "known_at"])
    _tell_master(row.station, reading.able(row.station.ocpp_version, row.told))


def _tell_master(station: Station, able: Able) -> None:
    wanted = TokenRules.of(station.site.operator_id).master_group
    if able.master_group is None or not wanted or able.master_group == wanted:
        return
    data = _variable("AuthCtrlr", "MasterPassGroupId", "") | {"attributeValue": wanted}
    commands.send(
        station=station,
        action="SetVariables",
        payload={"setVariableData": [data]},
        reason="who may stop any session",
    )
