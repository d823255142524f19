"""Which slots are free: read with the same few queries whatever the number of EVSEs, days and bookings.

The page, the API and `actions.hold` all ask `rules.problem`; here is only what it needs to know, fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BigIntegerField, BooleanField, ExpressionWrapper, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Extract

from bookings import rules
from bookings.grid import Grid, moment
from bookings.models import Booking, Claim, SiteRules
from bookings.rules import Claims, Place, SlotState
from stations.models import Evse, Session, Site, State

#: How far ahead the list of sites looks for a free slot.
SOON_DAYS = 3
#: So far ahead many sites' bookings are read at first, and then: most have something free by the first.
SOON = (timedelta(hours=6), timedelta(hours=18))
#: A range of days that may be asked for at once.
MOST_DAYS = 31
OUT_OF_ORDER = (State.FAULTED, State.UNAVAILABLE)


@dataclass(frozen=True)
class Slot:
    evse: Evse
    starts_at: datetime
    ends_at: datetime
    state: SlotState = SlotState.FREE

    @property
    def is_free(self) -> bool:
        return self.state is SlotState.FREE


@dataclass(frozen=True)
class EvseSlots:
    """One EVSE's slots of a day, in order; every EVSE of the site has the same starts."""

    evse: Evse
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class SiteTimes:
    """What is known of a site's EVSEs over some days."""

    site: Site
    policy: SiteRules
    evses: Sequence[Evse]
    places: dict[int, Place]
    now: datetime

    #: What was asked for, or the shortest bookable.
    length: timedelta
    _grids: dict[tuple[date, ...], Grid] = field(default_factory=dict, compare=False)

    def grid(self, days: Iterable[date]) -> Grid:
        """Every start of these days that is not over; remembered, as each EVSE asks the same of it."""
        key = tuple(days)
        if key not in self._grids:
            self._grids[key] = Grid.of(self.policy, key, self.length, self.now)
        return self._grids[key]

    def states(self, evse: Evse, days: Iterable[date]) -> list[SlotState]:
        return self.grid(days).states(self.places[evse.pk])

    def slots(self, day: date) -> list[EvseSlots]:
        """Every slot of the day that is not over; EVSEs that can never be booked are shown as such."""
        starts = self.grid([day]).moments()
        return [
            EvseSlots(
                evse,
                tuple(
                    Slot(evse, at, at + self.length, state)
                    for at, state in zip(starts, self.states(evse, [day]), strict=True)
                ),
            )
            for evse in self.evses
        ]

    def free_times(self, day: date) -> int:
        """At how many times of the day at least one EVSE is free."""
        rows = [self.states(evse, [day]) for evse in self.evses]
        return sum(SlotState.FREE in column for column in zip(*rows, strict=True))


def of_days(
    site: Site,
    days: Sequence[date],
    minutes: int | None,
    *,
    now: datetime,
    standard: str = "",
    min_kw: Decimal | int = 0,
    moving: Booking | None = None,
) -> SiteTimes:
    """Read what is claimed and in use at a site on these local days, one after another.

    A booking that is to be moved doesn't stand in its own way.
    """
    policy = policies_of([site])[site.pk]
    length = timedelta(minutes=minutes or policy.min_minutes)
    starts_at, _end = rules.day_bounds(days[0], site.zone)
    _start, ends_at = rules.day_bounds(days[-1], site.zone)
    # The last slot goes beyond its day, and must have its buffer.
    ends_at += length + timedelta(minutes=policy.buffer_minutes)
    evses = _at_site(site, standard, min_kw)
    places = _places(evses, {site.pk: policy}, max(starts_at, now), ends_at, now, moving)
    return SiteTimes(site, policy, evses, places, now, length)


def places_between(
    site: Site, starts_at: datetime, ends_at: datetime, *, now: datetime
) -> list[tuple[Evse, Place]]:
    """What is claimed and in use in this time at each of the site's EVSEs."""
    evses = _at_site(site)
    places = _places(evses, policies_of([site]), starts_at, ends_at, now)
    return [(evse, places[evse.pk]) for evse in evses]


