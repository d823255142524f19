"""Runs: calls about settings sent one after another. What becomes of them is in `progress`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evportal.accounts.models import ApiKey, User
from stations import commands, signals
from stations.configuration import calls, keep, names, templates
from stations.configuration.drift import State
from stations.exceptions import Refused
from stations.models import ConfigurationRun, Provisioning, Station
from stations.models.configuration import TAKEN

if TYPE_CHECKING:
    from stations.boot import Booted

Kind, Status = ConfigurationRun.Kind, ConfigurationRun.Status

#: A new station that goes away again before it was asked is asked when it is back.
FIRST_KEPT_FOR = timedelta(minutes=30)
AFTER_BOOT = "after its boot"


class CantBeSet(Refused):
    default = "There is nothing to set: give at least one setting and its value."


@transaction.atomic
def begin(
    *,
    station: Station,
    kind: str,
    to_send: list[calls.Call],
    results: dict | None = None,
    by: User | ApiKey | None = None,
    reason: str = "",
    keep_for: timedelta | None = None,
    settle: bool = False,
    bulk: UUID | None = None,
) -> ConfigurationRun:
    """Start a run and send its first call; `settle` waits for a booting station to come to rest.

    `keep_for` is how long each call may wait for a station that is away; without it the run then fails.
    """
    run = ConfigurationRun.objects.create(
        station=station,
        kind=kind,
        results=results or {},
        keep_for_s=round(keep_for.total_seconds()) if keep_for else 0,
        bulk=bulk,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
        reason=reason,
    )
    # Not stored before the first has left: a new password is among them, and `commands` keeps it secret.
    run.calls = [_numbered(call, run.pk) for call in to_send]
    send_next(run, settle=settle)
    return run


def _numbered(call: calls.Call, pk: int) -> list:
    """A report bears the number of the run that asked for it."""
    action, payload = call
    return [action, payload | {"requestId": pk} if "requestId" in payload else payload]


@transaction.atomic
def read(*, station: Station, **more) -> ConfigurationRun:
    """Ask the station for all of its settings; one such reading at a time."""
    Station.objects.select_for_update().get(pk=station.pk)
    under_way = station.configuration_runs.filter(kind=Kind.READ, status=Status.RUNNING).first()
    if under_way is not None:
        return under_way
    return begin(station=station, kind=Kind.READ, to_send=calls.read_all(station.ocpp_version, 0), **more)


@transaction.atomic
def read_components(*, station: Station, components: list[str], **more) -> ConfigurationRun:
    """2.x: ask for everything that these components have."""
    if names.is_16(station.ocpp_version) or not components:
        raise CantBeSet("Only chargers of OCPP 2.x can be asked for components.")
    limits = calls.limits(keep.values(station))
    to_send = calls.read_components(0, components, limits)
    return begin(station=station, kind=Kind.PART, to_send=to_send, **more)


@transaction.atomic
def write(*, station: Station, values: dict[str, str], kind: str = Kind.WRITE, **more) -> ConfigurationRun:
    """Set these values, by path, and read them back; raises `CantBeSet`."""
    version = station.ocpp_version
    protocol = templates.protocol(version)
    if wrong := templates.problem(protocol, values):
        raise CantBeSet(wrong)
    wanted = templates.normal(protocol, values)
    places = {path: names.parse(version, path) for path in wanted}
    limits = calls.limits(keep.values(station))
    return begin(
        station=station,
        kind=kind,
        to_send=[
            *calls.write(version, [(places[path], value) for path, value in wanted.items()], limits),
            *calls.read(version, places.values(), limits),
        ],
        results={path: {"wanted": value, "status": ""} for path, value in wanted.items()},
        **more,
    )


@transaction.atomic
def apply_templates(*, station: Station, again: bool = False, **more) -> ConfigurationRun | None:
    """Set whatever differs from the templates; None if nothing does.

    What the station has refused before is left alone, unless somebody wants it tried `again`.
    """
    wanted = {
        each.path: each.wanted
        for each in templates.differences(station)
        if each.may_be_mended or (again and each.state in (State.REFUSED, State.UNSUPPORTED))
    }
    return write(station=station, values=wanted, **more) if wanted else None


@transaction.atomic
def after_boot(*, booted: list[Booted]) -> None:
    """A new station is read and then set up; another is read where its settings may have changed.

    The calls wait until the station has come to rest. One that boots over and over is asked nothing new.
    """
    known = Provisioning.objects.in_bulk([each.boot.station_id for each in booted])
    Provisioning.objects.filter(pk__in=[row.pk for row in known.values() if row.reboot_required_at]).update(
        reboot_required_at=None
    )
    first = sorted(each.boot.station_id for each in booted if each.is_first)
    Provisioning.objects.bulk_create(
        [Provisioning(station_id=pk, is_new=True) for pk in first],
        update_conflicts=True,
        unique_fields=["station"],
        update_fields=["is_new"],
    )
    if settings.OCPP_CONFIGURE_ON_BOOT:
        _read_anew([each for each in booted if _may_have_changed(each, known.get(each.boot.station_id))])


def _may_have_changed(booted: Booted, row: Provisioning | None) -> bool:
    if booted.registration != Station.Registration.ACCEPTED:
        return False
    if booted.is_first or row is None or row.read_at is None or row.is_new:
        return True
    return row.read_firmware != booted.boot.firmware[:60]


def _read_anew(booted: list[Booted]) -> None:
    pks = [each.boot.station_id for each in booted]
    under_way = ConfigurationRun.objects.filter(kind__in=[Kind.READ, Kind.FIRST], status=Status.RUNNING)
    busy = under_way.filter(station__in=pks).values("station")
    for station in Station.objects.filter(pk__in=pks).exclude(pk__in=busy).order_by("pk"):
        read(station=station, reason=AFTER_BOOT, keep_for=FIRST_KEPT_FOR, settle=True)


# How a run goes on


def send_next(run: ConfigurationRun, settle: bool = False) -> None:
    """Send the run's next call, or finish it."""
    if not run.calls:
        finish(run)
        return
    (action, payload), *run.calls = run.calls
    run.command = commands.send(
        station=run.station,
        action=action,
        payload=payload,
        by=run.by,
        reason=run.reason or str(run.get_kind_display()),
        keep_for=timedelta(seconds=run.keep_for_s) if run.keep_for_s else None,
        settle=settle,
    )
    run.save()


