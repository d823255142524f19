"""What ends a running session: the driver's own limits and the money that is secured for it."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.limits import Limits
from billing.models.start import Start
from stations.models import Command, Session


class ChargeLimit(models.Model):
    """How much a driver wants at most: chosen before the start, or while it charges."""

    start = models.OneToOneField(Start, models.CASCADE, null=True, blank=True, related_name="limit")
    session = models.OneToOneField(Session, models.CASCADE, null=True, blank=True, related_name="limit")
    energy_wh = models.DecimalField(
        max_digits=14, decimal_places=3, null=True, blank=True, validators=[MinValueValidator(Decimal(1))]
    )
    #: With tax, in the currency of the session's tariff.
    money = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)
    soc_percent = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(100)])
    #: What a 2.1 station was told of it last (OCPP *TransactionLimit*).
    told = models.JSONField(default=dict, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(start=None) | ~Q(session=None), name="a_limit_is_of_a_start_or_session"
            )
        ]

    def __str__(self):
        return f"{self.limits}"

    @property
    def limits(self) -> Limits:
        return Limits(self.energy_wh, self.money, self.minutes, self.soc_percent)


class SessionWatch(models.Model):
    """When a session has to end as far as its last meter value lets us foresee, and how its stop goes.

    Made anew with every meter value; the sweeper looks at those whose time has come.
    """

    class Kind(models.TextChoices):
        """In the words of `billing.limits.Kind`."""

        ENERGY = "energy", _("Energy")
        MONEY = "money", _("Amount")
        TIME = "time", _("Time")
        SOC = "soc", _("State of charge")
        HOLD = "hold", _("What is secured")
        EXPIRY = "expiry", _("The hold's last moment")
        UNSECURED = "unsecured", _("Not secured")

    session = models.OneToOneField(Session, models.CASCADE, primary_key=True, related_name="watch")
    kind = models.CharField(max_length=10, choices=Kind)
    #: None: not to be foreseen, it takes another meter value.
    at = models.DateTimeField(null=True, blank=True, db_index=True)
    why = models.CharField(max_length=120, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")

    def __str__(self):
        return f"{self.get_kind_display()}: {self.session}"
