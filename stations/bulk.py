"""One order to many chargers: sorted out first, then told piece by piece by workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from evportal.accounts.models import ApiKey, Operator, User
from stations import commands, signals
from stations.exceptions import InvalidPayload, Refused, UnknownAction
from stations.models import BulkCommand, Command, Station
from stations.ocpp import schemas, spelling

#: Chargers that one task tells; a page of them takes a second or two.
PIECE = 500
MOST = 50_000
#: A bulk command whose task has not gone on for so long is taken up by the sweep.
LEFT_BEHIND = timedelta(seconds=60)


class TooMany(Refused):
    default = f"At most {MOST} chargers can be told at once."


class NothingToSend(Refused):
    default = "None of the chosen chargers can be told this."


#: What can be ordered by name: (version, arguments) → (action, payload). `evse` None: the whole charger.
Spell = Callable[..., tuple[str, dict]]
USUAL: dict[str, Spell] = {
    "reset": lambda version, *, hard=False, evse=None: spelling.reset(version, hard, evse),
    "trigger": lambda version, *, message, evse=None: spelling.trigger(version, message, evse, None),
    "availability": lambda version, *, operative, evse=None: spelling.change_availability(
        version, evse, operative
    ),
    "unlock": lambda version, *, evse=1, connector=1: spelling.unlock(version, evse, connector),
    "clear-cache": lambda version: ("ClearCache", {}),
    "local-list-version": lambda version: ("GetLocalListVersion", {}),
}


def calls_for(name: str, **arguments) -> dict[str, dict]:
    """A usual order in the words of every version that has it."""
    spell, found = USUAL[name], {}
    for version in schemas.VERSIONS:
        action, payload = spell(version, **arguments)
        try:
            schemas.check_call(version, action, payload)
        except (UnknownAction, InvalidPayload):
            continue
        found[version] = {"action": action, "payload": payload}
    return found


def check(calls: dict[str, dict]) -> None:
    """Raises `UnknownAction` or `InvalidPayload` for what is not in the protocol."""
    for version, call in calls.items():
        if version not in schemas.VERSIONS:
            raise UnknownAction(
                f"There is no OCPP {version} here; write one of {', '.join(schemas.VERSIONS)}."
            )
        schemas.check_call(version, call["action"], call["payload"])


@dataclass(frozen=True)
class Sorted:
    """Who would be told, by version, and who not, and why."""

    told: list[int] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    versions: Counter = field(default_factory=Counter)

    @property
    def reasons(self) -> Counter:
        return Counter(each["why"] for each in self.skipped)


def sort_out(stations: Iterable[Station], calls: dict[str, dict], *, waits: bool) -> Sorted:
    found = Sorted()
    for station in stations:
        if why := obstacle(station, calls, waits):
            found.skipped.append({"station": station.pk, "why": why})
        else:
            found.told.append(station.pk)
            found.versions[station.ocpp_version] += 1
    return found


def obstacle(station: Station, calls: dict[str, dict], waits: bool) -> str:
    """Why this charger can't be told; empty if it can."""
    if not station.ocpp_version:
        return _("It never connected, so its version is not known")
    if station.ocpp_version not in calls:
        return _("OCPP %s has no such call") % station.ocpp_version
    if not station.is_online and not waits:
        return _("Offline")
    return ""


@transaction.atomic
def order(
    *,
    operator: Operator,
    stations: Iterable[Station],
    what: str,
    calls: dict[str, dict],
    by: User | ApiKey | None = None,
    keep_for: timedelta | None = None,
    retry_of: BulkCommand | None = None,
) -> BulkCommand:
    """Fix who is told what; workers then tell them. Raises `UnknownAction`, `InvalidPayload`, `Refused`."""
    check(calls)
    chosen = list(stations)
    if len(chosen) > MOST:
        raise TooMany
    found = sort_out(chosen, calls, waits=keep_for is not None)
    if not found.told:
        raise NothingToSend
    made = BulkCommand.objects.create(
        operator=operator,
        what=what[:60],
        calls=calls,
        stations=found.told,
        skipped=found.skipped,
        keep_for=keep_for,
        retry_of=retry_of,
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
    )
    transaction.on_commit(lambda: _start(made.pk), robust=True)
    return made


