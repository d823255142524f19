"""`/ops/sessions/`: what is charging, what was, what a person has to look at."""

from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring import answers, overview
from monitoring.filters import SessionFilter
from monitoring.guard import ops_page
from monitoring.story import story
from stations.models import Command, Session

PAGE = 50
TABS = {
    "running": (gettext_lazy("In progress"), Q(stopped_at=None)),
    "history": (gettext_lazy("History"), Q(stopped_at__isnull=False)),
    "review": (gettext_lazy("Needs a look"), ~Q(review="")),
}


@ops_page("view_ops")
def sessions(request):
    form = SessionFilter(request.GET, access=request.access)
    chosen = form.chosen()
    tab = chosen.pop("tab", "running")
    tab = tab if tab in TABS else "running"
    visible = Session.objects.run_by(request.access)
    found = filtered(visible.filter(TABS[tab][1]), chosen).select_related("evse", "station__site", "id_token")
    page = Paginator(found.order_by("-started_at"), PAGE).get_page(request.GET.get("page"))
    count = page.paginator.count
    return render(
        request,
        "monitoring/sessions.html",
        {
            "title": _("Sessions"),
            "watch": "ops",
            "form": form,
            "active": form.chips(request),
            "clear_url": f"?tab={tab}",
            "count": ngettext("%(n)s session", "%(n)s sessions", count) % {"n": count},
            "page": page,
            "tab": tab,
            "tabs": [
                {"label": label, "url": f"?tab={name}", "current": name == tab}
                for name, (label, _q) in TABS.items()
            ],
        },
    )


def filtered(sessions, chosen: dict):
    if site := chosen.get("site"):
        sessions = sessions.filter(station__site=site)
    if text := chosen.get("q"):
        sessions = sessions.filter(
            Q(station__name__icontains=text)
            | Q(station__identity__icontains=text)
            | Q(evse__public_id__icontains=text)
            | Q(transaction_id=text)
            | Q(token__iexact=text)
        )
    return sessions


@ops_page("view_ops")
def session(request, pk):
    found = get_object_or_404(
        Session.objects.run_by(request.access).select_related("evse", "station__site__operator", "id_token"),
        pk=pk,
    )
    site = found.station.site
    with timezone.override(site.zone):
        return render(
            request,
            "monitoring/session.html",
            {
                "title": _("Session on %(charger)s, EVSE %(evse)s")
                % {"charger": found.station.name, "evse": found.evse.number},
                "watch": f"station:{found.station_id}",
                "crumbs": [
                    {"label": _("Sessions"), "url": reverse("ops:sessions")},
                    {"label": found.station.name, "url": reverse("ops:charger", args=[found.station_id])},
                ],
                "session": found,
                "station": found.station,
                "chart": overview.meter_chart(found.station, found),
                "events": story(found),
                "asked": _asked(found),
                "may_ask": found.station.is_online and found.station.ocpp_version not in ("", "1.6"),
                "may_command": request.access.may_at("command", site),
                "may_drivers": request.access.may_at("view_drivers", site),
                "may_money": request.access.may_at("view_money", site),
                "at": timezone.now(),
            },
        )


def _asked(session: Session) -> dict | None:
    """What the charger last said when it was asked about this session."""
    command = (
        Command.objects.filter(
            station=session.station,
            action="GetTransactionStatus",
            payload__transactionId=session.transaction_id,
            status=Command.Status.ANSWERED,
        )
        .order_by("-created_at")
        .first()
    )
    return command and {"at": command.answered_at, "words": answers.transaction(command.response or {})}
