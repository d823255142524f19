"""DER controls: how a station feeds into the grid, as a grid operator demands it (2.1 block R)."""

from django.db import models
from django.db.models import Q

from evportal.accounts.access import Access
from stations.models.command import Command
from stations.models.station import Station


class DerControlQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))


class DerControl(models.Model):
    """One control at one station, as it was set or reported."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="der_controls")
    control_id = models.CharField(max_length=36)
    control_type = models.CharField(max_length=30)
    is_default = models.BooleanField(default=False)
    is_superseded = models.BooleanField(default=False)
    is_running = models.BooleanField(default=False)
    settings = models.JSONField(default=dict)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DerControlQuerySet.as_manager()

    class Meta:
        ordering = ["control_type", "-updated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "control_id"], condition=Q(ended_at=None), name="one_der_control_per_id"
            )
        ]

    def __str__(self):
        return f"{self.control_type} {self.control_id}"
