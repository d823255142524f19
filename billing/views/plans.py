"""The driver's plans: what they use of them, and to choose, switch, pay and end one."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import parties, showing, vat
from billing.actions import subscriptions
from billing.exceptions import ProviderDown
from billing.models import Card, Plan, PlanVersion, Subscription
from billing.views.me import tabs
from stations.exceptions import Refused

State = Subscription.State


@login_required
@never_cache
@require_safe
def mine(request):
    now = timezone.now()
    rows = list(
        Subscription.objects.of_driver(request.user)
        .open()
        .with_plan()
        .exclude(state=State.INCOMPLETE, stripe_checkout="")
    )
    taken = {row.operator_id for row in rows if row.is_running}
    on_sale = list(
        Plan.objects.on_sale(now)
        .select_related("operator")
        .prefetch_related("sites", "versions")
        .distinct()
        .order_by("operator__name", "name")
    )
    operators = {plan.operator_id: plan.operator for plan in on_sale}
    categories = {pk: parties.plan_category(request.user, each) for pk, each in operators.items()}
    context = {
        "title": _("Plan"),
        "tabs": tabs("me:plan"),
        "rows": [_shown(row, now, on_sale) for row in rows if row.is_running],
        "waiting": [row for row in rows if row.state == State.INCOMPLETE],
        "offers": [
            _offer(plan, categories[plan.operator_id]) for plan in on_sale if plan.operator_id not in taken
        ],
        "cards": Card.objects.of_driver(request.user),
    }
    return render(request, "me/plan.html", context)


def _shown(row: Subscription, now, on_sale: list[Plan]) -> dict:
    period = row.period
    next_version = row.next_version
    return {
        "row": row,
        "state": {
            State.ACTIVE: "available", State.CANCELLING: "offline", State.PAST_DUE: "attention"
        }[row.state],
        "fee": showing.money(row.fee, row.version.currency),
        "with_vat": row.vat_category == vat.STANDARD,
        "next": next_version,
        "next_fee": showing.money(row.next_fee, row.version.currency),
        "next_vat": row.next_vat_category,
        "next_with_vat": row.next_category == vat.STANDARD,
        "bar": _bar(period) if period is not None and period.included_wh else None,
        "may_cancel": row.state in (State.ACTIVE, State.PAST_DUE) and row.ends_at is None,
        "may_go_on": row.ends_at is not None and row.ends_at > now,
        "may_keep": next_version is not None and next_version.plan_id != row.plan_id,
        "switches": [
            {**_offer(plan, row.vat_category), "dearer": subscriptions.is_upgrade(row, plan.newest)}
            for plan in on_sale
            if plan.operator_id == row.operator_id and subscriptions.may_switch(row, plan.newest, now)
        ],
    }  # fmt: skip


def _bar(period) -> dict:
    return {
        "used": showing.kwh(period.used_wh, "0.1"),
        "included": showing.kwh(period.included_wh, "0.1"),
        "left": showing.kwh(period.left_wh, "0.1"),
        "percent": int(period.used_wh * 100 / period.included_wh),
    }


def _offer(plan: Plan, category: str) -> dict:
    """At the fee that this driver would be charged."""
    version = max(plan.versions.all(), key=lambda each: each.number)
    return {
        "plan": plan,
        "fee": showing.money(version.fee_for(category), version.currency),
        "with_vat": category == vat.STANDARD,
        "kwh": version.included_kwh,
        "sites": list(plan.sites.all()),
    }


@login_required
@require_POST
def subscribe(request, plan_id):
    plan = get_object_or_404(Plan.objects.on_sale(timezone.now()).distinct(), pk=plan_id)
    try:
        _row, url = subscriptions.subscribe(user=request.user, plan=plan, now=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("me:plan")
    # The provider's own page.
    return HttpResponseRedirect(url)


def _own(request, pk) -> Subscription:
    return get_object_or_404(Subscription.objects.of_driver(request.user).with_plan(), pk=pk)


@login_required
@never_cache
@require_safe
def subscribed(request, pk):
    """Back from the provider's page; the webhook may have been here before, or not yet."""
    row = _own(request, pk)
    try:
        subscriptions.look(row=row)
    except ProviderDown:
        pass
    if row.is_running:
        messages.success(request, _("Your plan %(plan)s has begun.") % {"plan": row.plan})
    elif row.state == State.ENDED:
        messages.error(request, _("The plan was not paid. Nothing was charged."))
    else:
        words = _("The payment is not confirmed yet. Your plan begins as soon as it is.")
        messages.warning(request, words)
    return redirect("me:plan")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request, pk, plan_id):
    """What the switch costs, as the provider reckons it, before it is confirmed."""
    row = _own(request, pk)
    plan = get_object_or_404(Plan.objects.filter(operator=row.operator_id), pk=plan_id)
    version, now = plan.newest, timezone.now()
    try:
        if version is None:
            raise subscriptions.NoSwitch
        if request.method == "POST":
            return _switch(request, row, version, now)
        at = _moment(request.GET.get("at"), now)
        found = subscriptions.preview(row=row, version=version, now=at)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("me:plan")
    is_now = subscriptions.is_upgrade(row, version)
    context = {
        "title": _("Switch to %(plan)s") % {"plan": plan},
        "row": row,
        "version": version,
        "is_now": is_now,
        "with_vat": row.vat_category == vat.STANDARD,
        "at": int(at.timestamp()),
        "seen": version.pk,
        "lines": [
            {
                "label": _line_words(line, version, row.version),
                "detail": f"{date_format(line.start, 'SHORT_DATE_FORMAT')} – "
                f"{date_format(line.end, 'SHORT_DATE_FORMAT')}",
                "amount": showing.money(line.amount, found.currency),
            }
            for line in found.lines
        ],
        "totals": [
            {
                "label": _("To pay now") if is_now else _("At the next renewal"),
                "amount": showing.money(found.total, found.currency),
                "total": True,
            }
        ],
    }
    return render(request, "me/plan_switch.html", context)


