"""Tickets: the addresses under which a station may fetch or leave one file, for a while."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from stations.models.firmware import FirmwareImage, FirmwareUpdate
from stations.models.log_request import LogRequest
from stations.models.station import Station


class FileTicket(models.Model):
    """Only a hash of the token is kept: whoever reads the table can't use it."""

    token_hash = models.CharField(max_length=64, unique=True)
    station = models.ForeignKey(Station, models.CASCADE, related_name="file_tickets")
    image = models.ForeignKey(FirmwareImage, models.CASCADE, null=True, related_name="tickets")
    #: Which update it is for; a publication's image has none.
    update = models.ForeignKey(FirmwareUpdate, models.CASCADE, null=True, related_name="tickets")
    log_request = models.ForeignKey(LogRequest, models.CASCADE, null=True, related_name="tickets")
    #: How often it was used, and how often it may be (uploads; a download is asked for in pieces).
    uses = models.PositiveIntegerField(default=0)
    most_uses = models.PositiveIntegerField(null=True)
    bytes_moved = models.PositiveBigIntegerField(default=0)
    first_used_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_address = models.GenericIPAddressField(null=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(image=None, log_request__isnull=False) | Q(image__isnull=False, log_request=None),
                name="ticket_is_for_one_thing",
            )
        ]
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self):
        return f"{self.image or self.log_request} for {self.station}"
