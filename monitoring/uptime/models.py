"""The history of each EVSE's condition, the ledger of its outages, and who changed what in it."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, User
from stations.models import Evse


class ConditionChange(models.Model):
    """From then on the EVSE was up, or why not: what the ledger can be made anew from."""

    class Condition(models.TextChoices):
        UP = "up", _("Up")
        OFFLINE = "offline", _("Offline")
        FAULTED = "faulted", _("Faulted")
        OUT_OF_SERVICE = "out_of_service", _("Out of service")

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="condition_changes")
    at = models.DateTimeField()
    condition = models.CharField(max_length=16, choices=Condition)

    class Meta:
        ordering = ["evse", "at"]
        constraints = [models.UniqueConstraint(fields=["evse", "at"], name="one_condition_at_a_time")]

    def __str__(self):
        return f"{self.evse} {self.condition} from {self.at:%Y-%m-%d %H:%M:%S}"


class OutageQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "evse__station__site"))

    def within(self, since, until):
        """Those that touch the stretch."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=since), begins_at__lt=until)


class Outage(models.Model):
    """A stretch in which nobody could charge at an EVSE: seen by the portal, or reported by a person."""

    class Cause(models.TextChoices):
        OFFLINE = "offline", _("Offline")
        FAULTED = "faulted", _("Faulted")
        OUT_OF_SERVICE = "out_of_service", _("Out of service")
        REPORTED = "reported", _("Reported by a person")

    class Exclusion(models.TextChoices):
        """23 CFR 680.116(b)(3)."""

        UTILITY = "utility", _("Power cut of the utility")
        VEHICLE = "vehicle", _("Fault of the vehicle")
        MAINTENANCE = "maintenance", _("Scheduled maintenance")
        VANDALISM = "vandalism", _("Vandalism")
        DISASTER = "disaster", _("Natural disaster")

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="outages")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=16, choices=Cause)
    #: The portal saw it; what a person reported stays when the ledger is made anew.
    is_observed = models.BooleanField(default=True, editable=False)
    exclusion = models.CharField(
        max_length=12, choices=Exclusion, blank=True, help_text=_("Why it does not count; empty: it counts.")
    )
    excluded_from = models.DateTimeField(
        null=True, blank=True, help_text=_("Where only a part does not count; clipped to the outage.")
    )
    excluded_until = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text=_("What was wrong and what helped."))

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ["-begins_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("begins_at")), name="outages_end_after_they_begin"
            ),
            models.CheckConstraint(
                condition=Q(excluded_from=None)
                | Q(excluded_until=None)
                | Q(excluded_until__gt=F("excluded_from")),
                name="exclusions_end_after_they_begin",
            ),
            ExclusionConstraint(
                name="observed_outages_never_overlap",
                expressions=[
                    ("evse", RangeOperators.EQUAL),
                    (
                        Func(
                            "begins_at",
                            "ends_at",
                            RangeBoundary(),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(is_observed=True),
            ),
        ]
        indexes = [
            models.Index(fields=["evse", "-begins_at"]),
            models.Index(fields=["evse"], condition=Q(ends_at=None), name="open_outages"),
        ]

    def __str__(self):
        return f"{self.evse}: {self.get_cause_display()} from {self.begins_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.ends_at is None


class OutageChange(models.Model):
    """Who said what about an outage, and what stood there before; never changed."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]
        triggers = [
            pgtrigger.ReadOnly(name="outage_changes_never_change", fields=["at", "before", "after"]),
        ]

    def __str__(self):
        return f"{self.outage} changed at {self.at:%Y-%m-%d %H:%M}"


class Watch(models.Model):
    """A stretch in which the portal looked after its chargers; between two of them it did not run."""

    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["begins_at"]

    def __str__(self):
        return f"{self.begins_at:%Y-%m-%d %H:%M}–{self.ends_at:%Y-%m-%d %H:%M}"
