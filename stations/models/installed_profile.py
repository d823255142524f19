"""What chargers hold of charging profiles, as far as their answers and reports tell."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.charging_profile import ChargingProfile
from stations.models.command import Command
from stations.models.session import Session
from stations.models.station import Evse, Station


class SmartCharging(models.Model):
    """What a station can follow, as it said itself; empty where it hasn't said."""

    station = models.OneToOneField(Station, models.CASCADE, related_name="smart_charging")
    #: OCPP's letters: A, W or both.
    rate_units = models.CharField(max_length=8, blank=True)
    max_stack_level = models.PositiveIntegerField(null=True, blank=True)
    max_periods = models.PositiveIntegerField(null=True, blank=True)
    #: 2.x: whether variables can be monitored, and how much fits into one message about it.
    has_monitoring = models.BooleanField(null=True, blank=True)
    monitors_per_message = models.PositiveIntegerField(null=True, blank=True)
    monitor_bytes_per_message = models.PositiveIntegerField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    #: The firmware that gave these answers: another one may answer otherwise.
    firmware = models.CharField(max_length=60, blank=True)
    monitors_pushed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return f"{self.station}: {self.rate_units or '?'}"


class InstalledProfileQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def held(self):
        """What the station has, or will have when it answers."""
        return self.filter(state__in=InstalledProfile.HELD)


class InstalledProfile(models.Model):
    """One charging profile at one station: sent, and what became of it."""

    class State(models.TextChoices):
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Applied")
        REJECTED = "rejected", _("Not applied")
        CLEARED = "cleared", _("Cleared")

    HELD = (State.SENT, State.ACCEPTED)

    station = models.ForeignKey(Station, models.CASCADE, related_name="installed_profiles")
    #: Empty where it is for the station as a whole (EVSE or connector 0 on the wire).
    evse = models.ForeignKey(Evse, models.CASCADE, null=True, blank=True, related_name="installed_profiles")
    #: The one transaction that it is for, and ends with.
    session = models.ForeignKey(
        Session, models.CASCADE, null=True, blank=True, related_name="installed_profiles"
    )
    profile_id = models.BigIntegerField(help_text=_("chargingProfileId of 1.6, id of 2.x."))
    #: OCPP 2.x's words; 1.6's ChargePointMaxProfile is ChargingStationMaxProfile.
    purpose = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    stack_level = models.PositiveIntegerField(default=0)
    #: In the words of the station's version, as sent or reported.
    profile = models.JSONField(default=dict)
    #: What was wished for, in W: the profile is made anew from it when the charger must be asked again.
    limit_w = models.DecimalField(max_digits=12, decimal_places=1, null=True, blank=True)
    #: The end of the limit; empty: until it is cleared.
    until = models.DateTimeField(null=True, blank=True)
    #: Who sets it, in OCPP's words: CSO is the operator, EMS an energy manager at the site, SO the grid.
    source = models.CharField(max_length=20, default="CSO")
    named = models.ForeignKey(
        ChargingProfile, models.SET_NULL, null=True, blank=True, related_name="installed"
    )
    state = models.CharField(max_length=10, choices=State, default=State.SENT)
    #: Why it isn't applied, or is no longer; in words.
    reason = models.CharField(max_length=200, blank=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    #: The newest report that listed it (requestId of GetChargingProfiles).
    reported_in = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    retry_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(auto_now_add=True)
    installed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = InstalledProfileQuerySet.as_manager()

    class Meta:
        ordering = ["-sent_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "profile_id"],
                condition=Q(state="accepted"),
                name="one_applied_profile_per_number",
            )
        ]
        indexes = [
            models.Index(fields=["station", "-sent_at"]),
            models.Index(fields=["retry_at"], condition=Q(retry_at__isnull=False), name="profiles_to_retry"),
        ]

    def __str__(self):
        return f"{self.purpose} {self.profile_id}"
