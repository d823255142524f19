"""Recurring maintenance as closures, made ahead as far as can be booked: nobody books what will be closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from bookings import availability, recurring
from bookings.closures import close_gaps
from bookings.models import Booking, Closure, MaintenanceRule
from stations.models import Evse, Site


@transaction.atomic
def apply(*, rule: MaintenanceRule, now: datetime) -> list[Booking]:
    """A rule is new or has changed: what it closed ahead is open again, and what it closes now is closed.

    Returns the bookings in its way. They stay: moving them is a person's decision; once one of them is gone,
    `follow` closes its time too.
    """
    Closure.objects.filter(rule=rule, ends_at__gt=now).delete()
    return follow(rule=rule, now=now)


@transaction.atomic
def follow(*, rule: MaintenanceRule, now: datetime) -> list[Booking]:
    """Close what the rule closes up to the horizon, around what is booked there; twice changes nothing."""
    # One after another, so that two workers don't close the same time in pieces.
    rule = MaintenanceRule.objects.select_for_update(of=("self",)).select_related("site").get(pk=rule.pk)
    times = _times(rule, now)
    made = set(
        Closure.objects.filter(rule=rule, ends_at__gt=now).values_list("evse_id", "starts_at", "ends_at")
    )
    in_the_way: list[Booking] = []
    evses = [rule.evse] if rule.evse else list(Evse.objects.filter(station__site=rule.site))
    for evse in evses:
        for starts_at, ends_at in times:
            if (evse.pk, starts_at, ends_at) in made:
                continue
            closed = close_gaps(
                evse=evse,
                starts_at=starts_at,
                ends_at=ends_at,
                now=now,
                reason=rule.reason,
                by=rule.created_by,
            )
            Closure.objects.filter(pk__in=closed).update(rule=rule)
            in_the_way += Booking.objects.open().filter(
                evse=evse, claim__period__overlap=(starts_at, ends_at)
            )
    return in_the_way


def follow_site(*, site: Site, now: datetime) -> None:
    """The site may be booked further ahead than before."""
    for rule in MaintenanceRule.objects.filter(site=site):
        follow(rule=rule, now=now)


def _times(rule: MaintenanceRule, now: datetime) -> list[tuple[datetime, datetime]]:
    policy = availability.policies_of([rule.site])[rule.site_id]
    # The last slot that may be booked, and a day, because this is done every so often and not all the time.
    ahead = timedelta(days=policy.horizon_days + 1, minutes=policy.max_minutes + policy.buffer_minutes)
    return recurring.occurrences(
        rule.rule,
        first=rule.first_on,
        at=rule.begins,
        length=timedelta(minutes=rule.minutes),
        zone=rule.site.zone,
        after=now,
        before=now + ahead,
        until=rule.until,
    )
