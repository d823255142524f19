"""The journal's reading end: batches of frames → readings, states and session totals, in bulk.

Idempotent: readings have a natural key and conflicts are ignored, states and totals take the newest by our
receive time, so a batch may be ingested any number of times, in any order.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from stations import (
    clocks,
    faults,
    metering,
    orphans,
    progress,
    quirks,
    series,
    signals,
    signed,
    station_states,
    storing,
)
from stations.facts import Fact, Flow, Metered, Progress, Reported, Signed
from stations.meter import POWER, SOC, Sample
from stations.models import Batch, Evse, Message, Session, State, Station
from stations.models.station import IN_USE
from stations.ocpp import frames, versions
from stations.ocpp.routing import Incoming
from stations.sessions import find_evse

log = logging.getLogger(__name__)

#: Frames that one transaction takes, roughly, when there is a backlog: what it costs for each session that
#: they are about is shared by all of them, and yet nobody waits long for a row that it has locked.
AT_ONCE = 4000
#: Batches that are locked at a time until there are so many frames: what one worker locks and then leaves,
#: another one can't take meanwhile.
CHUNK = 200
#: A frame's time is when it came; its batch's is when it was committed.
COMMITTED_WITHIN = timedelta(hours=1)

#: What a worker does with one message by itself (`Route.later`).
Later = Callable[[Incoming], None]

FLOW_STATES = {
    "Charging": State.CHARGING,
    "SuspendedEV": State.SUSPENDED_EV,
    "SuspendedEVSE": State.SUSPENDED_EVSE,
    "EVConnected": State.OCCUPIED,
    "Idle": State.FINISHING,
}


class Frame(NamedTuple):
    """One frame that a batch says is to be ingested."""

    at: datetime
    station_id: int
    message_id: str
    action: str
    version: str
    text: str


@dataclass
class Found:
    """What one batch says, by the rows that it changes."""

    readings: dict[tuple, tuple] = field(default_factory=dict)
    states: dict[int, Reported] = field(default_factory=dict)
    #: Of stations as a whole, by their keys.
    station_states: dict[int, Reported] = field(default_factory=dict)
    flows: dict[UUID, Flow] = field(default_factory=dict)
    totals: dict[UUID, Totals] = field(default_factory=dict)
    stations: set[int] = field(default_factory=set)
    later: list[tuple[Incoming, Later]] = field(default_factory=list)
    progress: list[tuple[Progress, Session]] = field(default_factory=list)
    signed: list[tuple[Signed, Evse, Session | None, datetime]] = field(default_factory=list)


@dataclass
class Totals:
    """A session's newest values in a batch, and all of its energy's."""

    energy: list[Sample] = field(default_factory=list)
    #: Some of it named no transaction.
    is_guessed: bool = False
    power_w: Decimal | None = None
    soc: Decimal | None = None
    last_at: datetime | None = None
    power_at: datetime | None = None


def ingest(batch_id: UUID, *, wait: bool = False) -> bool:
    """Ingest one batch; False where it is done already, or another worker has it and we don't `wait`."""
    waiting = Batch.objects.select_for_update(skip_locked=not wait).filter(pk=batch_id, done_at=None)
    return _ingest(waiting) > 0


def ingest_waiting(most: int = AT_ONCE) -> int:
    """Ingest what waits, the oldest first, about `most` frames; returns how many batches it was.

    Together they cost hardly more than one: every statement is in bulk.
    """
    waiting = Batch.objects.select_for_update(skip_locked=True).filter(done_at=None, attempts=0)
    return _ingest(waiting, most)


def _taken(waiting: QuerySet[Batch], most: int) -> tuple[dict[UUID, datetime], bool]:
    """When the oldest of them came, of about `most` frames together, and whether others wait behind them."""
    batches: dict[UUID, datetime] = {}
    taken = 0
    while True:
        rows = waiting.exclude(pk__in=batches).order_by("received_at")[:CHUNK]
        chunk = list(rows.values_list("pk", "received_at", "messages"))
        for pk, received_at, messages in chunk:
            if batches and taken + messages > most:
                return batches, True
            batches[pk] = received_at
            taken += messages
        if len(chunk) < CHUNK:
            return batches, False


