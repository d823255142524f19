"""What a draft would have meant: typical sessions and the operator's past ones, by old and new prices."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing import prices, pricing, uses
from billing.models import Tariff, TariffVersion
from billing.pricing import comparing
from stations.models import Session

#: A page shall not take longer than this; what was not reached is said.
SECONDS = 6
#: How many past sessions may be asked for.
COUNTS = (20, 50, 200)


@dataclass(frozen=True)
class PastSession:
    session: Session
    comparison: comparing.Comparison


@dataclass
class Past:
    """Past sessions by both prices, the newest first, and their sums with tax."""

    rows: list[PastSession] = field(default_factory=list)
    old: Decimal = Decimal(0)
    new: Decimal = Decimal(0)
    #: Sessions that were to be compared and weren't: time was up, or they can't be priced.
    left_out: int = 0

    @property
    def difference(self) -> Decimal:
        return self.new - self.old


def in_force(tariff: Tariff, at: datetime) -> TariffVersion | None:
    """The version that holds at this moment; one that is still to come where there is no other."""
    versions = list(tariff.versions.order_by("-valid_from", "-number"))
    return next((each for each in versions if each.valid_from <= at), versions[-1] if versions else None)


def samples(
    old: pricing.Tariff | None, new: pricing.Tariff, at: datetime, groups: Iterable[str] = ()
) -> list[tuple[comparing.Sample, comparing.Comparison]]:
    """Typical sessions of a day by both."""
    zone = at.tzinfo
    names = tuple(groups)
    found = comparing.samples(at, zone)
    return [(sample, comparing.compare(old, new, sample.usage, names)) for sample in found]


def past(
    *, tariff: Tariff, old: pricing.Tariff | None, new: pricing.Tariff, now: datetime, count: int
) -> Past:
    """The last sessions at EVSEs that use the tariff, each with the groups that its driver was in."""
    evses = uses.evses_of([tariff], now)[tariff.pk]
    sessions = (
        Session.objects.filter(evse__in=[evse.pk for evse in evses], stopped_at__isnull=False, review="")
        .with_place()
        .select_related("cdr", "user")
        .order_by("-started_at")[: min(count, max(COUNTS))]
    )
    found, until = Past(), time.monotonic() + SECONDS
    for session in sessions:
        if time.monotonic() > until:
            found.left_out += 1
            continue
        try:
            usage = prices.usage(session)
            compared = comparing.compare(old, new, usage, prices.frozen_groups(session))
        except pricing.UsageError:
            found.left_out += 1
            continue
        found.rows.append(PastSession(session, compared))
        found.old += compared.old.gross if compared.old is not None else Decimal(0)
        found.new += compared.new.gross
    return found
