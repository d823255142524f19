"""Signed meter values, kept exactly as they came, for whoever verifies them."""

from django.db import models
from django.db.models.functions import MD5

from evportal.accounts.access import Access
from stations.models.session import Session
from stations.models.station import Evse


class SignedValueQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "evse__station__site"))


class SignedValue(models.Model):
    """OCMF, EDL… as sent in 1.6 (SignedData) or 2.x (SignedMeterValueType); never changed."""

    evse = models.ForeignKey(Evse, models.PROTECT, related_name="signed_values")
    session = models.ForeignKey(Session, models.PROTECT, null=True, blank=True, related_name="signed_values")
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    context = models.CharField(max_length=24)
    data = models.TextField()
    #: 2.x only: signingMethod, encodingMethod, publicKey.
    method = models.CharField(max_length=50, blank=True)
    encoding = models.CharField(max_length=50, blank=True)
    public_key = models.TextField(blank=True)

    objects = SignedValueQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint("evse", "at", "context", MD5("data"), name="one_row_per_signed_value"),
        ]

    def __str__(self):
        return f"{self.context} {self.at:%Y-%m-%d %H:%M:%S}"
