"""What a plan would be with another limit for the site; nothing is told to anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from monitoring.load import reading, wishes
from monitoring.load.models import LoadSite
from monitoring.load.share import share
from monitoring.load.showing import number


def with_limit(load_site: LoadSite, limit: Decimal, now: datetime) -> dict:
    """{limit, rows: [{name, now, then}], waiting, overrun} for so many amperes on each phase of the site."""
    seen = reading.look(load_site, now)
    amps = wishes.tenths(limit * (100 - load_site.margin_percent) / 100) or 0
    tree = [
        group if group.parent is not None else replace(group, limit=(amps, amps, amps))
        for group in seen.tree()
    ]
    points = {member.pk: reading.point(seen, member, now) for member in seen.members}
    stands = {pk: found for pk, point in points.items() if (found := wishes.fixed(point))}
    shared = share(
        tree,
        [wishes.demand(point) for pk, point in points.items() if pk not in stands],
        [*seen.others(), *[found for found, _why in stands.values()]],
    )
    rows = [
        {
            "name": f"{member.evse.station.name} / {member.evse.number}",
            "now": number(member.given_a),
            "then": number(wishes.amps(shared.grants[member.pk].amps)),
        }
        for member in seen.members
        if member.pk in shared.grants and (member.given_a or shared.grants[member.pk].why != "nothing")
    ]
    return {
        "limit": number(limit),
        "rows": rows,
        "waiting": sum(
            grant.why == "waits" and points[pk].has_session for pk, grant in shared.grants.items()
        ),
        "overrun": bool(shared.overrun),
    }
