"""Keep what a station tells of its settings, and what it said when they were to be changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from stations.configuration import masking
from stations.configuration.answers import Known, Outcome
from stations.configuration.drift import Kept
from stations.configuration.names import Name
from stations.models import Setting, Station
from stations.models.configuration import TAKEN

LENGTHS = {"value": 10_000, "choices": 10_000, "refusal": 60}


def values(station: Station) -> dict[str, str | None]:
    return dict(station.settings.exclude(read_at=None).values_list("path", "value"))


def kept(station: Station) -> dict[str, Kept]:
    """For comparing."""
    return {row.path: of_row(row) for row in station.settings.all()}


def of_row(row: Setting) -> Kept:
    return Kept(row.value, row.may_be_set, row.read_at is not None, row.refusal, row.refused_value)


@transaction.atomic
def told(*, station: Station, known: Iterable[Known], at: datetime) -> int:
    """Store what the station told; the newest by our clock wins. Returns how many it told."""
    by_path = {str(each.name): each for each in known}
    if not by_path:
        return 0
    rows = _rows(station, {path: each.name for path, each in by_path.items()})
    for path, each in by_path.items():
        row = rows[path]
        if row.read_at is not None and row.read_at > at:
            continue
        row.read_at = at
        row.value = None if is_secret(each.name) else _cut(each.value, "value")
        if row.refusal and row.refused_value == row.value:
            row.refusal = row.refused_value = ""
        for name in ("mutability", "is_constant", "is_persistent"):
            if getattr(each, name) is not None:
                setattr(row, name, getattr(each, name))
        for name, value in each.characteristics.items():
            setattr(row, name, _cut(value, name))
    _save(rows)
    return len(by_path)


@transaction.atomic
def answered(*, station: Station, outcomes: Iterable[tuple[Outcome, str]], at: datetime) -> None:
    """Store what the station said to each wanted value."""
    said = {str(outcome.name): (outcome, wanted) for outcome, wanted in outcomes}
    rows = _rows(station, {path: outcome.name for path, (outcome, _wanted) in said.items()})
    for path, (outcome, wanted) in said.items():
        row = rows[path]
        row.tried_at = at
        if outcome.word in TAKEN:
            row.refusal = row.refused_value = ""
            row.read_at = at
            row.value = None if is_secret(outcome.name) else _cut(wanted, "value")
        else:
            row.refusal = outcome.word[:60]
            row.refused_value = "" if is_secret(outcome.name) else _cut(wanted, "value")
    _save(rows)


@transaction.atomic
def forget_untold(*, station: Station, before: datetime) -> int:
    """After a full reading: what the station no longer has. What it refused stays known."""
    gone = station.settings.filter(read_at__lt=before)
    gone.exclude(refusal="").update(read_at=None, value=None)
    return gone.filter(refusal="").delete()[0]


def _rows(station: Station, wanted: dict[str, Name]) -> dict[str, Setting]:
    """The rows of these places, locked; new ones are made."""
    new = [
        Setting(
            station=station,
            path=path,
            component=name.component,
            instance=name.instance,
            evse=name.evse,
            connector=name.connector,
            variable=name.variable,
            variable_instance=name.variable_instance,
            attribute=name.attribute,
        )
        for path, name in wanted.items()
    ]
    Setting.objects.bulk_create(new, ignore_conflicts=True)
    rows = station.settings.filter(path__in=wanted).select_for_update().order_by("pk")
    return {row.path: row for row in rows}


CHANGING = [
    "value",
    "mutability",
    "is_constant",
    "is_persistent",
    "data_type",
    "unit",
    "minimum",
    "maximum",
    "choices",
    "read_at",
    "refusal",
    "refused_value",
    "tried_at",
]


def _save(rows: dict[str, Setting]) -> None:
    Setting.objects.bulk_update(rows.values(), CHANGING, batch_size=500)


def _cut(value, name: str):
    limit = LENGTHS.get(name)
    return value[:limit] if limit and isinstance(value, str) else value


def is_secret(name: Name) -> bool:
    """The place of something that is only ever written: what the station signs in with, for one."""
    if not name.component:
        return name.variable == masking.KEY_16
    return (name.component, name.variable) in masking.SECRETS
