"""A driver's answer to the move that was offered."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bookings import overrun
from bookings.exceptions import BookingRefused
from bookings.models import Booking
from stations.naming import evse_name


@login_required
@require_POST
def take_offer(request, booking_id):
    """Move to the EVSE that the page named, with one click."""
    booking = get_object_or_404(Booking.objects.of_driver(request.user).with_place(), pk=booking_id)
    shown = request.POST.get("evse", "")
    try:
        booking = overrun.accept(
            booking=booking,
            now=timezone.now(),
            evse_id=int(shown) if shown.isdecimal() and len(shown) < 10 else None,
        )
    except BookingRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, _("Your slot is now at %(charger)s.") % {"charger": evse_name(booking.evse)}
        )
    return redirect("bookings:booking", booking.pk)
