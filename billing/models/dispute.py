"""Disputes: a cardholder's bank takes money back until it is settled. One row is one case."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.payment import Payment
from billing.models.wallet import TopUp
from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


class DisputeQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        return self.filter(access.operators(permission))

    def open(self):
        return self.filter(status__in=Dispute.OPEN)

    def to_answer(self):
        """Those for which the bank waits for our evidence."""
        return self.filter(status__in=Dispute.TO_ANSWER, evidence_state=Dispute.Evidence.NONE)


class Dispute(models.Model):
    """A case at the payment provider. billing/disputes.py has the table of its states."""

    class Status(models.TextChoices):
        """The provider's words. A warning is an inquiry: no money has been taken yet."""

        WARNING_NEEDS_RESPONSE = "warning_needs_response", _("Inquiry: needs an answer")
        WARNING_UNDER_REVIEW = "warning_under_review", _("Inquiry: with the bank")
        WARNING_CLOSED = "warning_closed", _("Inquiry closed")
        NEEDS_RESPONSE = "needs_response", _("Needs an answer")
        UNDER_REVIEW = "under_review", _("With the bank")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        PREVENTED = "prevented", _("Prevented")

    class Evidence(models.TextChoices):
        NONE = "none", _("Not sent")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")

    TO_ANSWER = (Status.NEEDS_RESPONSE, Status.WARNING_NEEDS_RESPONSE)
    OPEN = (*TO_ANSWER, Status.UNDER_REVIEW, Status.WARNING_UNDER_REVIEW)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="disputes")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="disputes")
    top_up = models.ForeignKey(TopUp, models.PROTECT, null=True, blank=True, related_name="disputes")
    stripe_id = models.CharField(max_length=255, unique=True)
    stripe_charge = models.CharField(max_length=255)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    reason = models.CharField(max_length=60, help_text=_("The bank's, in the provider's word."))
    status = models.CharField(max_length=24, choices=Status)
    opened_at = models.DateTimeField()
    #: Later evidence is not read.
    due_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    evidence_state = models.CharField(max_length=8, choices=Evidence, default=Evidence.NONE)
    #: What is sent, kept before it is sent: the same is sent again after a crash.
    evidence = models.JSONField(default=dict, blank=True)
    evidence_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    evidence_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="disputes_are_above_zero"),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, top_up=None) | Q(payment=None, top_up__isnull=False),
                name="a_dispute_is_of_one_payment",
            ),
        ]
        indexes = [models.Index(fields=["operator", "-opened_at"])]

    def __str__(self):
        return f"{self.amount} {self.currency} ({self.get_status_display()})"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def may_answer(self) -> bool:
        return self.status in self.TO_ANSWER and self.evidence_state == self.Evidence.NONE
