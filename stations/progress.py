"""2.x transactions as their events come in: in any order, with gaps and repeats (§E), told by seqNo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from stations import closing, doubts, sequence, sessions
from stations.facts import Metered, Progress
from stations.models import Session, Station


def assume(said: list, stations: dict[int, Station], known: dict[tuple[int, str], Session]) -> None:
    """Sessions for transactions whose Started has not come; when it does, it fills in what is missing.

    `said`: (message, its facts) of a batch; new sessions are added to `known`.
    """
    for message, facts in said:
        for fact in facts:
            key = (message.station_id, getattr(fact, "transaction_id", ""))
            if not isinstance(fact, Progress) or key in known or message.station_id not in stations:
                continue
            session, _decision = sessions.start(
                station=stations[message.station_id],
                report=sessions.Start(
                    evse_number=fact.evse_number,
                    connector_number=fact.connector_number,
                    token="",
                    started_at=fact.at,
                    received_at=fact.received_at,
                    transaction_id=fact.transaction_id,
                    is_assumed=True,
                ),
            )
            known[key] = session


def place(said: list, known: dict[tuple[int, str], Session]) -> None:
    """Sessions that began before the driver had chosen an EVSE, now that an event names it (E02)."""
    for message, facts in said:
        for fact in facts:
            session = known.get((message.station_id, getattr(fact, "transaction_id", "")))
            if isinstance(fact, Progress) and session is not None and doubts.NO_CONNECTOR in session.flags:
                _place(session, fact.evse_number)


def _place(session: Session, evse_number: int) -> None:
    row = Session.objects.select_for_update(of=["self"]).select_related("station").get(pk=session.pk)
    if sessions.place(row, evse_number):
        row.save(update_fields=["evse", "flags"])
        session.evse, session.flags = row.evse, row.flags


def running(said: list, stations: dict[int, Station]) -> dict[tuple[int, int], Session]:
    """What runs at the EVSEs whose meter values name no transaction, though they are of one (1.6)."""
    wanted = {
        message.station_id
        for message, facts in said
        for fact in facts
        if isinstance(fact, Metered) and fact.is_of_session and not fact.transaction_id
    }
    if not wanted:
        return {}
    rows = Session.objects.open().filter(station__in=wanted & stations.keys()).select_related("evse")
    return {(row.station_id, row.evse.number): row for row in rows.order_by("started_at")}


def store(found: Iterable[tuple[Progress, Session]]) -> None:
    """Which seqNos have come; an ended session with a gap is asked about, once."""
    numbers: dict[UUID, set[int]] = defaultdict(set)
    for fact, session in found:
        numbers[session.pk].add(fact.seq_no)
    rows = Session.objects.select_for_update(of=["self"]).select_related("station")
    rows_now = list(rows.filter(pk__in=numbers).order_by("pk"))
    grown = []
    for session in rows_now:
        merged = sequence.add(session.seq_nos, numbers[session.pk])
        if merged != session.seq_nos:
            session.seq_nos = merged
            grown.append(session)
    Session.objects.bulk_update(grown, ["seq_nos"])
    for session in rows_now:
        closing.ask_for_missing(session)
