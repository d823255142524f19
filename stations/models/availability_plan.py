"""When a charger, one of its EVSEs or connectors is out of service by our wish."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey
from stations.models.command import Command
from stations.models.station import Connector, Evse, Station


class AvailabilityPlanQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def running(self):
        return self.filter(state=AvailabilityPlan.State.RUNNING)

    def open(self):
        return self.filter(state__in=AvailabilityPlan.OPEN)


class AvailabilityPlan(models.Model):
    """Out of service from one moment to another; without an end, until somebody puts it back."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        RUNNING = "running", _("Out of service")
        OVER = "over", _("Over")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.PLANNED, State.RUNNING)

    station = models.ForeignKey(Station, models.CASCADE, related_name="availability_plans")
    evse = models.ForeignKey(
        Evse,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="availability_plans",
        help_text=_("Empty: the whole charger."),
    )
    connector = models.ForeignKey(
        Connector,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="availability_plans",
        help_text=_("Empty: the whole EVSE. OCPP 2.x only."),
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    closing = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    opening = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AvailabilityPlanQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="availability_plans_end_after_start",
            ),
            models.CheckConstraint(
                condition=Q(connector=None) | Q(evse__isnull=False),
                name="a_planned_connector_names_its_evse",
            ),
        ]
        indexes = [
            models.Index(
                fields=["starts_at"],
                condition=Q(state__in=["planned", "running"]),
                name="availability_plans_open",
            )
        ]

    def __str__(self):
        return f"{self.place}, {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def place(self) -> str:
        words = [str(self.station.name)]
        if self.evse:
            words.append(_("EVSE %s") % self.evse.number)
        if self.connector:
            words.append(_("connector %s") % self.connector.number)
        return ", ".join(str(word) for word in words)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    def covers(self, evse: Evse, connector: Connector | None = None) -> bool:
        """Whether this place is out of service as long as the plan runs."""
        if self.station_id != evse.station_id or (self.evse_id and self.evse_id != evse.pk):
            return False
        return self.connector_id is None or (connector is not None and self.connector_id == connector.pk)
