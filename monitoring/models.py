"""Alert rules and alerts."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.audit.triggers import recorded
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
    SILENT = "silent", _("Nobody charges at a busy charger")
    CLOCK = "clock", _("Heartbeat or clock")
    UNEXPLAINED = "unexplained", _("Energy without a session")
    NO_ENERGY = "no_energy", _("Session without energy")
    FAILED_STARTS = "failed_starts", _("Repeated failed starts")
    TEMPERATURE = "temperature", _("Temperature")
    METER = "meter", _("Meter anomaly")
    SIGNED = "signed", _("Signed meter values do not hold")
    PAYMENT = "payment", _("Payment failures")
    CERTIFICATE = "certificate", _("Certificate expires")
    LIMIT = "limit", _("Site limit exceeded")
    LOAD = "load", _("Charger doesn't follow its limit")
    WEBHOOK = "webhook", _("Notification channel given up")


class RuleQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.operators(permission))

    def by_place(self, kind: str) -> dict:
        """{(operator id, site id or None): rule}; see `rule_at`."""
        return {(rule.operator_id, rule.site_id): rule for rule in self.filter(kind=kind)}


def rule_at(rules: dict, site: Site) -> "Rule | None":
    """The site's own rule, or else its operator's."""
    return rules.get((site.operator_id, site.pk)) or rules.get((site.operator_id, None))


class Rule(models.Model):
    """When an operator wants to be told; a rule of one site stands in for the operator's there."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="alert_rules")
    site = models.ForeignKey(
        Site,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_rules",
        help_text=_("Empty: all sites that have no rule of their own."),
    )
    kind = models.CharField(max_length=20, choices=Kind)
    minutes = models.PositiveIntegerField(
        default=5,
        validators=[MinValueValidator(1)],
        help_text=_(
            "How long it must last. A problem that was reported once, without an end, is over after so long."
        ),
    )
    threshold = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("From how much on; in the unit that the kind has."),
    )
    most = models.PositiveSmallIntegerField(
        default=50,
        validators=[MinValueValidator(1), MaxValueValidator(500)],
        help_text=_("So many of its alerts are open at most; what is beyond is one alert that says so."),
    )
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.CRITICAL)
    is_active = models.BooleanField(default=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "kind", "site"], name="one_rule_per_kind_and_site", nulls_distinct=False
            )
        ]
        triggers = recorded("monitoring.rule", operator="it.operator_id", name="it.kind")

    def __str__(self):
        return f"{self.get_kind_display()} for {self.minutes} min"

    def sites(self):
        """Where it counts."""
        if self.site_id:
            return Site.objects.filter(pk=self.site_id)
        own = Rule.objects.filter(operator=self.operator_id, kind=self.kind, site__isnull=False)
        return Site.objects.filter(operator=self.operator_id).exclude(pk__in=own.values("site"))


class AlertQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.sites(permission, "site"))

    def open(self):
        return self.filter(resolved_at=None)

    def awake(self, now):
        """Open, and not put off until later."""
        return self.open().filter(Q(snoozed_until=None) | Q(snoozed_until__lte=now))

    def asleep(self, now):
        return self.open().filter(snoozed_until__gt=now)


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
    assigned_to = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snooze_reason = models.CharField(max_length=200, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    #: By hand; empty where its cause was gone by itself.
    resolved_by_hand = models.BooleanField(default=False)
    resolved_reason = models.CharField(max_length=200, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause"], condition=Q(resolved_at=None), name="one_open_alert_per_cause"
            )
        ]
        indexes = [
            models.Index(fields=["site", "-opened_at"]),
            models.Index(fields=["cause", "-last_seen_at"]),
        ]

    def __str__(self):
        return self.title


class AlertChange(models.Model):
    """What somebody did with an alert, and what stood there before: a record, and the way to undo it."""

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    what = models.CharField(max_length=20)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self):
        return f"{self.alert} {self.what}"


# Topics with models of their own, where Django looks for them.
from monitoring.load.models import (  # noqa: E402,F401
    LoadGroup,
    LoadMember,
    LoadSample,
    LoadSite,
)
from monitoring.notices.models import (  # noqa: E402,F401
    Delivery,
    Policy,
    PolicyStep,
    QuietHours,
    Team,
    TeamChannel,
    Try,
)
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
from monitoring.work.models import (  # noqa: E402,F401
    ChecklistItem,
    Note,
    Part,
    Photo,
    WorkOrder,
)
