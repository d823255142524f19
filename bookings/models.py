"""Bookings of EVSEs, closures, and the one table that keeps them from overlapping."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings import rules
from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import AvailabilityPlan, Evse, IdToken, Reservation, Session, Site


class Terms(models.Model):
    """A booking's terms, in OCPI 2.3's words; a booking freezes the site's at the moment it is made."""

    change_until_minutes = models.PositiveIntegerField(
        default=30, help_text=_("Changes allowed until this long before.")
    )
    cancel_until_minutes = models.PositiveIntegerField(
        default=30, help_text=_("Free cancellation until this long before.")
    )
    early_start_minutes = models.PositiveIntegerField(
        default=10, help_text=_("The EVSE is kept from this long before.")
    )
    noshow_timeout_minutes = models.PositiveIntegerField(
        default=15, help_text=_("Released this long after the start.")
    )
    noshow_fee = models.DecimalField(
        max_digits=8,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Tax included."),
    )
    late_stop_minutes = models.PositiveIntegerField(
        default=0, help_text=_("Charging may go on this long after the end.")
    )

    class Meta:
        abstract = True

    TERMS = (
        "change_until_minutes",
        "cancel_until_minutes",
        "early_start_minutes",
        "noshow_timeout_minutes",
        "noshow_fee",
        "late_stop_minutes",
    )


class SiteRules(Terms):
    """What may be booked at a site, and on which terms."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="booking_rules")
    bookable = models.BooleanField(default=True)
    slot_minutes = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(5)])
    min_minutes = models.PositiveSmallIntegerField(default=30)
    max_minutes = models.PositiveSmallIntegerField(default=240)
    notice_minutes = models.PositiveSmallIntegerField(default=0)
    horizon_days = models.PositiveSmallIntegerField(default=14)
    buffer_minutes = models.PositiveSmallIntegerField(default=0, help_text=_("Kept free after each booking."))
    hold_minutes = models.PositiveSmallIntegerField(default=10)
    max_open_per_driver = models.PositiveSmallIntegerField(default=3)
    walk_in_only = models.ManyToManyField(
        Evse, blank=True, related_name="+", help_text=_("EVSEs that can never be booked.")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("booking rules")

    def __str__(self):
        return f"Booking rules of {self.site}"


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
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=120, blank=True)
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
        return rules.no_show_at(self, self.starts_at, self.ends_at)

    def may_start(self, now) -> bool:
        """Whether the driver may plug in and start now."""
        return self.status == self.Status.RESERVED and self.opens_at <= now < self.ends_at


class ClosureQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_bookings"):
        return self.filter(access.sites(permission, "evse__station__site"))


class Closure(models.Model):
    """An EVSE taken out of use for a time: maintenance, works at the site."""

    class Kind(models.TextChoices):
        CLOSURE = "closure", _("Closed")
        MAINTENANCE = "maintenance", _("Maintenance")

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="closures")
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.MAINTENANCE)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    #: The charger's planned time out of service that this follows.
    plan = models.ForeignKey(
        AvailabilityPlan,
        models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="closures",
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClosureQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="closures_end_after_start"),
        ]

    def __str__(self):
        return f"{self.evse} closed from {self.starts_at:%Y-%m-%d %H:%M}"


class Claim(models.Model):
    """A stretch of an EVSE's time that is taken, by a booking or by a closure; deleting it frees the time.

    The exclusion constraint is the promise that two bookings never overlap: whoever inserts second loses,
    whatever either of them had checked before.
    """

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="claims")
    period = DateTimeRangeField(default_bounds="[)")
    booking = models.OneToOneField(Booking, models.CASCADE, null=True, blank=True, related_name="claim")
    closure = models.OneToOneField(Closure, models.CASCADE, null=True, blank=True, related_name="claim")

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="no_two_claims_overlap",
                expressions=[("evse", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(booking=None, closure__isnull=False) | Q(booking__isnull=False, closure=None),
                name="a_claim_has_one_owner",
            ),
        ]

    def __str__(self):
        return f"{self.evse} {self.period}"
