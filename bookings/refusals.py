"""Write down that somebody wanted a slot and it was taken; whoever turned them away calls this afterwards."""

from __future__ import annotations

from datetime import datetime

from bookings.exceptions import BookingRefused, NotBookable, SlotTaken
from bookings.models import Refusal
from bookings.rules import Problem
from evportal.accounts.models import User
from stations.models import Evse


def is_for_lack_of_slots(refused: BookingRefused) -> bool:
    """Not where the wish itself breaks the site's rules, or the charger is closed."""
    occupied = (Problem.TAKEN, Problem.IN_USE)
    return isinstance(refused, SlotTaken) or (
        isinstance(refused, NotBookable) and refused.problem in occupied
    )


def note(
    *,
    refused: BookingRefused,
    evse: Evse,
    starts_at: datetime,
    ends_at: datetime,
    user: User | None,
    now: datetime,
) -> None:
    """After the refused transaction, which would have taken this with it."""
    if is_for_lack_of_slots(refused):
        wish = Refusal(evse=evse, user=user, starts_at=starts_at, ends_at=ends_at, at=now)
        Refusal.objects.bulk_create([wish], ignore_conflicts=True)
