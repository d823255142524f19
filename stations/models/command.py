"""Commands: what somebody asked a charger to do, and what it answered."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey
from stations.models.bulk_command import BulkCommand
from stations.models.station import Station

#: Answers that mean yes; a call whose answer has no status is answered by what it asked for.
YES = ("Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked")


class CommandQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def accepted(self):
        return self.filter(self.model.ACCEPTED)

    def failed(self):
        """Over, and not done: worth another try."""
        return self.filter(status__in=self.model.FINAL).exclude(self.model.ACCEPTED)


class Command(models.Model):
    """One call to a station: a row first, then a message, then the station's answer on the row."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        ANSWERED = "answered", _("Answered")
        ERROR = "error", _("Refused by the charger")
        TIMED_OUT = "timed_out", _("No answer")
        OFFLINE = "offline", _("Charger offline")
        CANCELLED = "cancelled", _("Cancelled")

    FINAL = (Status.ANSWERED, Status.ERROR, Status.TIMED_OUT, Status.OFFLINE, Status.CANCELLED)

    ACCEPTED = models.Q(status=Status.ANSWERED) & (
        models.Q(response__status__isnull=True) | models.Q(response__status__in=YES)
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    station = models.ForeignKey(Station, models.CASCADE, related_name="commands")
    action = models.CharField(max_length=50)
    #: Passwords in it are replaced by `masking.MASK`; they lie in `secrets`, encrypted, until it is sent.
    payload = models.JSONField(default=dict)
    secrets = models.TextField(blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    response = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_description = models.CharField(max_length=255, blank=True)
    #: Why the portal sent it, when no person did (“slot begins”, “limit reached”).
    reason = models.CharField(max_length=120, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    #: While it is queued: not worth sending after this. Once sent: when it should have been answered.
    expires_at = models.DateTimeField()
    #: Sent when the charger is there again, rather than given up because it is away.
    waits = models.BooleanField(default=False)
    timeout_s = models.PositiveIntegerField(default=30, help_text=_("How long the charger has to answer."))

    #: The order to many chargers that this is a part of.
    bulk = models.ForeignKey(BulkCommand, models.SET_NULL, null=True, blank=True, related_name="commands")

    objects = CommandQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["station", "-created_at"]),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(status__in=["queued", "sent"]),
                name="commands_under_way",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["bulk", "station"], name="one_command_per_charger_of_a_bulk"),
        ]

    def __str__(self):
        return f"{self.action} → {self.station}"

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL

    @property
    def may_be_cancelled(self) -> bool:
        return self.status == self.Status.QUEUED

    @property
    def reached_at(self):
        """From when on what the station says may be an effect of it.

        The answer is written down a moment after it came, and the station's next words may have come before.
        """
        return self.sent_at or self.answered_at or self.created_at

    @property
    def accepted(self) -> bool:
        """Whether the station answered that it will do it."""
        answer = (self.response or {}).get("status", "Accepted")
        return self.status == self.Status.ANSWERED and answer in YES
