"""Whose ground the chargers stand on, and what share of the revenue they get."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.books import OfOperator
from evportal.accounts.models import Operator
from stations.models import Site


class Host(models.Model):
    """The seller on a self-billed statement (EN 16931 type 389): the operator writes it for them."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="hosts")
    name = models.CharField(_("name or company"), max_length=150)
    street = models.CharField(_("street"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=20, blank=True)
    city = models.CharField(_("town"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, default="DE")
    vat_id = models.CharField("VAT id", max_length=20, blank=True)
    tax_number = models.CharField(
        _("tax number"), max_length=30, blank=True, help_text=_("Where there is no VAT id.")
    )
    vat_percent = models.DecimalField(
        _("VAT rate, %"),
        max_digits=5,
        decimal_places=2,
        default=19,
        help_text=_("0 for a small business that charges no VAT."),
    )
    email = models.EmailField(_("e-mail"), blank=True)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.DOCUMENT_LANGUAGES, default="en"
    )
    iban = models.CharField("IBAN", max_length=34, blank=True)

    objects = OfOperator.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class HostShare(models.Model):
    """What a site's host gets, from a day on until the next row for the site: a share of net revenue, or so
    much for each kWh, or both."""

    host = models.ForeignKey(Host, models.PROTECT, related_name="shares")
    site = models.ForeignKey(Site, models.PROTECT, related_name="host_shares")
    valid_from = models.DateField(_("from"))
    percent = models.DecimalField(_("share of net revenue, %"), max_digits=5, decimal_places=2, default=0)
    per_kwh = models.DecimalField(_("for each kWh"), max_digits=8, decimal_places=5, default=0)

    class Meta:
        ordering = ["site", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["site", "valid_from"], name="one_host_share_per_site_and_day"),
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100, per_kwh__gte=0), name="host_shares_are_shares"
            ),
        ]

    def __str__(self):
        return f"{self.host}: {self.site}"
