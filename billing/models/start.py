"""A driver's wish to start charging, from the button until the charger's first word."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.payment import Payment
from billing.models.tariff import Quote
from bookings.models import Booking
from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import Command, Evse, Session


class StartQuerySet(models.QuerySet):
    def of_driver(self, user):
        return self.filter(user=user)

    def visible_to(self, access: Access, permission: str = "view_ops"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.sites(permission, "evse__station__site") | mine)

    def open(self):
        return self.filter(state__in=Start.OPEN)


class Start(models.Model):
    """Hold first, then the charger is asked, then a session: each step is on the row before it is taken."""

    class State(models.TextChoices):
        PAYING = "paying", _("Waiting for the hold")
        ASKED = "asked", _("The charger was asked")
        CHARGING = "charging", _("Charging")
        FAILED = "failed", _("Did not start")

    OPEN = (State.PAYING, State.ASKED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="starts")
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="starts")
    booking = models.ForeignKey(Booking, models.SET_NULL, null=True, blank=True, related_name="starts")
    quote = models.ForeignKey(Quote, models.SET_NULL, null=True, blank=True, related_name="starts")
    #: None where charging is free.
    payment = models.ForeignKey(Payment, models.SET_NULL, null=True, blank=True, related_name="starts")
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    session = models.OneToOneField(Session, models.SET_NULL, null=True, blank=True, related_name="start")
    state = models.CharField(max_length=10, choices=State, default=State.PAYING)
    problem = models.CharField(
        max_length=255, blank=True, help_text=_("Why it did not start, for the driver.")
    )
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    #: A session that begins later is not this start's any more.
    expires_at = models.DateTimeField()

    objects = StartQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # Two taps on the button are one start.
            models.UniqueConstraint(
                fields=["user", "evse"], condition=Q(state__in=["paying", "asked"]), name="one_open_start"
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(state__in=["paying", "asked"]), name="starts_under_way"
            )
        ]

    def __str__(self):
        return f"{self.evse} for {self.user}"