def _start(pk: UUID) -> None:
    from stations.tasks import tell_bulk

    # Without the broker, the sweep starts it.
    tell_bulk.delay(str(pk))


def failed_stations(made: BulkCommand) -> list[Station]:
    """Chargers that were told and did not do it, or were away."""
    return list(
        Station.objects.filter(
            pk__in=made.commands.failed().exclude(status=Command.Status.CANCELLED).values("station")
        ).order_by("pk")
    )


def retry(
    *,
    bulk: BulkCommand,
    stations: Iterable[Station],
    by: User | ApiKey | None = None,
    keep_for: timedelta | None = None,
) -> BulkCommand:
    """The same to those that failed."""
    return order(
        operator=bulk.operator,
        stations=stations,
        what=bulk.what,
        calls=bulk.calls,
        by=by,
        keep_for=keep_for,
        retry_of=bulk,
    )


def cancel(*, bulk: BulkCommand, commands_: Iterable[Command], by: User | ApiKey | None = None) -> int:
    """Take back the calls that still wait; returns how many. Chargers not told yet won't be."""
    BulkCommand.objects.filter(pk=bulk.pk, told_at=None).update(told_at=timezone.now())
    count = 0
    for command in commands_:
        try:
            commands.cancel(command=command, by=by)
        except Refused:
            continue
        count += 1
    return count


@transaction.atomic
def tell_some(bulk_id: UUID | str) -> bool:
    """Make the next piece of commands; whether any are left. Two at once make none twice."""
    made = (
        BulkCommand.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("created_by", "api_key")
        .filter(pk=bulk_id, told_at=None)
        .first()
    )
    if made is None:
        return False
    piece = made.stations[made.told : made.told + PIECE]
    stations = Station.objects.in_bulk(piece)
    _tell(made, [stations[pk] for pk in piece if pk in stations])
    made.told += len(piece)
    if made.told >= len(made.stations):
        made.told_at = timezone.now()
    made.save(update_fields=["told", "told_at"])
    return made.told_at is None


def _tell(made: BulkCommand, stations: list[Station]) -> None:
    left = None if made.keep_for is None else made.created_at + made.keep_for - timezone.now()
    keep_for = left if left and left > timedelta() else None
    rows, nodes = [], []
    for station in stations:
        call = made.calls.get(station.ocpp_version)
        if call is None:
            # It speaks another version since it was chosen.
            continue
        command = commands.draft(
            station=station,
            action=call["action"],
            payload=call["payload"],
            by=made.created_by or made.api_key,
            reason="bulk command",
            keep_for=keep_for,
        )
        command.bulk = made
        if station.is_online:
            nodes.append((station.node, command))
        elif not command.waits:
            commands.give_up(command)
        rows.append(command)
    Command.objects.bulk_create(rows)
    commands.hand_over(nodes)
    for command in rows:
        if command.is_final:
            signals.after_commit(signals.command_finished, command=command)


def left_behind(now: datetime) -> list[UUID]:
    waiting = BulkCommand.objects.filter(told_at=None, created_at__lt=now - LEFT_BEHIND)
    return list(waiting.order_by("created_at").values_list("pk", flat=True)[:20])


def counts(made: BulkCommand) -> dict[str, int]:
    """How many chargers are where, by their commands' status; answers are `accepted` or `refused`."""
    status = Command.Status
    found = made.commands.aggregate(
        queued=Count("pk", filter=Q(status=status.QUEUED)),
        sent=Count("pk", filter=Q(status=status.SENT)),
        accepted=Count("pk", filter=Command.ACCEPTED),
        refused=Count("pk", filter=Q(status=status.ANSWERED) & ~Command.ACCEPTED),
        error=Count("pk", filter=Q(status=status.ERROR)),
        timed_out=Count("pk", filter=Q(status=status.TIMED_OUT)),
        offline=Count("pk", filter=Q(status=status.OFFLINE)),
        cancelled=Count("pk", filter=Q(status=status.CANCELLED)),
    )
    return {"to_tell": len(made.stations) - made.told if made.told_at is None else 0, **found}
