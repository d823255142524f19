"""Bookings of EVSEs, closures, and the one table that keeps them from overlapping; one module a topic."""

from bookings.models.booking import Booking, BookingQuerySet
from bookings.models.calendar import CalendarFeed, DriverChoice
from bookings.models.claim import Claim, Closure
from bookings.models.terms import SiteRules, Terms
from bookings.models.waitlist import Offer, WaitlistPlace

__all__ = [
    "Booking",
    "BookingQuerySet",
    "CalendarFeed",
    "Claim",
    "Closure",
    "DriverChoice",
    "Offer",
    "SiteRules",
    "Terms",
    "WaitlistPlace",
]
