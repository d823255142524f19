"""Which bookings lose their EVSE, and where each could go: read with the same few queries, however many.

What a slot costs at another EVSE is reckoned by billing, which stands to the right of the bookings: it lends
us its reckoning (`register_pricer`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from bookings import availability, moving, rules
from bookings.grid import moment
from bookings.models import Booking
from bookings.moving import Need, Outlet, Spot
from stations.models import Connector, Evse

#: (booking, EVSE) → what the slot costs there, tax included; nothing where no tariff applies.
Prices = dict[tuple[UUID, int], Decimal]
Pricer = Callable[[Sequence[Booking], Sequence[Evse]], Prices]
_pricers: list[Pricer] = []


def register_pricer(pricer: Pricer) -> None:
    _pricers[:] = [pricer]


@dataclass(frozen=True)
class Affected:
    """A booking that can't stay, and the EVSE that it would go to; None: it would have to be cancelled."""

    booking: Booking
    target: Evse | None


def bookings_on(
    evses: Iterable[Evse], *, starts_at: datetime, ends_at: datetime, now: datetime
) -> list[Booking]:
    """Open bookings whose time there, with the buffer after it, overlaps this one; the earliest first."""
    return list(
        _open(now)
        .filter(evse__in=list(evses), claim__period__overlap=(starts_at, ends_at))
        .order_by("starts_at", "pk")
    )


def by_id(ids: Iterable[UUID], *, now: datetime) -> list[Booking]:
    """Those of them that are still open; the earliest first."""
    return list(_open(now).filter(pk__in=list(ids)).order_by("starts_at", "pk"))


def _open(now: datetime):
    expired = Q(status=Booking.Status.PENDING, hold_expires_at__lte=now)
    rows = Booking.objects.open().exclude(expired).filter(claim__isnull=False)
    return rows.with_place().select_related("claim").prefetch_related("evse__connectors")


def look(bookings: Sequence[Booking], *, avoid: Collection[int], now: datetime) -> list[Affected]:
    """Where each would go, but to none of the EVSEs to avoid (by id), as things are now."""
    found = targets(bookings, avoid=avoid, now=now)
    return [Affected(booking, found.get(booking.pk)) for booking in bookings]


def targets(bookings: Sequence[Booking], *, avoid: Collection[int], now: datetime) -> dict[UUID, Evse]:
    """The EVSE of the same site for each booking that can be placed, by the booking's id."""
    found: dict[UUID, Evse] = {}
    sites = {booking.evse.station.site_id: booking.evse.station.site for booking in bookings}
    for pk, site in sites.items():
        here = [booking for booking in bookings if booking.evse.station.site_id == pk]
        starts_at = max(now, min(booking.starts_at for booking in here))
        ends_at = max(booking.claim.period.upper for booking in here)
        there = availability.places_between(site, starts_at, ends_at, now=now)
        places = {evse.pk: place for evse, place in there}
        evses = {
            evse.pk: evse
            for evse, place in there
            if evse.pk not in avoid and evse.wanted_operative and not place.walk_in_only
        }
        prices = _prices(here, list(evses.values()))
        needs = [_need(booking, prices, now) for booking in here]
        spots = [_spot(evse, places[evse.pk], now) for evse in evses.values()]
        # A booking is not moved to where it is.
        own = {booking.pk: booking.evse_id for booking in here}
        chosen = moving.assign(
            needs,
            spots,
            lambda need, spot, prices=prices: prices.get((need.key, spot.key)),
            lambda need, spot, own=own: own[need.key] != spot.key,
        )
        found |= {key: evses[evse_id] for key, evse_id in chosen.items()}
    return found


def equivalents(booking: Booking, evses: Sequence[Evse], now: datetime) -> list[Evse]:
    """Those of the EVSEs that are no worse for the booking's driver than its own, free or not."""
    prices = _prices([booking], evses)
    need = _need(booking, prices, now)
    return [
        evse
        for evse in evses
        if moving.is_equivalent(
            need,
            Spot(key=evse.pk, outlets=_outlets(evse), max_power_w=evse.max_power_w),
            prices.get((booking.pk, evse.pk)),
        )
    ]


def _prices(bookings: Sequence[Booking], evses: Sequence[Evse]) -> Prices:
    return _pricers[0](bookings, evses) if _pricers else {}


def _need(booking: Booking, prices: Prices, now: datetime) -> Need:
    return Need(
        key=booking.pk,
        starts_at=max(booking.starts_at, now),
        ends_at=booking.claim.period.upper,
        outlets=_outlets(booking.evse),
        max_power_w=booking.evse.max_power_w,
        price=prices.get((booking.pk, booking.evse_id)),
    )


def _spot(evse: Evse, place: rules.Place, now: datetime) -> Spot:
    in_use_until = place.in_use_until
    if place.out_of_order or not evse.station.is_online:
        # Nobody is sent to a charger that couldn't serve them soon; later it may well be mended.
        in_use_until = max(now + rules.OUT_OF_ORDER_FOR, in_use_until or now)
    return Spot(
        key=evse.pk,
        outlets=_outlets(evse),
        max_power_w=evse.max_power_w,
        busy=[(moment(a), moment(b)) for a, b in zip(place.claims.starts, place.claims.ends, strict=True)],
        in_use_until=in_use_until,
    )


def _outlets(evse: Evse) -> frozenset[Outlet]:
    return frozenset(
        Outlet(connector.standard, connector.format == Connector.Format.CABLE)
        for connector in evse.connectors.all()
    )
