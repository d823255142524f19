"""Ask stations once after each boot what they can do, and keep their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from stations import commands
from stations.abilities import reading
from stations.abilities.reading import Able
from stations.models import Abilities, Command, Setting, Station, TokenRules

__all__ = ["Able", "ask", "ask_due", "awaited", "command_finished", "of", "of_many"]

#: Many stations are busy for a moment after their boot.
SETTLE = timedelta(seconds=5)
AGAIN = timedelta(minutes=30)
#: By this a question's answer is known again.
REASON = "what it can do"
#: Variables in one question: how many a station takes, it says only when asked.
ITEMS = 8
#: So long an answer is waited for before the station is taken to be able.
ANSWER = timedelta(seconds=10)
#: Of so many a plan asks at once.
AT_ONCE = 50
SAYS = ("Available", "Enabled")


def of(station: Station) -> Able:
    """What the station can do; nothing, as long as it has not said so."""
    row = Abilities.objects.filter(station=station).select_related("station").first()
    return of_many([row])[station.pk] if row is not None else Able()


def of_many(rows: Iterable[Abilities]) -> dict[int, Able]:
    """The same for many, by station.

    How long its list may be, a 2.x station says in one of two places: MaxSet, or `maxLimit` of its report.
    """
    found = {row.station_id: reading.able(row.station.ocpp_version, row.told) for row in rows}
    unsaid = [pk for pk, able in found.items() if able.local_list and able.list_entries is None]
    limits = Setting.objects.filter(station__in=unsaid, path="LocalAuthListCtrlr/Entries", maximum__gt=0)
    for pk, maximum in limits.values_list("station", "maximum"):
        found[pk] = replace(found[pk], list_entries=int(maximum))
    _from_the_device_model(found)
    return found


#: Of the device model, where it was reported and the station answered no question about it.
LIMITED = {f"SmartChargingCtrlr/{variable}": f"SmartChargingCtrlr.{variable}" for variable in SAYS}


def _from_the_device_model(found: dict[int, Able]) -> None:
    unsaid = [pk for pk, able in found.items() if able.smart_charging is None]
    told: dict[int, dict[str, str]] = {}
    rows = Setting.objects.filter(station__in=unsaid, path__in=LIMITED, read_at__isnull=False)
    for pk, path, value in rows.values_list("station", "path", "value"):
        if value is not None:
            told.setdefault(pk, {})[LIMITED[path]] = value
    for pk, said in told.items():
        found[pk] = replace(found[pk], smart_charging=reading.able("2.0.1", said).smart_charging)


def awaited(rows: Mapping[int, Abilities], stations: Iterable[Station], now: datetime) -> set[int]:
    """2.x stations that are there and have yet to say what they can do; who hasn't been asked is asked now.

    A station that doesn't answer within `ANSWER` is no longer waited for.
    """
    waiting, asked = set(), 0
    for station in stations:
        if not station.is_online or station.ocpp_version in ("", "1.6"):
            continue
        row = rows.get(station.pk)
        since = row.asked_at if row is not None else None
        is_old = since is None or bool(station.connected_at and since < station.connected_at)
        if is_old and (row is None or row.known_at is None):
            if station.registration != Station.Registration.ACCEPTED:
                continue
            waiting.add(station.pk)
            if asked < AT_ONCE:
                ask(station=station, now=now)
                asked += 1
        elif since is not None and row.known_at is None and now - since < ANSWER:
            waiting.add(station.pk)
    return waiting


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
def ask(*, station: Station, now: datetime, by=None) -> list[Command]:
    """Ask what the station can do; a station may refuse a question without harm."""
    Abilities.objects.update_or_create(
        station=station, defaults={"asked_at": now, "known_at": None, "told": {}}
    )
    if station.ocpp_version in ("", "1.6"):
        questions = [("GetConfiguration", {"key": list(reading.KEYS_16)})]
    else:
        variables = reading.VARIABLES + (reading.VARIABLES_21 if station.ocpp_version == "2.1" else ())
        asked = [_variable(*variable) for variable in variables]
        asked.insert(7, _variable("LocalAuthListCtrlr", "Entries", "") | {"attributeType": "MaxSet"})
        parts = [asked[at : at + ITEMS] for at in range(0, len(asked), ITEMS)]
        questions = [("GetVariables", {"getVariableData": part}) for part in parts]
    return [
        commands.send(station=station, action=action, payload=payload, by=by, reason=REASON)
        for action, payload in questions
    ]


def _variable(component: str, variable: str, instance: str) -> dict:
    named = {"name": variable} | ({"instance": instance} if instance else {})
    return {"component": {"name": component}, "variable": named}


@transaction.atomic
def command_finished(command: Command) -> None:
    """Keep the answer to `ask`; then tell a 2.x station which group is its master."""
    if command.reason != REASON or command.status != Command.Status.ANSWERED:
        return
    row = Abilities.objects.select_for_update().filter(station=command.station_id).first()
    if row is None:
        return
    answer = command.response or {}
    read = reading.from_configuration if command.action == "GetConfiguration" else reading.from_variables
    told = read(answer)
    row.told, row.known_at = row.told | told, command.answered_at
    row.save(update_fields=["told", "known_at"])
    station = Station.objects.select_related("site").get(pk=command.station_id)
    if "AuthCtrlr.MasterPassGroupId" in told:
        _tell_master(station, reading.able(station.ocpp_version, told))


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
