"""The one line about plans beside a price: what the driver's own has left, or that there is one to be had."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import parties, plans, showing
from billing.models import AllowanceUse, Plan, Quote, Subscription
from evportal.accounts.models import User
from stations.models import Session, Site


def line(user: User | None, site: Site, at: datetime) -> dict | None:
    """{text, url, action} for a page with this site's prices; None where no plan counts."""
    mine = _own(user, site, at) if user is not None else None
    if mine is not None:
        return mine | {"url": reverse("me:plan"), "action": _("My plan")}
    offers = (
        Plan.objects.on_sale(at)
        .filter(Q(sites=None) | Q(sites=site), operator=site.operator_id)
        .distinct()
        .prefetch_related("versions")
    )
    found = min(offers, key=lambda plan: plan.newest.fee, default=None)
    if found is None or (user is not None and user.is_guest):
        return None
    version = found.newest
    words = _("With the plan %(plan)s you charge here for less: %(fee)s a month.")
    if version.included_kwh:
        words = _("With the plan %(plan)s, %(kwh)s kWh a month are included: %(fee)s a month.")
    said = {
        "plan": found,
        "fee": showing.money(version.fee_for(parties.plan_category(user, site.operator)), version.currency),
        "kwh": showing.kwh(version.included_wh, "1"),
    }
    return {"text": words % said, "url": reverse("me:plan"), "action": _("See plans")}


def _own(user: User, site: Site, at: datetime) -> dict | None:
    rows = Subscription.objects.of_driver(user).running().filter(operator=site.operator_id).with_plan()
    row = next((row for row in rows if row.counts(at)), None)
    if row is None or row.plan.group in plans.elsewhere(site.operator, site):
        return None
    text = _("With your plan %(plan)s.") % {"plan": row.plan}
    if row.version.included_kwh:
        left = plans.left_for(user, site, at, [row.plan.group])
        text = _("With your plan %(plan)s: %(kwh)s kWh are left of what it includes.") % {
            "plan": row.plan,
            "kwh": showing.kwh(left, "0.1"),
        }
    return {"text": text}


def of_charge(session: Session) -> dict | None:
    """What a billed charge took of its plan's energy, and what is left of it now.

    None where no plan paid for any of it; nothing is `left` of a period that is over.
    """
    use = (
        AllowanceUse.objects.filter(session=session, wh__gt=0)
        .select_related("period__subscription__plan")
        .first()
    )
    if use is None:
        return None
    period = use.period
    return {
        "plan": period.subscription.plan,
        "used": showing.kwh(use.wh, "0.1"),
        "left": showing.kwh(period.left_wh, "0.1") if period.ends_at > timezone.now() else "",
        "included": showing.kwh(period.included_wh, "0.1"),
        "until": period.ends_at,
    }


def of_quote(quote: Quote) -> str:
    """That a quote was reckoned with a plan; empty where it was not."""
    names = [name.removeprefix(plans.PREFIX) for name in quote.groups if name.startswith(plans.PREFIX)]
    plan = Plan.objects.filter(operator=quote.evse.station.site.operator_id, key__in=names).first()
    return _("With your plan %(plan)s.") % {"plan": plan} if plan is not None else ""
