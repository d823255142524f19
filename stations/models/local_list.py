"""What a station can do, as it says itself, and the list of tokens that it keeps for when it is offline."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from stations.models.command import Command
from stations.models.station import Station


class Abilities(models.Model):
    """A station's answers to what it was asked about lists, caches, displays and tariffs.

    `told` holds them by the protocol's own names: configuration keys of 1.6, `Component.Variable[instance]`
    of 2.x. A station that has none of it has an empty answer, which is an answer too.
    """

    station = models.OneToOneField(Station, models.CASCADE, related_name="abilities")
    told = models.JSONField(default=dict)
    #: Asked after this boot; a new firmware may bring new abilities.
    asked_at = models.DateTimeField(null=True, blank=True)
    known_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = _("abilities")

    def __str__(self):
        return f"{self.station}: {len(self.told)}"


class LocalListQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))


class LocalList(models.Model):
    """A station's local authorisation list: what it has, what it is being sent."""

    class State(models.TextChoices):
        NONE = "none", _("Nothing sent yet")
        SENDING = "sending", _("Being sent")
        CURRENT = "current", _("Up to date")
        WAITING = "waiting", _("Waits for the charger")
        FAILED = "failed", _("Refused by the charger")
        UNSUPPORTED = "unsupported", _("Not supported by the charger")

    station = models.OneToOneField(Station, models.CASCADE, related_name="local_list")
    state = models.CharField(max_length=12, choices=State, default=State.NONE)
    #: The version that the station has accepted from us, and the one it named when it was asked.
    version = models.PositiveIntegerField(default=0)
    reported_version = models.IntegerField(null=True, blank=True)
    #: What the station has, token → entry, as far as it has accepted it.
    entries = models.JSONField(default=dict)
    #: What it should have: a fingerprint, so that a look at an unchanged list costs nothing.
    wanted = models.CharField(max_length=64, blank=True)
    #: Tokens that found no room.
    left_out = models.PositiveIntegerField(default=0)
    #: The parts that are still to be sent, the next one first.
    parts = models.JSONField(default=list)
    #: Send everything anew, whatever we believe that it has.
    must_be_full = models.BooleanField(default=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    error = models.CharField(max_length=255, blank=True)
    #: After a refusal: not again before this.
    not_before = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = LocalListQuerySet.as_manager()

    class Meta:
        ordering = ["station"]

    def __str__(self):
        return f"{self.station}: {self.get_state_display()}"
