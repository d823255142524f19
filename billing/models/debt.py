"""Fees that could not be charged, and the provider's pages on which debts are paid."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.account import Account
from billing.models.invoice import Invoice
from billing.models.payment import Payment
from billing.models.tariff import Cdr
from bookings.models import Booking
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


class FeeDebtQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))

    def open(self):
        return self.filter(state=FeeDebt.State.OPEN)


class FeeDebt(models.Model):
    """A booking's fee that nobody could be charged for, or that a fleet is invoiced for with its month.

    A session's unpaid bill is its own row (`Cdr`).
    """

    class State(models.TextChoices):
        OPEN = "open", _("Unpaid")
        ACCOUNT = "account", _("On a fleet's account")
        PAID = "paid", _("Paid")
        WAIVED = "waived", _("Not charged")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    booking = models.OneToOneField(Booking, models.PROTECT, related_name="fee_debt")
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="fee_debts")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="fee_debts")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    #: The fleet that owes it, and how it is taxed there; `amount` is what is billed.
    account = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="fees")
    vat_category = models.CharField(max_length=2, default="S", editable=False)
    vat_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0, editable=False)
    billed_on = models.ForeignKey(Invoice, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FeeDebtQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="fee_debts_are_above_zero"),
            models.CheckConstraint(
                condition=~Q(state="account") | Q(account__isnull=False), name="fees_on_account_are_a_fleets"
            ),
        ]
        indexes = [
            models.Index(fields=["user"], condition=Q(state="open"), name="open_fee_debts"),
            models.Index(
                fields=["operator"], condition=Q(state="account", billed_on=None), name="fees_to_invoice"
            ),
        ]

    def __str__(self):
        return f"{self.amount} {self.currency} for {self.booking}"


class DebtPage(models.Model):
    """One visit to the provider's page on which a debt is paid, with any card."""

    class State(models.TextChoices):
        NEW = "new", _("Waiting for the payment")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Not paid")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cdr = models.ForeignKey(Cdr, models.PROTECT, null=True, blank=True, related_name="pages")
    fee = models.ForeignKey(FeeDebt, models.PROTECT, null=True, blank=True, related_name="pages")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    stripe_checkout = models.CharField(max_length=255, blank=True, db_index=True)
    #: Where it is paid, kept so that a second look at the link leads to the same page.
    url = models.URLField(max_length=1000, blank=True)
    payment = models.OneToOneField(
        Payment, models.SET_NULL, null=True, blank=True, related_name="debt_page", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="debt_pages_are_above_zero"),
            models.CheckConstraint(
                condition=Q(cdr=None) ^ Q(fee=None), name="a_debt_page_is_of_a_bill_or_a_fee"
            ),
            # Two pages could both be paid.
            models.UniqueConstraint(fields=["cdr"], condition=Q(state="new"), name="one_open_page_per_bill"),
            models.UniqueConstraint(fields=["fee"], condition=Q(state="new"), name="one_open_page_per_fee"),
        ]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(state="new"), name="debt_pages_under_way"),
        ]

    def __str__(self):
        return f"{self.amount} {self.currency} ({self.get_state_display()})"
