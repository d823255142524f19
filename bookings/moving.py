"""Where bookings could go when their EVSE can't serve them: as many as possible; no database, no clock.

A booking fits another EVSE of the site that gives the same or more power, has each of its outlets (a cable
where there was a cable), is free for the whole slot, and costs the same or less. Several bookings may compete
for few EVSEs; `assign` finds the most that can be placed together.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

#: As many half-filled plans are looked at beside each other; one closure's bookings mostly need far fewer.
#: Where there are more, the best of them are followed.
MOST_PLANS = 512


@dataclass(frozen=True)
class Outlet:
    """A way to plug in, in OCPI's words; with a cable nobody needs one of their own."""

    standard: str
    has_cable: bool = False


@dataclass(frozen=True)
class Need:
    """A booking that has to leave its EVSE; `ends_at` with the buffer that is kept after it."""

    key: Hashable
    starts_at: datetime
    ends_at: datetime
    outlets: frozenset[Outlet]
    max_power_w: int
    #: What the slot costs where it is; None: nobody knows a price.
    price: Decimal | None = None


@dataclass(frozen=True)
class Spot:
    """An EVSE that is in working order, and when it is taken; ranges are half-open."""

    key: Hashable
    outlets: frozenset[Outlet]
    max_power_w: int
    busy: Sequence[tuple[datetime, datetime]] = ()
    #: Somebody charges there without a booking, as is expected until then.
    in_use_until: datetime | None = None

    def is_free(self, starts_at: datetime, ends_at: datetime) -> bool:
        if self.in_use_until is not None and starts_at < self.in_use_until:
            return False
        return not any(begin < ends_at and starts_at < end for begin, end in self.busy)


#: What a need would cost at a spot; None: nobody knows a price.
PriceAt = Callable[[Need, Spot], Decimal | None]


def offers(outlet: Outlet, outlets: frozenset[Outlet]) -> bool:
    """Whether a driver who came for this outlet can plug in: with a socket they bring their own cable."""
    return any(
        other.standard == outlet.standard and (other.has_cable or not outlet.has_cable) for other in outlets
    )


def is_equivalent(need: Need, spot: Spot, price: Decimal | None) -> bool:
    """Whether the spot is no worse for the driver, free or not."""
    if spot.max_power_w < need.max_power_w:
        return False
    if not all(offers(outlet, spot.outlets) for outlet in need.outlets):
        return False
    if price is None or need.price is None:
        # Without a price at either place there is nothing to compare; with one at the new place it is dearer.
        return price is None
    return price <= need.price


def assign(
    needs: Sequence[Need],
    spots: Sequence[Spot],
    price_at: PriceAt = lambda _need, _spot: None,
    may_go: Callable[[Need, Spot], bool] = lambda _need, _spot: True,
) -> dict[Hashable, Hashable]:
    """Which booking goes to which EVSE: the most that can be placed; the same answer every time.

    Among equally many the earlier bookings come first, and each gets the spot that is closest to its own in
    power, so that a fast one stays free for who needs it. The bookings are looked at in the order of their
    start, beside every plan for those before that could still matter: what a plan holds at that moment is all
    that the rest depends on.
    """
    in_order = sorted(needs, key=lambda need: (need.starts_at, need.ends_at, str(need.key)))
    ranked = sorted(spots, key=lambda spot: (spot.max_power_w, str(spot.key)))
    # Spots held until a moment → (how many are placed, which from the first on, rank of the spots, plan)
    plans: dict[frozenset, tuple[int, tuple[int, ...], int, tuple]] = {frozenset(): (0, (), 0, ())}
    for need in in_order:
        fitting = [
            rank
            for rank, spot in enumerate(ranked)
            if may_go(need, spot)
            and spot.is_free(need.starts_at, need.ends_at)
            and is_equivalent(need, spot, price_at(need, spot))
        ]
        following: dict[frozenset, tuple[int, tuple[int, ...], int, tuple]] = {}
        for held, (count, which, ranks, plan) in plans.items():
            still = frozenset(each for each in held if each[1] > need.starts_at)
            taken = {rank for rank, _until in still}
            _keep_better(following, still, (count, (*which, 0), ranks, plan))
            for rank in fitting:
                if rank not in taken:
                    more = (count + 1, (*which, 1), ranks - rank, ((need.key, ranked[rank].key), plan))
                    _keep_better(following, still | {(rank, need.ends_at)}, more)
        if len(following) > MOST_PLANS:
            best = sorted(following.items(), key=_order, reverse=True)[:MOST_PLANS]
            following = dict(best)
        plans = following
    plan = max(plans.items(), key=_order)[1][3]
    found = {}
    while plan:
        (need_key, spot_key), plan = plan
        found[need_key] = spot_key
    return found


def _keep_better(plans: dict, held: frozenset, plan: tuple) -> None:
    if held not in plans or plan[:3] > plans[held][:3]:
        plans[held] = plan


def _order(item: tuple) -> tuple:
    held, plan = item
    # What is held breaks ties, so that the order of a set never decides.
    return (*plan[:3], tuple(sorted(held)))
