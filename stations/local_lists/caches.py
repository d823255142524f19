"""What stations remember of earlier answers: cleared when a token isn't good any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from stations import commands
from stations.abilities import reading
from stations.models import Abilities, Command, IdToken, Station, TokenRules

#: A station that is away gets it when it comes back; after so long its cache is old anyway.
KEEP = timedelta(days=7)


def clear_caches(*, stations, reason: str, by=None) -> list[Command]:
    """Ask every one of the stations that has a cache to forget it."""
    rows = Abilities.objects.filter(station__in=stations).select_related("station")
    having = [row.station for row in rows if reading.able(row.station.ocpp_version, row.told).cache]
    waiting = set(
        Command.objects.filter(
            station__in=having, action="ClearCache", status=Command.Status.QUEUED
        ).values_list("station", flat=True)
    )
    return [
        commands.send(station=station, action="ClearCache", payload={}, reason=reason, keep_for=KEEP, by=by)
        for station in having
        if station.pk not in waiting
    ]


@transaction.atomic
def forget_refused(*, operator_id: int, now: datetime) -> int:
    """Clear the caches of an operator's stations if one of its tokens was refused since the last time."""
    TokenRules.objects.get_or_create(operator_id=operator_id)
    rules = TokenRules.objects.select_for_update().get(operator_id=operator_id)
    lost = IdToken.objects.filter(operator_id=operator_id, status_before=IdToken.Status.ACCEPTED)
    lost = lost.exclude(status=IdToken.Status.ACCEPTED)
    newest = lost.order_by("-status_since").values_list("status_since", flat=True).first()
    if newest is None or (rules.cleared_at is not None and newest <= rules.cleared_at):
        return 0
    # By the database's clock, as the tokens have it: one that is blocked at this moment is not passed over.
    rules.cleared_at = newest
    rules.save(update_fields=["cleared_at"])
    stations = Station.objects.filter(site__operator_id=operator_id)
    return len(clear_caches(stations=stations, reason="a token was blocked"))
