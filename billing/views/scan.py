"""Whether somebody stands before the charger: they scanned the code on its display just now."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from stations.exceptions import Refused
from stations.models import Evse, WebPayments

#: Time to sign in, enter a card, and plug in.
GOOD_FOR = timedelta(minutes=20)
KEY = "scanned"


class NotScanned(Refused):
    default = _("Scan the code on the charger's display to start here: printed codes are not in use.")


def remember(request, evse: Evse, now: datetime) -> None:
    """Kept with the visitor, so that signing in on the way doesn't lose it."""
    recent = {pk: at for pk, at in request.session.get(KEY, {}).items() if now.timestamp() - at < 3600}
    request.session[KEY] = recent | {str(evse.pk): now.timestamp()}


def may_use(request, evse: Evse, now: datetime) -> bool:
    """Printed codes do, unless the site wants the display's and this charger has one."""
    if evse.station.site.static_codes:
        return True
    on = WebPayments.objects.filter(station=evse.station_id, status=WebPayments.Status.ON)
    if not on.exists():
        return True
    at = request.session.get(KEY, {}).get(str(evse.pk))
    return at is not None and now.timestamp() - at < GOOD_FOR.total_seconds()
