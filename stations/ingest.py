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
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from stations import faults, signals, station_states
from stations.facts import Fact, Flow, Metered, Reported
from stations.meter import ENERGY, POWER, SOC, Sample
from stations.models import Batch, Evse, Message, Session, State, Station
from stations.models.station import IN_USE
from stations.ocpp import frames, versions
from stations.ocpp.routing import Incoming
from stations.sessions import find_evse

log = logging.getLogger(__name__)

#: Batches that one transaction takes: a few thousand frames when chargers are busy.
AT_ONCE = 40
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


@dataclass
class Totals:
    """A session's newest values in a batch."""

    energy_wh: Decimal | None = None
    least_wh: Decimal | None = None
    power_w: Decimal | None = None
    soc: Decimal | None = None
    last_at: datetime | None = None
    energy_at: datetime | None = None
    power_at: datetime | None = None


def ingest(batch_id: UUID, *, wait: bool = False) -> bool:
    """Ingest one batch; False where it is done already, or another worker has it and we don't `wait`."""
    waiting = Batch.objects.select_for_update(skip_locked=not wait).filter(pk=batch_id, done_at=None)
    return _ingest(waiting) > 0


def ingest_waiting(most: int = AT_ONCE) -> int:
    """Ingest what waits, the oldest first, `most` batches together; returns how many batches it was.

    Together they cost hardly more than one: every statement is in bulk.
    """
    waiting = Batch.objects.select_for_update(skip_locked=True).filter(done_at=None, attempts=0)
    return _ingest(waiting.order_by("received_at")[:most])


def _ingest(waiting: QuerySet[Batch]) -> int:
    with transaction.atomic():
        batches = dict(waiting.values_list("pk", "received_at"))
        if not batches:
            return 0
        found = _read(_messages(batches))
        _store_readings(found)
        changed = _store_states(found)
        whole = station_states.store(found.station_states)
        _store_totals(found)
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
        call = frames.Call(frame.message_id, frame.action, orjson.loads(frame.text)[3])
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
        if later is not None and (station := known.station(frame.station_id)):
            incoming = Incoming(station, frame.version, payload, frame.at, frame.message_id)
            found.later.append((incoming, later))
        for fact in each:
            session = known.session(frame.station_id, getattr(fact, "transaction_id", ""))
            if isinstance(fact, Flow):
                if session is not None:
                    found.flows[session.pk] = fact
                    state = Reported(0, FLOW_STATES[fact.charging_state], fact.received_at)
                    _keep_state(found, session.evse_id, state)
                continue
            if isinstance(fact, Reported) and fact.evse_number == 0:
                found.station_states[frame.station_id] = fact
                continue
            evse_id = session.evse_id if session else known.evse(frame.station_id, fact.evse_number)
            if evse_id is None:
                continue
            found.stations.add(frame.station_id)
            if isinstance(fact, Reported):
                _keep_state(found, evse_id, fact)
            else:
                _keep_readings(found, fact, evse_id, session, frame.at)
    return found


class Known:
    """What the database knows of the stations, EVSEs and sessions that a batch is about."""

    def __init__(self, read):
        self._read = {frame.station_id for frame, *_rest in read}
        evses = Evse.objects.filter(station__in=self._read).values_list("station_id", "number", "pk")
        self._evses = {(station_id, number): pk for station_id, number, pk in evses}
        self._sessions = _sessions(read)

    @cached_property
    def _stations(self) -> dict[int, Station]:
        return Station.objects.select_related("site").in_bulk(self._read)

    def station(self, station_id: int) -> Station | None:
        """None for one that was deleted meanwhile."""
        return self._stations.get(station_id)

    def session(self, station_id: int, transaction_id: str) -> Session | None:
        """The station's own; another station's is never touched, whatever number a message names."""
        return self._sessions.get((station_id, transaction_id)) if transaction_id else None

    def evse(self, station_id: int, number: int) -> int | None:
        key = (station_id, number)
        if number >= 1 and key not in self._evses and (station := self.station(station_id)):
            self._evses[key] = find_evse(station, number).pk
        return self._evses.get(key)


def _sessions(read) -> dict[tuple[int, str], Session]:
    wanted: dict[int, set[str]] = defaultdict(set)
    for frame, each, _payload, _later in read:
        for fact in each:
            if getattr(fact, "transaction_id", ""):
                wanted[frame.station_id].add(fact.transaction_id)
    if not wanted:
        return {}
    rows = Session.objects.filter(station__in=wanted, transaction_id__in=set().union(*wanted.values()))
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
    found: Found, fact: Metered, evse_id: int, session: Session | None, received_at: datetime
) -> None:
    totals = found.totals.setdefault(session.pk, Totals()) if session is not None else None
    for sample in fact.samples:
        key = (evse_id, sample.at, sample.measurand, sample.phase, sample.location, sample.context)
        found.readings.setdefault(
            key, (*key, session.pk if session else None, received_at, sample.value, sample.unit, sample.flag)
        )
        if totals is not None:
            _add(totals, sample)


def _add(totals: Totals, sample: Sample) -> None:
    if sample.phase or sample.location not in ("Outlet", "EV") or sample.flag:
        return
    totals.last_at = max(filter(None, [totals.last_at, sample.at]))
    if sample.measurand == ENERGY and sample.location == "Outlet":
        totals.least_wh = min(sample.value, totals.least_wh if totals.least_wh is not None else sample.value)
        if totals.energy_at is None or sample.at >= totals.energy_at:
            totals.energy_at, totals.energy_wh = sample.at, sample.value
    elif sample.measurand == POWER and (totals.power_at is None or sample.at >= totals.power_at):
        totals.power_at, totals.power_w = sample.at, sample.value
    elif sample.measurand == SOC:
        totals.soc = sample.value


