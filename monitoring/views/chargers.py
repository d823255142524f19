"""`/ops/chargers/`: the list, with its filters in the address."""

from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring import board, looks, overview
from monitoring.filters import ChargerFilter
from monitoring.guard import ops_page
from stations.models import Evse, PendingStation

PAGE = 50


@ops_page("view_ops")
def chargers(request):
    form = ChargerFilter(request.GET, access=request.access)
    found = filtered(overview.stations().visible_to(request.access), form.chosen())
    page = Paginator(found.order_by("site__name", "name", "pk"), PAGE).get_page(request.GET.get("page"))
    count = page.paginator.count
    may_adopt = request.access.may("manage_sites")
    return render(
        request,
        "monitoring/chargers.html",
        {
            "title": _("Chargers"),
            "watch": "ops",
            "chosen_site": form.chosen().get("site"),
            "form": form,
            "active": form.chips(request),
            "clear_url": "?",
            "count": ngettext("%(n)s charger", "%(n)s chargers", count) % {"n": count},
            "page": page,
            "rows": [overview.row(station) for station in page],
            "may_command": request.access.may("command"),
            "filters": [
                (name, value) for name, value in request.GET.items() if name in form.fields and value
            ],
            "may_adopt": may_adopt,
            "may_ask": request.access.may("view_drivers"),
            "pending": PendingStation.objects.count() if may_adopt else 0,
        },
    )


def filtered(stations, chosen: dict):
    if text := chosen.get("q"):
        stations = stations.filter(
            Q(name__icontains=text)
            | Q(identity__icontains=text)
            | Q(serial_number__icontains=text)
            | Q(model__icontains=text)
            | Q(pk__in=Evse.objects.filter(public_id__icontains=text).values("station"))
        )
    if site := chosen.get("site"):
        stations = stations.filter(site=site)
    if version := chosen.get("version"):
        stations = stations.filter(ocpp_version=version)
    state = chosen.get("state")
    if state == "offline":
        return stations.filter(connection=None)
    if state == "silent":
        return stations.filter(connection=None, disconnected_at__lte=timezone.now() - board.SILENT)
    if state:
        having = Evse.objects.filter(state__in=looks.STATES[state]).values("station")
        return stations.filter(connection__isnull=False, pk__in=having)
    return stations
