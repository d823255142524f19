"""Bookings of EVSEs, closures, and the one table that keeps them from overlapping; one module a topic."""

from bookings.models.at_charger import MoveOffer, StopTime
from bookings.models.booking import Booking, BookingQuerySet
from bookings.models.claim import Claim, Closure
from bookings.models.maintenance import MaintenanceRule
from bookings.models.series import BookingSeries
from bookings.models.terms import SiteRules, Terms

__all__ = [
    "Booking",
    "BookingQuerySet",
    "BookingSeries",
    "Claim",
    "Closure",
    "MaintenanceRule",
    "MoveOffer",
    "SiteRules",
    "StopTime",
    "Terms",
]
