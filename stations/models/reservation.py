"""Reservations: for whom an EVSE is kept, and what the station knows of it (OCPP ReserveNow)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations import keeping
from stations.models.command import Command
from stations.models.id_token import IdToken
from stations.models.station import Evse


class ReservationQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "evse__station__site"))

    def keeping(self, evse, now):
        """Reservations that keep this EVSE for somebody at this moment."""
        return self.filter(evse=evse, starts_at__lte=now, ends_at__gt=now, status__in=Reservation.KEEPING)


class Reservation(models.Model):
    """An EVSE kept for one driver from `starts_at` until `ends_at`.

    The portal itself refuses any other token in that time, whether or not the station could be told:
    many stations lack the profile or are offline when the time comes.
    """

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        TOLD = "told", _("Kept by the charger")
        PORTAL_ONLY = "portal_only", _("Kept by the portal")
        USED = "used", _("Used")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    class Trouble(models.TextChoices):
        """Why the station doesn't keep it itself."""

        OFFLINE = keeping.Trouble.OFFLINE.value, _("The charger is not connected.")
        UNABLE = keeping.Trouble.UNABLE.value, _("This charger can't keep places.")
        REFUSED = keeping.Trouble.REFUSED.value, _("The charger refused to.")
        SILENT = keeping.Trouble.SILENT.value, _("The charger did not answer.")
        DROPPED = keeping.Trouble.DROPPED.value, _("The charger let go of it.")

    KEEPING = (Status.SCHEDULED, Status.TOLD, Status.PORTAL_ONLY)

    #: The id on the wire.
    id = models.AutoField(primary_key=True)
    evse = models.ForeignKey(Evse, models.CASCADE, related_name="reservations")
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="reservations")
    id_token = models.ForeignKey(IdToken, models.CASCADE, related_name="reservations")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status, default=Status.SCHEDULED)
    trouble = models.CharField(max_length=10, choices=Trouble, blank=True, editable=False)
    #: The station's own word for it: Occupied, Faulted, InternalError…
    said = models.CharField(max_length=40, blank=True, editable=False)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="reservations_end_after_start"
            )
        ]
        indexes = [models.Index(fields=["evse", "starts_at"])]

    def __str__(self):
        return f"{self.evse} from {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def reservation_id(self) -> int:
        return self.id

    @property
    def wire_group(self) -> str:
        """The group that the station is told: whoever is answered with it at Authorize, it lets in.

        Where a driver's token has none, the reservation's own, so that their other tokens count as well.
        """
        is_somebodys = self.user_id is not None or self.id_token.user_id is not None
        return self.id_token.group or (f"RES-{self.pk}" if is_somebodys else "")

    @property
    def why(self) -> str:
        """Why the portal alone keeps it, in words; empty where the station does, or it isn't time yet."""
        if self.status != self.Status.PORTAL_ONLY or not self.trouble:
            return ""
        words = str(self.get_trouble_display())
        return f"{words.rstrip('.')} ({self.said})." if self.said else words
