"""The journal's reading end: batches of frames → readings, states and session totals, in bulk.

Idempotent: readings have a natural key and conflicts are ignored, states and totals take the newest by our
receive time, so a batch may be ingested any number of times, in any order.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from stations import clocks, doubts, metering, orphans, progress, quirks, series, signals, signed
from stations.facts import Fact, Flow, Progress, Reported, Signed
from stations.meter import POWER, SOC, Sample
from stations.models import Batch, Evse, Message, Session, State, Station
from stations.models.station import IN_USE
from stations.ocpp import frames, versions
from stations.ocpp.routing import Incoming
from stations.sessions import find_evse

log = logging.getLogger(__name__)

#: What a worker does with one message by itself (`Route.later`).
Later = Callable[[Incoming], None]

FLOW_STATES = {
    "Charging": State.CHARGING,
    "SuspendedEV": State.SUSPENDED_EV,
    "SuspendedEVSE": State.SUSPENDED_EVSE,
    "EVConnected": State.OCCUPIED,
    "Idle": State.FINISHING,
}


@dataclass
class Found:
    """What one batch says, by the rows that it changes."""

    readings: dict[tuple, tuple] = field(default_factory=dict)
    states: dict[int, Reported] = field(default_factory=dict)
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


def ingest(batch_id: UUID) -> bool:
    """Ingest one batch; False where it is done already or another worker has it."""
    with transaction.atomic():
        batch = Batch.objects.select_for_update(skip_locked=True).filter(pk=batch_id, done_at=None).first()
        if batch is None:
            return False
        found = _read(Message.objects.filter(batch=batch_id).order_by("at"))
        _store_readings(found)
        changed = _store_states(found)
        _store_totals(found)
        signed.store(found.signed)
        progress.store(found.progress)
        series.touch((row[0], row[1]) for row in found.readings.values())
        for incoming, later in found.later:
            _do(incoming, later)
        Batch.objects.filter(pk=batch_id).update(done_at=timezone.now(), error="")
        if changed:
            evses = list(Evse.objects.select_related("station__site").filter(pk__in=changed))
            signals.after_commit(signals.status_changed, evses=evses)
        if found.totals or found.flows:
            signals.after_commit(
                signals.readings_recorded,
                session_ids=sorted(found.totals.keys() | found.flows.keys()),
                station_ids=sorted(found.stations),
            )
    return True


def _facts(message: Message) -> tuple[list[Fact], dict, Later | None]:
    """(facts, payload, what is to be done) of one frame; one that makes no sense is logged, never fatal."""
    try:
        call = frames.Call(message.message_id, message.action, frames.load(message.frame)[3])
        route = versions.ROUTES[message.version][message.action]
        payload = frames.checked(call, message.version, route.free_texts)
        return list(route.facts(payload, message.at)) if route.facts else [], payload, route.later
    except Exception:
        log.exception("Message %s of station %s can't be ingested", message.message_id, message.station_id)
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


def _read(messages) -> Found:
    found = Found()
    read = [(message, *_facts(message)) for message in messages]
    said = [(message, each) for message, each, _payload, _later in read]
    station_ids = {message.station_id for message, _each in said}
    stations = Station.objects.select_related("site").in_bulk(station_ids)
    for station_id, heard in _heard(read).items():
        if station_id in stations:
            clocks.note(stations[station_id], heard)
    known_quirks = quirks.for_stations(stations.values())
    evses = {(row.station_id, row.number): row for row in Evse.objects.filter(station__in=stations)}
    for message, _each, payload, later in read:
        if later is not None and message.station_id in stations:
            station = stations[message.station_id]
            found.later.append(
                (Incoming(station, message.version, payload, message.at, message.message_id), later)
            )
    sessions = _sessions(said)
    progress.assume(said, stations, sessions)
    running = progress.running(said, stations)
    for message, each in said:
        station = stations.get(message.station_id)
        if station is None:
            continue
        for fact in each:
            transaction_id = getattr(fact, "transaction_id", "")
            session = sessions.get((station.pk, transaction_id)) if transaction_id else None
            if isinstance(fact, Flow):
                if session is not None:
                    found.flows[session.pk] = fact
                    number = session.evse.number
                    _keep_state(
                        found,
                        session.evse_id,
                        Reported(number, FLOW_STATES[fact.charging_state], fact.received_at),
                    )
                continue
            if isinstance(fact, Progress):
                if session is not None:
                    found.progress.append((fact, session))
                continue
            if session is None and transaction_id and getattr(fact, "payload", None) is not None:
                orphans.metered(
                    station=station,
                    transaction_id=transaction_id,
                    payload=fact.payload,
                    received_at=message.at,
                )
            if session is None and not transaction_id and getattr(fact, "is_of_session", False):
                session = running.get((station.pk, fact.evse_number))
                if session is not None:
                    found.totals.setdefault(session.pk, Totals()).is_guessed = True
            evse = _evse(station, fact.evse_number, session, evses)
            if evse is None:
                continue
            found.stations.add(station.pk)
            if isinstance(fact, Reported):
                _keep_state(found, evse.pk, fact)
            elif isinstance(fact, Signed):
                found.signed.append((fact, evse, session, message.at))
            else:
                meant = (
                    quirks.read(sample, station, evse, known_quirks.get(station.pk, quirks.NONE))
                    for sample in fact.samples
                )
                _keep_readings(found, [each for each in meant if each], evse, session, message.at)
    return found


def _heard(read) -> dict[int, list[tuple[datetime, datetime]]]:
    """When we received each message and when its charger says that it was, by station."""
    heard: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    for message, _each, payload, _later in read:
        said_at = clocks.newest(payload)
        if said_at is not None:
            heard[message.station_id].append((message.at, said_at))
    return heard


def _sessions(said) -> dict[tuple[int, str], Session]:
    wanted: dict[int, set[str]] = defaultdict(set)
    for message, each in said:
        for fact in each:
            if getattr(fact, "transaction_id", ""):
                wanted[message.station_id].add(fact.transaction_id)
    if not wanted:
        return {}
    rows = Session.objects.select_related("evse").filter(
        station__in=wanted, transaction_id__in=set().union(*wanted.values()), is_superseded=False
    )
    return {(row.station_id, row.transaction_id): row for row in rows}


def _evse(station: Station, number: int, session: Session | None, evses: dict) -> Evse | None:
    if session is not None:
        return session.evse
    if number < 1:
        return None
    key = (station.pk, number)
    if key not in evses:
        evses[key] = find_evse(station, number)
    return evses[key]


def _keep_state(found: Found, evse_id: int, fact: Reported) -> None:
    known = found.states.get(evse_id)
    if known is not None and known.received_at > fact.received_at:
        return
    # 2.x says only “Occupied”; what flows, the transaction's own events tell better.
    if known is not None and fact.state == State.OCCUPIED and known.state in IN_USE:
        return
    found.states[evse_id] = fact


def _keep_readings(
    found: Found, samples: list[Sample], evse: Evse, session: Session | None, received_at: datetime
) -> None:
    totals = found.totals.setdefault(session.pk, Totals()) if session is not None else None
    for sample in samples:
        key = (evse.pk, sample.at, sample.measurand, sample.phase, sample.location, sample.context)
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
                state = new.state, state_at = new.at, error_code = new.error_code,
                vendor_error = new.vendor_error, error_info = new.info
            FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])
                AS new (id, state, at, error_code, vendor_error, info),
                stations_evse AS old
            WHERE evse.id = new.id AND old.id = evse.id AND (evse.state_at IS NULL OR evse.state_at <= new.at)
                AND NOT (new.state = 'occupied' AND evse.state = ANY(%s))
            RETURNING evse.id,
                old.state IS DISTINCT FROM new.state OR old.error_code IS DISTINCT FROM new.error_code
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
    rows = Session.objects.select_for_update(of=["self"]).select_related("evse")
    for session in rows.filter(pk__in=ids).order_by("pk"):
        totals, flow = found.totals.get(session.pk), found.flows.get(session.pk)
        is_newer = (
            totals is not None
            and totals.last_at is not None
            and (session.last_reading_at is None or totals.last_at >= session.last_reading_at)
        )
        if totals is not None and totals.is_guessed:
            session.flags = sorted({*session.flags, doubts.GUESSED_READINGS})
        if totals is not None and totals.energy:
            metering.add(session, totals.energy)
        if is_newer:
            session.last_reading_at = totals.last_at
            if totals.soc is not None:
                session.soc_percent = totals.soc
            if totals.power_w is not None and session.is_open:
                session.power_w = totals.power_w
        if flow is not None and session.is_open:
            session.charging_state = flow.charging_state
            if flow.charging_state != Session.ChargingState.CHARGING:
                session.power_w = 0
        session.save(
            update_fields=[
                *metering.FIELDS,
                "power_w",
                "soc_percent",
                "charging_state",
                "last_reading_at",
            ]
        )


def settle(station: Station, until: datetime) -> int:
    """Ingest now whatever is still waiting of what this station sent up to then; returns how many batches."""
    waiting = Batch.objects.filter(done_at=None, received_at__lte=until).values_list("pk", flat=True)
    mine = Message.objects.filter(batch__in=list(waiting), station=station).values_list("batch", flat=True)
    return sum(ingest(batch_id) for batch_id in set(mine))
