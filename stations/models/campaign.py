"""Campaigns: one image for many stations, a few at a time."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, Operator
from stations.models.firmware import FirmwareImage, FirmwareUpdate
from stations.models.station import Station


class CampaignQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class Campaign(models.Model):
    """Who gets the image is settled when it is made; how far it is, its rows tell."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped: too many failed")
        CANCELLED = "cancelled", _("Cancelled")
        FINISHED = "finished", _("Finished")

    class Busy(models.TextChoices):
        WAIT = "wait", _("Wait until nothing charges there")
        SKIP = "skip", _("Leave it out")
        ANYWAY = "anyway", _("Send it anyway; the charger waits by itself")

    #: In these nothing new is begun, and nothing waits to be.
    OVER = (State.STOPPED, State.CANCELLED, State.FINISHED)

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="firmware_campaigns")
    name = models.CharField(max_length=100)
    image = models.ForeignKey(FirmwareImage, models.PROTECT, related_name="campaigns")
    state = models.CharField(max_length=10, choices=State, default=State.SCHEDULED)
    starts_at = models.DateTimeField()
    wave_size = models.PositiveIntegerField(default=10, help_text=_("How many chargers at a time."))
    wave_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("A share of the chargers at a time, instead of a number.")
    )
    pause_minutes = models.PositiveIntegerField(default=0, help_text=_("Between two waves."))
    stop_percent = models.PositiveSmallIntegerField(
        default=10, help_text=_("Stop by itself when more than this share has failed.")
    )
    busy = models.CharField(_("where somebody charges"), max_length=8, choices=Busy, default=Busy.WAIT)
    retries = models.PositiveSmallIntegerField(default=2)
    retry_interval_s = models.PositiveIntegerField(default=120)
    wave = models.PositiveIntegerField(default=0, editable=False)
    #: Failures that somebody has seen and gone on all the same.
    forgiven = models.PositiveIntegerField(default=0, editable=False)
    next_wave_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    api_key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(wave_size__gte=1), name="campaign_waves_have_somebody"),
            models.CheckConstraint(
                condition=Q(wave_percent=None) | Q(wave_percent__gte=1, wave_percent__lte=100),
                name="campaign_wave_is_a_share",
            ),
            models.CheckConstraint(condition=Q(stop_percent__lte=100), name="campaign_stops_at_a_share"),
        ]

    def __str__(self):
        return self.name

    @property
    def is_over(self) -> bool:
        return self.state in self.OVER


class CampaignStation(models.Model):
    """One station of a campaign; a repeated one points to its newest update."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Left out")
        CANCELLED = "cancelled", _("Cancelled")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="rows")
    station = models.ForeignKey(Station, models.CASCADE, related_name="campaign_rows")
    update = models.ForeignKey(
        FirmwareUpdate, models.SET_NULL, null=True, blank=True, related_name="campaign_rows"
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    wave = models.PositiveIntegerField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "station"], name="one_row_per_station_and_campaign")
        ]
        indexes = [models.Index(fields=["campaign", "state"])]

    def __str__(self):
        return f"{self.campaign}: {self.station}"
