"""Holds that are raised while a session runs, and who wants that where."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.payment import Payment
from stations.models import Site


class HoldRules(models.Model):
    """What a site does before a session costs more than is held for it. Without a row: it raises the hold."""

    class WhenUsedUp(models.TextChoices):
        RAISE = "raise", _("Raise the hold, and stop where that is refused")
        STOP = "stop", _("Stop charging")

    site = models.OneToOneField(Site, models.CASCADE, related_name="hold_rules")
    when_used_up = models.CharField(
        _("when the hold is used up"), max_length=8, choices=WhenUsedUp, default=WhenUsedUp.RAISE
    )
    most = models.DecimalField(
        _("most that is held"),
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        help_text=_(
            "For one session, in the operator's currency. Empty: four times what is held at the start."
        ),
    )

    class Meta:
        verbose_name_plural = _("hold rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(most=None) | Q(most__gt=0), name="most_that_is_held_is_above_zero"
            )
        ]

    def __str__(self):
        return f"{self.site}: {self.get_when_used_up_display()}"


class HoldIncrement(models.Model):
    """One raise of a hold: on the row before the provider hears of it; its id is the step's key."""

    class State(models.TextChoices):
        NEW = "new", _("Being asked for")
        DONE = "done", _("Raised")
        REFUSED = "refused", _("Refused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.CASCADE, related_name="increments")
    before = models.DecimalField(max_digits=12, decimal_places=3)
    #: What is held altogether once it is done.
    amount = models.DecimalField(max_digits=12, decimal_places=3)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["payment"], condition=Q(state="new"), name="one_raise_at_a_time"),
            models.CheckConstraint(condition=Q(amount__gt=F("before")), name="raises_go_up"),
        ]
        indexes = [
            models.Index(fields=["updated_at"], condition=Q(state="new"), name="raises_under_way"),
        ]

    def __str__(self):
        return f"{self.before} → {self.amount} {self.payment.currency} ({self.get_state_display()})"
