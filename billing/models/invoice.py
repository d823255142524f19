"""Invoices and credit notes: gapless numbers, lines that add up, never changed once issued."""

import secrets

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.payment import Refund
from billing.models.tariff import Cdr
from bookings.models import Booking
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models import Site


def new_link() -> str:
    return secrets.token_urlsafe(16)


class Series(models.Model):
    """The counter of one run of numbers; taken under a lock, in the transaction that issues."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="invoice_series")
    prefix = models.CharField(max_length=20)
    last_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("series")
        constraints = [models.UniqueConstraint(fields=["operator", "prefix"], name="one_series_per_prefix")]

    def __str__(self):
        return self.prefix


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.sites(permission, "site") | mine)

    def run_by(self, access: Access, permission: str = "view_money"):
        return self.filter(access.sites(permission, "site"))

    def of_driver(self, user):
        return self.filter(user=user)

    def with_place(self):
        return self.select_related(
            "operator", "site", "user", "cdr__session__evse", "booking__evse", "corrects"
        )


class Invoice(models.Model):
    """An issued document, with all that it says copied into it, so that nothing can change it later."""

    class Kind(models.TextChoices):
        """EN 16931 BT-3."""

        INVOICE = "380", _("Invoice")
        CREDIT_NOTE = "381", _("Credit note")

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="invoices")
    site = models.ForeignKey(Site, models.PROTECT, related_name="invoices")
    series = models.ForeignKey(Series, models.PROTECT, related_name="invoices")
    sequence = models.PositiveBigIntegerField()
    number = models.CharField(max_length=40)
    link = models.CharField(max_length=32, unique=True, default=new_link, editable=False)
    kind = models.CharField(max_length=3, choices=Kind, default=Kind.INVOICE)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="credit_notes")
    cdr = models.ForeignKey(Cdr, models.PROTECT, null=True, blank=True, related_name="invoices")
    booking = models.ForeignKey(Booking, models.PROTECT, null=True, blank=True, related_name="invoices")
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, blank=True, related_name="credit_note")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="invoices")

    issued_at = models.DateTimeField()
    supplied_on = models.DateField()
    currency = models.CharField(max_length=3)
    #: {"name", "street", "postcode", "city", "country", "vat_id", "email"} at the time of issue.
    seller = models.JSONField()
    buyer = models.JSONField()
    #: What the document says beyond lines: place, EVSE, times, meter values.
    details = models.JSONField(default=dict)
    net = models.DecimalField(max_digits=12, decimal_places=3)
    tax = models.DecimalField(max_digits=12, decimal_places=3)
    gross = models.DecimalField(max_digits=12, decimal_places=3)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="one_document_per_number"),
            models.UniqueConstraint(fields=["operator", "number"], name="one_document_per_printed_number"),
            models.UniqueConstraint(fields=["cdr"], condition=Q(kind="380"), name="one_invoice_per_session"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="gross_is_net_and_tax"),
        ]
        indexes = [
            models.Index(fields=["operator", "-issued_at"]),
            models.Index(fields=["user", "-issued_at"]),
        ]
        triggers = [
            # The driver may be erased (GDPR); what the document says may not.
            pgtrigger.ReadOnly(name="issued_documents_never_change", exclude=["user"]),
            pgtrigger.Protect(name="issued_documents_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return self.number

    @property
    def is_credit_note(self) -> bool:
        return self.kind == self.Kind.CREDIT_NOTE


class InvoiceLine(models.Model):
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=14, decimal_places=4)
    unit = models.CharField(max_length=10, blank=True)
    unit_price = models.DecimalField(max_digits=12, decimal_places=5)
    per = models.PositiveSmallIntegerField(
        default=1, help_text=_("The unit price is for so many units (BT-149).")
    )
    vat_percent = models.DecimalField(max_digits=5, decimal_places=2)
    net = models.DecimalField(max_digits=12, decimal_places=3)
    tax = models.DecimalField(max_digits=12, decimal_places=3)
    gross = models.DecimalField(max_digits=12, decimal_places=3)

    class Meta:
        ordering = ["invoice", "position"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="one_line_per_position"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="line_gross_is_net_and_tax"),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="issued_lines_never_change"),
            pgtrigger.Protect(name="issued_lines_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return self.text
