"""`/ops/alerts/`: what is wrong, who is on it; put off, handed on, closed, and taken back."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from monitoring import actions, handling, impact
from monitoring.alert_forms import AssignForm, ResolveForm, SnoozeForm
from monitoring.filters import AlertFilter
from monitoring.guard import ops_page
from monitoring.models import Alert, AlertChange
from stations.exceptions import Refused

PAGE = 50
TABS = {
    "open": gettext_lazy("Open"),
    "mine": gettext_lazy("Mine"),
    "unassigned": gettext_lazy("Unassigned"),
    "snoozed": gettext_lazy("Snoozed"),
    "resolved": gettext_lazy("Resolved"),
}


def _of_tab(visible, tab: str, user, now):
    awake = visible.awake(now).order_by("-opened_at")
    return {
        "open": awake,
        "mine": awake.filter(assigned_to=user),
        "unassigned": awake.filter(assigned_to=None),
        "snoozed": visible.asleep(now).order_by("snoozed_until"),
        "resolved": visible.exclude(resolved_at=None).order_by("-resolved_at"),
    }[tab]


@ops_page("view_alerts")
def alerts(request):
    now = timezone.now()
    form = AlertFilter(request.GET, access=request.access)
    chosen = form.chosen()
    tab = chosen.pop("tab", "")
    tab = tab if tab in TABS else "open"
    visible = Alert.objects.visible_to(request.access).select_related(
        "site", "station", "acknowledged_by", "assigned_to"
    )
    names = {"severity": "severity", "site": "site", "station": "station_id"}
    visible = visible.filter(**{names[name]: value for name, value in chosen.items()})
    page = Paginator(_of_tab(visible, tab, request.user, now), PAGE).get_page(request.GET.get("page"))
    impact.add(page.object_list, now)
    count = page.paginator.count
    return render(
        request,
        "monitoring/alerts.html",
        {
            "title": _("Alerts"),
            "watch": "ops",
            "form": form,
            "active": form.chips(request),
            "clear_url": f"?tab={tab}",
            "count": ngettext("%(n)s alert", "%(n)s alerts", count) % {"n": count},
            "page": page,
            "tab": tab,
            "tabs": [
                {"label": label, "url": f"?tab={name}", "current": name == tab}
                for name, label in TABS.items()
            ],
            "may_manage": request.access.may("manage_alerts"),
            "undo": handling.undoable(by=request.user, now=now),
        },
    )


def _find(request, pk) -> Alert:
    rows = Alert.objects.visible_to(request.access, "manage_alerts").select_related("site", "station")
    return get_object_or_404(rows, pk=pk)


def _back(request):
    following = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(following, allowed_hosts=None):
        following = reverse("ops:alerts")
    return redirect(following)


@ops_page("manage_alerts")
@require_POST
def acknowledge(request, pk):
    alert = _find(request, pk)
    if actions.acknowledge(alert=alert, by=request.user):
        messages.success(request, _("You are on it: %s") % alert.title)
    else:
        messages.info(request, _("Somebody was on it already, or it is over."))
    return _back(request)


@ops_page("manage_alerts")
@require_http_methods(["GET", "POST"])
def change(request, pk, what):
    """Hand it to somebody, put it off, or close it: each with a form of its own."""
    alert = _find(request, pk)
    form_class = {"assign": AssignForm, "snooze": SnoozeForm, "resolve": ResolveForm}[what]
    with timezone.override(alert.site.zone):
        form = form_class(request.POST or None, alert=alert)
        if request.method == "POST" and form.is_valid():
            try:
                form.act(by=request.user, now=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, form.said % alert.title)
                return redirect("ops:alerts")
        return render(
            request,
            "monitoring/form_page.html",
            {
                "title": form.title,
                "lede": alert.title,
                "crumbs": [{"label": _("Alerts"), "url": reverse("ops:alerts")}],
                "form": form,
                "submit": form.submit,
                "cancel_url": reverse("ops:alerts"),
            },
            status=422 if form.errors else 200,
        )


@ops_page("manage_alerts")
@require_POST
def wake(request, pk):
    try:
        handling.wake(alert=_find(request, pk), by=request.user, now=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    return _back(request)


@ops_page("manage_alerts")
@require_POST
def undo(request, pk):
    """What one has just done; only one's own, and only for ten seconds."""
    alert = _find(request, pk)
    change = AlertChange.objects.filter(alert=alert, by=request.user).first()
    try:
        if change is None:
            raise handling.AlertRefused(_("It is too late to take that back."))
        handling.undo(change=change, by=request.user, now=timezone.now())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Taken back: %s") % alert.title)
    return _back(request)
