"""`/ops/load/` and `/ops/sites/<site>/load/`: limit, draw, headroom, who has how much, and why."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from monitoring.guard import ops_page
from monitoring.load import actions, showing, trying
from monitoring.load.forms import SettingsForm, TryForm
from monitoring.load.models import LoadSite
from stations.models import Site


def _crumbs(site: Site | None = None) -> list[dict]:
    found = [{"label": _("Load"), "url": reverse("ops:loads")}]
    if site is not None:
        found.append({"label": site.name, "url": reverse("ops:load", args=[site.pk])})
    return found


def _site(request, pk, permission: str = "view_ops") -> Site:
    return get_object_or_404(Site.objects.visible_to(request.access, permission), pk=pk)


@ops_page("view_ops")
def loads(request):
    now = timezone.now()
    sites = Site.objects.visible_to(request.access).select_related("load").order_by("name", "pk")
    lines = []
    for site in sites.prefetch_related("load__groups")[:500]:
        load_site = getattr(site, "load", None)
        line = {"site": site, "is_managed": load_site is not None and load_site.is_active}
        if line["is_managed"]:
            root = next((group for group in load_site.groups.all() if group.parent_id is None), None)
            line["phases"] = showing.phases(root) if root else []
            line["is_stale"] = showing.is_stale(load_site, now)
        lines.append(line)
    lines.sort(key=lambda line: not line["is_managed"])
    return render(request, "monitoring/loads.html", {"title": _("Load"), "lines": lines})


@ops_page("view_ops")
def load(request, pk):
    site, now = _site(request, pk), timezone.now()
    load_site = LoadSite.objects.filter(site=site).first()
    may = request.access.may_at("manage_sites", site)
    with timezone.override(site.zone):
        context = {
            "title": _("Load of %(site)s") % {"site": site.name},
            "crumbs": _crumbs(),
            "site": site,
            "may_manage": may,
            "at": now,
            "is_active": load_site is not None and load_site.is_active,
        }
        if context["is_active"]:
            form = TryForm(request.GET if "limit" in request.GET else None)
            tried = None
            if form.is_bound and form.is_valid() and form.cleaned_data["limit"] is not None:
                tried = trying.with_limit(load_site, form.cleaned_data["limit"], now)
            context |= {
                "load_site": load_site,
                "kpis": showing.kpis(load_site, now),
                "groups": showing.groups(load_site),
                "rows": showing.rows(load_site, now),
                "chart": showing.day(site, now),
                "is_stale": showing.is_stale(load_site, now),
                "cause": showing.cause(load_site),
                "form": form,
                "tried": tried,
            }
        return render(request, "monitoring/load.html", context)


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def settings(request, pk):
    site = _site(request, pk, "manage_sites")
    form = SettingsForm(site, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.configure(site=site, settings=form.settings())
        except actions.BadLimits as refusal:
            form.problems += refusal.problems
        else:
            messages.success(request, _("Saved. Chargers are told within seconds."))
            return redirect("ops:load", pk=site.pk)
    return render(
        request,
        "monitoring/load_settings.html",
        {
            "title": _("Limits of %(site)s") % {"site": site.name},
            "crumbs": _crumbs(site),
            "site": site,
            "settings": form,
            "is_active": form.load_site is not None and form.load_site.is_active,
        },
        status=422 if form.errors else 200,
    )


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def stop(request, pk):
    site = _site(request, pk, "manage_sites")
    load_site = get_object_or_404(LoadSite, site=site)
    if request.method == "POST":
        actions.stop(load_site=load_site)
        messages.success(request, _("The load of %(site)s is no longer managed.") % {"site": site.name})
        return redirect("ops:load", pk=site.pk)
    return render(
        request,
        "confirm.html",
        {
            "base": "base_ops.html",
            "title": _("Stop managing the load?"),
            "crumbs": _crumbs(site),
            "question": site.name,
            "consequences": [
                _("Its chargers are freed of what the plan told them, safe defaults too."),
                _("Together they may then draw more than the connection gives."),
                _("Limits and groups stay written down for the next time."),
            ],
            "action_url": reverse("ops:load_stop", args=[site.pk]),
            "submit": _("Stop managing it"),
            "danger": True,
            "cancel_url": reverse("ops:load_settings", args=[site.pk]),
        },
    )
