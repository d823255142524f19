"""`/ops/alerts/`: what is wrong, and who is on it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from monitoring import actions
from monitoring.filters import AlertFilter
from monitoring.guard import ops_page
from monitoring.models import Alert

PAGE = 50
TABS = {"open": gettext_lazy("Open"), "resolved": gettext_lazy("Resolved")}


@ops_page("view_alerts")
def alerts(request):
    form = AlertFilter(request.GET, access=request.access)
    chosen = form.chosen()
    tab = "resolved" if chosen.pop("tab", "") == "resolved" else "open"
    visible = Alert.objects.visible_to(request.access).select_related("site", "station", "acknowledged_by")
    names = {"severity": "severity", "site": "site", "station": "station_id"}
    visible = visible.filter(**{names[name]: value for name, value in chosen.items()})
    opened = visible.open()
    found = (
        opened.order_by("-opened_at")
        if tab == "open"
        else visible.exclude(resolved_at=None).order_by("-resolved_at")
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
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
        },
    )


@ops_page("manage_alerts")
@require_POST
def acknowledge(request, pk):
    alert = get_object_or_404(Alert.objects.visible_to(request.access, "manage_alerts"), pk=pk)
    if actions.acknowledge(alert=alert, by=request.user):
        messages.success(request, _("You are on it: %s") % alert.title)
    else:
        messages.info(request, _("Somebody was on it already, or it is over."))
    following = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(following, allowed_hosts=None):
        following = reverse("ops:alerts")
    return redirect(following)
