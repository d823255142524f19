"""Charging profiles by name, ready to be sent to chargers."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator


class ChargingProfileQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class ChargingProfile(models.Model):
    """How much power a charger may give, and when; its number is the chargingProfileId on the wire."""

    #: A 32-bit number, because that is what chargers take.
    id = models.AutoField(primary_key=True)
    operator = models.ForeignKey(Operator, models.CASCADE, related_name="charging_profiles")
    description = models.CharField(max_length=200)
    profile = models.JSONField(help_text=_("A ChargingProfile of OCPP 1.6 or 2.x."))
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ChargingProfileQuerySet.as_manager()

    class Meta:
        ordering = ["description", "pk"]

    def __str__(self):
        return self.description
