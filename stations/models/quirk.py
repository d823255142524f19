"""Quirks: what is known of chargers that read the standard in their own way."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator
from stations.models.station import Station


class QuirkQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class Quirk(models.Model):
    """For one station, or for all of a make; every field that is set changes how its messages are read."""

    class Unit(models.TextChoices):
        WH = "Wh", "Wh"
        KWH = "kWh", "kWh"

    class PowerUnit(models.TextChoices):
        W = "W", "W"
        KW = "kW", "kW"

    class Version(models.TextChoices):
        V16 = "ocpp1.6", "OCPP 1.6"
        V201 = "ocpp2.0.1", "OCPP 2.0.1"
        V21 = "ocpp2.1", "OCPP 2.1"

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="quirks")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="quirks")
    vendor = models.CharField(max_length=60, blank=True, help_text=_("As the charger says when it boots."))
    model = models.CharField(max_length=60, blank=True, help_text=_("Empty: every model of the vendor."))
    energy_unit = models.CharField(
        max_length=3, choices=Unit, blank=True, help_text=_("Of energy that is sent without a unit.")
    )
    power_unit = models.CharField(
        max_length=2, choices=PowerUnit, blank=True, help_text=_("Of power that is sent without a unit.")
    )
    whole_seconds = models.BooleanField(
        default=False, help_text=_("It can't read times with fractions of a second.")
    )
    fallback = models.CharField(
        max_length=9,
        choices=Version,
        blank=True,
        help_text=_("Which version it speaks when it offers none. It must be told in no other way."),
    )

    objects = QuirkQuerySet.as_manager()

    class Meta:
        ordering = ["vendor", "model", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(station__isnull=False) | ~models.Q(vendor=""),
                name="quirks_are_somebodys",
            ),
        ]

    def __str__(self):
        return f"{self.vendor} {self.model}".strip() or str(self.station)

    def clean(self):
        if self.station_id is None and not self.vendor:
            raise ValidationError(_("Name a charger, or the vendor whose chargers these are."))
        if self.station_id and self.station.site.operator_id != self.operator_id:
            raise ValidationError({"station": _("That charger is another operator's.")})
