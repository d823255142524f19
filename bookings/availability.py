"""Which slots are free: read with the same few queries whatever the number of EVSEs, days and bookings.

The page, the API and `actions.hold` all ask `rules.problem`; here is only what it needs to know, fetched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from bookings import rules
from bookings.models import Booking, Claim, SiteRules
from bookings.rules import Busy, Place, SlotState
from stations.models import Evse, Session, Site, State

#: How far ahead the list of sites looks for a free slot.
SOON_DAYS = 3
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

    def slots(self, day: date, minutes: int) -> list[EvseSlots]:
        """Every slot of the day that is not over; EVSEs that can never be booked are shown as such."""
        length = timedelta(minutes=minutes)
        starts = [
            at for at in rules.slot_starts(day, self.site.zone, self.policy.slot_minutes) if at >= self.now
        ]
        return [
            EvseSlots(
                evse,
                tuple(Slot(evse, at, at + length, self._state(evse, at, at + length)) for at in starts),
            )
            for evse in self.evses
        ]

    def free_times(self, day: date, minutes: int) -> int:
        """At how many times of the day at least one EVSE is free."""
        length = timedelta(minutes=minutes)
        return sum(
            any(self._state(evse, at, at + length) is SlotState.FREE for evse in self.evses)
            for at in rules.slot_starts(day, self.site.zone, self.policy.slot_minutes)
            if at >= self.now
        )

    def first(self, length: timedelta, days: int) -> Slot | None:
        """The first free slot of this length on any EVSE."""
        found = [
            (starts_at, evse.pk, evse)
            for evse in self.evses
            if (
                starts_at := rules.first_start(
                    self.policy, self.places[evse.pk], length, self.site.zone, self.now, days
                )
            )
        ]
        if not found:
            return None
        starts_at, _pk, evse = min(found)
        return Slot(evse, starts_at, starts_at + length)

    def _state(self, evse: Evse, starts_at: datetime, ends_at: datetime) -> SlotState:
        return rules.slot_state(self.policy, self.places[evse.pk], starts_at, ends_at, self.now)


def load(
    sites: Iterable[Site],
    *,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    standard: str = "",
    min_kw: Decimal | int = 0,
    moving: Booking | None = None,
) -> dict[int, SiteTimes]:
    """Read what is claimed and in use at these sites in this time; by site id.

    A booking that is to be moved doesn't stand in its own way.
    """
    by_id = {site.pk: site for site in sites}
    policies = policies_of(by_id.values())
    evses = Evse.objects.filter(station__site__in=by_id, max_power_w__gte=int(min_kw * 1000))
    if standard:
        evses = evses.filter(connectors__standard=standard).distinct()
    evses = list(
        evses.select_related("station").prefetch_related("connectors").order_by("station__name", "number")
    )
    places = _places(evses, policies, starts_at, ends_at, now, moving)
    at_site = defaultdict(list)
    for evse in evses:
        evse.station.site = by_id[evse.station.site_id]
        at_site[evse.station.site_id].append(evse)
    return {pk: SiteTimes(site, policies[pk], at_site[pk], places, now) for pk, site in by_id.items()}


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
    starts_at, ends_at = rules.day_bounds(day, site.zone)
    ends_at += timedelta(minutes=minutes)
    times = load([site], starts_at=starts_at, ends_at=ends_at, now=now, standard=standard, min_kw=min_kw)
    return times[site.pk].slots(day, minutes)


def first_free(sites: Iterable[Site], *, now: datetime, minutes: int | None = None) -> dict[int, Slot]:
    """The first free slot of each site that has one soon, by site id; the shortest bookable unless told."""
    ends_at = now + timedelta(days=SOON_DAYS + 1)
    found = {}
    for pk, times in load(sites, starts_at=now, ends_at=ends_at, now=now).items():
        slot = times.first(timedelta(minutes=minutes or times.policy.min_minutes), SOON_DAYS)
        if slot is not None:
            found[pk] = slot
    return found


def nearest(
    *, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime, count: int = 3
) -> list[Slot]:
    """The free slots closest to one that is gone: at the same site, with a plug that fits."""
    site = evse.station.site
    local = starts_at.astimezone(site.zone).date()
    days = [local + timedelta(days=offset) for offset in (-1, 0, 1)]
    begin, _end = rules.day_bounds(days[0], site.zone)
    _begin, end = rules.day_bounds(days[-1], site.zone)
    length = ends_at - starts_at
    times = load([site], starts_at=begin, ends_at=end + length, now=now)[site.pk]
    standards = {connector.standard for connector in evse.connectors.all()}
    free = [
        slot
        for day in days
        for row in times.slots(day, int(length / rules.MINUTE))
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
    sites = list(sites)
    stored = {row.site_id: row for row in SiteRules.objects.filter(site__in=sites)}
    return {site.pk: stored.get(site.pk) or SiteRules(site=site) for site in sites}


def _places(
    evses: Sequence[Evse],
    policies: dict[int, SiteRules],
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    moving: Booking | None = None,
) -> dict[int, Place]:
    stored = [policy.pk for policy in policies.values() if policy.pk]
    walk_in = set(
        SiteRules.walk_in_only.through.objects.filter(siterules__in=stored).values_list("evse_id", flat=True)
    )
    busy = defaultdict(list)
    if starts_at < ends_at:
        # A hold that has run out frees its time at once, whether or not the sweep has come by.
        expired = Q(booking__status=Booking.Status.PENDING, booking__hold_expires_at__lte=now)
        claims = Claim.objects.filter(evse__in=evses, period__overlap=(starts_at, ends_at)).exclude(expired)
        if moving is not None:
            claims = claims.exclude(booking=moving)
        for evse_id, period, closure_id in claims.order_by("period").values_list("evse", "period", "closure"):
            busy[evse_id].append(Busy(period.lower, period.upper, closure_id is not None))
    in_use = {
        evse_id: (started_at, booked_until)
        for evse_id, started_at, booked_until in Session.objects.open()
        .filter(evse__in=evses)
        .order_by("started_at")
        .values_list("evse", "started_at", "booking__ends_at")
    }
    return {
        evse.pk: Place(
            busy=busy[evse.pk],
            walk_in_only=evse.pk in walk_in,
            in_use_until=(
                rules.in_use_until(*in_use[evse.pk], evse.max_power_w, now) if evse.pk in in_use else None
            ),
            out_of_order=evse.state in OUT_OF_ORDER,
        )
        for evse in evses
    }
