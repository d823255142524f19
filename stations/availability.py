"""In and out of service by our wish: now, at a time, and again where a charger forgot it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from evportal.accounts.models import ApiKey, User
from stations import commands, signals
from stations.exceptions import Refused
from stations.models import AvailabilityPlan, Command, Connector, Evse, State, Station

Plan = AvailabilityPlan
#: A wish without an end waits so long for a charger that is away.
WAIT = timedelta(days=7)
#: A charger that says yes and does otherwise is asked again after so long, or when it has restarted.
ASK_AGAIN = timedelta(minutes=10)
#: States in which an EVSE would take a car. While one charges, the closure waits for its end ("Scheduled").
TAKES_CARS = (State.AVAILABLE, State.PREPARING, State.OCCUPIED, State.RESERVED)


class WrongTimes(Refused):
    default = "It must end after it begins, and in the future."


class NoSuchPlace(Refused):
    default = "There is no such EVSE or connector on this charger, or its version can't be told about it."


class NothingToCancel(Refused):
    default = "It is over already."


def forgot(*, state: str, told_at: datetime | None, booted_at: datetime | None, now: datetime) -> bool:
    """Whether a station must be told once more that this EVSE is out of service."""
    if state not in TAKES_CARS:
        return False
    if told_at is None or (booted_at is not None and booted_at > told_at):
        return True
    return now - told_at > ASK_AGAIN


@transaction.atomic
def plan(
    *,
    station: Station,
    evse: Evse | None = None,
    connector: Connector | None = None,
    starts_at: datetime,
    ends_at: datetime | None = None,
    reason: str = "",
    by: User | ApiKey | None = None,
    now: datetime,
) -> Plan:
    """Take a place out of service at that time, which may be now, and back in at its end."""
    if ends_at is not None and (ends_at <= starts_at or ends_at <= now):
        raise WrongTimes
    if (evse and evse.station_id != station.pk) or (connector and (not evse or connector.evse_id != evse.pk)):
        raise NoSuchPlace
    if connector and station.ocpp_version in ("", "1.6"):
        raise NoSuchPlace
    made = Plan.objects.create(
        station=station,
        evse=evse,
        connector=connector,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
    )
    if starts_at <= now:
        _begin(made, now)
    signals.after_commit(signals.availability_planned, plan=made)
    return made


@transaction.atomic
def begin(*, plan: Plan, now: datetime) -> None:
    """Its time has come; a second run changes nothing."""
    if (found := _locked(plan, Plan.State.PLANNED)) is not None:
        _begin(found, now)
        signals.after_commit(signals.availability_planned, plan=found)


def _begin(plan: Plan, now: datetime) -> None:
    keep_for = max(plan.ends_at - now, timedelta(seconds=1)) if plan.ends_at else WAIT
    plan.state = Plan.State.RUNNING
    plan.closing = _tell(plan.station, plan.evse, plan.connector, False, plan, keep_for, now)
    plan.save(update_fields=["state", "closing"])


@transaction.atomic
def end(*, plan: Plan, now: datetime) -> None:
    """Back into service, unless another plan keeps the place out of it."""
    if (found := _locked(plan, Plan.State.RUNNING)) is None:
        return
    found.state, found.ends_at = Plan.State.OVER, min(found.ends_at or now, max(now, found.starts_at))
    if found.ends_at <= found.starts_at:
        found.ends_at = found.starts_at + timedelta(seconds=1)
    _reopen(found, now)
    found.save(update_fields=["state", "ends_at", "opening"])
    signals.after_commit(signals.availability_planned, plan=found)


@transaction.atomic
def cancel(*, plan: Plan, now: datetime) -> None:
    """What has not begun will not; what runs ends now. Raises `NothingToCancel`."""
    if (found := _locked(plan, Plan.State.PLANNED)) is not None:
        found.state = Plan.State.CANCELLED
        found.save(update_fields=["state"])
        signals.after_commit(signals.availability_planned, plan=found)
    elif Plan.objects.running().filter(pk=plan.pk).exists():
        end(plan=plan, now=now)
    else:
        raise NothingToCancel


@transaction.atomic
def open_now(
    *,
    station: Station,
    evse: Evse | None = None,
    connector: Connector | None = None,
    by: User | ApiKey | None = None,
    keep_for: timedelta | None = None,
    now: datetime,
) -> Command:
    """Into service now, whatever was planned for the place; `ChargerOffline` unless it may wait."""
    command = commands.change_availability(
        station=station,
        evse=evse,
        connector_number=connector.number if connector else None,
        operative=True,
        by=by,
        keep_for=keep_for,
    )
    ended = Plan.objects.running().filter(station=station)
    if connector:
        ended = ended.filter(connector=connector)
    elif evse:
        ended = ended.filter(evse=evse)
    for running in ended.select_for_update():
        running.state, running.opening = Plan.State.OVER, command
        running.ends_at = max(now, running.starts_at + timedelta(seconds=1))
        running.save(update_fields=["state", "opening", "ends_at"])
        signals.after_commit(signals.availability_planned, plan=running)
    _cancel_waiting(station, evse, keep=command)
    _wish(station, evse, connector, True, now)
    return command


def _locked(plan: Plan, state: str) -> Plan | None:
    return (
        Plan.objects.select_for_update(of=("self",))
        .select_related("station", "evse", "connector")
        .filter(pk=plan.pk, state=state)
        .first()
    )


def _reopen(plan: Plan, now: datetime) -> None:
    """Tell the station of every part of the plan's place that nothing else keeps out of service."""
    others = list(Plan.objects.running().filter(station=plan.station).exclude(pk=plan.pk))
    if plan.connector:
        if not any(each.covers(plan.evse, plan.connector) for each in others):
            plan.opening = _tell(plan.station, plan.evse, plan.connector, True, plan, WAIT, now)
        return
    places = [plan.evse] if plan.evse else list(plan.station.evses.order_by("number"))
    free = [evse for evse in places if not any(each.covers(evse) for each in others)]
    if not plan.evse and len(free) == len(places):
        plan.opening = _tell(plan.station, None, None, True, plan, WAIT, now)
        return
    for evse in free:
        plan.opening = _tell(plan.station, evse, None, True, plan, WAIT, now)


