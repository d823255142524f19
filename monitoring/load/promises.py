"""What bookings are promised at this moment: from when their place is kept until their end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings import fulfilling
from bookings.models import Booking
from stations.models import Session

Status = Booking.Status
#: No site keeps a place for longer than this before its slot.
AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Promise:
    """`watts` by the booking's own terms, None where the site's figure counts; its car may be awaited."""

    watts: int | None
    is_awaited: bool


def standing(evses: Collection[int], sessions: Mapping[int, Session], now: datetime) -> dict[int, Promise]:
    """By EVSE. While somebody else is in a booked place nothing is promised there: its car can't come."""
    found: dict[int, Promise] = {}
    rows = (
        Booking.objects.filter(
            evse__in=evses,
            status__in=(Status.RESERVED, Status.FULFILLED),
            starts_at__lte=now + AHEAD,
            ends_at__gt=now,
        )
        .select_related("reservation", "id_token")
        .order_by("starts_at")
    )
    for booking in rows:
        session = sessions.get(booking.evse_id)
        if booking.evse_id in found or booking.opens_at > now:
            continue
        is_awaited = booking.status == Status.RESERVED and session is None
        if is_awaited or (session is not None and _is_used_by(booking, session)):
            found[booking.evse_id] = Promise(booking.promised_power_w, is_awaited)
    return found


def _is_used_by(booking: Booking, session: Session) -> bool:
    if booking.status != Status.FULFILLED:
        return False
    if booking.session_id is not None:
        return booking.session_id == session.pk
    # Charging on from the booking before: the session stays that one's.
    return fulfilling.is_for(booking, session)
