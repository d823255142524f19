"""Our ledger against the payment provider's books, day by day, and what differs."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


class ReconciliationQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))


class Reconciliation(models.Model):
    """One day of one operator in one currency, as its last comparison found it. Days are UTC's.

    Without an operator: what nobody of several operators who share an account can be named for.
    """

    operator = models.ForeignKey(
        Operator, models.PROTECT, null=True, blank=True, related_name="reconciliations"
    )
    day = models.DateField()
    currency = models.CharField(max_length=3)
    ran_at = models.DateTimeField()
    #: How many movements were compared.
    compared = models.PositiveIntegerField()
    #: What they changed of the balance, by the provider's books and by ours.
    theirs = models.DecimalField(max_digits=14, decimal_places=3)
    ours = models.DecimalField(max_digits=14, decimal_places=3)
    #: What the open differences of the day come to; those that a person accepted are explained.
    differing = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    accepted = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    differences = models.PositiveIntegerField(default=0, help_text=_("That are open."))

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "operator", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "day", "currency"],
                name="one_reconciliation_per_day",
                nulls_distinct=False,
            ),
            # Cents that no difference names would be a fault of the comparison itself.
            models.CheckConstraint(
                condition=Q(theirs=models.F("ours") + models.F("differing") + models.F("accepted")),
                name="no_cent_is_unexplained",
            ),
        ]

    def __str__(self):
        return f"{self.day} {self.currency}"


class DifferenceQuerySet(ReconciliationQuerySet):
    def open(self):
        return self.filter(resolved_at=None)


class Difference(models.Model):
    """What one side has and the other has not, or has otherwise, with a proposed mend."""

    class Kind(models.TextChoices):
        """As `billing.reconciling.Kind`, with names for people."""

        MISSING_HERE = "missing_here", _("Missing in our ledger")
        MISSING_THERE = "missing_there", _("Missing at the provider")
        AMOUNT = "amount", _("Amount differs")
        FEE = "fee", _("Fee not booked")
        STATE = "state", _("State differs")
        DUPLICATE = "duplicate", _("Twice on one side")
        UNKNOWN = "unknown", _("Unknown object")

    class Mend(models.TextChoices):
        """As `billing.reconciling.Mend`: what a button can do without harm; NONE is for a person."""

        NONE = "", _("By hand")
        LEARN_PAYMENT = "learn_payment", _("Take over the provider's state of the payment")
        LEARN_REFUND = "learn_refund", _("Take over the refund, with its credit note")
        LEARN_DISPUTE = "learn_dispute", _("Take over the dispute")
        LEARN_PAYOUT = "learn_payout", _("Take over the payout")
        BOOK = "book", _("Book what our rows say")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, null=True, blank=True, related_name="differences")
    day = models.DateField()
    kind = models.CharField(max_length=14, choices=Kind)
    what = models.CharField(max_length=20)
    #: The id by which both sides know it.
    object_id = models.CharField(max_length=255)
    currency = models.CharField(max_length=3)
    #: What the provider's books have more than ours.
    amount = models.DecimalField(max_digits=14, decimal_places=3)
    ours = models.CharField(max_length=255)
    theirs = models.CharField(max_length=255)
    mend = models.CharField(max_length=14, choices=Mend, blank=True)
    advice = models.CharField(max_length=255)
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    #: Somebody explained it instead of mending it.
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    objects = DifferenceQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "day", "kind", "what", "object_id", "currency"],
                name="one_difference_per_object",
                nulls_distinct=False,
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.object_id}"

    @property
    def is_accepted(self) -> bool:
        return bool(self.reason)
