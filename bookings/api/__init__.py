"""The API of bookings; one module a resource."""

from bookings.api.availability import Availability
from bookings.api.bookings import Bookings
from bookings.api.closures import Closures
from bookings.api.series import Series
from bookings.waitlist import api as waitlist

RESOURCES = {
    "bookings": Bookings,
    "booking-series": Series,
    "availability": Availability,
    "closures": Closures,
    **waitlist.RESOURCES,
}
