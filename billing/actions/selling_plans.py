"""The operator's side of plans: made, changed, and published in a new version."""

from __future__ import annotations

from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from billing.exceptions import PaymentRefused
from billing.models import Plan, PlanVersion
from evportal.accounts.models import User


class PlanRefused(PaymentRefused):
    default = _("This plan can't be published.")


@transaction.atomic
def publish(
    *, plan: Plan, fee: Decimal, vat_percent: Decimal, included_kwh: Decimal, by: User | None
) -> PlanVersion:
    """The next version: new drivers get it at once, those who are subscribed with a renewal after notice."""
    locked = Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    newest = locked.newest
    wanted = (fee, vat_percent, included_kwh)
    if newest is not None and (newest.fee, newest.vat_percent, newest.included_kwh) == wanted:
        raise PlanRefused(_("Nothing is different from the version before."))
    number = (locked.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    return PlanVersion.objects.create(
        plan=locked, number=number, currency=locked.operator.currency, fee=fee, vat_percent=vat_percent,
        included_kwh=included_kwh, published_by=by,
    )  # fmt: skip


@transaction.atomic
def add(*, form_plan: Plan, sites, by: User | None, **version) -> Plan:
    """A new plan with its first version."""
    try:
        with transaction.atomic():
            form_plan.save()
    except IntegrityError:
        raise PlanRefused(_("There is a plan with this key already.")) from None
    form_plan.sites.set(sites)
    publish(plan=form_plan, by=by, **version)
    return form_plan
