"""Start and stop sessions as chargers report them: each once, however often it is reported."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from stations import access, authorising, closing, doubts, events, metering, reservations, signals
from stations.models import Event, Evse, Reservation, Session, State, Station
from stations.ocpp import wire

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """A start as reported. `transaction_id` is the station's own in 2.x; empty in 1.6, where we give one."""

    evse_number: int
    connector_number: int
    token: str
    started_at: datetime
    received_at: datetime
    meter_start_wh: Decimal | None = None
    transaction_id: str = ""
    remote_start_id: int | None = None
    charging_state: str = ""
    #: IdTokenEnumType, where the station says one.
    token_type: str = ""
    #: It says that it started this while it was offline.
    offline: bool = False
    #: The charger's time as it wrote it: where that can't be believed it still tells starts apart.
    said: str = ""
    #: Made up from a later message: the start itself has not come (2.x).
    is_assumed: bool = False
    #: The charger's time was corrected.
    is_skewed: bool = False
    #: The place that the station says it kept for this one.
    reservation_id: int | None = None

    @property
    def key(self) -> str:
        """The natural key: a charger's retry has a new message id, but these are the same."""
        if self.transaction_id:
            return f"tx:{self.transaction_id}"
        said = wire.same_moment(self.said) if self.said else self.started_at.isoformat()
        token = self.token.upper().replace("\x00", "")
        return f"{self.evse_number}|{token}|{said}|{self.meter_start_wh}"[:120]


def find_evse(station: Station, number: int) -> Evse:
    """The EVSE of that number; one the operator hasn't entered yet is added, so that nothing is lost."""
    evse = station.evses.filter(number=number).first()
    if evse is None:
        evse, is_new = Evse.objects.get_or_create(
            station=station,
            number=number,
            defaults={"public_id": f"NEW*{station.pk}*{number}"},
        )
        if is_new:
            log.warning("Station %s reports an EVSE %s that was not known; added", station.pk, number)
    return evse


#: EVSE numbers beyond this are no numbers of EVSEs.
MOST_EVSES = 32_767
#: No register counts so far, and none below zero.
MOST_WH = Decimal(10) ** 11
#: Two starts of one transaction id that are further apart are two.
APART = timedelta(minutes=5)


def choose_evse(station: Station, number: int) -> tuple[Evse, bool]:
    """(EVSE, whether the charger said which): with 0 or nonsense, the only one, or the one plugged in."""
    if 1 <= number <= MOST_EVSES:
        return find_evse(station, number), True
    evses = list(station.evses.order_by("number"))
    if len(evses) == 1:
        return evses[0], True
    plugged = [evse for evse in evses if evse.state in (State.PREPARING, State.OCCUPIED)]
    if len(plugged) == 1:
        return plugged[0], False
    return (evses[0] if evses else find_evse(station, 1)), False


def _register(value: Decimal | None) -> Decimal | None:
    return value if value is not None and 0 <= value < MOST_WH else None


@transaction.atomic
def start(*, station: Station, report: Start) -> tuple[Session, access.Decision]:
    """Record a start and decide whether it may go on; a repeated report finds the first one's session.

    A start by a token that may not charge is recorded too, because the charger did start: the answer tells
    it to stop, and the session is held for review.
    """
    known = _known(station, report)
    if known is not None:
        return _again(known, report)

    evse, is_said = choose_evse(station, report.evse_number)
    id_token = authorising.find_token(station, report.token, report.token_type)
    # A 2.x station may begin with the cable alone; `identify` follows when the driver does.
    is_anonymous = not report.token and bool(report.transaction_id) and not report.token_type
    decision = authorising.decide_start(station=station, evse=evse, row=id_token, report=report)
    refusal = "" if decision.allowed or is_anonymous else decision.reason
    meter_start_wh = _register(report.meter_start_wh)
    noted = {doubts.NO_CONNECTOR: not is_said, doubts.SKEWED: report.is_skewed}
    # Two reports of the same start may arrive at once, over an old and a new socket: the second one waits
    # for the first's commit here and then finds its session.
    session, is_new = Session.objects.get_or_create(
        station=station,
        start_key=report.key,
        defaults={
            "evse": evse,
            "connector_number": min(max(report.connector_number, 1), MOST_EVSES),
            "id_token": id_token,
            "user_id": id_token.user_id if id_token else None,
            "token": report.token.replace("\x00", "")[:255],
            "transaction_id": report.transaction_id or str(_next_transaction_id()),
            "remote_start_id": report.remote_start_id,
            "started_at": report.started_at,
            "start_received_at": report.received_at,
            "start_said": wire.same_moment(report.said),
            "start_is_missing": report.is_assumed,
            "meter_start_wh": meter_start_wh,
            "register_wh": meter_start_wh,
            "register_at": report.started_at if meter_start_wh is not None else None,
            "charging_state": report.charging_state,
            "flags": sorted(flag for flag, is_so in noted.items() if is_so),
            "refusal": refusal,
            "review": refusal,
        },
    )
    if not is_new:
        return _again(Session.objects.select_for_update().get(pk=session.pk), report)
    closing.end_others(session=session, now=report.received_at)
    if not is_anonymous:
        if decision.allowed:
            _use_reservation(session, report)
        signals.after_commit(signals.session_started, session=session)
    return session, decision


