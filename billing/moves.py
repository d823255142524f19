"""What a booked slot costs at another EVSE, for bookings that have to leave theirs.

`bookings.affected` borrows it, because billing stands to the right of the bookings.

A moved booking is billed by the tariff version that its driver accepted, wherever it is charged. This only
decides where it may go: to no EVSE whose own price for the slot is higher.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing import groups, parties, prices, pricing
from billing.models import Quote, TariffVersion
from bookings.models import Booking
from evportal.accounts.models import Operator, User
from stations.models import Evse


def prices_at(bookings: Sequence[Booking], evses: Sequence[Evse]) -> dict[tuple[UUID, int], Decimal]:
    """The slot's price at each EVSE and at its own, tax included; nothing where no tariff applies.

    At its own it is the list price or the one that was agreed, whichever is higher: after a rise both places
    are as dear as each other, and after a fall the driver still has what they accepted.
    """
    prices.attach([*evses, *(booking.evse for booking in bookings)])
    quotes = {quote.booking_id: quote for quote in Quote.objects.filter(booking__in=bookings)}
    for site in {booking.evse.station.site for booking in bookings}:
        parties.remember([each.user for each in bookings if each.evse.station.site_id == site.pk], site)
    unquoted: dict[tuple[Operator, datetime], list[User]] = {}
    for booking in bookings:
        if booking.pk not in quotes:
            # Asked once a day, as groups are.
            day = booking.starts_at.replace(hour=0, minute=0, second=0, microsecond=0)
            unquoted.setdefault((booking.evse.station.site.operator, day), []).append(booking.user)
    for (operator, at), users in unquoted.items():
        groups.remember(users, operator, at)
    reckoned: dict[tuple, Decimal] = {}
    found = {}
    for booking in bookings:
        quote = quotes.get(booking.pk)
        energy_wh = (
            quote.energy_wh
            if quote is not None
            else prices.usual_energy_wh(booking.evse, booking.ends_at - booking.starts_at)
        )
        for evse in {booking.evse_id: booking.evse, **{each.pk: each for each in evses}}.values():
            version = prices.version_for(evse, booking.starts_at)
            if version is None:
                continue
            if quote is not None:
                mine = tuple(quote.groups)
            else:
                mine = prices.groups_of(booking.user, evse, booking.starts_at)
            key = (version.pk, mine, booking.user_id, booking.starts_at, booking.ends_at, energy_wh)
            if key not in reckoned:
                reckoned[key] = _gross(version, mine, booking, evse, energy_wh)
            found[booking.pk, evse.pk] = reckoned[key]
        own = booking.pk, booking.evse_id
        if quote is not None:
            found[own] = max(quote.gross, found.get(own, quote.gross))
    return found


def _gross(
    version: TariffVersion, names: tuple[str, ...], booking: Booking, evse: Evse, energy_wh: Decimal
) -> Decimal:
    usage = pricing.quote_usage(
        booking.starts_at, booking.ends_at, tz=evse.station.site.zone, energy_kwh=Decimal(energy_wh) / 1000
    )
    priced = pricing.price(prices.tariff(version, names), usage)
    return parties.taxed(priced, user=booking.user, site=evse.station.site).gross