def free_slots(
    site: Site,
    day: date,
    minutes: int,
    *,
    now: datetime,
    standard: str = "",
    min_kw: Decimal | int = 0,
) -> list[EvseSlots]:
    """Each EVSE's slots of one local day, with their states."""
    return of_days(site, [day], minutes, now=now, standard=standard, min_kw=min_kw).slots(day)


def first_free(
    sites: Iterable[Site],
    *,
    now: datetime,
    minutes: int | None = None,
    days: int = SOON_DAYS,
    standard: str = "",
    min_kw: Decimal | int = 0,
    count: int | None = None,
) -> dict[int, Slot]:
    """The first free slot of each site that has one soon, by site id, the soonest first.

    The shortest bookable, unless told; only the first `count` sites where that is given. A whole city's EVSEs
    are read as bare rows, and only those that were found in full.
    """
    policies = {pk: policy for pk, policy in policies_of(sites).items() if policy.bookable}
    rows = _fitting(policies, standard, min_kw).values_list(
        "pk", "station__site", "max_power_w", "state", named=False
    )
    left = [_Row(*row) for row in rows.order_by("pk")]
    # What only depends on the rules is asked once of all sites that have the same.
    shared: dict[tuple, Grid] = {}
    grids = {}
    for pk, policy in policies.items():
        same = rules.same(policy)
        if same not in shared:
            shared[same] = _ahead(policy, minutes, days, now)
        grids[pk] = shared[same]
    # The last start of the last day may be followed by the longest length there is.
    longest = max((grid.claimed for grid in grids.values()), default=timedelta())
    best: dict[int, tuple[int, int]] = {}
    # Most sites have something free within hours, and what is booked later needn't be read for them.
    for until in (*(now + ahead for ahead in SOON), now + timedelta(days=days + 1) + longest):
        opening = {pk for pk, grid in grids.items() if grid.opens(before=until)}
        asked = [evse for evse in left if evse.site_id in opening]
        places = _places(asked, policies, now, until, now) if asked else {}
        for evse in asked:
            grid = grids[evse.site_id]
            starts = grid.first(places[evse.pk], before=until)
            if starts is not None and (evse.site_id not in best or starts < best[evse.site_id][0]):
                best[evse.site_id] = (starts, evse.pk)
        left = [evse for evse in left if evse.site_id not in best]
        if not left:
            break
    soonest = sorted(best.items(), key=lambda found: (found[1], found[0]))[:count]
    whole = Evse.objects.with_station().in_bulk([pk for _site, (_starts, pk) in soonest])
    return {
        site_id: Slot(whole[pk], moment(starts), moment(starts) + grids[site_id].length)
        for site_id, (starts, pk) in soonest
    }


def nearest(
    *, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime, count: int = 3
) -> list[Slot]:
    """The free slots closest to one that is gone: at the same site, with a plug that fits."""
    site = evse.station.site
    local = starts_at.astimezone(site.zone).date()
    days = [local + timedelta(days=offset) for offset in (-1, 0, 1)]
    length = ends_at - starts_at
    times = of_days(site, days, int(length / rules.MINUTE), now=now)
    standards = {connector.standard for connector in evse.connectors.all()}
    free = [
        slot
        for day in days
        for row in times.slots(day)
        if standards & {connector.standard for connector in row.evse.connectors.all()}
        for slot in row.slots
        if slot.is_free
    ]
    free.sort(key=lambda slot: (abs(slot.starts_at - starts_at), slot.evse.pk != evse.pk, slot.evse.pk))
    return free[:count]


def place_of(evse: Evse, policy: SiteRules, now: datetime) -> Place:
    """An EVSE but for what is claimed: that is for the database's constraint to say when a slot is held."""
    return _places([evse], {evse.station.site_id: policy}, now, now, now)[evse.pk]


def policies_of(sites: Iterable[Site]) -> dict[int, SiteRules]:
    """Each site's rules; one without a row goes by the defaults."""
    by_id = {site.pk: site for site in sites}
    policies = {pk: SiteRules(site=site) for pk, site in by_id.items()}
    for row in SiteRules.objects.filter(site__in=by_id):
        row.site = by_id[row.site_id]
        policies[row.site_id] = row
    return policies


