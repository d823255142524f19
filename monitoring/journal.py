"""The message log for people: calls with their answers, newest first, page by page."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from evportal.spreadsheets import safe
from stations.models import Message, Station
from stations.ocpp import frames

PAGE = 50
CSV_ROWS = 50_000
#: An answer that comes later than this belongs to nothing.
PATIENCE = timedelta(minutes=10)
Kind = Message.Kind


@dataclass(frozen=True)
class Exchange:
    """A call and its answer, or a frame that was neither."""

    id: uuid.UUID
    at: datetime
    inbound: bool
    action: str
    unique_id: str
    request: str
    reply: str
    error: str
    latency_ms: int | None


def calls(station: Station, chosen: dict) -> QuerySet[Message]:
    """Calls and unreadable frames of one station, as filtered."""
    found = Message.objects.filter(station=station, kind__in=[Kind.CALL, Kind.BAD]).order_by("-at", "-id")
    if action := chosen.get("action"):
        found = found.filter(action__icontains=action)
    if direction := chosen.get("direction"):
        found = found.filter(from_station=direction == "in")
    if since := chosen.get("since"):
        found = found.filter(at__gte=since)
    if until := chosen.get("until"):
        found = found.filter(at__lt=until)
    return found


def page(station: Station, chosen: dict, before: str) -> tuple[list[Exchange], str]:
    """One page and the cursor of the next, empty at the end."""
    found = calls(station, chosen)
    cursor = parse_cursor(before)
    if cursor:
        at, id_ = cursor
        # The first condition alone uses the index; the second breaks ties.
        found = found.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=id_))
    rows = list(found[: PAGE + 1])
    following = f"{rows[PAGE - 1].at.isoformat()}_{rows[PAGE - 1].id}" if len(rows) > PAGE else ""
    return paired(station, rows[:PAGE]), following


def parse_cursor(text: str) -> tuple[datetime, uuid.UUID] | None:
    """None for the first page, and for whatever isn't a cursor of ours."""
    at_text, _underscore, id_text = text.partition("_")
    try:
        at, id_ = parse_datetime(at_text), uuid.UUID(id_text)
    except ValueError:
        return None
    return (at, id_) if at is not None and at.tzinfo else None


def paired(station: Station, rows: list[Message]) -> list[Exchange]:
    """Each call with its answer: same socket, same id, the other direction, soon after."""
    if not rows:
        return []
    times = [row.at for row in rows]
    answers = Message.objects.filter(
        station=station,
        kind__in=[Kind.RESULT, Kind.ERROR],
        message_id__in={row.message_id for row in rows},
        at__gte=min(times),
        at__lte=max(times) + PATIENCE,
    ).order_by("-at")
    # Latest first, so that of several the earliest stays.
    by_call = {(one.connection, one.message_id, not one.from_station): one for one in answers}
    return [_exchange(row, by_call.get((row.connection, row.message_id, row.from_station))) for row in rows]


def exchange_of(message: Message) -> Exchange:
    """The call that a frame belongs to with its answer; the frame by itself where nothing goes with it."""
    call = message
    if message.kind in (Kind.RESULT, Kind.ERROR):
        asked = Message.objects.filter(
            station=message.station_id,
            kind=Kind.CALL,
            connection=message.connection,
            message_id=message.message_id,
            from_station=not message.from_station,
            at__gte=message.at - PATIENCE,
            at__lte=message.at,
        )
        call = asked.order_by("-at").first() or message
    return paired(call.station, [call])[0]


def reply_of(report: Message) -> str:
    """The frame with which a report was acknowledged; its row keeps only the payload."""
    if report.answer is None:
        return ""
    return frames.encode([frames.RESULT, report.message_id, json.loads(report.answer)])


def _exchange(call: Message, answer: Message | None) -> Exchange:
    if call.kind == Kind.BAD:
        answer = None
    error = ""
    if call.kind == Kind.BAD:
        error = _("not OCPP")
    elif answer is not None and answer.kind == Kind.ERROR:
        error = answer.frame
    return Exchange(
        id=call.id,
        at=call.at,
        inbound=call.from_station,
        action=call.action or _("unreadable"),
        unique_id=call.message_id,
        request=call.frame,
        reply=answer.frame if answer else reply_of(call),
        error=error,
        latency_ms=round((answer.at - call.at).total_seconds() * 1000) if answer else None,
    )


# --- CSV -----------------------------------------------------------------------------------------

COLUMNS = ("at", "direction", "action", "message_id", "latency_ms", "request", "reply")


class _Echo:
    """csv writes to it; it hands each line back, so that the file is streamed."""

    @staticmethod
    def write(line: str) -> str:
        return line


def csv_lines(station: Station, chosen: dict) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    before, written = "", 0
    while written < CSV_ROWS:
        exchanges, before = page(station, chosen, before)
        for one in exchanges:
            yield writer.writerow(
                [
                    one.at.isoformat(),
                    "in" if one.inbound else "out",
                    safe(one.action),
                    safe(one.unique_id),
                    "" if one.latency_ms is None else one.latency_ms,
                    safe(one.request),
                    safe(one.reply),
                ]
            )
        written += len(exchanges)
        if not before:
            return
