"""What happens at a charger around a slot: sessions that have to end in time, and moves that are offered."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from stations.models import Command, Evse, Session


class StopTime(models.Model):
    """When a running session ends, or begins to cost more, because of a booking: its own, or the next one.

    Worked out anew from the bookings as long as the session runs (`bookings.stop_times`); the row remembers
    what the driver was told and what the charger was asked.
    """

    class Why(models.TextChoices):
        NEXT = "next", _("The place is booked by another driver.")
        END = "end", _("The booked time is over.")
        FEE = "fee", _("Charging on costs the late fee.")

    session = models.OneToOneField(Session, models.CASCADE, related_name="stop_time")
    why = models.CharField(max_length=4, choices=Why)
    at = models.DateTimeField(help_text=_("When it is stopped, or begins to cost the fee."))
    #: The next booking, which the place has to be free for.
    booking = models.ForeignKey(Booking, models.CASCADE, null=True, blank=True, related_name="stop_times")
    #: Of which moment the driver was told.
    told_of = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(why="next", booking__isnull=False) | (~Q(why="next") & Q(booking=None)),
                name="who_makes_room_makes_it_for_a_booking",
            )
        ]

    def __str__(self):
        return f"{self.session} until {self.at:%H:%M}"

    @property
    def is_stop(self) -> bool:
        return self.why != self.Why.FEE


class MoveOffer(models.Model):
    """A booking's EVSE is still in use when its time comes: another one, where one is free (`evse`)."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACCEPTED = "accepted", _("Accepted")
        LAPSED = "lapsed", _("Not needed any more")

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="move_offers")
    session = models.ForeignKey(Session, models.CASCADE, related_name="+")
    evse = models.ForeignKey(Evse, models.CASCADE, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["booking", "session"], name="one_offer_per_overrun"),
            models.UniqueConstraint(
                fields=["booking"], condition=Q(state="open"), name="one_open_offer_per_booking"
            ),
            models.CheckConstraint(
                condition=~Q(state="accepted") | Q(evse__isnull=False), name="accepted_moves_lead_somewhere"
            ),
        ]

    def __str__(self):
        return f"{self.booking} → {self.evse or '?'}"
