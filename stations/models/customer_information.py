"""What stations keep about a customer: asked for, or asked to be forgotten (2.x CustomerInformation)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey
from stations.models.command import Command
from stations.models.station import Station


class CustomerInquiryQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_drivers"):
        return self.filter(access.sites(permission, "station__site"))


class CustomerInquiry(models.Model):
    """One station asked about one customer; its number is the requestId on the wire.

    Whom it was about is in the call alone, and that goes with what the station told: here is only the last
    of a token, enough to tell two inquiries apart.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", _("Asked")
        ACCEPTED = "accepted", _("Accepted")
        ANSWERED = "answered", _("Answered")
        SHOWN = "shown", _("Shown and deleted")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Deleted")

    class About(models.TextChoices):
        TOKEN = "token", _("Card or token")
        IDENTIFIER = "identifier", _("Customer number")
        CERTIFICATE = "certificate", _("Certificate")

    id = models.AutoField(primary_key=True)
    station = models.ForeignKey(Station, models.CASCADE, related_name="customer_inquiries")
    about = models.CharField(max_length=12, choices=About, default=About.TOKEN)
    #: “…3C4”
    hint = models.CharField(max_length=12, blank=True)
    report = models.BooleanField(default=False)
    clear = models.BooleanField(default=False)
    command = models.OneToOneField(Command, models.SET_NULL, null=True, related_name="customer_inquiry")
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    state_at = models.DateTimeField()
    problem = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = CustomerInquiryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "customer inquiries"

    def __str__(self):
        return f"{self.hint} at {self.station}"


class CustomerInformationPart(models.Model):
    """One NotifyCustomerInformation; together, by their numbers, they are the answer."""

    inquiry = models.ForeignKey(CustomerInquiry, models.CASCADE, related_name="parts")
    seq_no = models.PositiveIntegerField()
    is_last = models.BooleanField()
    data = models.TextField()

    class Meta:
        ordering = ["seq_no"]
        constraints = [
            models.UniqueConstraint(fields=["inquiry", "seq_no"], name="one_part_per_number"),
        ]

    def __str__(self):
        return f"{self.inquiry_id}/{self.seq_no}"
