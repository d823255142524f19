"""Finance: plans, who is subscribed, and what they bring in a month."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import showing
from billing.actions import selling_plans
from billing.forms_plan import NewPlanForm, PlanForm, VersionForm
from billing.models import Plan, Subscription
from billing.views import scope
from billing.views.scope import needs
from evportal.accounts.models import Operator
from stations.exceptions import Refused


@needs("view_money")
@require_http_methods(["GET", "HEAD", "POST"])
def plans(request):
    operator = scope.operator(request, "view_money")
    may_sell = _may_sell(request, operator)
    form = NewPlanForm(request.POST or None, instance=Plan(operator=operator)) if may_sell else None
    terms = VersionForm(request.POST or None, currency=operator.currency) if may_sell else None
    if request.method == "POST":
        if not may_sell:
            raise PermissionDenied
        if form.is_valid() and terms.is_valid():
            try:
                row = selling_plans.add(
                    form_plan=form.save(commit=False),
                    sites=form.cleaned_data["sites"],
                    by=request.user,
                    **terms.cleaned_data,
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("The plan is there. Tariffs may name prices for it."))
                return redirect("fin:plan", row.pk)
    rows = Plan.objects.filter(operator=operator).prefetch_related("versions")
    context = {
        "title": _("Plans"),
        "tabs": scope.tabs(request, "fin:plans"),
        "operator": operator,
        "operators": scope.operators(request, "view_money"),
        "rows": [{"plan": row, **figures(operator, row)} for row in rows],
        "figures": _shown(operator, figures(operator)),
        "form": form,
        "terms": terms,
    }
    bad = form is not None and (form.errors or terms.errors)
    return render(request, "fin/plans.html", context, status=422 if bad else 200)


def _may_sell(request, operator: Operator) -> bool:
    mine = Operator.objects.filter(request.access.operators("manage_tariffs", ""))
    return mine.filter(pk=operator.pk).exists()


def figures(operator: Operator, plan: Plan | None = None) -> dict:
    """Drivers who are subscribed, and what their renewals come to in a month, with and before VAT."""
    rows = Subscription.objects.running().filter(operator=operator, ends_at=None)
    every = Subscription.objects.running().filter(operator=operator)
    if plan is not None:
        rows, every = rows.filter(plan=plan), every.filter(plan=plan)
    gross = net = Decimal(0)
    for row in rows.select_related("version", "next_version"):
        version = row.next_version or row.version
        gross += row.next_fee
        net += version.fee * 100 / (100 + version.vat_percent)
    return {
        "drivers": every.count(),
        "gross": showing.money(gross, operator.currency),
        "net": showing.money(net, operator.currency),
        "unpaid": every.filter(state=Subscription.State.PAST_DUE).count(),
    }


def _shown(operator: Operator, found: dict) -> list[dict]:
    return [
        {
            "label": _("Recurring a month, before VAT"),
            "value": found["net"],
            "hero": True,
            "note": _("%(gross)s with VAT; without what is canceled") % {"gross": found["gross"]},
        },
        {"label": _("Subscribed"), "value": found["drivers"]},
        {"label": _("Not paid"), "value": found["unpaid"]},
    ]


@needs("view_money")
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request, pk):
    mine = Plan.objects.visible_to(request.access, "view_money").select_related("operator")
    row = get_object_or_404(mine, pk=pk)
    may_sell = _may_sell(request, row.operator)
    if request.method == "POST" and not may_sell:
        raise PermissionDenied
    which = request.POST.get("do")
    form = PlanForm(request.POST if which == "change" else None, instance=row)
    newest = row.newest
    terms = VersionForm(
        request.POST if which == "publish" else None,
        currency=row.operator.currency,
        initial={name: getattr(newest, name) for name in ("fee", "vat_percent", "included_kwh")},
    )
    if which == "change" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("fin:plan", row.pk)
    if which == "publish" and terms.is_valid():
        try:
            selling_plans.publish(plan=row, by=request.user, **terms.cleaned_data)
        except Refused as refusal:
            terms.add_error(None, str(refusal))
        else:
            words = _("Published. Who is subscribed is told, and has it from the first renewal after notice.")
            messages.success(request, words)
            return redirect("fin:plan", row.pk)
    people = Subscription.objects.filter(plan=row).exclude(started_at=None).with_plan()
    page = Paginator(people.order_by("-started_at"), 50).get_page(request.GET.get("page"))
    context = {
        "title": row.name,
        "crumbs": [{"label": _("Plans"), "url": f"{reverse('fin:plans')}?operator={row.operator.slug}"}],
        "plan": row,
        "versions": row.versions.all(),
        "figures": _shown(row.operator, figures(row.operator, row)),
        "page": page,
        "form": form,
        "terms": terms,
        "may_sell": may_sell,
    }
    status = 422 if form.errors or terms.errors else 200
    return render(request, "fin/plan.html", context, status=status)
