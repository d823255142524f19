"""`/ops/chargers/<pk>/`: one charger, in tabs that are pages of their own."""

from django.core.paginator import Paginator
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from monitoring import eventlog, journal, overview
from monitoring.filters import MessageFilter
from monitoring.guard import ops_page
from monitoring.models import Alert
from monitoring.uptime import showing
from stations.models import Command

PAGE = 50
#: The newest events on the History tab; all are at /ops/events/.
EVENTS = 15


def find(request, pk: int, permission: str = "view_ops") -> overview.Row:
    return overview.row(get_object_or_404(overview.stations().visible_to(request.access, permission), pk=pk))


def page(request, charger: overview.Row, tab: str, template: str, **context):
    """What every tab shows around itself."""
    station, access = charger.station, request.access
    tabs = [("charger", _("Overview")), ("charger_sessions", _("Sessions"))]
    if access.may_at("view_messages", station.site):
        tabs.append(("charger_messages", _("Messages")))
        tabs.append(("charger_config", _("Configuration")))
    tabs.append(("charger_certificates", _("Certificates")))
    tabs.append(("charger_display", _("Display and cards")))
    tabs += [("charger_firmware", _("Firmware")), ("charger_history", _("History"))]
    tabs.append(("charger_profiles", _("Limits")))
    tabs.append(("charger_monitors", _("Monitors")))
    return render(
        request,
        template,
        {
            "title": station.name,
            "watch": f"station:{station.pk}",
            "crumbs": [
                {"label": _("Chargers"), "url": reverse("ops:chargers")},
                {"label": station.site.name, "url": f"{reverse('ops:chargers')}?site={station.site_id}"},
            ],
            "charger": charger,
            "station": station,
            "may_command": access.may_at("command", station.site),
            "at": timezone.now(),
            "tabs": [
                {"label": label, "url": reverse(f"ops:{name}", args=[station.pk]), "current": name == tab}
                for name, label in tabs
            ],
            **context,
        },
    )


@ops_page("view_ops")
def charger(request, pk):
    found = find(request, pk)
    with timezone.override(found.station.site.zone):
        may_alerts = request.access.may_at("view_alerts", found.station.site)
        return page(
            request,
            found,
            "charger",
            "monitoring/charger.html",
            chart=overview.meter_chart(found.station),
            uptime=showing.evse_strips(found.station.evses.all(), timezone.now(), found.station.site.zone),
            alerts=Alert.objects.visible_to(request.access).open().filter(station=found.station)
            if may_alerts
            else [],
            plans=found.station.availability_plans.open()
            .select_related("station", "evse", "connector", "closing")
            .order_by("starts_at"),
        )


@ops_page("view_ops")
def sessions(request, pk):
    found = find(request, pk)
    with timezone.override(found.station.site.zone):
        listed = found.station.sessions.select_related("evse", "station__site", "id_token").order_by(
            "-started_at"
        )
        rows = Paginator(listed, PAGE).get_page(request.GET.get("page"))
        return page(request, found, "charger_sessions", "monitoring/charger_sessions.html", page=rows)


@ops_page("view_messages")
def messages(request, pk):
    found = find(request, pk, "view_messages")
    with timezone.override(found.station.site.zone):
        form = MessageFilter(request.GET, access=request.access)
        chosen = form.chosen()
        exchanges, following = journal.page(found.station, chosen, request.GET.get("before", ""))
        return page(
            request,
            found,
            "charger_messages",
            "monitoring/charger_messages.html",
            form=form,
            active=form.chips(request),
            clear_url="?",
            count="",
            log=exchanges,
            following=following,
            before=request.GET.get("before", ""),
        )


@ops_page("view_messages")
def messages_csv(request, pk):
    found = find(request, pk, "view_messages")
    with timezone.override(found.station.site.zone):
        chosen = MessageFilter(request.GET, access=request.access).chosen()
    response = StreamingHttpResponse(
        journal.csv_lines(found.station, chosen), content_type="text/csv; charset=utf-8"
    )
    words = "-".join(["messages", str(found.station.pk), *(f"{name}" for name in sorted(chosen))])
    response["Content-Disposition"] = f'attachment; filename="{words}.csv"'
    return response


@ops_page("view_ops")
def history(request, pk):
    found = find(request, pk)
    with timezone.override(found.station.site.zone):
        listed = Command.objects.filter(station=found.station).select_related("created_by", "api_key")
        rows = Paginator(listed, PAGE).get_page(request.GET.get("page"))
        events = list(found.station.events.select_related("evse").order_by("-received_at", "-pk")[:EVENTS])
        for event in events:
            event.word = eventlog.word(event.severity)
        return page(
            request,
            found,
            "charger_history",
            "monitoring/charger_history.html",
            page=rows,
            events=events,
            chart=overview.year_chart(found.station) if rows.number == 1 else None,
        )
