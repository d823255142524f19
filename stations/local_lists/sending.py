"""Bring stations' local lists up to date: a part at a time, each after the station has accepted the last."""

from __future__ import annotations

from datetime import datetime, timedelta

from celery import shared_task
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from stations import abilities, commands
from stations.local_lists import caches, entries
from stations.models import Abilities, Command, IdToken, LocalList, Station, TokenRules
from stations.ocpp import wire

State = LocalList.State
#: After a refusal or a time-out.
AGAIN = timedelta(minutes=10)
#: A list may be long, and a charger's memory slow.
TIMEOUT = 60
NOT_KNOWN = ("NotImplemented", "NotSupported")


def tokens_changed(*, operator_id: int) -> None:
    """Somebody changed the operator's tokens: look at once, once that is committed."""
    look_at_tokens.delay_on_commit(operator_id)


@shared_task
def look_at_tokens(operator_id: int) -> None:
    """A blocked token must not charge a minute longer."""
    keep_up(timezone.now(), operator_id)


def keep_up(now: datetime, operator_id: int | None = None) -> int:
    """Send the differences to all stations that lack something; returns to how many."""
    which = Q() if operator_id is None else Q(site__operator_id=operator_id)
    stations = Station.objects.filter(which, abilities__known_at__isnull=False)
    count = 0
    for operator in sorted(set(stations.values_list("site__operator_id", flat=True))):
        caches.forget_refused(operator_id=operator, now=now)
        count += _keep_up(operator, now)
    return count


def _keep_up(operator_id: int, now: datetime) -> int:
    rows = Abilities.objects.filter(station__site__operator_id=operator_id, known_at__isnull=False)
    rows = list(rows.select_related("station__site", "station__local_list"))
    wanted, can = Wanted(operator_id), abilities.of_many(rows)
    count = 0
    for row in rows:
        station, able = row.station, can[row.station_id]
        known = getattr(station, "local_list", None)
        if not able.local_list:
            continue
        want, left_out = entries.fitting(wanted.at(station), able.list_entries)
        mark = entries.fingerprint(want)
        if known is None:
            if not want:
                continue
            known, _new = LocalList.objects.get_or_create(station=station)
        if known.state == State.WAITING and known.wanted == mark and not station.is_online:
            continue
        if _is_due(known, mark, now) and begin(
            local_list=known, want=want, left_out=left_out, able=able, now=now
        ):
            count += 1
    return count


def _is_due(known: LocalList, mark: str, now: datetime) -> bool:
    if known.state == State.UNSUPPORTED and not known.must_be_full:
        return False
    if known.state == State.SENDING and known.command is not None and not known.command.is_final:
        return False
    if known.not_before is not None and known.not_before > now:
        return False
    return known.state != State.CURRENT or known.wanted != mark or known.must_be_full


@transaction.atomic
def begin(*, local_list: LocalList, want: dict, left_out: int, able: abilities.Able, now: datetime) -> bool:
    """Send what is lacking, or all of it; an offline station is looked at again when it is back."""
    row = LocalList.objects.select_for_update().select_related("station").get(pk=local_list.pk)
    station = row.station
    row.wanted, row.left_out = entries.fingerprint(want), left_out
    if not station.is_online:
        row.state = State.WAITING
        row.save()
        return False
    full = row.must_be_full or row.version == 0
    changes = dict(want) if full else entries.difference(row.entries, want)
    row.parts = entries.parts(
        station.ocpp_version or "1.6",
        changes,
        row.entries,
        start_version=row.version + 1,
        full=full,
        items=able.list_items,
        size=able.list_bytes,
    )
    if not row.parts:
        row.state, row.error = State.CURRENT, ""
        row.save()
        return False
    _send_next(row, now)
    return True


def _send_next(row: LocalList, now: datetime) -> None:
    row.state, row.error, row.sent_at = State.SENDING, "", now
    row.command = commands.send(
        station=row.station,
        action="SendLocalList",
        payload=row.parts[0]["payload"],
        reason="local list",
        timeout=TIMEOUT,
    )
    row.save()


@transaction.atomic
def send_all(*, station: Station, by=None, now: datetime | None = None) -> LocalList:
    """Send the whole list anew, whatever was accepted or refused before."""
    now = now or timezone.now()
    row, _new = LocalList.objects.get_or_create(station=station)
    LocalList.objects.filter(pk=row.pk).update(must_be_full=True, not_before=None, state=State.WAITING)
    row.refresh_from_db()
    able = abilities.of(station)
    want, left_out = entries.fitting(Wanted(station.site.operator_id).at(station), able.list_entries)
    begin(local_list=row, want=want, left_out=left_out, able=able, now=now)
    row.refresh_from_db()
    if by is not None and row.command_id:
        Command.objects.filter(pk=row.command_id).update(**_author(by))
    return row