def finish(run: ConfigurationRun) -> None:
    refused = [each for each in run.results.values() if each["status"] not in TAKEN]
    if run.problem or (refused and len(refused) == len(run.results)):
        run.status = Status.FAILED
    else:
        run.status = Status.PARTLY if refused else Status.DONE
    run.calls, run.finished_at = [], timezone.now()
    run.save()
    signals.after_commit(signals.stations_changed, station_ids=[run.station_id])
    if run.problem:
        return
    if run.kind == Kind.FIRST:
        Provisioning.objects.filter(station=run.station_id).update(
            configured_at=run.finished_at, is_new=False
        )
    if run.kind == Kind.READ:
        _all_read(run)


def _all_read(run: ConfigurationRun) -> None:
    """It is known what the station is set to; a new one is now set to what is wanted of it."""
    station = run.station
    row = Provisioning.of(station)
    row.read_at, row.read_firmware = run.finished_at, station.firmware
    row.save(update_fields=["read_at", "read_firmware"])
    if not row.is_new:
        return
    first = apply_templates(station=station, kind=Kind.FIRST, reason=AFTER_BOOT, keep_for=FIRST_KEPT_FOR)
    if first is None:
        row.configured_at, row.is_new = run.finished_at, False
        row.save(update_fields=["configured_at", "is_new"])
