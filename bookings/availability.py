"""Which slots are free: read with the same few queries whatever the number of EVSEs, days and bookings.

The page, the API and `actions.hold` all ask `rules.problem`; here is only what it needs to know, fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, BigIntegerField, Exists, Func, OuterRef, Q, TextField
from django.db.models.expressions import RawSQL

from bookings import rules
from bookings.grid import Grid, moment
from bookings.models import Booking, Claim, SiteRules
from bookings.rules import Claims, Place, SlotState
from stations.models import Evse, Session, Site, State

#: How far ahead the list of sites looks for a free slot.
SOON_DAYS = 3
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
    evses = [_Row(*row) for row in rows.order_by("pk")]
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
    places = _places(evses, policies, now, now + timedelta(days=days + 1) + longest, now)
    best: dict[int, tuple[int, int]] = {}
    for evse in evses:
        soonest_yet = best.get(evse.site_id)
        starts = grids[evse.site_id].first(places[evse.pk])
        if starts is not None and (soonest_yet is None or starts < soonest_yet[0]):
            best[evse.site_id] = (starts, evse.pk)
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
    """One row for each EVSE, what touches joined in the database: thousands of ranges are slow to read."""
    # A hold that has run out frees its time at once, whether or not the sweep has come by.
    expired = Booking.objects.filter(
        pk=OuterRef("booking"), status=Booking.Status.PENDING, hold_expires_at__lte=now
    )
    found = Claim.objects.filter(~Exists(expired), evse__in=_these(ids), period__overlap=(starts_at, ends_at))
    if moving is not None:
        found = found.exclude(booking=moving)
    booked, closed = _Joined(Q(closure=None)), _Joined(Q(closure__isnull=False))
    columns = found.values("evse").annotate(
        starts=_Bounds("lower", booked),
        ends=_Bounds("upper", booked),
        closed_from=_Bounds("lower", closed),
        closed_until=_Bounds("upper", closed),
    )
    rows = columns.values_list("evse", "starts", "ends", "closed_from", "closed_until")
    return {evse_id: Claims.of_columns(*bounds) for evse_id, *bounds in rows}


class _Joined(Aggregate):
    """Ranges as one multirange, in which those that touch are one."""

    function = "range_agg"
    output_field = TextField()

    def __init__(self, which: Q):
        super().__init__("period", filter=which)


class _Bounds(Func):
    """The beginnings or ends of a multirange, in whole seconds since 1970, in order.

    Rounded, which is the second that a booking begins or ends at; a place left early may be freed half a
    second sooner.
    """

    template = (
        "ARRAY(SELECT extract(epoch FROM %(bound)s(stretch))::bigint FROM unnest(%(expressions)s) stretch)"
    )
    output_field = ArrayField(BigIntegerField())

    def __init__(self, bound: str, stretches: _Joined):
        super().__init__(stretches, bound=bound)


def _these(ids: list[int]) -> RawSQL:
    """One parameter, where a city's EVSEs would be thousands that are put into the statement one by one."""
    return RawSQL("SELECT unnest(%s::bigint[])", [ids])