def _author(by) -> dict:
    return {"api_key": by} if hasattr(by, "operator_id") else {"created_by": by}


def ask_version(*, station: Station, by=None) -> Command:
    return commands.send(
        station=station, action="GetLocalListVersion", payload={}, by=by, reason="local list"
    )


def command_finished(command: Command) -> None:
    if command.action == "SendLocalList":
        _part_finished(command)
    elif command.action == "GetLocalListVersion" and command.status == Command.Status.ANSWERED:
        answer = command.response or {}
        said = answer.get("listVersion", answer.get("versionNumber"))
        if isinstance(said, int):
            _compare(command.station, said)


@transaction.atomic
def _compare(station: Station, said: int) -> None:
    """A version that isn't ours means a list that isn't ours: send it whole. −1 is 1.6's word for none."""
    row = LocalList.objects.select_for_update().filter(station=station).first()
    if row is None:
        return
    row.reported_version = said
    if said < 0:
        row.state = State.UNSUPPORTED
    elif said != row.version and row.state != State.SENDING:
        row.must_be_full, row.version = True, max(row.version, said)
    row.save()


@transaction.atomic
def _part_finished(command: Command) -> None:
    """What the station said to one part: go on, begin anew in full, or leave it for a while."""
    row = LocalList.objects.select_for_update(of=("self",)).select_related("station")
    row = row.filter(command=command).first()
    if row is None or not row.parts:
        return
    now = timezone.now()
    said = str((command.response or {}).get("status", "")) if command.status == "answered" else ""
    part = row.parts[0]
    payload = part["payload"]
    version = payload.get("listVersion", payload.get("versionNumber"))
    if said == "Accepted":
        is_full = payload["updateType"] == "Full"
        row.entries = entries.applied({} if is_full else row.entries, part["changes"])
        row.version = row.reported_version = version
        row.accepted_at, row.must_be_full = now, row.must_be_full and not is_full
        row.parts = row.parts[1:]
        if row.parts:
            _send_next(row, now)
            return
        row.state = State.CURRENT
    elif said == "VersionMismatch" and payload["updateType"] != "Full":
        # Somebody else wrote the list, or the station lost it: start from nothing.
        row.must_be_full, row.parts, row.state, row.version = True, [], State.WAITING, version
    elif said == "NotSupported" or command.error_code in NOT_KNOWN:
        row.state, row.parts, row.must_be_full = State.UNSUPPORTED, [], False
        row.error = said or f"{command.error_code} {command.error_description}".strip()[:255]
    elif command.status in (Command.Status.OFFLINE, Command.Status.TIMED_OUT):
        # Whether it has this part is not known, so the next time it gets all of it.
        row.must_be_full, row.parts, row.state, row.version = True, [], State.WAITING, version
        row.error = command.error_description
        row.not_before = now + AGAIN if command.status == Command.Status.TIMED_OUT else None
    else:
        row.must_be_full, row.parts, row.state, row.version = True, [], State.FAILED, version
        row.error = said or f"{command.error_code} {command.error_description}".strip()[:255]
        row.not_before = now + AGAIN
    row.save()


class Wanted:
    """The tokens that an operator's stations should keep; read once for all of them."""

    def __init__(self, operator_id: int):
        rules = TokenRules.of(operator_id)
        found = IdToken.objects.filter(operator_id=operator_id, status=IdToken.Status.ACCEPTED)
        # A lapsed token needs no place on a list; one that lapses later is sent with its day.
        found = found.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
        # What the portal or a terminal starts, nobody shows to an offline charger.
        found = found.exclude(type__in=[IdToken.Type.NONE, IdToken.Type.DIRECT_PAYMENT])
        if rules.local_list == TokenRules.LocalList.NONE:
            found = found.none()
        elif rules.local_list == TokenRules.LocalList.MARKED:
            found = found.filter(on_local_list=True)
        order = found.order_by("-on_local_list", "-priority", "pk").with_places()
        self._master = rules.master_group.upper()
        self._tokens = [
            (row, {s.pk for s in row.sites.all()}, {e.station_id for e in row.evses.all()}) for row in order
        ]

    def at(self, station: Station) -> list[dict]:
        version = station.ocpp_version or "1.6"
        return [
            entry_of(row, version)
            for row, sites, stations in self._tokens
            if (not (sites or stations) or station.site_id in sites or station.pk in stations)
            and entries.takes(version, row.token, row.group)
            and not (version == "1.6" and self._master and row.group.upper() == self._master)
        ]


def entry_of(row: IdToken, version: str) -> dict:
    entry: dict = {"token": row.token, "type": row.type, "status": "Accepted"}
    if row.expires_at is not None:
        entry["expires"] = wire.time_text(row.expires_at)
    if row.group:
        entry["group"] = row.group
    if version != "1.6":
        if row.priority:
            entry["priority"] = row.priority
        if row.language:
            entry["language"] = row.language
    return entry
