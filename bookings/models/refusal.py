"""Slots that were asked for and not there: what reports read demand from that was turned away."""

from django.db import models
from django.db.models import F, Q

from evportal.accounts.models import User
from stations.models import Evse


class Refusal(models.Model):
    """One wish for a slot that somebody else had; the same person's repeats of it are one."""

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "evse", "starts_at", "ends_at"], name="one_refusal_per_wish"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="refusals_end_after_start"),
        ]
        indexes = [models.Index(fields=["starts_at"])]

    def __str__(self):
        return f"{self.evse} {self.starts_at:%Y-%m-%d %H:%M} was taken"
