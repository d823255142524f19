"""The operator's tariffs: which there are, where they apply, their versions, and how they are published."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import groups, previews, price_words, prices, pricing, uses
from billing.actions import books, drafts, tariffs
from billing.forms_tariff import DAY_NAMES, AssignForm, NewTariffForm, plain_number
from billing.models import Tariff, TariffAssignment, TariffRules, TariffVersion
from billing.pricing import plain
from billing.views import scope
from billing.views.scope import needs
from stations.exceptions import Refused

PAGES = (
    ("tariffs:list", gettext_noop("Tariffs"), "view_ops"),
    ("tariffs:groups", gettext_noop("Price groups"), "manage_tariffs"),
    ("tariffs:calendars", gettext_noop("Holidays"), "manage_tariffs"),
)


def tabs(request, current: str, operator) -> list[dict]:
    return [
        {"label": _(label), "url": f"{reverse(name)}?operator={operator.slug}", "current": name == current}
        for name, label, permission in PAGES
        if request.access.may(permission)
    ]


def tariff_of(request, pk: int, permission: str = "manage_tariffs") -> Tariff:
    rows = Tariff.objects.visible_to(request.access, permission).select_related("operator")
    return get_object_or_404(rows, pk=pk)


def may_change(request, operator) -> bool:
    return request.access.everything or operator.pk in request.access.operator_ids("manage_tariffs")


def week_table(week: str, rates) -> dict:
    """The week as a table: hours down, days across; each cell with its letter and what that costs."""
    shades = {letter: index for index, letter in enumerate(plain.LETTERS)}
    rows = [
        {
            "hour": hour,
            "cells": [
                {
                    "index": day * 24 + hour,
                    "letter": week[day * 24 + hour],
                    "shade": shades[week[day * 24 + hour]],
                    "day": DAY_NAMES[day],
                }
                for day in range(7)
            ],
        }
        for hour in range(24)
    ]
    return {"days": DAY_NAMES, "rows": rows, "rates": rates}


def shown_rates(found: plain.Plain) -> list[dict]:
    return [
        {
            "letter": letter,
            "shade": plain.LETTERS.index(letter),
            "kwh": plain_number(rate.kwh),
            "minute": plain_number(rate.hour and rate.hour / 60),
        }
        for letter, rate in zip(plain.LETTERS, found.rates, strict=False)
    ]


@needs("view_ops")
@require_safe
def tariff_list(request):
    operator = scope.operator(request, "view_ops")
    mine = Tariff.objects.filter(operator=operator).select_related("operator", "draft")
    rows = list(mine.prefetch_related("versions"))
    now = timezone.now()
    used = uses.evses_of(rows, now)
    listed = []
    for row in rows:
        evses = used[row.pk]
        versions = sorted(row.versions.all(), key=lambda each: (each.valid_from, each.number), reverse=True)
        current = next((each for each in versions if each.valid_from <= now), None)
        listed.append(
            {
                "tariff": row,
                "current": current,
                "next": next((each for each in reversed(versions) if each.valid_from > now), None),
                "lines": prices.describe(current, get_language() or "en")[:3] if current else [],
                "has_draft": hasattr(row, "draft"),
                "evses": len(evses),
                "sites": sorted({evse.station.site.name for evse in evses}),
            }
        )
    rules = TariffRules.objects.filter(operator=operator).select_related("end_asked_by").first()
    context = {
        "title": _("Tariffs"),
        "tabs": tabs(request, "tariffs:list", operator),
        "operator": operator,
        "operators": scope.operators(request, "view_ops"),
        "rows": listed,
        "may_change": may_change(request, operator),
        "rules": rules,
        "asked_by_me": rules is not None and rules.end_asked_by_id == request.user.pk,
    }
    return render(request, "tariffs/list.html", context)


@needs("manage_tariffs")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request):
    operator = scope.operator(request, "manage_tariffs")
    form = NewTariffForm(request.POST or None, operator=operator)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                draft = drafts.create(operator=operator, by=request.user, **form.cleaned_data)
        except IntegrityError:
            form.add_error("name", _("There is a tariff of this name already."))
        else:
            return redirect("tariffs:draft", draft.tariff_id)
    context = {
        "title": _("New tariff"),
        "crumbs": [{"label": _("Tariffs"), "url": f"{reverse('tariffs:list')}?operator={operator.slug}"}],
        "operator": operator,
        "form": form,
    }
    return render(request, "tariffs/new.html", context, status=422 if form.errors else 200)


@needs("manage_tariffs")
@require_POST
def second_person(request):
    """Turn the rule on, ask to do without it, or agree to that."""
    operator = scope.operator(request, "manage_tariffs")
    try:
        if request.POST.get("do") == "on":
            tariffs.want_second_person(operator=operator)
            messages.success(request, _("From now on a second person approves prices."))
        else:
            rules = tariffs.do_without_second_person(operator=operator, by=request.user)
            done = _("Prices are published by one person again.")
            asked = _("Somebody else has to agree before this ends.")
            messages.success(request, asked if rules.second_person else done)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('tariffs:list')}?operator={operator.slug}")


@needs("view_ops")
@require_safe
def tariff(request, pk):
    """Versions, and where the tariff applies."""
    row = tariff_of(request, pk, "view_ops")
    return render(request, "tariffs/tariff.html", tariff_context(request, row))


def tariff_context(request, row: Tariff, form: AssignForm | None = None) -> dict:
    now = timezone.now()
    current = previews.in_force(row, now)
    zone = books.zone_of(row.operator)
    if form is None:
        form = AssignForm(operator=row.operator, zone=zone)
    evses = uses.evses_of([row], now)[row.pk]
    assigned = (
        TariffAssignment.objects.filter(tariff=row)
        .select_related("site", "evse")
        .order_by("site__name", "evse__public_id", "-valid_from")
    )
    return {
        "title": row.name,
        "crumbs": [{"label": _("Tariffs"), "url": f"{reverse('tariffs:list')}?operator={row.operator.slug}"}],
        "tariff": row,
        "versions": row.versions.select_related("created_by", "approved_by").order_by("-number"),
        "current": current,
        "has_begun": current is not None and current.valid_from <= now,
        "has_draft": hasattr(row, "draft"),
        "assigned": [{"row": each, "is_planned": each.valid_from > now} for each in assigned],
        "evses": evses,
        "power": uses.most_power_w(evses),
        "zone": zone,
        "may_change": may_change(request, row.operator),
        "form": form,
    }


@needs("view_ops")
@require_safe
def version(request, pk, number):
    """One version, as it is for ever."""
    row = tariff_of(request, pk, "view_ops")
    found = get_object_or_404(
        TariffVersion.objects.select_related("created_by", "approved_by"), tariff=row, number=number
    )
    context = {
        "title": f"{row.name}, v{found.number}",
        "crumbs": [
            {"label": _("Tariffs"), "url": f"{reverse('tariffs:list')}?operator={row.operator.slug}"},
            {"label": row.name, "url": reverse("tariffs:tariff", args=[row.pk])},
        ],
        "tariff": row,
        "version": found,
        "zone": books.zone_of(row.operator),
        **seen(prices.tariff(found), row),
    }
    return render(request, "tariffs/version.html", context)


def seen(document: pricing.Tariff, row: Tariff) -> dict:
    """What a page shows of prices: the week, the words that drivers read, what groups read, the rules."""
    try:
        found = plain.of(document)
        rates = shown_rates(found)
        week = week_table(found.week, rates)
    except plain.NotPlain:
        week = None
    return {"week": week, "document": document, **words(document, row)}


def words(document: pricing.Tariff, row: Tariff) -> dict:
    """What drivers read, and what those of each group do."""
    spoken = price_words.speech(get_language() or "en")
    labels = dict(groups.choices(row.operator))
    named = [(each.group, labels.get(each.group, each.group)) for each in document.own.groups]
    return {
        "words": pricing.describe(document, spoken),
        "group_words": [
            {"label": label, "lines": pricing.describe(document, spoken, [name])} for name, label in named
        ],
    }


@needs("view_ops")
@require_safe
def version_json(request, pk, number):
    """The OCPI object as it was given."""
    row = tariff_of(request, pk, "view_ops")
    found = get_object_or_404(TariffVersion, tariff=row, number=number)
    return as_file(found.ocpi, f"tariff-{row.pk}-v{found.number}.json")


def as_file(document: dict, name: str) -> JsonResponse:
    params = {"indent": 2, "ensure_ascii": False}
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return JsonResponse(document, json_dumps_params=params, headers=headers)


@needs("manage_tariffs")
@require_POST
def assign(request, pk):
    row = tariff_of(request, pk)
    form = AssignForm(request.POST, operator=row.operator, zone=books.zone_of(row.operator))
    if form.is_valid():
        site, evse = form.cleaned_data["site"], form.cleaned_data["evse"]
        try:
            tariffs.assign(tariff=row, site=site, evse=evse, valid_from=form.cleaned_data["valid_from"])
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            where = {"tariff": row, "place": evse or site}
            messages.success(request, _("%(tariff)s applies at %(place)s.") % where)
            _warn(request, row)
            return redirect("tariffs:tariff", row.pk)
    return render(request, "tariffs/tariff.html", tariff_context(request, row, form), status=422)


def _warn(request, row: Tariff) -> None:
    """What the newest prices break at the places that they apply at now."""
    now = timezone.now()
    current = previews.in_force(row, now)
    if current is None:
        messages.warning(request, _("It has no published version yet."))
        return
    for finding in tariffs.lint(tariff=row, document=prices.tariff(current), now=now):
        if finding.level is pricing.Level.ERROR:
            messages.error(request, finding.message)


@needs("manage_tariffs")
@require_POST
def unassign(request, pk):
    """Take back a change that is planned, or give a charge point its site's tariff again."""
    mine = TariffAssignment.objects.filter(request.access.operators("manage_tariffs", "site__operator"))
    row = get_object_or_404(mine.select_related("site", "evse__station"), pk=pk)
    back = redirect("tariffs:tariff", row.tariff_id) if row.tariff_id else redirect("tariffs:list")
    try:
        if row.valid_from > timezone.now():
            tariffs.unplan(assignment=row)
            messages.success(request, _("The plan is taken back."))
        else:
            tariffs.assign(tariff=None, site=row.site, evse=row.evse)
            messages.success(request, _("%(evse)s has its site's tariff again.") % {"evse": row.evse})
    except Refused as refusal:
        messages.error(request, str(refusal))
    return back
