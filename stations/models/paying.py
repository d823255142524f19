"""Paying at the station: codes on its display, and what its payment terminal settled (OCPP 2.1)."""

import secrets

from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.command import Command
from stations.models.session import Session
from stations.models.station import Station


def new_code() -> str:
    return secrets.token_urlsafe(9)


class WebPayments(models.Model):
    """Codes that change on a station's display (2.1 WebPaymentsCtrlr): how they are made and checked."""

    class Status(models.TextChoices):
        OFF = "off", _("Off")
        SENDING = "sending", _("Being set up")
        ON = "on", _("On")
        REFUSED = "refused", _("Refused by the charger")

    station = models.OneToOneField(Station, models.CASCADE, related_name="web_payments")
    #: In the code's address instead of the identity, which is nobody's to read.
    code = models.CharField(max_length=20, unique=True, default=new_code, editable=False)
    #: The shared secret is reckoned from this and the portal's key, so it is stored nowhere.
    nonce = models.CharField(max_length=20, default=new_code, editable=False)
    validity_s = models.PositiveIntegerField(default=60)
    length = models.PositiveSmallIntegerField(default=8)
    status = models.CharField(max_length=10, choices=Status, default=Status.OFF)
    error = models.CharField(max_length=255, blank=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name_plural = _("web payments")

    def __str__(self):
        return f"{self.station}: {self.get_status_display()}"

    @property
    def secret(self) -> str:
        told = f"{self.station_id}:{self.nonce}"
        return salted_hmac("evportal.web-payments", told, algorithm="sha256").hexdigest()[:40]


class SettlementQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.sites(permission, "station__site"))


class Settlement(models.Model):
    """What a station's payment terminal says of a payment; never changed, each word of it once."""

    class Status(models.TextChoices):
        SETTLED = "Settled", _("Settled")
        CANCELED = "Canceled", _("Cancelled")
        REJECTED = "Rejected", _("Rejected")
        FAILED = "Failed", _("Failed")

    station = models.ForeignKey(Station, models.PROTECT, related_name="settlements")
    session = models.ForeignKey(Session, models.SET_NULL, null=True, blank=True, related_name="settlements")
    transaction_id = models.CharField(max_length=36, blank=True)
    psp_ref = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status)
    info = models.CharField(max_length=500, blank=True)
    amount = models.DecimalField(max_digits=12, decimal_places=4)
    settled_at = models.DateTimeField()
    received_at = models.DateTimeField()
    receipt_id = models.CharField(max_length=50, blank=True)
    receipt_url = models.CharField(max_length=2000, blank=True)
    vat_number = models.CharField(max_length=20, blank=True)
    company = models.JSONField(null=True, blank=True)

    objects = SettlementQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            # A station repeats what it got no answer to.
            models.UniqueConstraint(
                fields=["station", "psp_ref", "transaction_id", "status", "settled_at"],
                name="one_settlement_per_report",
            )
        ]

    def __str__(self):
        return f"{self.amount} {self.status}"
