"""Monitors: what a 2.x station watches by itself, and tells of with NotifyEvent or a stream of values."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator
from stations.models.command import Command
from stations.models.station import Evse, Station


class MonitorType(models.TextChoices):
    UPPER = "UpperThreshold", _("Above")
    LOWER = "LowerThreshold", _("Below")
    DELTA = "Delta", _("Changes by")
    PERIODIC = "Periodic", _("Every … seconds")
    CLOCK = "PeriodicClockAligned", _("Every … seconds of the clock")
    TARGET_DELTA = "TargetDelta", _("Off its target by")
    TARGET_RELATIVE = "TargetDeltaRelative", _("Off its target by the part")


class MonitorQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def in_place(self):
        return self.filter(state=Monitor.State.SET)


class Monitor(models.Model):
    """One monitor of one variable at one station."""

    class State(models.TextChoices):
        SENT = "sent", _("Sent")
        SET = "set", _("Set")
        REJECTED = "rejected", _("Refused")
        CLEARED = "cleared", _("Cleared")

    station = models.ForeignKey(Station, models.CASCADE, related_name="monitors")
    evse = models.ForeignKey(Evse, models.CASCADE, null=True, blank=True, related_name="monitors")
    connector_number = models.PositiveSmallIntegerField(null=True, blank=True)
    component = models.CharField(max_length=50)
    component_instance = models.CharField(max_length=50, blank=True)
    variable = models.CharField(max_length=50)
    variable_instance = models.CharField(max_length=50, blank=True)
    type = models.CharField(max_length=22, choices=MonitorType)
    value = models.FloatField()
    severity = models.PositiveSmallIntegerField(default=8)
    #: Only while a transaction runs.
    in_transaction = models.BooleanField(default=False)
    #: The station's own number for it; empty until it has answered.
    monitor_id = models.BigIntegerField(null=True, blank=True)
    #: OCPP's word for where it comes from: CustomMonitor is ours.
    origin = models.CharField(max_length=24, default="CustomMonitor")
    state = models.CharField(max_length=10, choices=State, default=State.SENT)
    reason = models.CharField(max_length=200, blank=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    reported_in = models.BigIntegerField(null=True, blank=True)
    last_value = models.CharField(max_length=500, blank=True)
    last_value_at = models.DateTimeField(null=True, blank=True)
    #: 2.1: the station's number of an open stream of this monitor's values, and its pace.
    stream_id = models.BigIntegerField(null=True, blank=True)
    stream_interval_s = models.PositiveIntegerField(null=True, blank=True)
    stream_values = models.PositiveIntegerField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = MonitorQuerySet.as_manager()

    class Meta:
        ordering = ["station", "component", "variable", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "monitor_id"],
                condition=models.Q(state="set"),
                name="one_monitor_per_number",
            )
        ]

    def __str__(self):
        return f"{self.component}.{self.variable} {self.type} {self.value:g}"


class DefaultMonitorQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class DefaultMonitor(models.Model):
    """What every station of an operator is asked to watch, if it has such a variable."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="default_monitors")
    component = models.CharField(max_length=50)
    variable = models.CharField(max_length=50)
    type = models.CharField(max_length=22, choices=MonitorType)
    value = models.FloatField()
    severity = models.PositiveSmallIntegerField(default=5)
    in_transaction = models.BooleanField(default=False)
    per_evse = models.BooleanField(default=False, help_text=_("One for each EVSE."))

    objects = DefaultMonitorQuerySet.as_manager()

    class Meta:
        ordering = ["component", "variable", "type"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "component", "variable", "type"], name="one_default_per_monitor"
            )
        ]

    def __str__(self):
        return f"{self.component}.{self.variable} {self.type} {self.value:g}"
