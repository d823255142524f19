"""Orphans: stops and meter values that belong to no session that we know, until a person says where to."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.session import Session
from stations.models.station import Station


class OrphanQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def open(self):
        return self.filter(resolved_at=None)


class Orphan(models.Model):
    """A message that was acknowledged, because a station repeats what is refused, and that bills nobody."""

    class Kind(models.TextChoices):
        STOP = "stop", _("Stop")
        METER = "meter", _("Meter values")

    class Resolution(models.TextChoices):
        ATTACHED = "attached", _("Attached to a session")
        DISMISSED = "dismissed", _("Dismissed")

    station = models.ForeignKey(Station, models.CASCADE, related_name="orphans")
    kind = models.CharField(max_length=6, choices=Kind)
    #: As the station named it: -1, 0, another station's number…
    transaction_id = models.CharField(max_length=40, blank=True)
    #: Why it belongs nowhere, in words.
    problem = models.CharField(max_length=200)
    payload = models.JSONField()
    #: What a stop says: when, at which register, why, with which card.
    at = models.DateTimeField(null=True, blank=True)
    meter_wh = models.DecimalField(max_digits=18, decimal_places=3, null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    token = models.CharField(max_length=255, blank=True)
    #: Meter values that belong nowhere come again and again: one row, with how many and since when.
    count = models.PositiveIntegerField(default=1)
    first_received_at = models.DateTimeField()
    received_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=10, choices=Resolution, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    session = models.ForeignKey(Session, models.SET_NULL, null=True, blank=True, related_name="orphans")

    objects = OrphanQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "kind", "transaction_id"],
                condition=models.Q(resolved_at=None, kind="meter"),
                name="one_open_orphan_of_meter_values",
            ),
        ]
        indexes = [
            models.Index(
                fields=["station", "-received_at"],
                condition=models.Q(resolved_at=None),
                name="open_orphans",
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.transaction_id}".strip()
