"""Bookings of EVSEs, closures, and the one table that keeps them from overlapping; one module a topic."""

from bookings.models.at_charger import MoveOffer, StopTime
from bookings.models.booking import Booking, BookingQuerySet
from bookings.models.calendar import CalendarFeed, DriverChoice
from bookings.models.claim import Claim, Closure
from bookings.models.maintenance import MaintenanceRule
from bookings.models.refusal import Refusal
from bookings.models.series import BookingSeries
from bookings.models.terms import SiteRules, Terms
from bookings.models.waitlist import Offer, WaitlistPlace

__all__ = [
    "Booking",
    "BookingQuerySet",
    "BookingSeries",
    "CalendarFeed",
    "Claim",
    "Closure",
    "DriverChoice",
    "MaintenanceRule",
    "MoveOffer",
    "Offer",
    "Refusal",
    "SiteRules",
    "StopTime",
    "Terms",
    "WaitlistPlace",
]
