"""NotifyEvent: what a 2.x station's own monitors saw (block N), kept once and, for states, acted upon."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from stations import events, faults, signals
from stations.models import Event, Evse, Monitor, Session, State, Station
from stations.ocpp import wire

PROBLEM = "Problem"


def severity(said: int | None, monitored: int | None, words: dict) -> int:
    """2.1 says it, else the monitor; else a problem is graver than a value that has changed. Pure."""
    if words.get("cleared"):
        return 7
    given = said if said is not None else monitored
    if given is not None:
        return given
    if words["variable"]["name"] == PROBLEM:
        return 3 if is_true(words["actualValue"]) else 7
    return 4 if words["trigger"] == "Alerting" else 8


def is_true(value: object) -> bool:
    return str(value).strip().casefold() in ("true", "1")


def is_over(words: dict) -> bool:
    """A condition told of before has ended: the station says so, or its problem is false."""
    problem_over = words["variable"]["name"] == PROBLEM and not is_true(words["actualValue"])
    return bool(words.get("cleared")) or problem_over


@transaction.atomic
def notified(*, station: Station, payload: dict, received_at: datetime) -> list[Event]:
    """One part of a NotifyEvent; what came before under the same number and time is left out."""
    _one_at_a_time(station)
    evses = {evse.number: evse for evse in station.evses.all()}
    numbers = {words["eventId"] for words in payload["eventData"]}
    known = set(Event.objects.filter(station=station, number__in=numbers).values_list("number", "at"))
    monitors = {row.monitor_id: row for row in Monitor.objects.filter(station=station, state="set")}
    found = []
    for words in payload["eventData"]:
        at, _flag = wire.device_time(words["timestamp"], received_at)
        if (words["eventId"], at) in known:
            continue
        known.add((words["eventId"], at))
        component, variable = words["component"], words["variable"]
        place = component.get("evse") or {}
        evse = evses.get(place.get("id"))
        monitor = monitors.get(words.get("variableMonitoringId"))
        if monitor is not None:
            Monitor.objects.filter(pk=monitor.pk).update(
                last_value=str(words["actualValue"]).replace("\x00", "")[:500], last_value_at=at
            )
        over = is_over(words)
        found.append(
            Event(
                station=station,
                evse=evse,
                kind=Event.Kind.MONITOR,
                code=f"{component['name']}.{variable['name']}",
                severity=severity(words.get("severity"), monitor.severity if monitor else None, words),
                at=at,
                received_at=received_at,
                text=" · ".join(filter(None, [words.get("techCode"), words.get("techInfo")])),
                component=_named(component) + (f" #{place['connectorId']}" if "connectorId" in place else ""),
                variable=_named(variable),
                value=words["actualValue"],
                is_cleared=over,
                number=words["eventId"],
                cause_number=words.get("cause"),
                transaction_id=words.get("transactionId") or "",
            )
        )
        if over and variable["name"] == PROBLEM and evse is not None:
            _recovered(evse, received_at)
    return events.record(found)


def _named(words: dict) -> str:
    return f"{words['name']} ({words['instance']})" if words.get("instance") else words["name"]


def _one_at_a_time(station: Station) -> None:
    """Two workers with the same repeated message: the second one then finds what the first one stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('evportal.events'), %s)", [station.pk])


def _recovered(evse: Evse, received_at: datetime) -> None:
    """The problem is over: the EVSE is what it would be without it, until the station says more."""
    in_use = Session.objects.open().filter(evse=evse).exists()
    won = Evse.objects.filter(pk=evse.pk, state=State.FAULTED, state_at__lte=received_at).update(
        state=State.OCCUPIED if in_use else State.AVAILABLE,
        state_at=received_at,
        state_since=received_at,
        error_code="",
        vendor_error="",
        error_info="",
    )
    if won:
        changed = list(Evse.objects.select_related("station__site").filter(pk=evse.pk))
        faults.note(changed)
        signals.after_commit(signals.status_changed, evses=changed)
