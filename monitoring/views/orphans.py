"""`/ops/sessions/orphans/`: what chargers reported about no session that we know, until somebody decides."""

import json

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from monitoring.forms import OrphanForm
from monitoring.guard import ops_page
from monitoring.views.sessions import tabs
from stations import orphans as actions
from stations.exceptions import Refused
from stations.models import Orphan

PAGE = 50


@ops_page("view_ops")
@require_safe
def orphans(request):
    found = Orphan.objects.visible_to(request.access).open().select_related("station__site")
    return render(
        request,
        "monitoring/orphans.html",
        {
            "title": _("Sessions"),
            "watch": "ops",
            "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
            "tabs": tabs(request, "orphans"),
        },
    )


@ops_page("view_ops")
@require_http_methods(["GET", "HEAD", "POST"])
def orphan(request, pk):
    """Attach it to a session of its charger, or say that it belongs to none."""
    rows = Orphan.objects.visible_to(request.access).select_related("station__site__operator", "session")
    found = get_object_or_404(rows, pk=pk)
    site = found.station.site
    may_decide = request.access.may_at("command", site)
    if request.method == "POST" and not may_decide:
        raise PermissionDenied
    form = OrphanForm(request.POST or None, sessions=actions.candidates(found))
    if request.method == "POST" and form.is_valid() and _decide(request, found, form):
        return redirect("ops:orphans")
    with timezone.override(site.zone):
        context = {
            "title": _("Stop without a session") if found.kind == "stop" else _("Readings without a session"),
            "crumbs": [
                {"label": _("Sessions"), "url": reverse("ops:sessions")},
                {"label": _("In error"), "url": reverse("ops:orphans")},
            ],
            "orphan": found,
            "station": found.station,
            "form": form,
            "may_decide": may_decide and found.resolved_at is None,
            "said": _said(found, request.access.may_at("view_drivers", site)),
        }
        status = 422 if form.is_bound and (form.errors or form.non_field_errors()) else 200
        return render(request, "monitoring/orphan.html", context, status=status)


def _said(found: Orphan, may_drivers: bool) -> str:
    """The charger's own words; whose card it was is not everybody's to know."""
    payload = dict(found.payload)
    if not may_drivers and payload.get("idTag"):
        payload["idTag"] = f"…{str(payload['idTag'])[-4:]}"
    return json.dumps(payload, indent=2, ensure_ascii=False)


def _decide(request, found: Orphan, form: OrphanForm) -> bool:
    try:
        if form.cleaned_data["decision"] == "dismiss":
            actions.dismiss(orphan=found, by=request.user)
            messages.success(request, _("Dismissed: it belongs to no session."))
        else:
            session = actions.attach(orphan=found, session=form.cleaned_data["session"], by=request.user)
            energy = f"{session.energy_kwh:.2f}"
            messages.success(request, _("Attached. The session now has %s kWh.") % energy)
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
