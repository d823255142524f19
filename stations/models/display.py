"""What stations show to people: messages, the running cost, and the tariff that they reckon with."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.command import Command
from stations.models.session import Session
from stations.models.station import Evse, Station


class DisplayMessageQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def on_display(self):
        """What a station shows, will show, or is being told to show."""
        return self.filter(status__in=[DisplayMessage.Status.SENDING, DisplayMessage.Status.SHOWN])


class DisplayMessage(models.Model):
    """One message on one station's display (OCPP 2.x block O); `number` is its id on the wire."""

    class Priority(models.TextChoices):
        ALWAYS_FRONT = "AlwaysFront", _("Always in front")
        IN_FRONT = "InFront", _("In front")
        NORMAL_CYCLE = "NormalCycle", _("In turn with others")

    class State(models.TextChoices):
        CHARGING = "Charging", _("While charging")
        FAULTED = "Faulted", _("While faulted")
        IDLE = "Idle", _("While idle")
        UNAVAILABLE = "Unavailable", _("While out of service")
        SUSPENDED = "Suspended", _("While paused (2.1)")
        DISCHARGING = "Discharging", _("While discharging (2.1)")

    class Format(models.TextChoices):
        UTF8 = "UTF8", _("Text")
        ASCII = "ASCII", _("Text without accents")
        HTML = "HTML", "HTML"
        URI = "URI", _("Web address")
        QRCODE = "QRCODE", _("QR code (2.1)")

    class Status(models.TextChoices):
        SENDING = "sending", _("Being sent")
        SHOWN = "shown", _("On the display")
        REFUSED = "refused", _("Refused by the charger")
        CLEARED = "cleared", _("Taken down")
        GONE = "gone", _("Gone by itself")

    station = models.ForeignKey(Station, models.CASCADE, related_name="display_messages")
    number = models.PositiveIntegerField()
    priority = models.CharField(max_length=12, choices=Priority, default=Priority.NORMAL_CYCLE)
    state = models.CharField(
        max_length=12, choices=State, blank=True, help_text=_("Shown only in this state; empty: in all.")
    )
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    transaction_id = models.CharField(max_length=36, blank=True)
    #: [{"language", "format", "content"}], the first one for stations that take only one language.
    texts = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=Status, default=Status.SENDING)
    error = models.CharField(max_length=255, blank=True)
    #: Not written by us: the maker's, or another system's.
    is_foreign = models.BooleanField(default=False)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    clearing = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    #: The GetDisplayMessages in whose report it was last seen.
    reported_in = models.BigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DisplayMessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_display_message_per_number")
        ]

    def __str__(self):
        return self.text[:60]

    @property
    def text(self) -> str:
        return self.texts[0]["content"] if self.texts else ""


class ShownCost(models.Model):
    """The cost that a station was last given for a session."""

    session = models.OneToOneField(Session, models.CASCADE, primary_key=True, related_name="shown_cost")
    total = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)
    at = models.DateTimeField(null=True)
    is_final = models.BooleanField(default=False)

    def __str__(self):
        return f"{self.total} {self.currency}"


class StationTariff(models.Model):
    """The tariff that a 2.1 station reckons with on one EVSE, in OCPP's words."""

    class Status(models.TextChoices):
        SENDING = "sending", _("Being sent")
        SET = "set", _("Set")
        REFUSED = "refused", _("Refused by the charger")

    evse = models.OneToOneField(Evse, models.CASCADE, related_name="station_tariff")
    tariff_id = models.CharField(max_length=60)
    document = models.JSONField(default=dict)
    #: What OCPP's tariff has no words for, in ours.
    left_out = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=Status, default=Status.SENDING)
    error = models.CharField(max_length=255, blank=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    sent_at = models.DateTimeField()

    def __str__(self):
        return self.tariff_id
