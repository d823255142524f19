"""Tariffs and what was priced with them."""

import uuid
from datetime import UTC, datetime

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking
from evportal.accounts.access import Access
from evportal.accounts.audit.triggers import NAME_OF_SITE, OF_SITE, recorded
from evportal.accounts.models import Operator, User, Vehicle
from stations.models import Evse, Session, Site


class TariffQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class Tariff(models.Model):
    """A tariff by name; its prices are in its versions."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="tariffs")
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)

    objects = TariffQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["operator", "name"], name="one_tariff_per_name")]
        triggers = recorded("billing.tariff", operator="it.operator_id", name="it.name")

    def __str__(self):
        return self.name


class TariffVersion(models.Model):
    """The prices, as an OCPI 2.3.0 tariff object; never changed, because quotes and bills rest on it."""

    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    valid_from = models.DateTimeField()
    ocpi = models.JSONField(help_text=_("OCPI 2.3.0 tariff object"))
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    #: The second person, where the operator wants one: what they saw is this version, to the letter.
    approved_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["tariff", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["tariff", "number"], name="one_tariff_version_per_number")
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="tariff_versions_never_change", fields=["tariff", "number", "valid_from", "ocpi"]
            ),
            pgtrigger.Protect(name="tariff_versions_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return f"{self.tariff} v{self.number}"


#: Where a tariff applies that was the first one there: from before anything was charged.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


class TariffAssignment(models.Model):
    """Which tariff applies where from when on, until the next one: an EVSE's own before its site's."""

    #: None ends what an EVSE has of its own: its site's tariff applies again.
    tariff = models.ForeignKey(
        Tariff, models.PROTECT, null=True, blank=True, related_name="assignments", verbose_name=_("tariff")
    )
    site = models.ForeignKey(Site, models.CASCADE, related_name="tariff_assignments", verbose_name=_("site"))
    evse = models.ForeignKey(
        Evse,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="tariff_assignments",
        verbose_name=_("charge point"),
    )
    valid_from = models.DateTimeField(_("valid from"), default=ALWAYS)

    class Meta:
        ordering = ["site", "evse", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["site", "valid_from"], condition=models.Q(evse=None), name="one_tariff_per_site"
            ),
            models.UniqueConstraint(
                fields=["evse", "valid_from"], condition=~models.Q(evse=None), name="one_tariff_per_evse"
            ),
        ]
        triggers = recorded("billing.tariffassignment", operator=OF_SITE, name=NAME_OF_SITE)

    def __str__(self):
        return f"{self.tariff or _('The site’s tariff')} at {self.evse or self.site}"


class Quote(models.Model):
    """The price somebody was shown, and the frozen version it came from: the bill keeps to it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="quotes")
    version = models.ForeignKey(TariffVersion, models.PROTECT, related_name="quotes")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="quotes")
    booking = models.OneToOneField(Booking, models.SET_NULL, null=True, blank=True, related_name="quote")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    energy_wh = models.DecimalField(max_digits=14, decimal_places=3)
    #: The price groups that the driver was in: frozen like the version.
    groups = models.JSONField(default=list, blank=True)
    currency = models.CharField(max_length=3)
    lines = models.JSONField()
    net = models.DecimalField(max_digits=12, decimal_places=3)
    tax = models.DecimalField(max_digits=12, decimal_places=3)
    gross = models.DecimalField(max_digits=12, decimal_places=3)
    hold_amount = models.DecimalField(max_digits=12, decimal_places=3)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{self.gross} {self.currency} at {self.evse}"


class CdrQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = models.Q(session__user_id=access.user_id) if access.user_id else models.Q(pk__in=[])
        return self.filter(access.sites(permission, "session__station__site") | mine)

    def run_by(self, access: Access, permission: str = "view_money"):
        return self.filter(access.sites(permission, "session__station__site"))


class Cdr(models.Model):
    """A session's price (OCPI *CDR*): frozen version from the start, lines once it has ended."""

    class State(models.TextChoices):
        OPEN = "open", _("Charging")
        REVIEW = "review", _("Needs a look")
        PRICED = "priced", _("Priced")
        SETTLED = "settled", _("Paid")
        ON_ACCOUNT = "on_account", _("On the month's invoice")
        UNPAID = "unpaid", _("Unpaid")
        WAIVED = "waived", _("Not charged")

    session = models.OneToOneField(Session, models.PROTECT, related_name="cdr")
    #: None where no tariff is assigned: nothing can be billed then, and somebody has to look.
    version = models.ForeignKey(TariffVersion, models.PROTECT, null=True, blank=True, related_name="cdrs")
    quote = models.OneToOneField(Quote, models.SET_NULL, null=True, blank=True, related_name="cdr")
    #: The driver's price groups at the start, or those of the quote (billing/groups.py).
    groups = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    review = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    lines = models.JSONField(default=list)
    net = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    tax = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    gross = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    #: How it is taxed, decided when it was priced (billing/vat.py).
    vat_category = models.CharField(max_length=2, default="S")
    #: The document that bills it, set in the transaction that issues it.
    billed_on = models.ForeignKey(
        "billing.Invoice", models.PROTECT, null=True, blank=True, related_name="billed"
    )
    vehicle = models.ForeignKey(Vehicle, models.SET_NULL, null=True, blank=True, related_name="+")
    priced_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CdrQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["state"]),
            models.Index(
                fields=["session"],
                condition=models.Q(billed_on=None, gross__gt=0),
                name="cdrs_without_a_document",
            ),
        ]

    def __str__(self):
        return f"{self.gross} {self.currency} for {self.session}"
