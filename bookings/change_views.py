"""Drivers' pages for a booking whose start stays: another end, and "I'm late"."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from bookings import changes, picker, rules
from bookings.exceptions import BookingRefused
from bookings.models import Booking
from bookings.views import own_booking


@never_cache
@login_required
def end(request, booking_id):
    booking, now = own_booking(request, booking_id), timezone.now()
    zone = booking.evse.station.site.zone
    problem, status = "", 200
    if request.method == "POST":
        ends_at = _moment(request.POST.get("ends_at", ""))
        try:
            if ends_at is None:
                raise BookingRefused(_("Choose one of the times in the list."))
            booking = changes.change_end(booking=booking, ends_at=ends_at, now=now)
        except BookingRefused as refused:
            problem, status = str(refused), 409
        else:
            at = rules.wall_clock(booking.ends_at, zone)
            messages.success(request, _("Your slot now ends at %(time)s.") % {"time": at})
            if booking.status == Booking.Status.PENDING:
                return redirect("billing:review", booking.pk)
            return redirect("bookings:booking", booking.pk)
    choices = [
        {
            "value": ends_at.isoformat(),
            "time": rules.wall_clock(ends_at, zone),
            "length": picker.length(int((ends_at - booking.starts_at) / rules.MINUTE)),
            "longer": ends_at > booking.ends_at,
        }
        for ends_at in changes.end_choices(booking, now)
    ]
    context = {"booking": booking, "site": booking.evse.station.site, "choices": choices, "problem": problem}
    with timezone.override(zone):
        return render(request, "bookings/end.html", context, status=status)


@require_POST
@login_required
def late(request, booking_id):
    booking = own_booking(request, booking_id)
    text = request.POST.get("minutes", "")
    try:
        minutes = int(text) if text.isdecimal() and len(text) < 5 else 0
        booking = changes.late(booking=booking, minutes=minutes, now=timezone.now())
    except BookingRefused as refused:
        messages.error(request, str(refused))
    else:
        until = date_format(booking.no_show_at.astimezone(booking.evse.station.site.zone), "H:i")
        messages.success(
            request, _("Thank you. We keep the charger for you until %(time)s.") % {"time": until}
        )
    return redirect("bookings:booking", booking.pk)


def _moment(text: str):
    try:
        moment = parse_datetime(text[:40])
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
