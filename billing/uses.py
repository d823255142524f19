"""Where a tariff is used, now or by plan: what its prices have to suit, and which sessions tell about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from billing import prices
from billing.models import Tariff, TariffAssignment
from stations.models import Evse


def evses_of(tariffs: Iterable[Tariff], at: datetime) -> dict[int, list[Evse]]:
    """By tariff: the EVSEs at which it is in force at this moment, or will be as planned."""
    wanted = {tariff.pk for tariff in tariffs}
    found: dict[int, list[Evse]] = {pk: [] for pk in wanted}
    assigned = TariffAssignment.objects.filter(tariff__in=wanted)
    sites = assigned.filter(evse=None).values("site")
    own = assigned.exclude(evse=None).values("evse")
    evses = list(
        Evse.objects.filter(Q(station__site__in=sites) | Q(pk__in=own))
        .select_related("station__site__operator")
        .order_by("station__site__name", "public_id")
    )
    prices.attach(evses)
    for evse in evses:
        for pk in evse.tariff_versions.tariffs(at) & wanted:
            found[pk].append(evse)
    return found


def most_power_w(evses: Iterable[Evse]) -> int:
    """What decides on the rules for fast charging; 0 where nothing uses the tariff yet."""
    return max((evse.max_power_w for evse in evses), default=0)
