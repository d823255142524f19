"""Drivers' pages: find a site, and a site with its chargers as they are now."""

from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stations import finding
from stations.forms import FindForm
from stations.models import Evse, Site

PER_PAGE = 20


def find(request):
    now = timezone.now()
    form = FindForm(request.GET)
    wish = form.wish()
    page = Paginator(finding.sites(wish, now), PER_PAGE).get_page(request.GET.get("page"))
    summaries = finding.summaries(page.object_list, wish, now)
    rows = [{"site": site, "summary": summaries[site.pk]} for site in page.object_list]
    total = page.paginator.count
    active = _active(request, form)
    return render(
        request,
        "stations/find.html",
        {
            # Unbound where the address made no sense: a search has no errors to show.
            "form": form if form.is_valid() else FindForm(),
            "rows": rows,
            "sites": page.object_list,
            "page": page,
            "active": active,
            "clear_url": request.path,
            "count": ngettext("%(n)s site", "%(n)s sites", total) % {"n": total},
            "is_near": wish.lat is not None and wish.lng is not None,
            "tiles": settings.MAP_TILE_URL,
            "attribution": settings.MAP_TILE_ATTRIBUTION,
        },
    )


def _active(request, form: FindForm) -> list[dict]:
    """The filters that are on, each with the address without it."""
    found = []
    for name in ("q", "standard", "min_kw", "free", "bookable", "accessible"):
        value = form.cleaned_data.get(name)
        if not value:
            continue
        field = form.fields[name]
        words = dict(getattr(field, "choices", [])).get(request.GET.get(name)) or (
            f"“{value}”" if name == "q" else field.label
        )
        found.append({"label": words, "url": _without(request, name)})
    if form.cleaned_data.get("lat") is not None:
        found.append({"label": _("near the chosen place"), "url": _without(request, "lat", "lng")})
    return found


def _without(request, *names: str) -> str:
    rest = [(key, value) for key, value in request.GET.items() if key not in (*names, "page") and value]
    return f"{request.path}?{urlencode(rest)}"


def site(request, slug: str):
    now = timezone.now()
    site = get_object_or_404(Site.objects.public().select_related("operator"), slug=slug)
    evses = list(finding.cards(Evse.objects.filter(station__site=site), now))
    free = sum(evse.is_free and not evse.is_kept for evse in evses)
    with timezone.override(site.zone):
        return render(
            request,
            "stations/site.html",
            {"site": site, "evses": evses, "free": free, "total": len(evses), "at": now},
        )
