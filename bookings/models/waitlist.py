"""Places in the queue of a site, and the offers made to them."""

import uuid
from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import Connector, Site


class PlaceQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_bookings"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.sites(permission, "site") | mine)

    def run_by(self, access: Access, permission: str = "view_bookings"):
        return self.filter(access.sites(permission, "site"))

    def of_driver(self, user):
        return self.filter(user=user)

    def open(self):
        return self.filter(state__in=WaitlistPlace.OPEN)

    def in_order(self):
        return self.order_by("queued_at", "pk")


class WaitlistPlace(models.Model):
    """A driver's place in a site's queue: what they wish for, and since when they wait.

    The order of the queue is `queued_at`. A pause keeps it; not answering an offer gives it up.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        OFFERED = "offered", _("A slot is offered")
        ACCEPTED = "accepted", _("Slot taken")
        LEFT = "left", _("Left")
        OVER = "over", _("Over")

    OPEN = (State.WAITING, State.OFFERED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, models.CASCADE, related_name="waitlist")
    user = models.ForeignKey(User, models.CASCADE, related_name="waitlist")
    #: “Now”: as soon as an EVSE is free, whenever that is before the end.
    is_now = models.BooleanField(default=False)
    starts_after = models.DateTimeField(help_text=_("The slot begins at this time or later."))
    ends_before = models.DateTimeField(help_text=_("The slot ends by this time."))
    minutes = models.PositiveSmallIntegerField()
    standard = models.CharField(max_length=40, blank=True, choices=Connector.Standard)
    min_power_w = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    queued_at = models.DateTimeField()
    paused_until = models.DateTimeField(null=True, blank=True)
    unanswered = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=120, blank=True)

    objects = PlaceQuerySet.as_manager()

    class Meta:
        ordering = ["queued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "site"],
                condition=Q(state__in=["waiting", "offered"]),
                name="one_place_in_each_queue",
            ),
            models.CheckConstraint(
                condition=Q(minutes__gt=0) & Q(ends_before__gt=F("starts_after")),
                name="a_wish_has_a_length_and_a_window",
            ),
        ]
        indexes = [
            models.Index(
                fields=["site", "queued_at"],
                condition=Q(state__in=["waiting", "offered"]),
                name="places_in_order",
            )
        ]

    def __str__(self):
        return f"{self.site} {self.starts_after:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def offer(self) -> "Offer | None":
        """The offer that waits for an answer."""
        return next((offer for offer in self.offers.all() if offer.state == Offer.State.OPEN), None)

    def is_paused(self, now) -> bool:
        return self.paused_until is not None and self.paused_until > now


class Offer(models.Model):
    """A slot kept for one place in the queue until it is answered.

    What keeps it is the driver's own hold, whose claim nobody else's can overlap; so a slot is offered to
    one driver at a time by the same constraint that keeps bookings apart.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Waits for an answer")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Not now")
        EXPIRED = "expired", _("Not answered")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    place = models.ForeignKey(WaitlistPlace, models.CASCADE, related_name="offers")
    booking = models.OneToOneField(Booking, models.CASCADE, related_name="offer")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["place"], condition=Q(state="open"), name="one_open_offer_for_each_place"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="offers_can_be_answered"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="offers_to_expire"),
        ]

    def __str__(self):
        return f"{self.booking} until {self.expires_at:%H:%M}"
