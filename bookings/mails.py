"""What drivers are told of their bookings."""

from django.conf import settings
from django.urls import reverse

from bookings.models import Booking
from evportal.money import format_money
from evportal.outbox.actions import queue_mail
from stations.naming import evse_name, plugs


def tell(booking: Booking, news: str, *, why: str = "", at: str = "", **more) -> None:
    """Queue a mail, with the calendar entry as it is when the mail goes; once per change of the booking.

    `why`: the operator's words, or a lazy sentence that is said in the driver's language. `at` tells apart
    what is news more than once without a change; `more` is for the template.
    """
    site = booking.evse.station.site
    language = booking.user.language
    queue_mail(
        key=f"booking {booking.pk} {news} {booking.sequence}" + (f" {at}" if at else ""),
        to=booking.user.email,
        template=f"bookings/mail/{news}",
        context={
            "booking": booking,
            "why": why,
            "site": site,
            "url": settings.PUBLIC_URL + reverse("bookings:booking", args=[booking.pk]),
            "place": f"{evse_name(booking.evse)} ({plugs(booking.evse)})",
            "fee": format_money(booking.fee, site.operator.currency, language) if booking.fee else "",
            "fee_later": (
                format_money(booking.noshow_fee, site.operator.currency, language)
                if booking.noshow_fee
                else ""
            ),
            **more,
        },
        language=language,
        attachments=[
            {"name": "booking.ics", "type": "text/calendar", "source": "bookings.ics", "id": str(booking.pk)}
        ],
    )
