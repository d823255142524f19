"""Another fee or VAT category for those who are subscribed: from a renewal on, never within a period."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery

from billing import gateway_plans, parties, subscribing, vat
from billing.actions import plan_news
from billing.actions.subscriptions import look, price_of, taxed_as
from billing.models import Account, PlanVersion, Subscription

State = Subscription.State
BUSINESS = (Account.Kind.BUSINESS, Account.Kind.RESELLER)


def give_notice(*, row: Subscription, now: datetime) -> Subscription:
    """Tell the driver of the plan's newer version, from the first renewal that is far enough away."""
    newest = row.plan.newest
    if newest.pk not in (row.version_id, row.noticed_id) and newest.number > row.version.number:
        with transaction.atomic():
            won = (
                Subscription.objects.filter(pk=row.pk)
                .filter(Q(noticed=None) | ~Q(noticed=newest))
                .update(noticed=newest, noticed_at=now)
            )
            row.refresh_from_db()
            if won:
                plan_news.tell_new_terms(row=row, begins=renews_with(row))
    return row


def renews_with(row: Subscription) -> datetime | None:
    """The renewal from which a newer version holds, by its notice."""
    if row.noticed is None or row.noticed_id == row.version_id or row.noticed.plan_id != row.plan_id:
        return None
    earliest = row.noticed_at + timedelta(days=row.plan.notice_days)
    return subscribing.first_renewal(
        period_start=row.period_start, period_end=row.period_end, not_before=earliest
    )


def apply_notice(*, row: Subscription) -> Subscription:
    """In the last period before it: the provider charges the newer fee from the next one on."""
    if row.state != State.ACTIVE or row.next_version_id or renews_with(row) != row.period_end:
        return row
    gateway_plans.change_price(
        subscription=row.stripe_id,
        item=row.stripe_item,
        price=price_of(row.noticed, row.next_category),
        at=None,
        key=f"{row.pk}-notice-{row.noticed_id}-{int(row.period_start.timestamp())}",
    )
    return look(row=row)


def apply_vat(*, row: Subscription) -> Subscription:
    """The driver's details make another VAT category of the fee: it is charged from the renewal on."""
    if row.user is None or row.state != State.ACTIVE or row.switching_to_id is not None:
        return row
    wanted = parties.plan_category(row.user, row.operator)
    if wanted == row.next_category:
        return row
    if wanted == vat.REVERSE_CHARGE and not row.vat_id:
        # Which one it rests on is on the row before the provider charges by it.
        Subscription.objects.filter(pk=row.pk).update(vat_id=taxed_as(row.user, row.plan)["vat_id"])
    gateway_plans.change_price(
        subscription=row.stripe_id, item=row.stripe_item,
        price=price_of(row.next_version or row.version, wanted), at=None, key=f"{row.pk}-vat-{uuid4()}",
    )  # fmt: skip
    return look(row=row)


# Whom it concerns


def to_be_told(now: datetime):
    """Those whose plan has a newer version that they have not heard of."""
    newer = PlanVersion.objects.filter(
        plan=OuterRef("plan"), number__gt=OuterRef("version__number")
    ).order_by("-number")
    rows = Subscription.objects.with_plan().running().annotate(newest=Subquery(newer.values("pk")[:1]))
    return rows.filter(newest__isnull=False).filter(Q(noticed=None) | ~Q(noticed=F("newest")))


def to_be_taxed_anew(now: datetime):
    """Those that a change of their customer's details could concern."""
    rows = Subscription.objects.with_plan().select_related("operator")
    abroad = Q(user__billing_account__kind__in=BUSINESS) & ~Q(user__billing_account__vat_id="")
    fleets = Account.objects.filter(kind__in=BUSINESS, drivers__user=OuterRef("user")).exclude(vat_id="")
    concerned = ~Q(vat_category=vat.STANDARD) | ~Q(next_vat_category="") | abroad | Exists(fleets)
    return rows.filter(concerned, state=State.ACTIVE, switching_to=None, period_end__gt=now)


def to_be_renewed_anew(now: datetime):
    rows = Subscription.objects.with_plan().select_related("noticed")
    return rows.filter(
        state=State.ACTIVE, noticed__isnull=False, next_version=None, period_end__gt=now
    ).exclude(noticed=F("version"))
