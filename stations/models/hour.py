"""An EVSE's use, hour by hour: what charts of weeks and years are drawn from."""

from django.db import models

from evportal.accounts.access import Access
from stations.models.station import Evse


class HourQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "evse__station__site"))


class Hour(models.Model):
    """Reckoned anew by workers whenever something about it was reported (stations/series.py)."""

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="hours")
    starts_at = models.DateTimeField()
    energy_wh = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    max_power_w = models.DecimalField(max_digits=12, decimal_places=1, null=True)
    #: How long a car was connected.
    busy_s = models.PositiveIntegerField(default=0)
    #: How long of that it was charging: drawing more than a standby.
    charging_s = models.PositiveIntegerField(default=0)
    #: Reported on since it was reckoned last.
    is_stale = models.BooleanField(default=True)
    #: Reckoned since others last took it over (series.take_reckoned).
    is_news = models.BooleanField(default=False)

    objects = HourQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["evse", "starts_at"], name="one_row_per_hour"),
        ]
        indexes = [
            models.Index(fields=["starts_at"], condition=models.Q(is_stale=True), name="stale_hours"),
            models.Index(fields=["starts_at"], condition=models.Q(is_news=True), name="hours_to_take_over"),
        ]

    def __str__(self):
        return f"{self.evse} {self.starts_at:%Y-%m-%d %H:00}"
