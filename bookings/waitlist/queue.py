"""A site's queue and what is free there, fetched for the rules: a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings import availability
from bookings.models import Booking, SiteRules, WaitlistPlace
from bookings.waitlist import rules
from bookings.waitlist.rules import Candidate, Standing, Waiting
from stations.models import Evse, Reservation, Session, Site, State

#: States of an EVSE that somebody who is on the way can plug in at.
FREE_NOW = (State.AVAILABLE,)


@dataclass(frozen=True)
class Queue:
    site: Site
    policy: SiteRules
    waiting: Sequence[Waiting]
    candidates: Sequence[Candidate]
    evses: dict[int, Evse]
    now: datetime

    def next_offer(self, but=frozenset()):
        """Without those who were refused in this run."""
        queue = [wish for wish in self.waiting if wish.id not in but]
        return rules.next_offer(queue, self.candidates, self.policy, self.site.zone, self.now)

    def best(self, wish: Waiting):
        return rules.best(wish, self.candidates, self.policy, self.site.zone, self.now)

    def standing(self, place: WaitlistPlace) -> Standing:
        wish = next((each for each in self.waiting if each.id == place.pk), None) or as_wish(place)
        return rules.standing(wish, self.waiting, self.candidates, self.now)


def load(site: Site, now: datetime) -> Queue:
    places = list(WaitlistPlace.objects.open().filter(site=site).in_order())
    end = max((place.ends_before for place in places), default=now) + timedelta(days=1)
    policy = availability.policies_of([site])[site.pk]
    there = availability.places_between(site, now, max(end, now), now=now)
    kept = set(
        Reservation.objects.filter(
            evse__in=[evse for evse, _place in there],
            status__in=Reservation.KEEPING,
            starts_at__lte=now,
            ends_at__gt=now,
        ).values_list("evse", flat=True)
    )
    candidates = [
        Candidate(
            evse.pk,
            frozenset(connector.standard for connector in evse.connectors.all()),
            evse.max_power_w,
            known,
            is_free_now=evse.station.is_online
            and evse.state in FREE_NOW
            and known.in_use_until is None
            and evse.pk not in kept,
        )
        for evse, known in there
    ]
    evses = {evse.pk: evse for evse, _known in there}
    return Queue(site, policy, _waiting(places, policy, now), candidates, evses, now)


def _waiting(places: Sequence[WaitlistPlace], policy: SiteRules, now: datetime) -> list[Waiting]:
    people = {place.user_id for place in places}
    own, here = defaultdict(list), defaultdict(int)
    mine = Booking.objects.filter(user__in=people).counting(now)
    for user_id, starts_at, ends_at, site_id in mine.values_list(
        "user", "starts_at", "ends_at", "evse__station__site"
    ):
        own[user_id].append((starts_at, ends_at))
        here[user_id] += site_id == places[0].site_id
    charging = set(Session.objects.open().filter(user__in=people).values_list("user", flat=True))
    return [
        as_wish(
            place,
            own=tuple(own[place.user_id]),
            is_busy=place.state == WaitlistPlace.State.OFFERED
            or here[place.user_id] >= policy.max_open_per_driver
            or (place.is_now and place.user_id in charging),
        )
        for place in places
    ]


def as_wish(place: WaitlistPlace, **more) -> Waiting:
    return Waiting(
        id=place.pk,
        queued_at=place.queued_at,
        starts_after=place.starts_after,
        ends_before=place.ends_before,
        length=place.length,
        is_now=place.is_now,
        standard=place.standard,
        min_power_w=place.min_power_w,
        paused_until=place.paused_until,
        **more,
    )
