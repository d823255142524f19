"""A booking's way from held to charged, as the steps that its page shows."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from bookings.models import Booking
from stations.models import Reservation

Status = Booking.Status


def steps(booking: Booking, now: datetime) -> list[dict]:
    """What has happened, what happens now, what is to come, each with its day."""
    found = [_step(_("Held for you"), "done", booking.created_at)]
    if booking.status == Status.PENDING:
        is_held = booking.hold_expires_at > now
        found[0] |= {"state": "now"} if is_held else {"state": "failed", "note": _("The hold ran out.")}
        return (
            [*found, _step(_("Paid and confirmed"), "todo"), _step(_("Charging"), "todo")]
            if is_held
            else found
        )
    if booking.confirmed_at:
        found.append(_step(_("Confirmed"), "done", booking.confirmed_at))
    if booking.status == Status.RESERVED:
        is_kept = booking.opens_at <= now
        found.append(
            _step(
                _("Charger kept for you"),
                "now" if is_kept else "todo",
                booking.opens_at,
                _kept(booking, is_kept),
            )
        )
        found.append(
            _step(
                _("Charging"), "todo", None, _("Plug in by %(time)s.") % {"time": _clock(booking.no_show_at)}
            )
        )
    elif booking.status == Status.FULFILLED:
        session = booking.session
        is_over = session is None or not session.is_open
        found.append(_step(_("Charging"), "done" if is_over else "now", session and session.started_at))
        found.append(_step(_("Finished"), "done" if is_over else "todo", session and session.stopped_at))
    else:
        found.append(
            _step(
                booking.get_status_display(),
                "failed",
                booking.closed_at,
                ENDED.get(booking.status, lambda: "")(),
            )
        )
    return found


#: Called when it is shown, in the reader's language.
ENDED = {
    Status.FAILED: lambda: _("You owe nothing for it."),
    Status.NO_SHOW: lambda: _("Nobody plugged in in time, so the slot went to others."),
}


def _kept(booking: Booking, is_kept: bool) -> str:
    """Honest about who keeps it: not every charger can."""
    if not is_kept or booking.reservation is None:
        return ""
    if booking.reservation.status == Reservation.Status.TOLD:
        return _("The charger refuses everybody else.")
    words = _("The charger may look free to others, but we refuse their cards.")
    why = booking.reservation.why
    return f"{words} {why}" if why else words


def _step(title: str, state: str, at: datetime | None = None, note: str = "") -> dict:
    if at is not None:
        day = date_format(timezone.localtime(at), "j M Y")
        note = f"{day}. {note}" if note else day
    return {"title": title, "state": state, "at": at, "note": note}


def _clock(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "H:i")
