"""Bookings whose charger is down shortly before their time: moved, or given up in time to be told."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings import failing, relocating, slots
from bookings.availability import OUT_OF_ORDER
from bookings.failing import Step, Trouble
from bookings.models import Booking
from stations.models import Evse, Node, Site

log = logging.getLogger(__name__)

#: In the driver's mail, in the driver's language.
WHY = _("The charger that you booked is out of order, so we have moved you to another one.")
#: On the booking's row.
REASONS = {
    Trouble.FAULTED: "The charger was out of order.",
    Trouble.UNAVAILABLE: "The charger was out of service.",
    Trouble.OFFLINE: "The charger could not be reached.",
}


def rescue(now: datetime) -> relocating.Outcome:
    """Look at every booking within reach of its slot whose EVSE is in trouble; again is harmless."""
    listening_since = Node.listening_since(now)
    at_site: dict[Site, dict[Booking, tuple[Trouble, Step]]] = defaultdict(dict)
    near = Booking.objects.filter(
        in_trouble("evse__"),
        status=Booking.Status.RESERVED,
        starts_at__lte=now + failing.REACH,
        ends_at__gt=now,
    )
    for booking in near.with_place().order_by("starts_at", "pk")[:1000]:
        trouble = trouble_of(booking.evse, listening_since, now)
        if trouble is None:
            continue
        step = failing.step(trouble=trouble[0], since=trouble[1], starts_at=booking.starts_at, now=now)
        if step is not Step.WAIT:
            at_site[booking.evse.station.site][booking] = trouble[0], step
    outcome = relocating.Outcome()
    for site, bookings in at_site.items():
        try:
            done = _rescue(site, bookings, now)
        except Exception:
            # The other sites' drivers must not wait for what is wrong at this one.
            log.exception("The bookings at %s could not be moved", site)
            continue
        outcome.moved += done.moved
        outcome.cancelled += done.cancelled
    return outcome


@transaction.atomic
def _rescue(site: Site, bookings: dict[Booking, tuple[Trouble, Step]], now: datetime) -> relocating.Outcome:
    relocating.lock(site)
    troubles = {booking.pk: trouble for booking, (trouble, _step) in bookings.items()}

    def give_up(booking: Booking) -> None:
        slots.fail(booking=booking, reason=REASONS[troubles[booking.pk]], now=now)

    return relocating.clear(
        bookings=list(bookings),
        avoid=set(Evse.objects.filter(in_trouble(), station__site=site).values_list("pk", flat=True)),
        now=now,
        why=WHY,
        give_up=give_up,
        may_give_up={
            booking.pk for booking, (_trouble, step) in bookings.items() if step is Step.MOVE_OR_CANCEL
        },
    )


def in_trouble(prefix: str = "") -> Q:
    """EVSEs that can't serve as far as we know; `prefix` leads from the row to the EVSE."""
    return (
        Q(**{f"{prefix}state__in": OUT_OF_ORDER})
        | Q(**{f"{prefix}station__state__in": OUT_OF_ORDER})
        | Q(**{f"{prefix}station__connection": None})
    )


def trouble_of(evse: Evse, listening_since: datetime | None, now: datetime):
    """What keeps this EVSE from serving, and since when (`failing.trouble`)."""
    station = evse.station
    return failing.trouble(
        state=evse.state,
        state_since=evse.state_since,
        station_state=station.state,
        station_since=station.state_since,
        is_online=station.is_online,
        offline_since=station.disconnected_at,
        listening_since=listening_since,
        now=now,
    )
