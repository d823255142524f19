"""Refusals of the queue, each with the sentence that people read."""

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingRefused


class AlreadyWaiting(BookingRefused):
    default = _("You already wait at this site. Leave that place first, or keep it.")


class TooManyPlaces(BookingRefused):
    default = _("You wait at as many sites as one driver may. Leave one first.")


class NotWaiting(BookingRefused):
    default = _("This place in the queue is closed.")


class OfferGone(BookingRefused):
    default = _("This offer is over; the slot has gone to the next in the queue.")


class NoOffer(BookingRefused):
    default = _("Nothing is offered to you at the moment.")


class Hopeless(BookingRefused):
    """Nothing could ever be offered for this wish; the message says why."""