def _store_readings(found: Found) -> None:
    if not found.readings:
        return
    columns = "evse_id, at, measurand, phase, location, context, session_id, received_at, value, unit, flag"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (evse_id bigint, at timestamptz, measurand text, "
            "phase text, location text, context text, session_id uuid, received_at timestamptz, "
            "value numeric, unit text, flag text) ON COMMIT DELETE ROWS"
        )
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in found.readings.values():
                copy.write_row(row)
        # Sorted, so that two workers never wait for each other in a circle.
        order = "evse_id, at, measurand, phase, location, context"
        insert = f"INSERT INTO stations_reading ({columns}) SELECT {columns} FROM incoming"  # noqa: S608
        cursor.execute(f"{insert} ORDER BY {order} ON CONFLICT DO NOTHING")


def _store_states(found: Found) -> list[int]:
    """Newest by our receive time wins; returns the EVSEs whose state is another one now."""
    if not found.states:
        return []
    rows = sorted(found.states.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM stations_evse WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [[pk for pk, _f in rows]],
        )
        cursor.execute(
            """
            UPDATE stations_evse AS evse SET
                state_since = CASE WHEN evse.state = new.state THEN evse.state_since ELSE new.at END,
                state = new.state, state_at = new.at,
                -- 2.x tells why in another message than the state itself: that must not wipe it out.
                error_code = CASE WHEN same THEN evse.error_code ELSE new.error_code END,
                vendor_error = CASE WHEN same THEN evse.vendor_error ELSE new.vendor_error END,
                error_info = CASE WHEN same THEN evse.error_info ELSE new.info END
            FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])
                AS new (id, state, at, error_code, vendor_error, info),
                stations_evse AS old,
                LATERAL (
                    SELECT new.state = 'faulted' AND old.state = 'faulted' AND new.error_code = ''
                        AND new.vendor_error = '' AS same
                ) AS fault
            WHERE evse.id = new.id AND old.id = evse.id AND (evse.state_at IS NULL OR evse.state_at <= new.at)
                AND NOT (new.state = 'occupied' AND evse.state = ANY(%s))
            RETURNING evse.id,
                old.state IS DISTINCT FROM new.state OR old.error_code IS DISTINCT FROM evse.error_code
            """,
            [
                [pk for pk, _fact in rows],
                [str(fact.state) for _pk, fact in rows],
                [fact.received_at for _pk, fact in rows],
                [fact.error_code[:60] for _pk, fact in rows],
                [fact.vendor_error[:60] for _pk, fact in rows],
                [fact.info[:120] for _pk, fact in rows],
                [str(state) for state in IN_USE],
            ],
        )
        return [pk for pk, is_other in cursor.fetchall() if is_other]


def _store_totals(found: Found) -> None:
    """Sessions' newest values; an ended session keeps the charger's own final figures."""
    ids = sorted(found.totals.keys() | found.flows.keys())
    if not ids:
        return
    changed = list(Session.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    for session in changed:
        _apply(session, found.totals.get(session.pk), found.flows.get(session.pk))
    with connection.cursor() as cursor:
        # One statement: a session's row changes with every reading, and saving each by itself would be
        # most of what ingesting costs.
        cursor.execute(
            """
            UPDATE stations_session AS session SET
                meter_start_wh = new.meter_start_wh, energy_wh = new.energy_wh, power_w = new.power_w,
                soc_percent = new.soc_percent, charging_state = new.charging_state,
                last_reading_at = new.last_reading_at
            FROM unnest(%s::uuid[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::text[],
                    %s::timestamptz[])
                AS new (id, meter_start_wh, energy_wh, power_w, soc_percent, charging_state, last_reading_at)
            WHERE session.id = new.id
            """,
            [[getattr(session, name) for session in changed] for name in TOTALS],
        )


TOTALS = (
    "pk",
    "meter_start_wh",
    "energy_wh",
    "power_w",
    "soc_percent",
    "charging_state",
    "last_reading_at",
)


def _apply(session: Session, totals: Totals | None, flow: Flow | None) -> None:
    if totals is not None:
        _apply_energy(session, totals)
        if totals.last_at is not None and (
            session.last_reading_at is None or totals.last_at >= session.last_reading_at
        ):
            session.last_reading_at = totals.last_at
            if totals.soc is not None:
                session.soc_percent = totals.soc
            if totals.power_w is not None and session.is_open:
                session.power_w = totals.power_w
    if flow is not None and session.is_open:
        session.charging_state = flow.charging_state
        if flow.charging_state != Session.ChargingState.CHARGING:
            session.power_w = 0


def _apply_energy(session: Session, totals: Totals) -> None:
    if totals.energy_wh is None or session.meter_stop_wh is not None:
        return
    if session.meter_start_wh is None:
        session.meter_start_wh = totals.least_wh
    # A register that restarts below its start is measured anew; the larger figure never shrinks.
    session.energy_wh = max(session.energy_wh, totals.energy_wh - session.meter_start_wh)


def settle(station: Station, until: datetime) -> int:
    """Ingest now whatever is still waiting of what this station sent up to then; returns how many batches."""
    waiting = dict(
        Batch.objects.filter(done_at=None, received_at__lte=until).values_list("pk", "received_at")
    )
    if not waiting:
        return 0
    mine = Message.objects.filter(
        batch__in=list(waiting), station=station, at__gte=min(waiting.values()) - COMMITTED_WITHIN
    ).values_list("batch", flat=True)
    return sum(ingest(batch_id, wait=True) for batch_id in set(mine))
