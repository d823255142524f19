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
from stations import sequence
from stations.models import Command, Orphan, Session, SignedCheck

PAGE = 50
#: What was odd and needs no decision, in words; what does is in the session's review.
FLAG_WORDS = {
    "rollover": gettext_lazy("The meter began again at zero, and was counted on."),
    "spike": gettext_lazy("A wild meter value was left out."),
    "relative": gettext_lazy("Its readings count from the session's start."),
    "no_stop": gettext_lazy("The stop brought no meter value; the last reading stands for it."),
    "no_start": gettext_lazy("The start brought no meter value; the first reading stands for it."),
    "other_token": gettext_lazy("It was stopped with another card than it was started with."),
    "clock_skew": gettext_lazy("The charger's clock is off; its times were corrected."),
}
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
            "tabs": tabs(request, tab),
        },
    )


def tabs(request, current: str) -> list[dict]:
    base = reverse("ops:sessions")
    found = [
        {"label": label, "url": f"{base}?tab={name}", "current": name == current}
        for name, (label, _q) in TABS.items()
    ]
    waiting = Orphan.objects.visible_to(request.access).open().count()
    found.append(
        {
            "label": _("In error"),
            "url": reverse("ops:orphans"),
            "current": current == "orphans",
            "count": waiting or None,
        }
    )
    return found


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
                "missing": sequence.words(found.seq_nos),
                "signed": found.signed_values.all()[:100],
                "check": SignedCheck.objects.filter(session=found).first(),
                "odd": [FLAG_WORDS[flag] for flag in found.flags if flag in FLAG_WORDS],
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
