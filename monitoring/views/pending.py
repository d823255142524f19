"""`/ops/pending/`: chargers that called and that nobody knows."""

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from monitoring.adopt import adopt
from monitoring.forms import AdoptForm
from monitoring.guard import ops_page
from stations.models import PendingStation

PAGE = 50


def _crumbs() -> list[dict]:
    return [{"label": _("Chargers"), "url": reverse("ops:chargers")}]


@ops_page("manage_sites")
def pending(request):
    page = Paginator(PendingStation.objects.all(), PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "monitoring/pending.html",
        {"title": _("Unknown chargers"), "crumbs": _crumbs(), "page": page},
    )


@ops_page("manage_sites")
@require_http_methods(["GET", "POST"])
def adopt_station(request, pk):
    found = get_object_or_404(PendingStation, pk=pk)
    form = AdoptForm(request.POST or None, access=request.access)
    context = {
        "title": _("Adopt %s") % found.identity,
        "crumbs": [*_crumbs(), {"label": _("Unknown chargers"), "url": reverse("ops:pending")}],
        "pending": found,
        "form": form,
        "cancel_url": reverse("ops:pending"),
    }
    if request.method == "POST" and form.is_valid():
        adopted = adopt(pending=found, **form.cleaned_data)
        if adopted:
            station, password = adopted
            # Shown in the answer itself, because it is kept nowhere.
            response = render(
                request,
                "monitoring/adopted.html",
                {**context, "title": station.name, "form": None, "station": station, "password": password},
            )
            response["Cache-Control"] = "no-store"
            return response
        form.add_error(None, _("Somebody has just adopted this charger."))
    return render(request, "monitoring/adopt.html", context)
