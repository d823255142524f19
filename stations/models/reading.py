"""Readings: what meters measured, one row per sampled value, in the standard's unit for its measurand."""

from django.db import models

from evportal.accounts.access import Access
from stations.models.session import Session
from stations.models.station import Evse


class ReadingQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(evse__in=Evse.objects.visible_to(access, permission))


class Reading(models.Model):
    """One sampled value. Partitioned by month on `at` (stations/partitions.py).

    Units: Wh, W, A, V, VA, var, varh, Hz, °C, %; `phase` empty means the whole. The natural key (evse, at,
    measurand, phase, location, context) makes a repeated report harmless.
    """

    pk = models.CompositePrimaryKey("evse_id", "at", "measurand", "phase", "location", "context")
    evse = models.ForeignKey(Evse, models.DO_NOTHING, related_name="readings", db_constraint=False)
    session = models.ForeignKey(
        Session, models.DO_NOTHING, null=True, related_name="readings", db_constraint=False
    )
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    measurand = models.CharField(max_length=40)
    phase = models.CharField(max_length=8, blank=True)
    location = models.CharField(max_length=10)
    context = models.CharField(max_length=24)
    value = models.DecimalField(max_digits=18, decimal_places=3)
    unit = models.CharField(max_length=8)
    #: Why this value is shown but not billed (implausible, no clock…); empty: it is sound.
    flag = models.CharField(max_length=24, blank=True)

    objects = ReadingQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "stations_reading"

    def __str__(self):
        return f"{self.measurand} {self.value} {self.unit} at {self.at:%Y-%m-%d %H:%M:%S}"
