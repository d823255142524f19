"""News of bookings, for apps further right; sent with `send_robust` after the commit that made it true.

Each carries the booking, and each is sent once per change:
`booking_confirmed(booking)`: paid for and kept at the charger.
`booking_moved(booking)`: another time or EVSE, or another end, also while it runs; its quote no longer fits.
`booking_cancelled(booking)`: by its driver or the operator; `booking.fee` is what that costs the driver.
`booking_failed(booking)`: a hold ran out, or the charger can't serve; nothing is owed.
`booking_fulfilled(booking)`: the driver has plugged in; `booking.session` is the session, or None where the
    one of their booking before goes on.
`slot_overrun(booking)`: somebody still charges at the EVSE when the slot comes; its driver has been told.
`no_show(booking)`: the driver never came; `booking.fee` is what that costs.
"""

from django.db import transaction
from django.dispatch import Signal

booking_confirmed = Signal()
booking_moved = Signal()
booking_cancelled = Signal()
booking_failed = Signal()
booking_fulfilled = Signal()
slot_overrun = Signal()
no_show = Signal()


def after_commit(signal: Signal, booking) -> None:
    """Send the news once the running transaction is committed; a receiver's error is logged, not raised."""
    transaction.on_commit(lambda: signal.send_robust(sender="bookings", booking=booking), robust=True)
