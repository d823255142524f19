"""Events: what a station tells of itself besides its state, kept in one log for all versions."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.station import Evse, Station


class EventQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))


class Event(models.Model):
    """One thing a station reported: a security event, a monitor that fired, firmware, a certificate, a limit.

    `severity` is OCPP 2.x's: 0 danger, 1 hardware failure, 2 system failure, 3 critical, 4 error, 5 alert,
    6 warning, 7 notice, 8 informational, 9 debug. 1.6 has none; the portal chooses it by the code.
    """

    class Kind(models.TextChoices):
        SECURITY = "security", _("Security")
        MONITOR = "monitor", _("Monitor")
        FIRMWARE = "firmware", _("Firmware")
        CERTIFICATE = "certificate", _("Certificate")
        DIAGNOSTICS = "diagnostics", _("Diagnostics")
        CONFIGURATION = "configuration", _("Configuration")
        CHARGING_LIMIT = "charging_limit", _("Charging limit")
        FAULT = "fault", _("Fault")
        GRID = "grid", _("Grid")
        PROTOCOL = "protocol", _("Protocol")
        OTHER = "other", _("Other")

    station = models.ForeignKey(Station, models.CASCADE, related_name="events")
    evse = models.ForeignKey(Evse, models.SET_NULL, null=True, blank=True, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind)
    #: OCPP's own word: the security event's type, the monitor's variable, the firmware's status.
    code = models.CharField(max_length=100)
    severity = models.PositiveSmallIntegerField(default=8)
    #: When the charger says it happened, and when we heard of it.
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    text = models.CharField(max_length=500, blank=True)
    component = models.CharField(max_length=120, blank=True)
    variable = models.CharField(max_length=120, blank=True)
    value = models.CharField(max_length=500, blank=True)
    #: The condition that an earlier event told of is over (2.x `cleared`).
    is_cleared = models.BooleanField(default=False)
    #: The station's own number of it, and of the event that caused it (2.x NotifyEvent).
    number = models.BigIntegerField(null=True, blank=True)
    cause_number = models.BigIntegerField(null=True, blank=True)
    transaction_id = models.CharField(max_length=36, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["station", "-received_at"]),
            models.Index(fields=["-received_at", "-id"], name="newest_events"),
            models.Index(
                fields=["station", "evse", "-received_at", "-id"],
                condition=models.Q(kind="fault"),
                name="newest_faults",
            ),
        ]
        constraints = [
            # Stations begin to count anew when they restart, so the number alone isn't enough.
            models.UniqueConstraint(
                fields=["station", "number", "at"],
                condition=models.Q(number__isnull=False),
                name="each_event_once",
            )
        ]

    def __str__(self):
        return f"{self.code} {self.text}".strip()
