"""Chargers' planned times out of service, as closures: nobody books what will be closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from bookings import actions
from bookings.exceptions import ClosureConflict
from bookings.models import Claim, Closure
from evportal.accounts.models import User
from stations.models import AvailabilityPlan, Evse

#: A plan without an end closes for so long; when it ends, the rest is free again.
OPEN_END = timedelta(days=366)


@transaction.atomic
def follow(*, plan: AvailabilityPlan, now: datetime) -> None:
    """Close what the plan closes, around what is booked there already; run twice, it changes nothing.

    A booking in that time stays: it was told before the plan was made, and moving it is a person's decision.
    """
    ends_at = plan.ends_at or plan.starts_at + OPEN_END
    if plan.is_open and _is_closed(plan, ends_at):
        return
    Closure.objects.filter(plan=plan).delete()
    if plan.state == AvailabilityPlan.State.CANCELLED:
        return
    for evse in closed_evses(plan):
        made = close_gaps(
            evse=evse,
            starts_at=plan.starts_at,
            ends_at=ends_at,
            now=now,
            reason=plan.reason,
            by=plan.created_by,
        )
        Closure.objects.filter(pk__in=made).update(plan=plan)


def _is_closed(plan: AvailabilityPlan, ends_at: datetime) -> bool:
    """Whether its closures stand already, as those do that were made together with it."""
    made = Closure.objects.filter(plan=plan)
    if not made.exists() or made.filter(Q(starts_at__lt=plan.starts_at) | Q(ends_at__gt=ends_at)).exists():
        return False
    return not any(free_gaps(evse, plan.starts_at, ends_at) for evse in closed_evses(plan))


def closed_evses(plan: AvailabilityPlan) -> list[Evse]:
    """A connector's closure leaves its EVSE in use, unless it is the only one there."""
    if plan.connector and plan.evse and plan.evse.connectors.count() > 1:
        return []
    return [plan.evse] if plan.evse else list(plan.station.evses.all())


@transaction.atomic
def close_gaps(
    *, evse: Evse, starts_at: datetime, ends_at: datetime, now: datetime, reason: str, by: User | None
) -> list[int]:
    """Close what nobody has claimed of this time; the closures' ids."""
    made = []
    for gap_start, gap_end in free_gaps(evse, starts_at, ends_at):
        try:
            closure = actions.close_evse(
                evse=evse, starts_at=gap_start, ends_at=gap_end, now=now, reason=reason, by=by
            )
        except ClosureConflict:
            # Somebody booked it between the look and now.
            continue
        made.append(closure.pk)
    return made


def free_gaps(evse: Evse, starts_at: datetime, ends_at: datetime) -> list[tuple[datetime, datetime]]:
    taken = (
        Claim.objects.filter(evse=evse, period__overlap=(starts_at, ends_at))
        .order_by("period")
        .values_list("period", flat=True)
    )
    gaps, at = [], starts_at
    for period in taken:
        if period.lower > at:
            gaps.append((at, period.lower))
        at = max(at, period.upper)
    if at < ends_at:
        gaps.append((at, ends_at))
    return gaps
