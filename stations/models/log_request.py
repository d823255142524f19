"""Logs that stations were asked for, and the files they left."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey
from stations.models.command import Command
from stations.models.firmware import private_storage, stored_name
from stations.models.station import Station


def log_path(request, filename) -> str:
    return stored_name("logs")


class LogRequestQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_messages"):
        return self.filter(access.sites(permission, "station__site"))

    def running(self):
        return self.filter(state__in=LogRequest.RUNNING)


class LogRequest(models.Model):
    """One log asked for; its number is the requestId on the wire. A retry's file replaces the former."""

    class Kind(models.TextChoices):
        DIAGNOSTICS = "DiagnosticsLog", _("Diagnostics")
        SECURITY = "SecurityLog", _("Security log")
        DATA_COLLECTOR = "DataCollectorLog", _("Data collector")

    class State(models.TextChoices):
        REQUESTED = "requested", _("Asked")
        ACCEPTED = "accepted", _("Accepted")
        UPLOADING = "uploading", _("Uploading")
        UPLOADED = "uploaded", _("Here")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    RUNNING = (State.REQUESTED, State.ACCEPTED, State.UPLOADING)

    #: A 32-bit number, because that is what chargers take.
    id = models.AutoField(primary_key=True)
    station = models.ForeignKey(Station, models.CASCADE, related_name="log_requests")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.DIAGNOSTICS)
    oldest = models.DateTimeField(null=True, blank=True)
    latest = models.DateTimeField(null=True, blank=True)
    retries = models.PositiveSmallIntegerField(default=2)
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="log_request")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    state_at = models.DateTimeField()
    #: OCPP's last word.
    status = models.CharField(max_length=40, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    expires_at = models.DateTimeField()
    #: The file, and what the station calls it.
    file = models.FileField(storage=private_storage, upload_to=log_path, blank=True)
    name = models.CharField(max_length=255, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = LogRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["received_at"], condition=~Q(file=""), name="log_files_kept"),
            models.Index(
                fields=["expires_at"],
                condition=Q(state__in=["requested", "accepted", "uploading"]),
                name="log_requests_under_way",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} of {self.station}"
