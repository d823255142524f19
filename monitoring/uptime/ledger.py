"""Keep the history of conditions and the ledger of outages: as things happen, and made anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction

from monitoring.uptime import history
from monitoring.uptime.formulas import Down
from monitoring.uptime.history import Facts, Seen
from monitoring.uptime.models import ConditionChange, Outage, Watch
from stations.models import Evse

#: The round comes every half minute; a silence this long means that the portal was off.
AWAY = timedelta(minutes=3)
#: Two workers must not write the same EVSE's history at once: one lock for all is enough, rounds are short.
LOCK = "SELECT pg_advisory_xact_lock(hashtext('evportal.uptime'))"


@transaction.atomic
def watch(*, now: datetime) -> None:
    """The portal runs; called in every round."""
    _lock()
    last = Watch.objects.order_by("-ends_at").first()
    if last is None or last.ends_at < now - AWAY:
        Watch.objects.create(begins_at=now, ends_at=now)
    else:
        Watch.objects.filter(pk=last.pk, ends_at__lt=now).update(ends_at=now)


@transaction.atomic
def follow(*, now: datetime, station_ids: Iterable[int] | None = None) -> int:
    """Write down what has changed at these stations, or at all; returns how many changes there were."""
    _lock()
    evses = Evse.objects.select_related("station").order_by("pk")
    if station_ids is not None:
        evses = evses.filter(station__in=set(station_ids))
    rows = list(evses)
    last = _last([evse.pk for evse in rows])
    found: dict[int, list[Seen]] = {}
    for evse in rows:
        added = history.news(_facts(evse), last.get(evse.pk), now)
        if added:
            found[evse.pk] = added
    _write(found)
    return sum(len(added) for added in found.values())


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)


def _facts(evse: Evse) -> Facts:
    station = evse.station
    return Facts(
        is_online=station.is_online,
        connected_at=station.connected_at,
        disconnected_at=station.disconnected_at,
        state=evse.state,
        state_since=evse.state_since,
        station_state=station.state,
        station_state_since=station.state_since,
    )


def _last(pks: list[int]) -> dict[int, Seen]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT evse.id, last.at, last.condition FROM unnest(%s::bigint[]) AS evse (id), "
            "LATERAL (SELECT at, condition FROM monitoring_conditionchange WHERE evse_id = evse.id "
            "ORDER BY at DESC LIMIT 1) AS last",
            [pks],
        )
        return {pk: Seen(at, condition) for pk, at, condition in cursor.fetchall()}


def _write(found: dict[int, list[Seen]]) -> None:
    """The changes, and the outages that they end and begin."""
    if not found:
        return
    ConditionChange.objects.bulk_create(
        [
            ConditionChange(evse_id=pk, at=seen.at, condition=seen.condition)
            for pk, added in found.items()
            for seen in added
        ]
    )
    ends = [(pk, added[0].at) for pk, added in found.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitoring_outage AS outage SET ends_at = ended.at "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS ended (evse_id, at) "
            "WHERE outage.evse_id = ended.evse_id AND outage.is_observed AND outage.ends_at IS NULL "
            "AND outage.begins_at < ended.at",
            [[pk for pk, _at in ends], [at for _pk, at in ends]],
        )
    Outage.objects.bulk_create(
        [_outage(pk, down) for pk, added in found.items() for down in history.outages(added)]
    )


def _outage(evse_id: int, down: Down) -> Outage:
    return Outage(evse_id=evse_id, begins_at=down.begins_at, ends_at=down.ends_at, cause=down.cause)


@transaction.atomic
def rebuild(*, evse_ids: Iterable[int] | None = None) -> tuple[int, int]:
    """Make the observed outages anew from the history: (kept, changed). The same however often it is done.

    What people said about an outage stays with the one that begins at the same moment; where there is none
    any more, it stays with the first that overlaps it.
    """
    _lock()
    changes = ConditionChange.objects.order_by("evse_id", "at")
    outages = Outage.objects.filter(is_observed=True)
    if evse_ids is not None:
        chosen = set(evse_ids)
        changes, outages = changes.filter(evse__in=chosen), outages.filter(evse__in=chosen)
    by_evse: dict[int, list[Seen]] = defaultdict(list)
    for pk, at, condition in changes.values_list("evse_id", "at", "condition").iterator(chunk_size=5000):
        by_evse[pk].append(Seen(at, condition))
    known: dict[int, list[Outage]] = defaultdict(list)
    for outage in outages.order_by("begins_at"):
        known[outage.evse_id].append(outage)
    kept = changed = 0
    for pk in sorted({*by_evse, *known}):
        same, other = _rebuild_one(pk, history.outages(by_evse.get(pk, [])), known.get(pk, []))
        kept, changed = kept + same, changed + other
    return kept, changed


def _rebuild_one(evse_id: int, wanted: list[Down], known: list[Outage]) -> tuple[int, int]:
    by_begin = {outage.begins_at: outage for outage in known}
    gone = [outage for outage in known if outage.begins_at not in {down.begins_at for down in wanted}]
    fresh, mended, same = [], [], 0
    for down in wanted:
        row = by_begin.get(down.begins_at)
        if row is None:
            row = next((outage for outage in gone if _overlap(outage, down)), None)
            if row is None:
                fresh.append(_outage(evse_id, down))
                continue
            gone.remove(row)
        elif (row.ends_at, row.cause) == (down.ends_at, down.cause):
            same += 1
            continue
        row.begins_at, row.ends_at, row.cause = down.begins_at, down.ends_at, down.cause
        mended.append(row)
    Outage.objects.filter(pk__in=[outage.pk for outage in gone]).delete()
    # One is shortened before its neighbour grows into its time: hide them from each other first.
    Outage.objects.filter(pk__in=[row.pk for row in mended]).update(is_observed=False)
    Outage.objects.bulk_update(mended, ["begins_at", "ends_at", "cause"])
    Outage.objects.filter(pk__in=[row.pk for row in mended]).update(is_observed=True)
    Outage.objects.bulk_create(fresh)
    return same, len(fresh) + len(mended) + len(gone)


def _overlap(outage: Outage, down: Down) -> bool:
    starts_before = down.ends_at is None or outage.begins_at < down.ends_at
    return starts_before and (outage.ends_at is None or outage.ends_at > down.begins_at)