def _tell(station, evse, connector, operative: bool, plan: Plan, keep_for: timedelta, now) -> Command:
    command = commands.change_availability(
        station=station,
        evse=evse,
        connector_number=connector.number if connector else None,
        operative=operative,
        by=plan.created_by or plan.api_key,
        reason=plan.reason or "planned time out of service",
        keep_for=keep_for,
    )
    _cancel_waiting(station, evse, keep=command)
    _wish(station, evse, connector, operative, now)
    return command


def _cancel_waiting(station: Station, evse: Evse | None, keep: Command) -> None:
    """A newer wish for the same place: a charger that comes back must not be told the older one after it."""
    waiting = Command.objects.filter(
        station=station, action="ChangeAvailability", status=Command.Status.QUEUED, waits=True
    ).exclude(pk=keep.pk)
    for command in waiting:
        if evse is None or _same_place(command.payload, keep.payload):
            commands.finish(
                command.pk,
                status=Command.Status.CANCELLED,
                error_description="A newer wish took its place.",
            )


def _same_place(one: dict, other: dict) -> bool:
    return all(one.get(name) == other.get(name) for name in ("connectorId", "evse"))


def _wish(station: Station, evse: Evse | None, connector: Connector | None, operative: bool, now) -> None:
    if connector:
        Connector.objects.filter(pk=connector.pk).update(wanted_operative=operative)
        return
    evses = Evse.objects.filter(pk=evse.pk) if evse else Evse.objects.filter(station=station)
    evses.update(wanted_operative=operative, wanted_told_at=now)
    Connector.objects.filter(evse__in=evses).update(wanted_operative=operative)


@transaction.atomic
def command_finished(command: Command) -> None:
    """Whoever had it sent, by hand or to many: what the charger said yes to is what we want from then on."""
    if command.action != "ChangeAvailability" or not command.accepted:
        return
    wanted = asked_for(command.payload)
    if wanted is None:
        return
    operative, number, connector = wanted
    evses = Evse.objects.filter(station=command.station_id)
    evses = evses.filter(number=number) if number else evses
    if connector:
        Connector.objects.filter(evse__in=evses, number=connector).update(wanted_operative=operative)
        return
    # A newer wish may wait behind this one.
    older = evses.filter(Q(wanted_told_at=None) | Q(wanted_told_at__lte=command.created_at))
    changed = list(older.exclude(wanted_operative=operative).values_list("pk", flat=True))
    Evse.objects.filter(pk__in=changed).update(wanted_operative=operative, wanted_told_at=command.created_at)
    Connector.objects.filter(evse__in=changed).update(wanted_operative=operative)


def asked_for(payload: dict) -> tuple[bool, int, int] | None:
    """(operative, EVSE or 0, connector or 0) of a ChangeAvailability of any version."""
    word = payload.get("type") or payload.get("operationalStatus")
    if word not in ("Operative", "Inoperative"):
        return None
    place = payload.get("evse") or {}
    return word == "Operative", payload.get("connectorId") or place.get("id", 0), place.get("connectorId", 0)


def follow(now: datetime) -> None:
    """Begin and end what is due, and tell chargers again what they forgot."""
    due = Plan.objects.filter(state=Plan.State.PLANNED, starts_at__lte=now).order_by("starts_at")
    for each in due[:200]:
        begin(plan=each, now=now)
    over = Plan.objects.running().filter(ends_at__lte=now).order_by("ends_at")
    for each in over[:200]:
        end(plan=each, now=now)
    remind(now)


def remind(now: datetime) -> None:
    """EVSEs that would take cars though we want them out of service: the charger restarted, or forgot."""
    unwanted = Evse.objects.filter(
        wanted_operative=False,
        state__in=TAKES_CARS,
        station__connection__isnull=False,
        # What it said before it restarted says nothing about now.
        state_at__gte=F("station__connected_at"),
    ).select_related("station")
    for evse in unwanted[:1000]:
        if not forgot(
            state=evse.state, told_at=evse.wanted_told_at, booted_at=evse.station.booted_at, now=now
        ):
            continue
        won = Evse.objects.filter(pk=evse.pk, wanted_told_at=evse.wanted_told_at).update(wanted_told_at=now)
        if won:
            commands.change_availability(
                station=evse.station,
                evse=evse,
                operative=False,
                reason="the charger forgot that it is out of service",
                keep_for=timedelta(minutes=5),
            )
