"""The log of what chargers told of themselves: filtered, for pages and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from django.db.models import QuerySet

from evportal.accounts.access import Access
from evportal.spreadsheets import safe
from stations.models import Event

CSV_ROWS = 100_000
COLUMNS = (
    "received_at", "at", "site", "charger", "evse", "kind", "severity", "code", "component", "variable",
    "value", "text", "is_over",
)  # fmt: skip
#: Of an event's severity (0–9), one of the three that people see.
WORDS = {0: "critical", 1: "critical", 2: "critical", 3: "warning", 4: "warning", 5: "warning"}


def word(severity: int) -> str:
    return WORDS.get(severity, "info")


def found(access: Access, chosen: dict) -> QuerySet[Event]:
    """Newest first."""
    rows = Event.objects.visible_to(access).select_related("station__site", "evse")
    names = {
        "site": "station__site",
        "station": "station_id",
        "kind": "kind",
        "severity": "severity__lte",
        "since": "received_at__gte",
        "until": "received_at__lt",
    }
    return rows.filter(**{names[name]: value for name, value in chosen.items() if name in names}).order_by(
        "-received_at", "-pk"
    )


def csv_lines(rows: QuerySet[Event]) -> Iterator[str]:
    yield "\ufeff" + _line(COLUMNS)
    for event in rows[:CSV_ROWS].iterator(chunk_size=1000):
        yield _line(
            [
                event.received_at.isoformat(),
                event.at.isoformat(),
                safe(event.station.site.name),
                safe(event.station.name),
                event.evse.number if event.evse else "",
                event.kind,
                event.severity,
                safe(event.code),
                safe(event.component),
                safe(event.variable),
                safe(event.value),
                safe(event.text),
                "yes" if event.is_cleared else "",
            ]
        )


def _line(values) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
