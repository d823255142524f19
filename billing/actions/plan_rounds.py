"""Subscriptions that the sweeper looks at: what nobody came back from, what is over, what a crash left."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from billing import policy, subscribing
from billing.actions.subscriptions import look
from billing.models import Subscription

State = Subscription.State


def unfinished(now: datetime):
    """Pages that nobody has come back from, periods that are over, and steps that a crash left."""
    stale = now - policy.STALE_AFTER
    waiting = Q(state=State.INCOMPLETE, updated_at__lt=now - policy.ASK_OPEN_PAGES_EVERY)
    never_asked = Q(state=State.INCOMPLETE, stripe_checkout="", updated_at__lt=stale)
    known = Q(state__in=sorted(subscribing.RUNNING))
    over = (
        known
        & Q(period_end__lt=stale)
        & (Q(asked_at__lt=F("period_end")) | Q(asked_at__lt=now - policy.ASK_PLANS_EVERY))
    )
    unpaid = Q(state=State.PAST_DUE, asked_at__lt=now - policy.ASK_PLANS_EVERY)
    daily = known & Q(asked_at__lt=now - timedelta(days=1))
    return (
        Subscription.objects.with_plan()
        .filter(waiting | never_asked | over | unpaid | daily)
        .order_by("updated_at")
    )


def look_again(row: Subscription) -> None:
    # First of all, so that a row which always fails goes to the end of the line.
    Subscription.objects.filter(pk=row.pk).update(updated_at=timezone.now())
    look(row=row)


def unfinished_switches(now: datetime):
    return Subscription.objects.with_plan().filter(
        switching_to__isnull=False, updated_at__lt=now - policy.STALE_AFTER
    )


def untold_ends(now: datetime):
    rows = Subscription.objects.with_plan().running()
    told = Q(ends_there=True) & Q(ends_at=None)
    return rows.filter(told | Q(ends_there=False, ends_at__lte=F("period_end")))


def out_of_grace(now: datetime):
    """Those whose days of grace are over; how many there are is the plan's matter."""
    days = timedelta(days=1)
    return (
        Subscription.objects.with_plan()
        .filter(state=State.PAST_DUE)
        .filter(past_due_since__lte=now - days * F("plan__grace_days"))
    )
