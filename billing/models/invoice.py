"""Invoices and credit notes: gapless numbers, lines that add up, never changed once issued."""

import secrets

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.account import Account
from billing.models.host import Host
from billing.models.payment import Refund
from billing.models.tariff import Cdr
from bookings.models import Booking
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations.models import Site


def new_link() -> str:
    return secrets.token_urlsafe(16)


class CurrentTransaction(models.Func):
    """The number of the transaction under way, the same in all its savepoints."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class Series(models.Model):
    """The counter of one run of numbers; taken under a lock, in the transaction that issues."""

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="invoice_series")
    prefix = models.CharField(max_length=20)
    last_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("series")
        constraints = [models.UniqueConstraint(fields=["operator", "prefix"], name="one_series_per_prefix")]
        triggers = [
            pgtrigger.Protect(
                name="numbers_never_go_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__last_number__lt=pgtrigger.F("old__last_number"))
                | pgtrigger.Q(old__prefix__df=pgtrigger.F("new__prefix")),
            ),
            pgtrigger.Protect(name="series_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self):
        return self.prefix


def issued_by(access: Access, permission: str) -> Q:
    """At sites where the permission is held; documents of several sites take it for the whole operator."""
    if access.everything:
        return Q()
    return access.sites(permission, "site") | (Q(site=None) & access.operators(permission))


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(issued_by(access, permission) | mine)

    def run_by(self, access: Access, permission: str = "view_money"):
        return self.filter(issued_by(access, permission))

    def of_driver(self, user):
        return self.filter(user=user)

    def sales(self):
        """What customers were billed; without what the operator owes hosts."""
        return self.exclude(kind=Invoice.Kind.SELF_BILLED)

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
        SELF_BILLED = "389", _("Host's statement")

    operator = models.ForeignKey(Operator, models.PROTECT, related_name="invoices")
    #: None: a month's invoice of several sites, or a host's statement.
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="invoices")
    series = models.ForeignKey(Series, models.PROTECT, related_name="invoices")
    sequence = models.PositiveBigIntegerField()
    number = models.CharField(max_length=40)
    link = models.CharField(max_length=32, unique=True, default=new_link, editable=False)
    kind = models.CharField(max_length=3, choices=Kind, default=Kind.INVOICE)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="credit_notes")
    #: The invoice that was credited whole because the customer's details were to change.
    replaces = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    account = models.ForeignKey(Account, models.SET_NULL, null=True, blank=True, related_name="invoices")
    host = models.ForeignKey(Host, models.PROTECT, null=True, blank=True, related_name="statements")
    cdr = models.ForeignKey(Cdr, models.PROTECT, null=True, blank=True, related_name="invoices")
    booking = models.ForeignKey(Booking, models.PROTECT, null=True, blank=True, related_name="invoices")
    refund = models.OneToOneField(Refund, models.PROTECT, null=True, blank=True, related_name="credit_note")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="invoices")

    issued_at = models.DateTimeField()
    supplied_on = models.DateField()
    #: The day in whose month it is booked: that of issue, or the first of the next open month.
    booked_on = models.DateField()
    period_start = models.DateField(null=True, blank=True, help_text=_("BT-73"))
    period_end = models.DateField(null=True, blank=True, help_text=_("BT-74: its last day"))
    due_on = models.DateField(null=True, blank=True, help_text=_("BT-9"))
    language = models.CharField(max_length=10, default="en")
    vat_country = models.CharField(max_length=2, help_text=_("Where the tax is owed."))
    currency = models.CharField(max_length=3)
    #: {"name", "street", "postcode", "city", "country", "vat_id", "email"} at the time of issue.
    seller = models.JSONField()
    buyer = models.JSONField()
    #: What the document says beyond lines: place, EVSE, times, meter values.
    details = models.JSONField(default=dict)
    #: The transaction that issued it: no line comes to it in a later one.
    issued_in = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)
    net = models.DecimalField(max_digits=12, decimal_places=3)
    tax = models.DecimalField(max_digits=12, decimal_places=3)
    gross = models.DecimalField(max_digits=12, decimal_places=3)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="one_document_per_number"),
            models.UniqueConstraint(fields=["operator", "number"], name="one_document_per_printed_number"),
            models.UniqueConstraint(
                fields=["cdr"], condition=Q(kind="380", replaces=None), name="one_invoice_per_session"
            ),
            models.UniqueConstraint(
                fields=["host", "period_start", "currency"],
                condition=Q(kind="389"),
                name="one_statement_per_host_and_month",
            ),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="gross_is_net_and_tax"),
        ]
        indexes = [
            models.Index(fields=["operator", "-issued_at"]),
            models.Index(fields=["user", "-issued_at"]),
            models.Index(fields=["operator", "booked_on", "id"]),
        ]
        triggers = [
            # The driver may be erased (GDPR); what the document says may not.
            pgtrigger.ReadOnly(name="issued_documents_never_change", exclude=["user", "account"]),
            pgtrigger.Protect(name="issued_documents_stay", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="closed_months_stay_closed",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF EXISTS (
                        SELECT FROM billing_closedmonth
                        WHERE operator_id = NEW.operator_id AND reopened_at IS NULL
                        AND month = date_trunc('month', NEW.booked_on)::date
                    ) THEN RAISE EXCEPTION 'The month of % is closed.', NEW.booked_on; END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="lines_add_up_to_their_document",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                    IF EXISTS (
                        SELECT FROM billing_invoiceline WHERE invoice_id = NEW.id
                        HAVING coalesce(sum(net), 0) <> NEW.net OR coalesce(sum(gross), 0) <> NEW.gross
                    ) THEN RAISE EXCEPTION 'The lines of % do not add up to it.', NEW.number; END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self):
        return self.number

    @property
    def is_credit_note(self) -> bool:
        return self.kind == self.Kind.CREDIT_NOTE

    @property
    def is_self_billed(self) -> bool:
        return self.kind == self.Kind.SELF_BILLED


class InvoiceLine(models.Model):
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    #: Whose revenue it is; on the document itself where that names one.
    site = models.ForeignKey(Site, models.PROTECT, null=True, blank=True, related_name="+")
    cdr = models.ForeignKey(Cdr, models.PROTECT, null=True, blank=True, related_name="invoice_lines")
    #: The booking whose fee it is, on a document about many.
    booking = models.ForeignKey(Booking, models.PROTECT, null=True, blank=True, related_name="invoice_lines")
    #: The line of the invoice that a credit note's line gives back; None where it is given back by rate.
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="credits")
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=14, decimal_places=4)
    unit = models.CharField(max_length=10, blank=True)
    unit_price = models.DecimalField(max_digits=12, decimal_places=5)
    per = models.PositiveSmallIntegerField(
        default=1, help_text=_("The unit price is for so many units (BT-149).")
    )
    vat_percent = models.DecimalField(max_digits=5, decimal_places=2)
    vat_category = models.CharField(max_length=2, default="S", help_text=_("BT-151, UNTDID 5305"))
    energy_wh = models.DecimalField(max_digits=14, decimal_places=3, default=0)
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
            pgtrigger.Trigger(
                name="issued_documents_get_no_lines",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF (SELECT issued_in FROM billing_invoice WHERE id = NEW.invoice_id)
                        <> pg_current_xact_id()::text::bigint
                    THEN RAISE EXCEPTION 'pgtrigger: This document is issued already.'; END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self):
        return self.text


class RefundLine(models.Model):
    """How much of which line of an invoice a refund gives back; without any, it goes over all of them."""

    refund = models.ForeignKey(Refund, models.CASCADE, related_name="lines")
    line = models.ForeignKey(InvoiceLine, models.PROTECT, related_name="refunds")
    gross = models.DecimalField(max_digits=12, decimal_places=3)

    class Meta:
        ordering = ["refund", "line__position"]
        constraints = [
            models.UniqueConstraint(fields=["refund", "line"], name="a_refund_names_a_line_once"),
            models.CheckConstraint(condition=Q(gross__gt=0), name="refunded_lines_are_above_zero"),
        ]

    def __str__(self):
        return f"{self.gross} of {self.line}"
