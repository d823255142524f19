"""A session's energy from its readings: step by step while it runs, anew whenever something is odd."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Avg, Count, Max, Min, QuerySet

from stations import doubts, registers, sequence, series, signals
from stations.meter import ENERGY, POWER, TIME_FLAGS, Sample
from stations.models import Reading, Session, SignedCheck

#: What a session's energy is reckoned from.
MEASURANDS = (ENERGY, registers.INTERVAL)
FIELDS = ["energy_wh", "register_wh", "register_at", "flags", "review", "is_stale"]


def measured(session: Session) -> registers.EnergyResult:
    """The session's energy: what its meter signed, where that was verified; else its believed steps."""
    result = unsigned(session)
    check = _check(session)
    if check is None or check.energy_wh is None:
        return result
    return registers.fixed(result, check.energy_wh, max(session.stopped_at, session.started_at))


def _check(session: Session) -> SignedCheck | None:
    return None if session.is_open else SignedCheck.objects.filter(session=session.pk).first()


def unsigned(session: Session) -> registers.EnergyResult:
    """The session's energy as a sum of believed steps, from everything that is stored about it."""
    rows = Reading.objects.filter(session_id=session.pk, measurand__in=MEASURANDS)
    samples = [
        Sample(*row)
        for row in rows.values_list(
            "at", "measurand", "value", "unit", "phase", "location", "context", "flag"
        )
    ]
    return reckon(session, samples)


def reckon(session: Session, samples: list[Sample]) -> registers.EnergyResult:
    points = registers.billable(samples)
    start_wh, stop_wh = session.meter_start_wh, session.meter_stop_wh
    if registers.is_interval(samples):
        if stop_wh is not None and start_wh is not None:
            # The register's own two values are better than a sum that may lack one.
            points = []
        else:
            start_wh, stop_wh = Decimal(0), None
    return registers.energy(
        points,
        started_at=session.started_at,
        start_wh=start_wh,
        stopped_at=session.stopped_at,
        stop_wh=stop_wh,
        max_power_w=session.evse.max_power_w,
    )


def add(session: Session, samples: Iterable[Sample], *, more_to_come: bool = False) -> None:
    """New readings of an open session, stored already; one that ended is corrected by them.

    With `more_to_come` that is left to `reckon_stale`: it reads all that a session has, and a backlog would
    have it read again and again. Changes the row in memory; the caller, who holds its lock, saves `FIELDS`.
    """
    if not session.is_open:
        if more_to_come:
            session.is_stale = True
        else:
            reckon_anew(session)
        return
    if not _counts_on(session, samples):
        refresh(session)


def _counts_on(session: Session, samples: Iterable[Sample]) -> bool:
    """The usual case, without a look at what came before: the register simply went on."""
    at, wh, energy = session.register_at, session.register_wh, session.energy_wh
    if at is None or wh is None:
        return False
    for sample in sorted(samples, key=lambda each: each.at):
        step = sample.value - wh
        is_plain = sample.measurand == ENERGY and not sample.phase and sample.location == "Outlet"
        if not is_plain or not sample.is_sound or sample.at <= at:
            return False
        if not 0 <= step <= registers.most(session.evse.max_power_w, at, sample.at):
            return False
        at, wh, energy = sample.at, sample.value, energy + step
    session.register_at, session.register_wh, session.energy_wh = at, wh, energy
    return True


def _take(session: Session, result: registers.EnergyResult) -> None:
    session.energy_wh = result.total_wh
    session.register_at, session.register_wh = result.last or (None, None)
    session.flags = sorted({*session.flags} - registers.FLAGS | result.flags)


def refresh(session: Session) -> None:
    """An open session's energy, from everything that is known of it."""
    _take(session, measured(session))


def settle(session: Session) -> None:
    """The final figures of a session that has just ended, and whether a person must look at them."""
    result = measured(session)
    _take(session, result)
    session.review = session.refusal or _unproven(session) or _doubt(session, result)
    series.touch_session(session)


def _unproven(session: Session) -> str:
    check = _check(session)
    return check.hold_words[:200] if check is not None and check.is_held else ""


def stale(sessions: QuerySet[Session]) -> list[UUID]:
    """Those of them whose figures wait to be brought up to date, some hundreds at a time."""
    return list(sessions.filter(is_stale=True).values_list("pk", flat=True)[:500])


@transaction.atomic
def reckon_stale(session_id: UUID) -> None:
    rows = Session.objects.select_for_update(of=["self"]).select_related("evse")
    session = rows.filter(pk=session_id, is_stale=True).first()
    if session is not None:
        reckon_anew(session)
        session.save(update_fields=FIELDS)


def reckon_anew(session: Session) -> None:
    """Something about an ended session came late: if its figures change, its bill must."""
    before = session.energy_wh
    session.is_stale = False
    settle(session)
    if session.energy_wh != before:
        signals.after_commit(
            signals.session_corrected,
            session=session,
            previous_energy_wh=before,
            previous_stopped_at=session.stopped_at,
        )


def _doubt(session: Session, result: registers.EnergyResult) -> str:
    return doubts.doubt(
        started_at=session.started_at,
        stopped_at=session.stopped_at,
        start_is_missing=session.start_is_missing,
        has_gaps=bool(sequence.gaps(session.seq_nos)),
        flags=session.flags,
        energy_wh=session.energy_wh,
        max_power_w=session.evse.max_power_w,
        first_reading_at=result.curve[0][0] if result.curve else None,
        has_stop_wh=session.meter_stop_wh is not None or session.is_estimated,
        is_estimated=session.is_estimated,
        by_power_wh=_by_power(session),
    )


def _by_power(session: Session) -> Decimal | None:
    """What the reported power comes to, roughly; None where too little of it was reported."""
    power = Reading.objects.filter(
        session_id=session.pk, measurand=POWER, phase="", location="Outlet", flag__in=TIME_FLAGS
    ).aggregate(mean=Avg("value"), count=Count("value"), first=Min("at"), last=Max("at"))
    if power["count"] < 3:
        return None
    return power["mean"] * Decimal((power["last"] - power["first"]).total_seconds()) / 3600
