"""What cars ask for, as far as they can say it (ISO 15118), and what they then mean to draw."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.session import Session


class ChargingNeedsQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "session__station__site"))


class ChargingNeeds(models.Model):
    """The newest wishes of the car in one session, and its own plan."""

    session = models.OneToOneField(Session, models.CASCADE, related_name="needs")
    #: OCPP's word: DC, AC_three_phase, DC_BPT…
    energy_transfer = models.CharField(max_length=20, blank=True)
    departure_at = models.DateTimeField(null=True, blank=True)
    energy_wh = models.DecimalField(
        max_digits=12, decimal_places=0, null=True, blank=True, help_text=_("What it wants until then.")
    )
    max_power_w = models.DecimalField(max_digits=12, decimal_places=0, null=True, blank=True)
    #: The whole chargingNeeds, V2X and DER parameters included.
    needs = models.JSONField(default=dict)
    max_schedule_tuples = models.PositiveIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=20, blank=True, help_text=_("What the portal answered."))
    #: The car's own schedule (NotifyEVChargingSchedule).
    schedule = models.JSONField(null=True, blank=True)
    schedule_from = models.DateTimeField(null=True, blank=True)
    #: 2.1: whether the driver has priority now, and what kinds of transfer are allowed.
    has_priority = models.BooleanField(default=False)
    allowed_transfer = models.JSONField(default=list)

    objects = ChargingNeedsQuerySet.as_manager()

    def __str__(self):
        return f"{self.session}: {self.energy_transfer}"
