"""May this driver start here now, and if not, why and where else?"""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from billing.exceptions import PaymentRefused
from billing.models import Start
from evportal.accounts.models import User
from stations import reservations
from stations.authorising import keepings
from stations.models import Evse, Session
from stations.models.station import State


class NotReady(PaymentRefused):
    default = _("Charging can't start here right now.")


def obstacle(evse: Evse, user: User | None, now: datetime) -> str:
    """Why nobody, or this driver, can start here now; empty: they can."""
    if not evse.station.is_online:
        return _("This charger is not connected right now.")
    if evse.state == State.FAULTED:
        return _("This charger reports a fault.")
    if evse.state == State.UNAVAILABLE:
        return _("This charger is out of service.")
    user_id = user.pk if user is not None and user.is_authenticated else None
    running = Session.objects.open().filter(evse=evse)
    if running.exclude(user=user_id).exists() if user_id else running.exists():
        return _("Somebody is charging here.")
    kept = next((one for one in keepings(evse, now) if one.user_id is None or one.user_id != user_id), None)
    known = user if user_id is not None else None
    if kept is not None and (known is None or reservations.start_token(evse, known, now) is None):
        until = kept.ends_at.astimezone(evse.station.site.zone)
        return _("Booked by another driver until %(time)s.") % {"time": f"{until:%H:%M}"}
    return ""


def taken_meanwhile(start: Start, now: datetime) -> str:
    """Why a start can't go on that waited for its money: others may have been quicker."""
    others = Start.objects.filter(evse=start.evse_id, state=Start.State.ASKED, expires_at__gt=now)
    if others.exclude(pk=start.pk).exists():
        return _("Somebody else is just starting here.")
    return obstacle(start.evse, start.user, now)


def nearest_free(evse: Evse, now: datetime) -> Evse | None:
    """Another EVSE of the site that can be used now, the most alike first."""
    others = (
        Evse.objects.public()
        .with_station()
        .filter(station__site=evse.station.site_id, state=State.AVAILABLE)
        .exclude(pk=evse.pk)
        .exclude(station__connection=None)
    )
    standards = {connector.standard for connector in evse.connectors.all()}

    def difference(other: Evse) -> tuple[bool, int]:
        fits = bool(standards & {connector.standard for connector in other.connectors.all()})
        return not fits, abs(other.max_power_w - evse.max_power_w)

    free = [other for other in others if not keepings(other, now)]
    return min(free, key=difference, default=None)
