"""Start and stop sessions as chargers report them: each once, however often it is reported."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from stations import access, authorising, signals
from stations.models import Evse, Reservation, Session, Station

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

    @property
    def key(self) -> str:
        """The natural key: a charger's retry has a new message id, but these are the same."""
        if self.transaction_id:
            return f"tx:{self.transaction_id}"
        token = self.token.upper().replace("\x00", "")
        return f"{self.evse_number}|{token}|{self.started_at.isoformat()}|{self.meter_start_wh}"[:120]


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


@transaction.atomic
def start(*, station: Station, report: Start) -> tuple[Session, access.Decision]:
    """Record a start and decide whether it may go on; a repeated report finds the first one's session.

    A start by a token that may not charge is recorded too, because the charger did start: the answer tells
    it to stop, and the session is held for review.
    """
    known = Session.objects.filter(station=station, start_key=report.key).first()
    if known is not None:
        row = authorising.facts(known.id_token)
        verdict = access.Verdict.INVALID if known.review else access.Verdict.ACCEPTED
        late = authorising.is_late(station, report)
        return known, access.Decision(verdict, known.review, row.group if row else "", row, is_late=late)

    evse = find_evse(station, report.evse_number)
    id_token = authorising.find_token(station, report.token, report.token_type)
    # A 2.x station may begin with the cable alone; `identify` follows when the driver does.
    is_anonymous = not report.token and bool(report.transaction_id) and not report.token_type
    decision = authorising.decide_start(station=station, evse=evse, row=id_token, report=report)
    # Two reports of the same start may arrive at once, over an old and a new socket: the second one waits
    # for the first's commit here and then finds its session.
    session, is_new = Session.objects.get_or_create(
        station=station,
        start_key=report.key,
        defaults={
            "evse": evse,
            "connector_number": report.connector_number,
            "id_token": id_token,
            "user_id": id_token.user_id if id_token else None,
            "token": report.token.replace("\x00", "")[:255],
            "transaction_id": report.transaction_id or str(_next_transaction_id()),
            "remote_start_id": report.remote_start_id,
            "started_at": report.started_at,
            "start_received_at": report.received_at,
            "meter_start_wh": report.meter_start_wh,
            "charging_state": report.charging_state,
            "review": "" if decision.allowed or is_anonymous else decision.reason,
        },
    )
    if is_new and not is_anonymous:
        if decision.allowed:
            _use_reservation(session, report)
        signals.after_commit(signals.session_started, session=session)
    return session, decision


def _use_reservation(session: Session, report: Start) -> None:
    """Whoever may use a reservation uses it up: its token, another of the driver's, one of the group's."""
    token = authorising.facts(session.id_token)
    kept = Reservation.objects.keeping(session.evse, report.received_at).select_related("id_token")
    for row in kept:
        if token is not None and authorising.keeping(row).is_for(token):
            Reservation.objects.filter(pk=row.pk).update(status=Reservation.Status.USED)


def _next_transaction_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('stations_transaction_id')")
        return cursor.fetchone()[0]


def find(station: Station, transaction_id: str) -> Session | None:
    """A station's own session; another station's is never touched, whatever number it names."""
    return Session.objects.filter(station=station, transaction_id=transaction_id).first()


@transaction.atomic
def stop(
    *,
    station: Station,
    transaction_id: str,
    stopped_at: datetime,
    received_at: datetime,
    meter_stop_wh: Decimal | None = None,
    reason: str = "",
) -> Session | None:
    """Record a stop; a repeated one changes nothing. Returns None where the station has no such session.

    A late real stop replaces the end that we estimated while the charger was silent.
    """
    session = (
        Session.objects.select_for_update().filter(station=station, transaction_id=transaction_id).first()
    )
    if session is None:
        log.warning("Station %s stopped a transaction it never started", station.pk)
        return None
    if session.stopped_at is not None and not session.is_estimated:
        return session
    session.stopped_at = stopped_at
    session.stop_received_at = received_at
    session.stop_reason = reason[:40]
    session.is_estimated = False
    session.power_w = 0
    if meter_stop_wh is not None:
        session.meter_stop_wh = meter_stop_wh
        if session.meter_start_wh is not None:
            session.energy_wh = max(meter_stop_wh - session.meter_start_wh, Decimal(0))
    session.review = session.review or _doubt(session)
    session.save()
    signals.after_commit(signals.session_ended, session=session)
    return session


def _doubt(session: Session) -> str:
    """Why a person must look before this is billed; empty if nothing is odd."""
    if session.stopped_at < session.started_at:
        return "It ended before it started, by the charger's clock."
    if (
        None not in (session.meter_start_wh, session.meter_stop_wh)
        and session.meter_stop_wh < session.meter_start_wh
    ):
        return "The meter ran backwards."
    hours = Decimal((session.stopped_at - session.started_at).total_seconds()) / 3600
    # Half as much again as the EVSE can give, and slack for short sessions by clocks that are a little off:
    # what this must catch are units and registers gone wrong, a thousand times too much.
    most_wh = Decimal(session.evse.max_power_w) * hours * Decimal("1.5") + 5000
    if session.energy_wh > most_wh:
        return "More energy than this charger can give in that time."
    return ""


@transaction.atomic
def close_estimated(*, session: Session, now: datetime, reason: str) -> Session | None:
    """End a session whose stop never came, at its last reading; a late real stop corrects it."""
    session = Session.objects.select_for_update().filter(pk=session.pk, stopped_at=None).first()
    if session is None:
        return None
    session.stopped_at = session.last_reading_at or session.started_at
    session.stop_received_at = now
    session.stop_reason = reason[:40]
    session.is_estimated = True
    session.power_w = 0
    session.save()
    signals.after_commit(signals.session_ended, session=session)
    return session


@transaction.atomic
def identify(
    *, station: Station, transaction_id: str, token: str, now: datetime, kind: str = "", offline: bool = False
) -> access.Decision:
    """A token for a transaction that began with the cable alone (2.x): decide, and remember who it is."""
    session = (
        Session.objects.select_for_update().filter(station=station, transaction_id=transaction_id).first()
    )
    id_token = authorising.find_token(station, token, kind)
    if session is None:
        return access.may_charge(authorising.facts(id_token), now=now)
    decision = authorising.decide_start(
        station=station,
        evse=session.evse,
        row=id_token,
        report=Start(
            evse_number=session.evse.number,
            connector_number=session.connector_number,
            token=token,
            started_at=session.started_at if offline else now,
            received_at=now,
            token_type=kind,
            offline=offline,
        ),
    )
    if session.id_token_id is None:
        session.token = token.replace("\x00", "")[:255]
        session.id_token = id_token
        session.user_id = id_token.user_id if id_token else None
        session.review = "" if decision.allowed else decision.reason
        session.save(update_fields=["token", "id_token", "user", "review"])
        signals.after_commit(signals.session_started, session=session)
    return decision
