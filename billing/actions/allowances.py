"""Included energy is used and given back under its period's lock: charges at once never overspend it."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from billing import plans
from billing.models import AllowanceUse, PlanPeriod
from stations.models import Session

NONE = Decimal(0)


@transaction.atomic
def lock(*, session: Session, groups: Collection[str]) -> tuple[PlanPeriod | None, Decimal]:
    """The session's period, locked until the caller's transaction ends, and what is left in it for it."""
    use = AllowanceUse.objects.filter(session=session).first()
    period = use.period if use is not None else plans.period_of(session, groups)
    if period is None:
        return None, NONE
    locked = PlanPeriod.objects.select_for_update().get(pk=period.pk)
    use = AllowanceUse.objects.filter(session=session).first()
    return locked, locked.left_wh + (use.wh if use is not None else NONE)


@transaction.atomic
def use(*, session: Session, period: PlanPeriod, wh: Decimal) -> None:
    """So much of the period is this session's now, instead of what was before. The caller holds the lock."""
    known = AllowanceUse.objects.filter(session=session).first()
    before = known.wh if known is not None else NONE
    PlanPeriod.objects.filter(pk=period.pk).update(used_wh=F("used_wh") + wh - before)
    if known is not None:
        AllowanceUse.objects.filter(pk=known.pk).update(wh=wh)
    elif wh:
        AllowanceUse.objects.create(session=session, period=period, wh=wh)


@transaction.atomic
def lower(*, session: Session, wh: Decimal) -> None:
    """A corrected charge used less than it was billed with; the rest is the driver's again."""
    period, _left = lock(session=session, groups=())
    known = AllowanceUse.objects.filter(session=session).first()
    if period is not None and known is not None and wh < known.wh:
        use(session=session, period=period, wh=wh)


def give_back(*, session: Session) -> None:
    """Nothing is billed for it after all."""
    lower(session=session, wh=NONE)
