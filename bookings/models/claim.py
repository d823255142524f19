"""Closures, and the one table that keeps them and the bookings from overlapping."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from bookings.models.maintenance import MaintenanceRule
from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import AvailabilityPlan, Evse


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
    #: The maintenance that comes again, of which this is one time.
    rule = models.ForeignKey(
        MaintenanceRule, models.CASCADE, null=True, blank=True, editable=False, related_name="closures"
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