def _line_words(line, version: PlanVersion, before: PlanVersion) -> str:
    if not line.is_proration:
        return str(version.plan)
    if line.amount < 0:
        return _("Not used of %(plan)s") % {"plan": before.plan}
    return _("Rest of the period: %(plan)s") % {"plan": version.plan}


def _switch(request, row: Subscription, version: PlanVersion, now):
    if request.POST.get("seen") != str(version.pk):
        messages.warning(request, _("The plan has changed meanwhile. Please look at it again."))
        return redirect("me:switch_plan", row.pk, version.plan_id)
    subscriptions.switch(row=row, version=version, at=_moment(request.POST.get("at"), now), now=now)
    if row.version_id == version.pk:
        messages.success(request, _("You have %(plan)s now.") % {"plan": version.plan})
    else:
        words = _("%(plan)s begins with your next renewal.") % {"plan": version.plan}
        messages.success(request, words)
    return redirect("me:plan")


def _moment(text: str | None, now: datetime) -> datetime:
    """Whole seconds, as the provider counts."""
    if text and text.isdecimal() and len(text) <= 10:
        return datetime.fromtimestamp(int(text), UTC)
    return now.replace(microsecond=0)


def _step(request, pk, action, done: str, **more):
    row = _own(request, pk)
    try:
        action(row=row, **more)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("me:plan")


@login_required
@require_POST
def keep(request, pk):
    return _step(request, pk, subscriptions.keep_plan, _("You keep your plan."))


@login_required
@require_POST
def leave(request, pk):
    """The page on which it was to be paid is shut."""
    return _step(request, pk, subscriptions.leave_page, _("Nothing was charged."))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request, pk):
    row = _own(request, pk)
    if request.method == "POST":
        words = _("Your plan ends as shown. Until then you can take that back.")
        return _step(request, pk, subscriptions.cancel, words, now=timezone.now())
    if not row.is_running or row.ends_at is not None:
        return redirect("me:plan")
    ends = subscriptions.would_end(row)
    context = {
        "title": _("End this plan?"),
        "question": str(row.plan),
        "consequences": [
            _("It ends on %(day)s; until then everything stays as it is.")
            % {"day": date_format(timezone.localtime(ends), "DATE_FORMAT")},
            _("What was paid is not paid back."),
        ],
        "action_url": request.path,
        "submit": _("End the plan"),
        "danger": True,
        "cancel_url": reverse("me:plan"),
    }
    return render(request, "confirm.html", context)


@login_required
@require_POST
def go_on(request, pk):
    return _step(request, pk, subscriptions.go_on, _("Your plan goes on."), now=timezone.now())


@login_required
@require_POST
def pay(request, pk):
    _own(request, pk)
    chosen = request.POST.get("card", "")
    cards = Card.objects.of_driver(request.user)
    card = get_object_or_404(cards, pk=chosen) if chosen.isdecimal() else cards.first()
    if card is None:
        messages.error(request, _("Add a card first."))
        return redirect("me:plan")
    return _step(request, pk, subscriptions.pay, _("Paid. Your plan goes on."), card=card)
