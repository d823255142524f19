"""A driver's slot on an EVSE."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings import rules
from bookings.models.series import BookingSeries
from bookings.models.terms import Terms
from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import Evse, IdToken, Reservation, Session


class BookingQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_bookings"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.sites(permission, "evse__station__site") | mine)

    def run_by(self, access: Access, permission: str = "view_bookings"):
        return self.filter(access.sites(permission, "evse__station__site"))

    def of_driver(self, user):
        return self.filter(user=user)

    def open(self):
        """Held or confirmed, and not over."""
        return self.filter(status__in=Booking.OPEN)

    def counting(self, now):
        """Those that count towards a driver's limit: not over, and not a hold that has run out."""
        held = Q(status=Booking.Status.PENDING, hold_expires_at__gt=now)
        return self.filter(held | Q(status=Booking.Status.RESERVED), ends_at__gt=now)

    def against_day_limit(self, starts_at, ends_at, now):
        """Those that begin in this time and count towards what a driver may have on one day."""
        held = Q(status=Booking.Status.PENDING, hold_expires_at__gt=now)
        used = [Booking.Status.RESERVED, Booking.Status.FULFILLED, Booking.Status.NO_SHOW]
        return self.filter(held | Q(status__in=used), starts_at__gte=starts_at, starts_at__lt=ends_at)

    def with_place(self):
        return self.select_related("evse__station__site__operator", "user", "session", "reservation")


class Booking(Terms):
    """A driver's slot on an EVSE: held for some minutes (PENDING), then confirmed (RESERVED)."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Held")
        RESERVED = "RESERVED", _("Confirmed")
        REJECTED = "REJECTED", _("Refused")
        FAILED = "FAILED", _("Failed")
        FULFILLED = "FULFILLED", _("Used")
        CANCELED = "CANCELED", _("Cancelled")
        NO_SHOW = "NO_SHOW", _("Not used")

    OPEN = (Status.PENDING, Status.RESERVED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="bookings")
    user = models.ForeignKey(User, models.PROTECT, related_name="bookings")
    id_token = models.ForeignKey(IdToken, models.SET_NULL, null=True, blank=True, related_name="bookings")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    hold_extended = models.BooleanField(default=False)
    session = models.OneToOneField(Session, models.SET_NULL, null=True, blank=True, related_name="booking")
    reservation = models.OneToOneField(
        Reservation, models.SET_NULL, null=True, blank=True, related_name="booking"
    )
    series = models.ForeignKey(
        BookingSeries, models.SET_NULL, null=True, blank=True, related_name="bookings", editable=False
    )
    late_minutes = models.PositiveSmallIntegerField(
        default=0, help_text=_("How much longer than the terms say the driver asked to be waited for.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=120, blank=True)
    #: The start of which the driver has been reminded; a moved booking is reminded of anew.
    reminded_of = models.DateTimeField(null=True, blank=True, editable=False)
    sequence = models.PositiveIntegerField(default=0, help_text=_("iCalendar SEQUENCE."))
    #: Written with the change that caused it, so that a lost message can't lose it.
    fee = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        default=0,
        help_text=_("For cancelling late or not coming; tax included."),
    )

    objects = BookingQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="bookings_end_after_start"),
        ]
        indexes = [
            models.Index(fields=["user", "-starts_at"]),
            models.Index(fields=["evse", "starts_at"]),
            models.Index(fields=["hold_expires_at"], condition=Q(status="PENDING"), name="holds_to_expire"),
            models.Index(fields=["starts_at"], condition=Q(status="RESERVED"), name="slots_to_turn"),
        ]

    def __str__(self):
        return f"{self.evse} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def minutes(self) -> int:
        """Elapsed time, whatever the clocks do in between."""
        return int((self.ends_at - self.starts_at) / rules.MINUTE)

    @property
    def opens_at(self):
        """From when the EVSE is kept; the booking before may leave less than the terms allow."""
        return self.reservation.starts_at if self.reservation else rules.start_from(self, self.starts_at)

    @property
    def free_cancel_until(self):
        return rules.free_cancel_until(self, self.starts_at)

    @property
    def change_until(self):
        return rules.change_until(self, self.starts_at)

    @property
    def no_show_at(self):
        return rules.no_show_at(self, self.starts_at, self.ends_at, self.late_minutes)

    def may_start(self, now) -> bool:
        """Whether the driver may plug in and start now."""
        return self.status == self.Status.RESERVED and self.opens_at <= now < self.ends_at