# --- how ----------------------------------------------------------------------------------------


class _Known(Protocol):
    """What is asked of an EVSE's own row."""

    pk: int
    max_power_w: int
    state: str


def _ahead(policy: SiteRules, minutes: int | None, days: int, now: datetime) -> Grid:
    today = now.astimezone(policy.hours.zone).date()
    ahead = [today + timedelta(days=offset) for offset in range(days)]
    return Grid.of(policy, ahead, timedelta(minutes=minutes or policy.min_minutes), now)


class _Row(NamedTuple):
    pk: int
    site_id: int
    max_power_w: int
    state: str


def _at_site(site: Site, standard: str = "", min_kw: Decimal | int = 0) -> list[Evse]:
    fitting = _fitting([site.pk], standard, min_kw).select_related("station").prefetch_related("connectors")
    evses = list(fitting.order_by("station__name", "number"))
    for evse in evses:
        evse.station.site = site
    return evses


def _fitting(site_ids: Iterable[int], standard: str, min_kw: Decimal | int):
    evses = Evse.objects.filter(station__site__in=list(site_ids), max_power_w__gte=int(min_kw * 1000))
    return evses.filter(connectors__standard=standard).distinct() if standard else evses


def _places(
    evses: Sequence[_Known],
    policies: dict[int, SiteRules],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    moving: Booking | None = None,
) -> dict[int, Place]:
    ids = [evse.pk for evse in evses]
    stored = [policy.pk for policy in policies.values() if policy.pk]
    walk_in = set(
        SiteRules.walk_in_only.through.objects.filter(siterules__in=stored).values_list("evse_id", flat=True)
    )
    claims = _claims(ids, starts_at, ends_at, now, moving) if starts_at < ends_at else {}
    in_use = {
        evse_id: (started_at, booked_until)
        for evse_id, started_at, booked_until in Session.objects.open()
        .filter(evse__in=_these(ids))
        .order_by("started_at")
        .values_list("evse", "started_at", "booking__ends_at")
    }
    nothing = Claims()
    return {
        evse.pk: Place(
            claims=claims.get(evse.pk, nothing),
            walk_in_only=evse.pk in walk_in,
            in_use_until=(
                rules.in_use_until(*in_use[evse.pk], evse.max_power_w, now) if evse.pk in in_use else None
            ),
            out_of_order=evse.state in OUT_OF_ORDER,
        )
        for evse in evses
    }


def _claims(
    ids: list[int], starts_at: datetime, ends_at: datetime, now: datetime, moving: Booking | None
) -> dict[int, Claims]:
    """One row for each EVSE, its claims in columns: thousands of ranges would be slow to read one by one."""
    # A hold that has run out frees its time at once, whether or not the sweep has come by.
    expired = Q(booking__status=Booking.Status.PENDING, booking__hold_expires_at__lte=now)
    found = Claim.objects.filter(evse__in=_these(ids), period__overlap=(starts_at, ends_at)).exclude(expired)
    if moving is not None:
        found = found.exclude(booking=moving)
    is_closure = ExpressionWrapper(Q(closure__isnull=False), output_field=BooleanField())
    # They never overlap, so their beginnings order them; whole ranges take several times as long to compare.
    begins = _epoch("period__startswith")
    columns = found.values("evse").annotate(
        starts=ArrayAgg(begins, order_by=begins),
        ends=ArrayAgg(_epoch("period__endswith"), order_by=begins),
        closures=ArrayAgg(is_closure, order_by=begins),
    )
    return {
        evse_id: Claims(starts, ends, closures)
        for evse_id, starts, ends, closures in columns.values_list("evse", "starts", "ends", "closures")
    }


def _these(ids: list[int]) -> RawSQL:
    """One parameter, where a city's EVSEs would be thousands that are put into the statement one by one."""
    return RawSQL("SELECT unnest(%s::bigint[])", [ids])


def _epoch(bound: str):
    # Rounded, which is the second that a booking begins or ends at; a place left early may be freed half a
    # second sooner.
    # By UTC whatever zone the page is written in: Django would shift the moment by the zone's offset first.
    return Cast(Extract(bound, "epoch", tzinfo=UTC), BigIntegerField())
