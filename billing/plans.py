"""Drivers' plans where prices are asked for: as price groups, and as energy that a period includes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, Sum

from billing.models import AllowanceUse, Cdr, Plan, PlanPeriod, Subscription
from evportal.accounts.models import Operator, User
from stations.models import Session, Site

PREFIX = "plan:"


# Price groups (billing/groups.py)


def groups_of(users: Sequence[User], operator: Operator, at: datetime) -> dict[int, list[str]]:
    """Who pays a plan's prices at that moment."""
    rows = Subscription.objects.filter(user__in=[user.pk for user in users], operator=operator)
    rows = rows.exclude(started_at=None).filter(Q(ended_at=None) | Q(ended_at__gt=at)).select_related("plan")
    found: dict[int, list[str]] = {}
    for row in rows:
        if row.user_id is not None and row.counts(at):
            found.setdefault(row.user_id, []).append(row.plan.group)
    return found


def names(operator: Operator) -> list[tuple[str, str]]:
    return [(plan.group, plan.name) for plan in Plan.objects.filter(operator=operator)]


def elsewhere(operator: Operator, site: Site) -> set[str]:
    """Plans of the operator that do not count at this site."""
    limited = Plan.objects.filter(operator=operator).exclude(sites=None).exclude(sites=site)
    return {plan.group for plan in limited.distinct()}


# What a period includes


def left_for(user: User | None, site: Site, at: datetime, groups: Collection[str]) -> Decimal:
    """Wh that a charge which begins then at this site would find in its driver's plan, as things stand.

    What running and unbilled charges have taken counts as used: who began first is served first.
    """
    if not any(name.startswith(PREFIX) for name in groups) or user is None or not user.is_authenticated:
        return Decimal(0)
    period = _period(user, site, at, groups)
    if period is not None:
        return max(period.left_wh - _taken_before(period, user, at, None), Decimal(0))
    return _of_a_period_to_come(user, site, at, groups)


def left_for_session(session: Session, groups: Collection[str]) -> Decimal:
    """The same for a charge that has begun; what it was billed with, once it is billed."""
    if not any(name.startswith(PREFIX) for name in groups) or session.user is None:
        return Decimal(0)
    use = AllowanceUse.objects.filter(session=session).first()
    if use is not None:
        return use.wh
    site = session.station.site
    if Cdr.objects.filter(session=session).exclude(state=Cdr.State.OPEN).exists():
        return Decimal(0)
    period = _period(session.user, site, session.started_at, groups)
    if period is not None:
        taken = _taken_before(period, session.user, session.started_at, session)
        return max(period.left_wh - taken, Decimal(0))
    return _of_a_period_to_come(session.user, site, session.started_at, groups)


def period_of(session: Session, groups: Collection[str]) -> PlanPeriod | None:
    """The period whose energy the session uses: the one in which it began, however long it lasts."""
    if session.user is None or not any(name.startswith(PREFIX) for name in groups):
        return None
    return _period(session.user, session.station.site, session.started_at, groups)


def unknown_period(session: Session, groups: Collection[str]) -> Subscription | None:
    """The subscription whose period at the session's start nobody has told us of yet."""
    if session.user is None or not any(name.startswith(PREFIX) for name in groups):
        return None
    if period_of(session, groups) is not None:
        return None
    row = _running(session.user, session.station.site, session.started_at, groups)
    return row if row is not None and row.period_end <= session.started_at else None


def _period(user: User, site: Site, at: datetime, groups: Collection[str]) -> PlanPeriod | None:
    rows = PlanPeriod.objects.filter(
        subscription__user=user, subscription__operator=site.operator_id, starts_at__lte=at, ends_at__gt=at
    ).select_related("subscription__plan")
    return next((row for row in rows if _is_here(row.subscription.plan, site, groups)), None)


def _running(user: User, site: Site, at: datetime, groups: Collection[str]) -> Subscription | None:
    rows = Subscription.objects.of_driver(user).running().filter(operator=site.operator_id).with_plan()
    return next((row for row in rows if row.counts(at) and _is_here(row.plan, site, groups)), None)


def _of_a_period_to_come(user: User, site: Site, at: datetime, groups: Collection[str]) -> Decimal:
    """A slot next month finds the whole of next month's energy."""
    row = _running(user, site, at, groups)
    if row is None or at < row.period_end:
        return Decimal(0)
    return (row.next_version or row.version).included_wh


def _is_here(plan: Plan, site: Site, groups: Iterable[str]) -> bool:
    if plan.group not in groups:
        return False
    limited = {each.pk for each in plan.sites.all()}
    return not limited or site.pk in limited


def _taken_before(period: PlanPeriod, user: User, at: datetime, session: Session | None) -> Decimal:
    """What the driver's charges have taken that began before and are not billed yet."""
    rows = Session.objects.filter(
        user=user,
        station__site__operator=period.subscription.operator_id,
        started_at__gte=period.starts_at,
        started_at__lt=period.ends_at,
        allowance_use=None,
    ).filter(
        Q(cdr=None) | Q(cdr__state=Cdr.State.OPEN, cdr__groups__contains=[period.subscription.plan.group])
    )
    if session is not None:
        # Two that began in the same moment stand in the order of their rows.
        rows = rows.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=session.pk)).exclude(pk=session.pk)
    limited = period.subscription.plan.sites.all()
    if limited:
        rows = rows.filter(station__site__in=limited)
    return rows.aggregate(wh=Sum("energy_wh"))["wh"] or Decimal(0)
