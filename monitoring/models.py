"""Alert rules and alerts."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models import Site, Station


class Severity(models.TextChoices):
    CRITICAL = "critical", _("Critical")
    WARNING = "warning", _("Warning")
    INFO = "info", _("Information")


class Kind(models.TextChoices):
    OFFLINE = "offline", _("Charger offline")
    FAULT = "fault", _("Charger faulted")
    EVENT = "event", _("Charger reports a problem")
    SECURITY = "security", _("Security event")


class RuleQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.operators(permission))


class Rule(models.Model):
    """When an operator wants to be told, and who is told."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="alert_rules")
    kind = models.CharField(max_length=20, choices=Kind)
    minutes = models.PositiveIntegerField(
        default=5,
        validators=[MinValueValidator(1)],
        help_text=_(
            "How long it must last. A problem that was reported once, without an end, is over after so long."
        ),
    )
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.CRITICAL)
    is_active = models.BooleanField(default=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operator", "kind"], name="one_rule_per_kind")]

    def __str__(self):
        return f"{self.get_kind_display()} for {self.minutes} min"


class AlertQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.sites(permission, "site"))

    def open(self):
        return self.filter(resolved_at=None)


class Alert(models.Model):
    """One cause, however often it was seen: a site outage is one alert, not forty."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="alerts")
    #: Empty where the whole site is concerned.
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="alerts")
    kind = models.CharField(max_length=20, choices=Kind)
    #: What makes two sightings the same cause, e.g. “offline:station:12”.
    cause = models.CharField(max_length=120)
    severity = models.CharField(max_length=10, choices=Severity)
    title = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_reason = models.CharField(max_length=200, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause"], condition=Q(resolved_at=None), name="one_open_alert_per_cause"
            )
        ]
        indexes = [models.Index(fields=["site", "-opened_at"])]

    def __str__(self):
        return self.title


# Topics with models of their own, where Django looks for them.
from monitoring.patterns.models import (  # noqa: E402,F401
    EvseHour,
    EvseTakings,
    Mark,
    ScheduledReport,
    SiteDay,
    SiteHour,
    SiteTakings,
)
from monitoring.uptime.models import (  # noqa: E402,F401
    ConditionChange,
    Outage,
    OutageChange,
    Watch,
)
