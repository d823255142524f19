"""Refusals, each with the sentence that people read."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bookings.rules import Problem
from stations.exceptions import Refused


class BookingRefused(Refused):
    default = _("That can't be booked.")


class SlotTaken(BookingRefused):
    """Somebody was faster; `alternatives` are the nearest slots that are still free."""

    default = _("That slot has just been taken.")

    def __init__(self, message="", alternatives=()):
        super().__init__(message)
        self.alternatives = list(alternatives)


class NotBookable(BookingRefused):
    """The rules of the site say no; `problem` says which."""

    SENTENCES = {
        Problem.REVERSED: _("The end must be after the start."),
        Problem.TOO_SHORT: _("That is shorter than can be booked here."),
        Problem.TOO_LONG: _("That is longer than can be booked here."),
        Problem.NOT_BOOKABLE: _("Chargers at this site can't be booked; just come and plug in."),
        Problem.WALK_IN: _("This charger is kept for drivers without a booking."),
        Problem.PAST: _("That time is already over."),
        Problem.TOO_SOON: _("That is too soon: choose a later time, or just come and plug in."),
        Problem.TOO_FAR: _("That is further ahead than can be booked here."),
        Problem.OUTSIDE_HOURS: _("The site is closed at that time."),
        Problem.WALK_IN_HOURS: _("At that time chargers here are kept for drivers without a booking."),
        Problem.OUT_OF_ORDER: _(
            "This charger is out of order right now. Choose another one, or a later time."
        ),
        Problem.CLOSED: _("This charger is closed at that time."),
        Problem.IN_USE: _("Somebody is still charging there at that time."),
    }

    def __init__(self, problem: Problem):
        super().__init__(self.SENTENCES[problem])
        self.problem = problem


class TooManyBookings(BookingRefused):
    default = _("You have as many open bookings here as one driver may have. Cancel one first.")


class TooManyOnDay(BookingRefused):
    default = _("You have as many bookings here on that day as one driver may have.")


class OverlappingBooking(BookingRefused):
    default = _("You have another booking at that time.")


class NoTimeAfter(SlotTaken):
    """A booking can't be made longer; `alternatives` are slots of the wished length."""

    default = _("The charger is taken right after your slot, so it can't be extended so far.")


class NotWaitedFor(BookingRefused):
    default = _("We can't keep the slot any longer than that. Move it to a later time, or cancel it.")


class SeriesRefused(BookingRefused):
    """Not all of it can be had; `occurrences` say which can."""

    default = _("Not all of these times can be booked, so none of them was.")

    def __init__(self, occurrences=()):
        super().__init__()
        self.occurrences = list(occurrences)


class HoldExpired(BookingRefused):
    default = _("We could not hold the slot any longer. Choose a time again.")


class HoldNotExtendable(BookingRefused):
    default = _("This slot can't be held any longer: pay now, or choose again later.")


class AlreadyOver(BookingRefused):
    default = _("This booking is no longer open.")


class TooLateToChange(BookingRefused):
    default = _("It is too late to change this booking. You can still cancel it.")


class NothingToChange(BookingRefused):
    default = _("That is the time you already have.")


class ClosureConflict(BookingRefused):
    """Something is already planned there: `bookings` to move first, `closures` that overlap."""

    default = _("There are bookings or closures in that time.")

    def __init__(self, bookings=(), closures=()):
        super().__init__()
        self.bookings = list(bookings)
        self.closures = list(closures)