def _known(station: Station, report: Start) -> Session | None:
    """The session that this start began already, if it did."""
    mine = Session.objects.select_for_update()
    if report.transaction_id:
        known = mine.of_transaction(station, report.transaction_id).first()
    else:
        known = mine.filter(station=station, start_key=report.key).first()
    if known is None or not _is_another(known, report):
        return known
    # The station lost its memory, and numbers its transactions, or its seconds, from the beginning again.
    Session.objects.filter(pk=known.pk).update(is_superseded=True, start_key=f"old:{known.pk}")
    closing.close_estimated(session=known, now=report.received_at, reason="Other")
    return None


def _is_another(known: Session, report: Start) -> bool:
    """Whether the facts prove that this is a new start under an old name."""
    if report.is_assumed or known.start_is_missing:
        return False
    said = wire.same_moment(report.said)
    if not report.transaction_id:
        # The key holds the time. Where there is no clock it may be the same twice; a station reports its
        # stop only after it was answered its start, so what comes after the stop is no repeat.
        _at, flag = wire.device_time(report.said or None, report.received_at)
        is_later = known.stop_received_at is not None and report.received_at > known.stop_received_at
        return bool(report.said) and flag == wire.BAD_CLOCK and is_later and not known.is_estimated
    if said == known.start_said:
        return False
    if known.stopped_at is not None:
        return report.started_at > known.stopped_at
    meter = _register(report.meter_start_wh)
    is_other = (report.token and report.token.upper() != known.token.upper()) or (
        meter is not None and known.meter_start_wh is not None and meter != known.meter_start_wh
    )
    return bool(is_other) and abs(report.started_at - known.started_at) > APART


def _again(known: Session, report: Start) -> tuple[Session, access.Decision]:
    """The start of a session that is known: a repeat, or what was missing of one that was assumed."""
    if known.start_is_missing and not report.is_assumed:
        return known, _fill_in(known, report)
    row = authorising.facts(known.id_token)
    verdict = access.Verdict.INVALID if known.refusal else access.Verdict.ACCEPTED
    late = authorising.is_late(known.station, report)
    return known, access.Decision(verdict, known.refusal, row.group if row else "", row, is_late=late)


def _fill_in(session: Session, report: Start) -> access.Decision:
    """The late start of a session of which only later messages were known; an ended one stays ended."""
    before = {"previous_energy_wh": session.energy_wh, "previous_stopped_at": session.stopped_at}
    had_token = bool(session.token)
    place(session, report.evse_number)
    session.start_is_missing = False
    session.started_at, session.start_said = report.started_at, wire.same_moment(report.said)
    session.connector_number = min(max(report.connector_number, 1), MOST_EVSES)
    session.meter_start_wh = _register(report.meter_start_wh)
    session.remote_start_id = report.remote_start_id or session.remote_start_id
    decision = access.Decision(access.Verdict.ACCEPTED)
    if report.token and not had_token:
        decision = _give_token(session, report)
        if decision.allowed:
            _use_reservation(session, report)
    if session.is_open:
        metering.refresh(session)
        session.review = session.refusal
    else:
        metering.settle(session)
    session.save()
    closing.end_others(session=session, now=report.received_at)
    if not session.is_open:
        signals.after_commit(signals.session_corrected, session=session, **before)
    elif report.token and not had_token:
        signals.after_commit(signals.session_started, session=session)
    return decision


def place(session: Session, evse_number: int) -> bool:
    """Where it charges, once the charger says so; true if that was news."""
    if doubts.NO_CONNECTOR not in session.flags or not 1 <= evse_number <= MOST_EVSES:
        return False
    session.evse = find_evse(session.station, evse_number)
    session.flags = [flag for flag in session.flags if flag != doubts.NO_CONNECTOR]
    return True


def _give_token(session: Session, report: Start) -> access.Decision:
    """Who it is, of a session that began with the cable alone."""
    id_token = authorising.find_token(session.station, report.token, report.token_type)
    decision = authorising.decide_start(
        station=session.station, evse=session.evse, row=id_token, report=report
    )
    session.token = report.token.replace("\x00", "")[:255]
    session.id_token = id_token
    session.user_id = id_token.user_id if id_token else None
    session.refusal = session.review = "" if decision.allowed else decision.reason
    return decision


def _use_reservation(session: Session, report: Start) -> None:
    """Whoever may use a reservation uses it up: its token, another of the driver's, one of the group's."""
    token = authorising.facts(session.id_token)
    kept = Reservation.objects.keeping(session.evse, report.received_at)
    for row in kept.select_related("id_token", "evse__station"):
        if token is not None and authorising.keeping(row).is_for(token):
            reservations.use(reservation=row, station_knows=report.reservation_id == row.pk)


