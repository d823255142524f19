"""Bookings of EVSEs, closures, and the one table that keeps them from overlapping; one module a topic."""

from bookings.models.booking import Booking, BookingQuerySet
from bookings.models.claim import Claim, Closure
from bookings.models.refusal import Refusal
from bookings.models.terms import SiteRules, Terms

__all__ = ["Booking", "BookingQuerySet", "Claim", "Closure", "Refusal", "SiteRules", "Terms"]
