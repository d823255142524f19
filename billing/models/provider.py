"""What the payment provider's own books say: each movement of its balance, and payouts to the bank."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.dispute import Dispute
from billing.models.payment import Payment, Refund
from billing.models.wallet import TopUp
from evportal.accounts.access import Access
from evportal.accounts.models import Operator


class PayoutQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        """Those in which money of the operator is; several operators may share an account."""
        if access.everything:
            return self
        ours = BalanceTransaction.objects.filter(access.operators(permission), payout=models.OuterRef("pk"))
        return self.filter(models.Exists(ours))


class Payout(models.Model):
    """Money on its way from the provider to the operator's bank."""

    class Status(models.TextChoices):
        """The provider's words."""

        PENDING = "pending", _("Waits")
        IN_TRANSIT = "in_transit", _("On its way")
        PAID = "paid", _("At the bank")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Cancelled")

    stripe_id = models.CharField(max_length=255, unique=True)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    status = models.CharField(max_length=10, choices=Status)
    #: Only of these the provider says which movements are in them.
    is_automatic = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    arrives_at = models.DateTimeField()
    failure = models.CharField(max_length=255, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PayoutQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]

    def __str__(self):
        return f"{self.amount} {self.currency}, {self.arrives_at:%Y-%m-%d}"


class BalanceTransactionQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))


class BalanceTransaction(models.Model):
    """One movement of the balance at the provider, as it says it; the ledger is compared with these."""

    stripe_id = models.CharField(max_length=255, unique=True)
    #: Whose it is; None where nothing of ours is behind it and several operators share the account.
    operator = models.ForeignKey(
        Operator, models.PROTECT, null=True, blank=True, related_name="balance_transactions"
    )
    type = models.CharField(max_length=60)
    category = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    #: Above zero: the balance grew. The fee is taken off it: net = amount - fee.
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    fee = models.DecimalField(max_digits=14, decimal_places=3)
    net = models.DecimalField(max_digits=14, decimal_places=3)
    at = models.DateTimeField()
    available_on = models.DateTimeField()
    source = models.CharField(max_length=255, blank=True, db_index=True)
    #: The payment intent behind the source, where there is one.
    intent = models.CharField(max_length=255, blank=True, db_index=True)
    description = models.CharField(max_length=255, blank=True)
    payment = models.ForeignKey(
        Payment, models.SET_NULL, null=True, blank=True, related_name="balance_transactions"
    )
    top_up = models.ForeignKey(
        TopUp, models.SET_NULL, null=True, blank=True, related_name="balance_transactions"
    )
    refund = models.ForeignKey(
        Refund, models.SET_NULL, null=True, blank=True, related_name="balance_transactions"
    )
    dispute = models.ForeignKey(
        Dispute, models.SET_NULL, null=True, blank=True, related_name="balance_transactions"
    )
    payout = models.ForeignKey(
        Payout, models.SET_NULL, null=True, blank=True, related_name="balance_transactions"
    )

    objects = BalanceTransactionQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(net=models.F("amount") - models.F("fee")), name="net_is_amount_less_fee"
            )
        ]
        indexes = [models.Index(fields=["at"]), models.Index(fields=["operator", "-at"])]

    def __str__(self):
        return f"{self.category} {self.amount} {self.currency}"
