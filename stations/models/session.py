"""Sessions: one charge of one car (OCPP *transaction*)."""

import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models.command import Command
from stations.models.id_token import IdToken
from stations.models.station import Evse, Station


def new_link() -> str:
    return secrets.token_urlsafe(16)


class SessionQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        """An operator's people see their sites' sessions; a driver sees their own."""
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.sites(permission, "station__site") | mine)

    def run_by(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def of_driver(self, user):
        return self.filter(user=user)

    def open(self):
        return self.filter(stopped_at=None)

    def of_transaction(self, station: Station, transaction_id: str):
        """A station's own session; another station's is never found, whatever number it names."""
        return self.filter(station=station, transaction_id=transaction_id, is_superseded=False)

    def with_place(self):
        return self.select_related("station__site__operator", "evse", "user", "id_token")


class Session(models.Model):
    """What a charger reported about one charge; money is billing's.

    The natural key makes a charger's retry harmless: the same start, however often and under whatever
    message id it comes, is the same session (1.6: EVSE, token, time, meter; 2.x: transaction id).
    """

    class ChargingState(models.TextChoices):
        EV_CONNECTED = "EVConnected", _("Plugged in")
        CHARGING = "Charging", _("Charging")
        SUSPENDED_EV = "SuspendedEV", _("Paused by the car")
        SUSPENDED_EVSE = "SuspendedEVSE", _("Paused by the charger")
        IDLE = "Idle", _("Idle")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: The public link to the session's page: who has it may see and stop this session.
    link = models.CharField(max_length=32, unique=True, default=new_link, editable=False)
    station = models.ForeignKey(Station, models.PROTECT, related_name="sessions")
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="sessions")
    connector_number = models.PositiveSmallIntegerField(default=1)
    id_token = models.ForeignKey(IdToken, models.SET_NULL, null=True, blank=True, related_name="sessions")
    token = models.CharField(max_length=255, blank=True, help_text=_("As the charger spelt it."))
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="sessions")

    transaction_id = models.CharField(
        max_length=36, help_text=_("A number we give in 1.6; the station's own in 2.x.")
    )
    start_key = models.CharField(max_length=120, editable=False)
    #: When the charger said that it started: a clock that can't be believed still tells starts apart.
    start_said = models.CharField(max_length=40, blank=True, editable=False)
    start_is_missing = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("Known from later messages only; its start may still come."),
    )
    is_superseded = models.BooleanField(
        default=False, editable=False, help_text=_("The station has given its transaction id to another one.")
    )
    #: 2.x: which seqNos have come, as ranges [[first, last], …].
    seq_nos = models.JSONField(default=list, editable=False)
    #: GetTransactionStatus, asked because messages are missing.
    status_command = models.ForeignKey(
        Command, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    remote_start_id = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    start_received_at = models.DateTimeField()
    stop_received_at = models.DateTimeField(null=True, blank=True)
    meter_start_wh = models.DecimalField(max_digits=14, decimal_places=3, null=True, blank=True)
    meter_stop_wh = models.DecimalField(max_digits=14, decimal_places=3, null=True, blank=True)
    stop_reason = models.CharField(max_length=40, blank=True, help_text=_("As OCPP spells it."))

    energy_wh = models.DecimalField(max_digits=14, decimal_places=3, default=0)
    #: The register as last believed; what follows counts on from it.
    register_wh = models.DecimalField(max_digits=18, decimal_places=3, null=True, editable=False)
    register_at = models.DateTimeField(null=True, editable=False)
    #: What was odd about it (stations/doubts.py); some of it keeps it from being billed.
    flags = models.JSONField(default=list, editable=False)
    #: It has ended, and readings came since of which its figures don't know yet; more of them wait.
    is_stale = models.BooleanField(default=False, editable=False)
    power_w = models.DecimalField(max_digits=12, decimal_places=1, null=True, blank=True)
    soc_percent = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    charging_state = models.CharField(max_length=20, choices=ChargingState, blank=True)
    last_reading_at = models.DateTimeField(null=True, blank=True)
    #: Why its token should not have been charged; the charger did all the same.
    refusal = models.CharField(max_length=200, blank=True, editable=False)
    #: What keeps it from being billed until a person has looked, in words; empty: nothing.
    review = models.CharField(max_length=200, blank=True)
    is_estimated = models.BooleanField(
        default=False, help_text=_("Closed by us, without the charger's stop.")
    )

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "transaction_id"],
                condition=Q(is_superseded=False),
                name="one_session_per_transaction",
            ),
            models.UniqueConstraint(fields=["station", "start_key"], name="one_session_per_start"),
        ]
        indexes = [
            models.Index(fields=["station", "-started_at"]),
            models.Index(fields=["user", "-started_at"]),
            models.Index(fields=["evse"], condition=Q(stopped_at=None), name="open_sessions"),
            models.Index(fields=["station"], condition=Q(is_stale=True), name="stale_sessions"),
        ]

    def __str__(self):
        return f"{self.evse} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.stopped_at is None

    @property
    def energy_kwh(self):
        return self.energy_wh / 1000

    @property
    def power_kw(self):
        return None if self.power_w is None else self.power_w / 1000