def _ingest(waiting: QuerySet[Batch], most: int = AT_ONCE) -> int:
    with transaction.atomic():
        batches, more_to_come = _taken(waiting, most)
        if not batches:
            return 0
        found = _read(_messages(batches))
        storing.readings(found)
        changed = storing.states(found)
        whole = station_states.store(found.station_states)
        storing.totals(found, more_to_come=more_to_come)
        signed.store(found.signed)
        progress.store(found.progress)
        series.touch((row[0], row[1]) for row in found.readings.values())
        for incoming, later in found.later:
            _do(incoming, later)
        Batch.objects.filter(pk__in=batches).update(done_at=timezone.now(), error="")
        if changed or whole:
            evses = list(Evse.objects.select_related("station__site").filter(pk__in=changed))
            faults.note(evses, whole)
        if changed:
            signals.after_commit(signals.status_changed, evses=evses)
        if found.totals or found.flows:
            signals.after_commit(
                signals.readings_recorded,
                session_ids=sorted(found.totals.keys() | found.flows.keys()),
                station_ids=sorted(found.stations),
            )
    return len(batches)


def _messages(batches: dict[UUID, datetime]) -> list[Frame]:
    """The batches' frames, in the order in which they came."""
    times = batches.values()
    with connection.cursor() as cursor:
        # The bounds keep it to one or two days' partitions; a frame is committed soon after it came.
        cursor.execute(
            "SELECT at, station_id, message_id, action, version, frame FROM stations_message "
            "WHERE batch = ANY(%s) AND at >= %s AND at < %s ORDER BY at",
            [list(batches), min(times) - COMMITTED_WITHIN, max(times) + COMMITTED_WITHIN],
        )
        return [Frame(*row) for row in cursor.fetchall()]


def _facts(frame: Frame) -> tuple[list[Fact], dict, Later | None]:
    """(facts, payload, what is to be done) of one frame; one that makes no sense is logged, never fatal."""
    try:
        call = frames.Call(frame.message_id, frame.action, frames.load(frame.text)[3])
        route = versions.ROUTES[frame.version][frame.action]
        payload = frames.checked(call, frame.version, route.free_texts, route.identifiers)
        return list(route.facts(payload, frame.at)) if route.facts else [], payload, route.later
    except Exception:
        log.exception("Message %s of station %s can't be ingested", frame.message_id, frame.station_id)
        return [], {}, None


def _do(incoming: Incoming, later: Later) -> None:
    """One message's own effect; a failure undoes only itself and leaves the frame in the log."""
    try:
        with transaction.atomic():
            later(incoming)
    except OperationalError:
        # A deadlock or a lost database: the batch is tried again as a whole.
        raise
    except Exception:
        log.exception("Message %s of station %s had no effect", incoming.message_id, incoming.station.pk)


def _read(said: list[Frame]) -> Found:
    found = Found()
    read = [(frame, *_facts(frame)) for frame in said]
    known = Known(read)
    for frame, each, payload, later in read:
        station = known.stations.get(frame.station_id)
        if station is None:
            # It was deleted meanwhile.
            continue
        if later is not None:
            incoming = Incoming(station, frame.version, payload, frame.at, frame.message_id)
            found.later.append((incoming, later))
        for fact in each:
            _take(found, known, station, frame.at, fact)
    return found


def _take(found: Found, known: Known, station: Station, received_at: datetime, fact: Fact) -> None:
    """One fact, to where its kind belongs."""
    session = known.session(station, fact)
    if isinstance(fact, Flow):
        if session is not None:
            found.flows[session.pk] = fact
            state = Reported(session.evse.number, FLOW_STATES[fact.charging_state], fact.received_at)
            _keep_state(found, session.evse_id, state)
        return
    if isinstance(fact, Progress):
        if session is not None:
            found.progress.append((fact, session))
        return
    if isinstance(fact, Reported) and fact.evse_number == 0:
        found.station_states[station.pk] = fact
        return
    if session is None and isinstance(fact, Metered):
        session = _owner(found, known, station, received_at, fact)
    evse = session.evse if session is not None else known.evse(station, fact.evse_number)
    if evse is None:
        return
    found.stations.add(station.pk)
    if isinstance(fact, Reported):
        _keep_state(found, evse.pk, fact)
    elif isinstance(fact, Signed):
        found.signed.append((fact, evse, session, received_at))
    else:
        special = known.quirks.get(station.pk, quirks.NONE)
        meant = (quirks.read(sample, station, evse, special) for sample in fact.samples)
        _keep_readings(found, [each for each in meant if each], evse.pk, session, received_at)


def _owner(
    found: Found, known: Known, station: Station, received_at: datetime, fact: Metered
) -> Session | None:
    """Whose readings these are, where they name no transaction of this station."""
    if fact.transaction_id:
        if fact.payload is not None:
            orphans.metered(
                station=station,
                transaction_id=fact.transaction_id,
                payload=fact.payload,
                received_at=received_at,
            )
        return None
    session = known.running.get((station.pk, fact.evse_number)) if fact.is_of_session else None
    if session is not None:
        found.totals.setdefault(session.pk, Totals()).is_guessed = True
    return session


