"""How all chargers stand to their templates, and setting many of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from evportal.accounts.models import User
from stations.configuration import builtin, drift, runs, templates
from stations.exceptions import Refused
from stations.models import ConfigurationRun, Provisioning, Station

#: As many chargers at once.
MOST = 1_000
WAIT = timedelta(days=1)


@dataclass(frozen=True)
class Row:
    station: Station
    differences: list[drift.Difference]
    provisioning: Provisioning | None

    @property
    def differing(self) -> list[drift.Difference]:
        return [each for each in self.differences if each.counts]

    @property
    def mendable(self) -> list[drift.Difference]:
        return [each for each in self.differences if each.may_be_mended]

    @property
    def read_at(self):
        return self.provisioning.read_at if self.provisioning else None


def rows(stations: Iterable[Station], state: str = "") -> list[Row]:
    """Those that differ first; `state` as `FleetFilter` has it."""
    stations = list(stations)
    differences = templates.differences_of(stations)
    found = [Row(each, differences[each.pk], getattr(each, "provisioning", None)) for each in stations]
    if state == "unread":
        return [row for row in found if row.read_at is None]
    if state:
        return [
            row for row in found if row.read_at is not None and bool(row.differing) == (state == "differs")
        ]
    return sorted(found, key=lambda row: -len(row.differing))


def apply(*, stations: list[Station], bulk: UUID, by: User, wait: bool, again: bool) -> None:
    """A run for each; one charger's refusal is its own. The same form sent twice starts nothing twice."""
    if not cache.add(f"ops:bulk:{bulk}", 1, 3600):
        return
    for station in stations:
        more = {"by": by, "bulk": bulk, "keep_for": WAIT if wait else None}
        try:
            run = runs.apply_templates(station=station, again=again, **more)
        except Refused as refusal:
            run = None
            note(station, bulk, by, ConfigurationRun.Status.FAILED, str(refusal))
        else:
            if run is None:
                note(station, bulk, by, ConfigurationRun.Status.DONE, "")


def note(station: Station, bulk: UUID, by: User, status: str, problem: str) -> None:
    """A line in the result for a charger to which nothing was sent."""
    ConfigurationRun.objects.create(
        station=station,
        kind=ConfigurationRun.Kind.WRITE,
        status=status,
        bulk=bulk,
        created_by=by,
        problem=problem[:255],
    )


def suggested(protocol: str | None) -> dict[str, str]:
    """What a new template begins with: what the portal itself would set."""
    return builtin.wanted(
        "2.x" if protocol == "2.x" else "1.6",
        heartbeat_s=settings.OCPP_HEARTBEAT_SECONDS,
        meter_s=settings.OCPP_METER_SECONDS,
    )
