"""What the driver of a session that has to end in time is told: by mail, and on the charger's display."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from bookings import stop_times
from bookings.models import StopTime
from evportal.money import format_money
from evportal.outbox.actions import notify
from stations import abilities, display
from stations.exceptions import Refused
from stations.models import Session
from stations.naming import evse_name

log = logging.getLogger(__name__)


def tell(row: StopTime, now: datetime) -> None:
    """Some minutes before: the mail, and the display once more. Once for each moment that was planned."""
    if not stop_times.is_to_tell(row.at, row.told_of, now):
        return
    won = StopTime.objects.filter(pk=row.pk, told_of=row.told_of).update(told_of=row.at)
    if not won:
        return
    row.told_of = row.at
    session = row.session
    show(row)
    if session.user is None or session.review:
        return
    booked = getattr(session, "booking", None)
    fee = booked.late_stop_fee if booked is not None else 0
    language = session.user.language
    notify(
        user=session.user,
        topic="session.ends_soon",
        key=f"session {session.pk} ends {row.at.isoformat()}",
        template="bookings/mail/stop_soon",
        context={
            "stop": row,
            "session": session,
            "site": session.station.site,
            "place": evse_name(session.evse),
            "url": settings.PUBLIC_URL + reverse("billing:session", args=[session.link]),
            "fee": format_money(fee, session.station.site.operator.currency, language) if fee else "",
            "is_once": booked is not None and booked.late_stop_fee_per == "once",
        },
        expires_at=row.at,
    )


def show(row: StopTime) -> None:
    """On the charger's display, where it takes messages; the mail and the pages say the same."""
    session: Session = row.session
    station = session.station
    if not row.is_stop or not station.is_online or not abilities.of(station).messages:
        return
    language = (session.id_token and session.id_token.language) or "en"
    with translation.override(language), timezone.override(station.site.zone):
        text = (
            _("Booked by others: charging stops at %(time)s.")
            if row.booking_id
            else _("Your booked time is over at %(time)s; charging stops then.")
        )
        text = text % {"time": date_format(timezone.localtime(row.at), "H:i")}
    try:
        display.show(
            station=station,
            texts=[{"language": language, "format": "UTF8", "content": text}],
            transaction_id=session.transaction_id,
            ends_at=row.at,
        )
    except Refused as refusal:
        log.info("Charger %s shows no stop time: %s", station.pk, refusal)
