"""Firmware: the images an operator has, and what became of them at each station."""

from __future__ import annotations

import secrets
from fnmatch import fnmatchcase

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, Operator
from stations.firmware.states import RUNNING, UpdateState
from stations.models.command import Command
from stations.models.station import Station

UPDATE_STATES = [
    (UpdateState.REQUESTED, _("Asked")),
    (UpdateState.ACCEPTED, _("Accepted")),
    (UpdateState.SCHEDULED, _("Download scheduled")),
    (UpdateState.DOWNLOADING, _("Downloading")),
    (UpdateState.PAUSED, _("Download paused")),
    (UpdateState.DOWNLOADED, _("Downloaded")),
    (UpdateState.VERIFIED, _("Signature verified")),
    (UpdateState.INSTALL_SCHEDULED, _("Installation scheduled")),
    (UpdateState.INSTALLING, _("Installing")),
    (UpdateState.REBOOTING, _("Restarting")),
    (UpdateState.INSTALLED, _("Installed, restart awaited")),
    (UpdateState.DONE, _("Done")),
    (UpdateState.FAILED, _("Failed")),
    (UpdateState.CANCELLED, _("Cancelled")),
]


def private_storage():
    """Files that no address serves by itself."""
    return storages["private"]


def stored_name(kind: str) -> str:
    """A name that nobody chose: what chargers and people call a file stays a word in its row."""
    return f"{kind}/{secrets.token_hex(16)}"


def image_path(image, filename) -> str:
    return stored_name("firmware")


class FirmwareImageQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))

    def for_station(self, station: Station):
        """What may be installed there: the operator's own, still offered."""
        return self.filter(operator_id=station.site.operator_id, is_retired=False)


class FirmwareImage(models.Model):
    """One version of a maker's software: a file of ours, or one on the maker's own server."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="firmware_images")
    vendor = models.CharField(max_length=60, help_text=_("As the charger says it when it boots."))
    model_pattern = models.CharField(
        max_length=60, default="*", help_text=_("The charger's model; * stands for any letters.")
    )
    version = models.CharField(
        max_length=60, help_text=_("What the charger calls itself once it runs: exactly, to the letter.")
    )
    name = models.CharField(max_length=100, help_text=_("The file's name, as the charger sees it."))
    file = models.FileField(storage=private_storage, upload_to=image_path, blank=True, editable=False)
    url = models.CharField(max_length=512, blank=True, help_text=_("The maker's server, instead of a file."))
    size = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    #: What PublishFirmware and UnpublishFirmware name a file by.
    md5 = models.CharField(max_length=32, blank=True)
    signing_certificate = models.TextField(blank=True, help_text=_("PEM, for signed updates."))
    signature = models.CharField(max_length=800, blank=True, help_text=_("Base64, for signed updates."))
    notes = models.CharField(max_length=500, blank=True)
    #: No longer offered; what was done with it stays told.
    is_retired = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FirmwareImageQuerySet.as_manager()

    class Meta:
        ordering = ["vendor", "model_pattern", "-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(file="", url__gt="") | Q(file__gt="", url=""),
                name="firmware_is_a_file_or_an_address",
            ),
            models.CheckConstraint(
                condition=Q(signature="", signing_certificate="")
                | Q(signature__gt="", signing_certificate__gt=""),
                name="firmware_signature_has_its_certificate",
            ),
        ]

    def __str__(self):
        return f"{self.vendor} {self.model_pattern} {self.version}"

    @property
    def is_signed(self) -> bool:
        return bool(self.signature)

    def fits(self, station: Station) -> bool:
        """Whether it is meant for this station's maker and model."""
        return station.vendor.casefold() == self.vendor.casefold() and fnmatchcase(
            station.model.casefold(), self.model_pattern.casefold()
        )


class FirmwareUpdateQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def running(self):
        return self.filter(state__in=RUNNING)


class FirmwareUpdate(models.Model):
    """One station told to install one image; its number is the requestId on the wire."""

    #: A 32-bit number, because that is what chargers take.
    id = models.AutoField(primary_key=True)
    station = models.ForeignKey(Station, models.CASCADE, related_name="firmware_updates")
    image = models.ForeignKey(FirmwareImage, models.PROTECT, related_name="updates")
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="firmware_update")
    #: What it ran when it was told.
    from_version = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=20, choices=UPDATE_STATES, default=UpdateState.REQUESTED)
    state_at = models.DateTimeField(help_text=_("When we received what made it so."))
    problem = models.CharField(max_length=200, blank=True)
    retrieve_at = models.DateTimeField()
    install_at = models.DateTimeField(null=True, blank=True)
    retries = models.PositiveSmallIntegerField(null=True, blank=True)
    retry_interval_s = models.PositiveIntegerField(null=True, blank=True)
    #: Without news until then, it counts as failed.
    expires_at = models.DateTimeField()
    #: The station was asked to present itself, because it said Installed and did not.
    asked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = FirmwareUpdateQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["station"], condition=Q(state__in=RUNNING), name="one_running_update_per_station"
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(state__in=RUNNING), name="firmware_updates_under_way"
            )
        ]

    def __str__(self):
        return f"{self.image.version} → {self.station}"

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING


class FirmwareStep(models.Model):
    """One word that a station said about an update, or what we saw of it."""

    update = models.ForeignKey(FirmwareUpdate, models.CASCADE, related_name="steps")
    #: OCPP's word; ours are in small letters.
    status = models.CharField(max_length=40)
    at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self):
        return self.status


class Publication(models.Model):
    """An image that a local controller offers to the stations behind it (2.x PublishFirmware)."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("Asked")
        RUNNING = "running", _("Under way")
        PUBLISHED = "published", _("Published")
        FAILED = "failed", _("Failed")
        UNPUBLISHED = "unpublished", _("Withdrawn")

    id = models.AutoField(primary_key=True)
    station = models.ForeignKey(Station, models.CASCADE, related_name="publications")
    image = models.ForeignKey(FirmwareImage, models.PROTECT, related_name="publications")
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="publication")
    withdrawal = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="withdrawal")
    state = models.CharField(max_length=12, choices=State, default=State.REQUESTED)
    state_at = models.DateTimeField()
    #: OCPP's last word, and where the stations behind it find the file.
    status = models.CharField(max_length=40, blank=True)
    locations = models.JSONField(default=list, blank=True)
    problem = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.image} at {self.station}"
