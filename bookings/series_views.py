"""Drivers' pages of bookings that come again: what was booked and what was not; giving it back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from bookings import rules
from bookings import series as actions
from bookings.exceptions import BookingRefused
from bookings.models import Booking, BookingSeries
from bookings.views import agreed_fee, money


@never_cache
@login_required
def series(request, series_id):
    row = get_object_or_404(
        BookingSeries.objects.visible_to(request.access).select_related("evse__station__site"), pk=series_id
    )
    site, now = row.evse.station.site, timezone.now()
    is_own = row.user_id == request.user.pk
    bookings = list(row.bookings.with_place().order_by("starts_at"))
    left = {booking.pk for booking in actions.left(row, now=now)}
    with timezone.override(site.zone):
        rows = [
            {
                "booking": booking,
                "to_pay": is_own
                and booking.status == Booking.Status.PENDING
                and booking.hold_expires_at > now,
                "may_cancel": is_own and booking.pk in left,
            }
            for booking in bookings
        ]
        return render(
            request,
            "bookings/series.html",
            {"series": row, "site": site, "rows": rows, "is_own": is_own, "left": len(left)},
        )


@never_cache
@login_required
def cancel(request, series_id):
    row = get_object_or_404(
        BookingSeries.objects.of_driver(request.user).select_related("evse__station__site__operator"),
        pk=series_id,
    )
    now, since = timezone.now(), _since(request)
    bookings = actions.left(row, now=now, since=since)
    back = reverse("bookings:series", args=[row.pk])
    if not bookings:
        messages.error(request, _("Nothing of it is left to cancel."))
        return redirect(back)
    fee = actions.cancellation_fee(row, now=now, since=since)
    if request.method == "POST" and agreed_fee(request) >= fee:
        try:
            gone = actions.cancel(series=row, by=request.user, now=now, since=since)
        except BookingRefused as refused:
            messages.error(request, str(refused))
        else:
            words = ngettext("%(n)s booking is cancelled.", "%(n)s bookings are cancelled.", len(gone))
            messages.success(request, words % {"n": len(gone)})
        return redirect(back)
    site = row.evse.station.site
    with timezone.override(site.zone):
        times = [
            f"{date_format(booking.starts_at.astimezone(site.zone), 'D j M')}, "
            f"{rules.wall_clock(booking.starts_at, site.zone)}"
            for booking in bookings
        ]
        price = (
            _("Cancelling now costs %(fee)s in all.") % {"fee": money(fee, site)}
            if fee
            else _("Cancelling now costs nothing.")
        )
        return render(
            request,
            "confirm.html",
            {
                "title": _("Cancel these bookings?"),
                "question": str(site),
                "consequences": [*times, price, _("The slots go to others at once.")],
                "action_url": request.path,
                "hidden": [("fee", fee), *([("since", since.isoformat())] if since else [])],
                "submit": _("Cancel the bookings"),
                "busy": _("Cancelling…"),
                "danger": True,
                "cancel_url": back,
            },
        )


def _since(request):
    """From which time on; all that is left where there is none that can be read."""
    text = request.POST.get("since") or request.GET.get("since") or ""
    try:
        moment = parse_datetime(text[:40])
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
