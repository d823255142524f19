"""Who may open operators' pages: nobody signed in → sign-in; no such role anywhere → 403."""

from __future__ import annotations

from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from monitoring import zones
from stations.models import Site


def ops_page(permission: str):
    """Lets in whoever holds the permission somewhere; each view still filters its rows by `request.access`.

    Times on the page are told in the zone of the viewer's sites; pages about one site choose its own.
    """

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not request.access.may(permission):
                raise PermissionDenied
            with timezone.override(zones.zone_of(Site.objects.visible_to(request.access))):
                return view(request, *args, **kwargs)

        guarded.permission = permission
        return guarded

    return decorate