def _next_transaction_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('stations_transaction_id')")
        return cursor.fetchone()[0]


def find(station: Station, transaction_id: str) -> Session | None:
    """A station's own session; another station's is never touched, whatever number it names."""
    return Session.objects.of_transaction(station, transaction_id).first()


@dataclass(frozen=True)
class Stop:
    """A stop as reported."""

    transaction_id: str
    stopped_at: datetime
    received_at: datetime
    meter_stop_wh: Decimal | None = None
    reason: str = ""
    token: str = ""
    token_type: str = ""
    evse_number: int = 0
    is_skewed: bool = False


@transaction.atomic
def stop(*, station: Station, **report) -> Session | None:
    """Record a stop (the fields of `Stop`); a repeated one changes nothing.

    Returns None where the station has no such session. A late real stop replaces the end that we estimated
    while the charger was silent.
    """
    found = Stop(**report)
    mine = Session.objects.select_for_update(of=["self"]).select_related("evse", "station")
    session = mine.of_transaction(station, found.transaction_id).first()
    return None if session is None else end(session=session, report=found)


def end(*, session: Session, report: Stop, flag: str = "") -> Session:
    """The stop of this very session, whose row the caller has locked; `flag` says what is odd about it."""
    if session.stopped_at is not None and not session.is_estimated:
        _second_stop(session, report)
        return session
    before = {"previous_energy_wh": session.energy_wh, "previous_stopped_at": session.stopped_at}
    was_estimated = session.is_estimated
    place(session, report.evse_number)
    session.stopped_at = report.stopped_at
    session.stop_received_at = report.received_at
    session.stop_reason = report.reason[:40]
    session.is_estimated = False
    session.power_w = 0
    session.meter_stop_wh = _register(report.meter_stop_wh)
    if flag:
        session.flags = sorted({*session.flags, flag})
    if report.is_skewed:
        session.flags = sorted({*session.flags, doubts.SKEWED})
    _by_whom(session, report)
    metering.settle(session)
    session.save()
    if not was_estimated:
        signals.after_commit(signals.session_ended, session=session)
    elif before != {"previous_energy_wh": session.energy_wh, "previous_stopped_at": session.stopped_at}:
        signals.after_commit(signals.session_corrected, session=session, **before)
    return session


def _second_stop(session: Session, report: Stop) -> None:
    """The first one counts; another meter value is for a person to look at."""
    meter = _register(report.meter_stop_wh)
    if meter is None or meter == session.meter_stop_wh or doubts.SECOND_STOP in session.flags:
        return
    session.flags = sorted({*session.flags, doubts.SECOND_STOP})
    metering.settle(session)
    session.save(update_fields=[*metering.FIELDS])
    _tell(
        session,
        report.received_at,
        "ConflictingStop",
        f"Transaction {session.transaction_id} was stopped twice: "
        f"at {session.meter_stop_wh or '?'} Wh and at {meter} Wh. The first one counts.",
        severity=5,
    )


def _by_whom(session: Session, report: Stop) -> None:
    """A stop is a report and is always kept; that it was a stranger's card is worth knowing."""
    if authorising.note_stopper(
        session=session, token=report.token, kind=report.token_type, received_at=report.received_at
    ):
        session.flags = sorted({*session.flags, doubts.OTHER_TOKEN})


def _tell(session: Session, now: datetime, code: str, text: str, *, severity: int) -> None:
    events.record(
        [
            Event(
                station_id=session.station_id,
                evse_id=session.evse_id,
                kind=Event.Kind.PROTOCOL,
                code=code,
                severity=severity,
                at=now,
                received_at=now,
                text=text,
            )
        ]
    )


@transaction.atomic
def identify(
    *, station: Station, transaction_id: str, token: str, now: datetime, kind: str = "", offline: bool = False
) -> access.Decision:
    """A token for a transaction that began with the cable alone (2.x): decide, and remember who it is."""
    mine = Session.objects.select_for_update(of=["self"]).select_related("evse", "station__site")
    session = mine.of_transaction(station, transaction_id).first()
    if session is None:
        return access.may_charge(authorising.facts(authorising.find_token(station, token, kind)), now=now)
    report = Start(
        evse_number=session.evse.number,
        connector_number=session.connector_number,
        token=token,
        started_at=session.started_at if offline else now,
        received_at=now,
        token_type=kind,
        offline=offline,
    )
    if session.id_token_id is not None:
        id_token = authorising.find_token(station, token, kind)
        return authorising.decide_start(station=station, evse=session.evse, row=id_token, report=report)
    decision = _give_token(session, report)
    if decision.allowed:
        _use_reservation(session, report)
    session.save(update_fields=["token", "id_token", "user", "refusal", "review"])
    signals.after_commit(signals.session_started, session=session)
    return decision
