"""`/ops/`: what is happening now, worst first."""

from django.conf import settings
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from monitoring import board, feed
from monitoring.guard import ops_page
from stations.models import Site


@ops_page("view_ops")
def wallboard(request):
    sites = Site.objects.visible_to(request.access)
    tiles = board.tiles(sites)
    now = timezone.now()
    return render(
        request,
        "monitoring/wallboard.html",
        {
            "title": _("Wallboard"),
            "watch": "ops",
            "kpis": board.kpis(request.access, now),
            "tiles": tiles,
            "more_sites": max(0, sites.count() - len(tiles)) if len(tiles) == board.TILES else 0,
            "events": feed.events(request.access),
            "at": now,
            "map_tiles": settings.MAP_TILE_URL,
            "attribution": settings.MAP_TILE_ATTRIBUTION,
        },
    )
