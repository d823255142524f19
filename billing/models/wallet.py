"""Top-ups of a driver's wallet; what is in it stands in the ledger (billing/models/ledger.py)."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User


class TopUpQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_money"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.operators(permission) | mine)

    def of_driver(self, user):
        return self.filter(user=user)


class TopUp(models.Model):
    """Money on its way from a card to a wallet, by the provider's own page."""

    class State(models.TextChoices):
        NEW = "new", _("Waiting for the payment")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Not paid")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operator = models.ForeignKey(Operator, models.PROTECT, related_name="top_ups")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="top_ups")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    #: The provider's page and the payment that was made on it.
    stripe_checkout = models.CharField(max_length=255, blank=True, db_index=True)
    stripe_intent = models.CharField(max_length=255, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TopUpQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="top_ups_are_above_zero")]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(state="new"), name="top_ups_under_way"),
        ]

    def __str__(self):
        return f"{self.amount} {self.currency} ({self.get_state_display()})"
