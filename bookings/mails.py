"""What drivers are told of their bookings and of the queue: which kinds of news, and each with its words.

By e-mail, and over the channels that the driver chose (`outbox.actions.notify`); in the driver's language.
"""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, Offer, WaitlistPlace
from evportal.money import format_money
from evportal.outbox import topics
from evportal.outbox.actions import notify, withdraw
from evportal.outbox.topics import Topic
from stations.naming import evse_name, plugs

topics.register(
    Topic("booking.confirmed", _("A booking is confirmed"), always_mailed=True),
    Topic("booking.reminder", _("A booking begins soon")),
    Topic("booking.moved", _("A booking was moved"), always_mailed=True),
    Topic("booking.cancelled", _("A booking was cancelled"), always_mailed=True),
    Topic("booking.failed", _("A charger can't serve a booking"), always_mailed=True),
    Topic("booking.no_show", _("A slot was released because nobody came"), always_mailed=True),
    Topic("booking.overrun", _("The driver before you is late")),
    Topic("session.ends_soon", _("Your charging will be stopped soon"), always_mailed=True),
    Topic("waitlist.offer", _("The waitlist has a slot for you")),
    Topic("waitlist.over", _("Your wait has ended without a slot")),
)

#: After these a reminder of the slot as it was would be wrong.
ENDS_REMINDER = ("moved", "cancelled", "failed", "no_show")


def tell(booking: Booking, news: str, *, why: str = "", at: str = "", **more) -> None:
    """One piece of news (`booking.<news>`), with the calendar entry as it is when the mail goes; once per
    change of the booking.

    `why`: the operator's words, or a lazy sentence that is said in the driver's language. `at` tells apart
    what is news more than once without a change; `more` is what the news' own template wants besides.
    """
    key = f"booking {booking.pk} {news} {booking.sequence}" + (f" {at}" if at else "")
    _notify(booking, news, key, why=why, **more)
    if news in ENDS_REMINDER:
        # The slot of which a reminder may still wait is another one now, or none.
        withdraw(key=_reminder_key(booking, booking.reminded_of or booking.starts_at))


def remind(booking: Booking) -> None:
    _notify(booking, "reminder", _reminder_key(booking, booking.starts_at), expires_at=booking.starts_at)


def _reminder_key(booking: Booking, starts_at: datetime) -> str:
    return f"booking {booking.pk} reminder {starts_at:%Y-%m-%dT%H:%MZ}"


def _notify(booking: Booking, news: str, key: str, *, expires_at=None, **more) -> None:
    site = booking.evse.station.site
    language = booking.user.language
    currency = site.operator.currency
    with translation.override(language):
        place = f"{evse_name(booking.evse)} ({plugs(booking.evse)})"
    notify(
        user=booking.user,
        topic=f"booking.{news}",
        key=key,
        template=f"bookings/mail/{news}",
        context={
            "booking": booking,
            "site": site,
            "url": settings.PUBLIC_URL + reverse("bookings:booking", args=[booking.pk]),
            "place": place,
            "fee": format_money(booking.fee, currency, language) if booking.fee else "",
            "fee_later": (format_money(booking.noshow_fee, currency, language) if booking.noshow_fee else ""),
            **more,
        },
        attachments=[
            {"name": "booking.ics", "type": "text/calendar", "source": "bookings.ics", "id": str(booking.pk)}
        ]
        if news not in ("reminder", "overrun")
        else [],
        expires_at=expires_at,
    )


def offered(offer: Offer) -> None:
    booking = offer.booking
    site = booking.evse.station.site
    with translation.override(offer.place.user.language):
        place = f"{evse_name(booking.evse)} ({plugs(booking.evse)})"
    notify(
        user=offer.place.user,
        topic="waitlist.offer",
        key=f"offer {offer.pk}",
        template="bookings/mail/offer",
        context={
            "offer": offer,
            "booking": booking,
            "site": site,
            "place": place,
            "url": settings.PUBLIC_URL + reverse("bookings:waitlist:place", args=[offer.place_id]),
        },
        expires_at=offer.expires_at,
    )


def offer_over(offer: Offer) -> None:
    withdraw(key=f"offer {offer.pk}")


def out_of_queue(place: WaitlistPlace, why: str) -> None:
    """`why`: unanswered, or nothing (became free)."""
    notify(
        user=place.user,
        topic="waitlist.over",
        key=f"waitlist {place.pk} over",
        template="bookings/mail/waitlist_over",
        context={
            "site": place.site,
            "why": why,
            "url": settings.PUBLIC_URL + reverse("stations:site", args=[place.site.slug]),
        },
    )
