"""Bulk commands: one order to many chargers."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, Operator


class BulkCommandQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_messages"):
        """The whole operator's people see all of them; who is limited to some sites, their own."""
        own = Q(created_by=access.user_id) if access.user_id and access.may(permission) else Q(pk__in=[])
        return self.filter(access.operators(permission) | own)


class BulkCommand(models.Model):
    """What was asked of which chargers; each charger's call is a `Command` of its own.

    The chargers are fixed when it is made. Workers then make the commands piece by piece.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.CASCADE, related_name="bulk_commands")
    what = models.CharField(max_length=60, help_text=_("In words, for people."))
    #: By OCPP version: {"action": …, "payload": …}.
    calls = models.JSONField()
    #: Keys of the chargers that are told, in the order in which they are.
    stations = models.JSONField(default=list)
    #: Chargers that are left out: {"station": key, "why": sentence}.
    skipped = models.JSONField(default=list)
    #: How long calls wait for chargers that are away; None: those are not told.
    keep_for = models.DurationField(null=True, blank=True)
    #: The one whose failures this one repeats.
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="retries")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    #: How many of the chargers have their command.
    told = models.PositiveIntegerField(default=0)
    #: When the last of them had it.
    told_at = models.DateTimeField(null=True, blank=True)

    objects = BulkCommandQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(told_at=None), name="bulk_commands_to_tell")
        ]

    def __str__(self):
        return f"{self.what} → {len(self.stations)}"
