"""`/ops/configuration/`: templates, which chargers differ from them, and putting that right in bulk."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from evportal.accounts.models import Operator
from monitoring import fleet
from monitoring.config_forms import FleetFilter, TemplateForm
from monitoring.guard import ops_page
from stations.configuration import templates
from stations.models import ConfigurationRun, ConfigurationTemplate, Station

PAGE = 50


@ops_page("view_messages")
def overview(request):
    form = FleetFilter(request.GET, access=request.access)
    chosen = form.chosen()
    stations = _filtered(Station.objects.visible_to(request.access, "view_messages"), chosen)
    # Drift is worked out, not stored: it follows templates and settings at once.
    rows = fleet.rows(stations.select_related("site__operator", "provisioning"), chosen.get("state", ""))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    count = page.paginator.count
    return render(
        request,
        "monitoring/configuration.html",
        {
            "title": _("Configuration"),
            "form": form,
            "active": form.chips(request),
            "clear_url": "?",
            "count": ngettext("%(n)s charger", "%(n)s chargers", count) % {"n": count},
            "page": page,
            "chosen": [(name, request.GET[name]) for name in chosen],
            "templates": ConfigurationTemplate.objects.visible_to(
                request.access, "view_messages"
            ).select_related("operator"),
            "may_command": request.access.may("command"),
            "may_write": _operators(request).exists(),
        },
    )


def _filtered(stations, chosen: dict):
    if text := chosen.get("q"):
        stations = stations.filter(
            Q(name__icontains=text)
            | Q(identity__icontains=text)
            | Q(vendor__icontains=text)
            | Q(model__icontains=text)
            | Q(firmware__icontains=text)
        )
    if site := chosen.get("site"):
        stations = stations.filter(site=site)
    return stations.order_by("site__name", "name", "pk")


def _operators(request):
    return Operator.objects.filter(request.access.operators("manage_stations", ""))


class ApplyForm(forms.Form):
    once = forms.UUIDField(widget=forms.HiddenInput)
    wait = forms.BooleanField(
        label=gettext_lazy("Wait up to a day for chargers that are offline now"), required=False
    )
    again = forms.BooleanField(
        label=gettext_lazy("Also try again what chargers have refused before"), required=False
    )


@ops_page("command")
@require_http_methods(["POST"])
def apply(request):
    """The chosen chargers: first what it would do, then a run for each."""
    stations = _chosen(request)
    if not stations:
        messages.error(request, _("Choose at least one charger."))
        return redirect("ops:configuration")
    confirmed = "once" in request.POST
    form = ApplyForm(request.POST if confirmed else None, initial={"once": uuid.uuid4()})
    if confirmed and form.is_valid():
        bulk = form.cleaned_data["once"]
        fleet.apply(
            stations=stations,
            bulk=bulk,
            by=request.user,
            wait=form.cleaned_data["wait"],
            again=form.cleaned_data["again"],
        )
        return redirect("ops:configuration_bulk", bulk)
    preview = fleet.rows(stations)
    return render(
        request,
        "monitoring/configuration_apply.html",
        {
            "title": _("Apply the templates"),
            "crumbs": _crumbs(),
            "form": form,
            "rows": preview,
            "changes": sum(len(row.mendable) for row in preview),
            "chargers": sum(bool(row.mendable) for row in preview),
            "offline": sum(not row.station.is_online for row in preview),
            "cancel_url": reverse("ops:configuration"),
        },
    )


def _chosen(request) -> list[Station]:
    """The ticked ones, or all that the list's filters leave."""
    mine = Station.objects.visible_to(request.access, "command").select_related(
        "site__operator", "provisioning"
    )
    if "all" in request.POST:
        chosen = FleetFilter(request.POST, access=request.access).chosen()
        rows = fleet.rows(_filtered(mine, chosen), chosen.get("state", ""))
        return [row.station for row in rows][: fleet.MOST]
    pks = [pk for pk in request.POST.getlist("station") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    return list(mine.filter(pk__in=pks[: fleet.MOST]).order_by("site__name", "name", "pk"))


def _crumbs() -> list[dict]:
    return [{"label": _("Configuration"), "url": reverse("ops:configuration")}]


@ops_page("view_messages")
def bulk(request, bulk):
    """What became of it, charger by charger."""
    runs = (
        ConfigurationRun.objects.visible_to(request.access, "view_messages")
        .filter(bulk=bulk)
        .select_related("station__site", "created_by")
        .order_by("station__site__name", "station__name")
    )
    page = Paginator(runs, PAGE).get_page(request.GET.get("page"))
    if not page.object_list:
        raise Http404
    over = runs.exclude(status=ConfigurationRun.Status.RUNNING).count()
    return render(
        request,
        "monitoring/configuration_bulk.html",
        {
            "title": _("Templates applied"),
            "crumbs": _crumbs(),
            "page": page,
            "over": over,
            "total": page.paginator.count,
        },
    )


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def template(request, pk=None):
    if pk is None:
        operator = _operators(request).first()
        if operator is None:
            # Who is limited to some sites can't write for the whole operator.
            raise Http404
        found = ConfigurationTemplate(operator=operator, values=fleet.suggested(request.GET.get("protocol")))
        found.protocol = "2.x" if request.GET.get("protocol") == "2.x" else "1.6"
    else:
        visible = ConfigurationTemplate.objects.visible_to(request.access, "manage_stations")
        found = get_object_or_404(visible, pk=pk)
    form = TemplateForm(request.POST or None, instance=found, access=request.access)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. Chargers are changed only when it is applied to them."))
        return redirect("ops:configuration")
    return render(
        request,
        "monitoring/template.html",
        {
            "title": found.name if pk else _("New template"),
            "crumbs": _crumbs(),
            "form": form,
            "pk": pk,
            "guarded": ", ".join(templates.GUARDED[found.protocol]),
            "cancel_url": reverse("ops:configuration"),
        },
    )


@ops_page("manage_stations")
@require_http_methods(["GET", "POST"])
def delete(request, pk):
    visible = ConfigurationTemplate.objects.visible_to(request.access, "manage_stations")
    found = get_object_or_404(visible, pk=pk)
    if request.method == "POST":
        found.delete()
        messages.success(request, _("Deleted. No charger has been changed."))
        return redirect("ops:configuration")
    return render(
        request,
        "confirm.html",
        {
            "base": "base_ops.html",
            "title": _("Delete the template %s") % found.name,
            "question": _("Chargers keep what they are set to."),
            "action_url": request.path,
            "submit": _("Delete"),
            "danger": True,
            "cancel_url": reverse("ops:template", args=[pk]),
            "crumbs": _crumbs(),
        },
    )