class Known:
    """What the database knows of the stations, EVSEs and sessions that a batch is about."""

    def __init__(self, read):
        said = [(frame, each) for frame, each, _payload, _later in read]
        ids = {frame.station_id for frame, _each in said}
        self.stations: dict[int, Station] = Station.objects.select_related("site").in_bulk(ids)
        for station_id, heard in _heard(read).items():
            if station_id in self.stations:
                clocks.note(self.stations[station_id], heard)
        self.quirks = quirks.for_stations(self.stations.values())
        evses = Evse.objects.filter(station__in=self.stations).order_by()
        self._evses = {(row.station_id, row.number): row for row in evses}
        self._sessions = _sessions(said)
        progress.assume(said, self.stations, self._sessions)
        progress.place(said, self._sessions)
        self.running = progress.running(said, self.stations)

    def session(self, station: Station, fact: Fact) -> Session | None:
        """The station's own; another station's is never touched, whatever number a message names."""
        transaction_id = getattr(fact, "transaction_id", "")
        return self._sessions.get((station.pk, transaction_id)) if transaction_id else None

    def evse(self, station: Station, number: int) -> Evse | None:
        key = (station.pk, number)
        if number >= 1 and key not in self._evses:
            self._evses[key] = find_evse(station, number)
        return self._evses.get(key)


def _heard(read) -> dict[int, list[tuple[datetime, datetime]]]:
    """When we received each message and when its charger says that it was, by station."""
    heard: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for frame, _each, payload, _later in read:
        said_at = clocks.newest(payload)
        if said_at is not None:
            heard[frame.station_id].append((frame.at, said_at))
    return heard


def _sessions(said) -> dict[tuple[int, str], Session]:
    wanted: dict[int, set[str]] = defaultdict(set)
    for frame, each in said:
        for fact in each:
            if getattr(fact, "transaction_id", ""):
                wanted[frame.station_id].add(fact.transaction_id)
    if not wanted:
        return {}
    rows = Session.objects.select_related("evse").filter(
        station__in=wanted, transaction_id__in=set().union(*wanted.values()), is_superseded=False
    )
    return {(row.station_id, row.transaction_id): row for row in rows}


def _keep_state(found: Found, evse_id: int, fact: Reported) -> None:
    known = found.states.get(evse_id)
    if known is not None and known.received_at > fact.received_at:
        return
    # 2.x says only “Occupied”; what flows, the transaction's own events tell better.
    if known is not None and fact.state == State.OCCUPIED and known.state in IN_USE:
        return
    found.states[evse_id] = fact


def _keep_readings(
    found: Found, samples: list[Sample], evse_id: int, session: Session | None, received_at: datetime
) -> None:
    totals = found.totals.setdefault(session.pk, Totals()) if session is not None else None
    for sample in samples:
        key = (evse_id, sample.at, sample.measurand, sample.phase, sample.location, sample.context)
        found.readings.setdefault(
            key, (*key, session.pk if session else None, received_at, sample.value, sample.unit, sample.flag)
        )
        if totals is not None:
            _add(totals, sample)


def _add(totals: Totals, sample: Sample) -> None:
    if sample.measurand in metering.MEASURANDS:
        totals.energy.append(sample)
    if sample.phase or sample.location not in ("Outlet", "EV") or not sample.is_sound:
        return
    totals.last_at = max(filter(None, [totals.last_at, sample.at]))
    if sample.measurand == POWER and (totals.power_at is None or sample.at >= totals.power_at):
        totals.power_at, totals.power_w = sample.at, sample.value
    elif sample.measurand == SOC:
        totals.soc = sample.value


def settle(station: Station, until: datetime) -> int:
    """Ingest now whatever is still waiting of what this station sent up to then; returns how many batches."""
    waiting = dict(
        Batch.objects.filter(done_at=None, received_at__lte=until).values_list("pk", "received_at")
    )
    done = _settle(station, waiting) if waiting else 0
    for session_id in metering.stale(Session.objects.filter(station=station)):
        metering.reckon_stale(session_id)
    return done


def _settle(station: Station, waiting: dict[UUID, datetime]) -> int:
    mine = Message.objects.filter(
        batch__in=list(waiting), station=station, at__gte=min(waiting.values()) - COMMITTED_WITHIN
    ).values_list("batch", flat=True)
    rows = Batch.objects.select_for_update().filter(pk__in=set(mine), done_at=None)
    done = 0
    while count := _ingest(rows):
        done += count
    return done
