"""Stations, their EVSEs and connectors, and what each last said about itself."""

import hashlib
import hmac
import secrets

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.audit.triggers import OF_SITE, recorded
from stations.models.site import Site


class State(models.TextChoices):
    """An EVSE's state: the union of what OCPP 1.6 and 2.x chargers report, in one set of words.

    2.x reports only Available, Occupied, Reserved, Unavailable and Faulted; its charging state comes with
    the transaction, so Occupied is refined by the session.
    """

    UNKNOWN = "unknown", _("Unknown")
    AVAILABLE = "available", _("Available")
    PREPARING = "preparing", _("Plugged in")
    CHARGING = "charging", _("Charging")
    SUSPENDED_EV = "suspended_ev", _("Paused by the car")
    SUSPENDED_EVSE = "suspended_evse", _("Paused by the charger")
    FINISHING = "finishing", _("Finishing")
    OCCUPIED = "occupied", _("Occupied")
    RESERVED = "reserved", _("Reserved")
    UNAVAILABLE = "unavailable", _("Out of service")
    FAULTED = "faulted", _("Faulted")


IN_USE = (
    State.PREPARING,
    State.CHARGING,
    State.SUSPENDED_EV,
    State.SUSPENDED_EVSE,
    State.FINISHING,
    State.OCCUPIED,
)


#: OCPP's keys have 16 characters and more and are made by machines: no dictionary holds them, so one round of
#: hashing keeps them as well as a hundred thousand. After a power cut thousands of chargers present theirs in
#: the same seconds, and a person's half second of hashing would keep them out for minutes.
LONG_KEY = 16
#: Shorter ones may have been thought of by somebody.
STRETCHES = 5_000


def _hashed(password: str, salt: str) -> str:
    if len(password) >= LONG_KEY:
        return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), STRETCHES).hex()


class StationQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "site"))

    def for_identity(self, identity: str):
        return self.filter(identity=identity)


class Station(models.Model):
    """One charging station: one OCPP socket. Its identity is a name between the charger and us only."""

    class Registration(models.TextChoices):
        ACCEPTED = "Accepted", _("Accepted")
        PENDING = "Pending", _("Pending")
        REJECTED = "Rejected", _("Rejected")

    site = models.ForeignKey(Site, models.PROTECT, related_name="stations")
    name = models.CharField(max_length=80, help_text=_("What drivers read on the charger."))
    identity = models.CharField(
        max_length=48, unique=True, help_text=_("The OCPP identity; never shown to the public.")
    )
    password_hash = models.CharField(max_length=200, blank=True, editable=False)
    security_profile = models.PositiveSmallIntegerField(
        default=1,
        choices=[
            (0, _("0: no password")),
            (1, _("1: password")),
            (2, _("2: TLS and password")),
            (3, _("3: mutual TLS")),
        ],
    )
    registration = models.CharField(max_length=10, choices=Registration, default=Registration.ACCEPTED)

    ocpp_version = models.CharField(max_length=10, blank=True)
    vendor = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=60, blank=True)
    serial_number = models.CharField(max_length=60, blank=True)
    firmware = models.CharField(max_length=60, blank=True)

    #: The socket that speaks for this station now; only its own close may clear it.
    connection = models.UUIDField(null=True, blank=True, editable=False)
    #: The channel of the web process that holds the socket.
    node = models.CharField(max_length=100, blank=True, editable=False)
    #: Where its socket came from last.
    address = models.GenericIPAddressField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(null=True, blank=True, editable=False)
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    booted_at = models.DateTimeField(null=True, blank=True, editable=False)
    boot_reason = models.CharField(max_length=40, blank=True, editable=False)
    #: What has to be added to the charger's time; 0 while its clock is right (stations/clocks.py).
    clock_offset_s = models.IntegerField(default=0, editable=False)
    clock_seen_s = models.IntegerField(null=True, editable=False)
    clock_seen_at = models.DateTimeField(null=True, editable=False)

    #: Of the station as a whole (1.6 connector 0, 2.x component ChargingStation); empty: never said.
    state = models.CharField(max_length=20, choices=State, blank=True, editable=False)
    state_at = models.DateTimeField(null=True, blank=True, editable=False)
    state_since = models.DateTimeField(null=True, blank=True, editable=False)
    error_code = models.CharField(max_length=60, blank=True, editable=False)
    vendor_error = models.CharField(max_length=60, blank=True, editable=False)
    error_info = models.CharField(max_length=120, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StationQuerySet.as_manager()

    class Meta:
        ordering = ["site__name", "name", "pk"]
        triggers = recorded(
            "stations.station",
            operator=OF_SITE,
            name="it.name",
            # The rest is what the charger says of itself, many times a minute.
            only=["site_id", "name", "identity", "security_profile", "registration", "password_hash"],
            secret=["password_hash"],
        )

    def __str__(self):
        return f"{self.site} · {self.name}"

    @property
    def is_online(self) -> bool:
        return self.connection is not None

    @staticmethod
    def hashed(password: str) -> str:
        salt = secrets.token_hex(16)
        return f"{salt}${_hashed(password, salt)}" if password else ""

    @staticmethod
    def matches(password: str, hashed: str) -> bool:
        salt, _dollar, expected = hashed.partition("$")
        return bool(expected) and hmac.compare_digest(_hashed(password, salt), expected)

    def set_password(self, password: str) -> None:
        self.password_hash = self.hashed(password)

    def check_password(self, password: str) -> bool:
        return self.matches(password, self.password_hash)


class PendingStation(models.Model):
    """A station nobody knows that tried to connect: the operator can adopt it."""

    identity = models.CharField(max_length=48, unique=True)
    address = models.GenericIPAddressField(null=True)
    subprotocols = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_seen_at"]

    def __str__(self):
        return self.identity


class EvseQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def public(self):
        return self.filter(station__site__is_public=True)

    def for_public_id(self, public_id: str):
        return self.filter(public_id__iexact=public_id)

    def with_station(self):
        return self.select_related("station__site__operator").prefetch_related("connectors")


class Evse(models.Model):
    """Charges one vehicle at a time; in OCPP 1.6 it is what that version calls a connector."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="evses")
    number = models.PositiveSmallIntegerField(help_text=_("evseId of OCPP 2.x, connectorId of 1.6; from 1."))
    public_id = models.CharField(
        max_length=48,
        help_text=_("Printed on the charger, e.g. DE*ABC*E1001*1; not derived from the identity."),
    )
    max_power_w = models.PositiveIntegerField(default=22_000)

    state = models.CharField(max_length=20, choices=State, default=State.UNKNOWN)
    state_at = models.DateTimeField(null=True, blank=True, help_text=_("When we received the last report."))
    state_since = models.DateTimeField(null=True, blank=True, help_text=_("When the state last changed."))
    error_code = models.CharField(max_length=60, blank=True)
    vendor_error = models.CharField(max_length=60, blank=True)
    error_info = models.CharField(max_length=120, blank=True)

    #: What we want; `state` is what the station says.
    wanted_operative = models.BooleanField(default=True, editable=False)
    #: When the station was last told so.
    wanted_told_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EvseQuerySet.as_manager()

    class Meta:
        ordering = ["station", "number"]
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_evse_per_number"),
            models.UniqueConstraint(Upper("public_id"), name="one_evse_per_public_id"),
            models.CheckConstraint(condition=Q(number__gte=1), name="evse_numbers_start_at_one"),
        ]
        indexes = [
            models.Index(
                fields=["station"], condition=Q(wanted_operative=False), name="evses_wanted_out_of_service"
            )
        ]
        triggers = recorded(
            "stations.evse",
            operator="(SELECT s.operator_id FROM stations_station c JOIN stations_site s ON s.id = c.site_id"
            " WHERE c.id = it.station_id)",
            name="it.public_id",
            only=["station_id", "number", "public_id", "max_power_w"],
        )

    def __str__(self):
        return self.public_id

    @property
    def shown_state(self) -> str:
        """The state as people should read it: a silent station's last word is worth nothing."""
        return self.state if self.station.is_online else "offline"

    @property
    def is_free(self) -> bool:
        return self.station.is_online and self.state == State.AVAILABLE


class Connector(models.Model):
    """A physical outlet. Words and spelling from OCPI 2.3 `connector`."""

    class Standard(models.TextChoices):
        TYPE_2 = "IEC_62196_T2", "Type 2"
        CCS2 = "IEC_62196_T2_COMBO", "CCS"
        TYPE_1 = "IEC_62196_T1", "Type 1"
        CCS1 = "IEC_62196_T1_COMBO", "CCS 1"
        CHADEMO = "CHADEMO", "CHAdeMO"
        NACS = "SAE_J3400", "NACS"
        SCHUKO = "DOMESTIC_F", "Schuko"
        GBT_DC = "GBT_DC", "GB/T DC"

    class Format(models.TextChoices):
        SOCKET = "SOCKET", _("Socket")
        CABLE = "CABLE", _("Cable")

    class PowerType(models.TextChoices):
        AC_1_PHASE = "AC_1_PHASE", _("AC, one phase")
        AC_3_PHASE = "AC_3_PHASE", _("AC, three phases")
        DC = "DC", "DC"

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="connectors")
    number = models.PositiveSmallIntegerField(default=1)
    standard = models.CharField(max_length=30, choices=Standard, default=Standard.TYPE_2)
    format = models.CharField(max_length=10, choices=Format, default=Format.SOCKET)
    power_type = models.CharField(max_length=12, choices=PowerType, default=PowerType.AC_3_PHASE)
    max_voltage = models.PositiveIntegerField(default=230)
    max_amperage = models.PositiveIntegerField(default=32)
    wanted_operative = models.BooleanField(default=True, editable=False)

    class Meta:
        ordering = ["evse", "number"]
        constraints = [
            models.UniqueConstraint(fields=["evse", "number"], name="one_connector_per_number"),
        ]
        triggers = recorded(
            "stations.connector",
            operator="(SELECT s.operator_id FROM stations_evse e"
            " JOIN stations_station c ON c.id = e.station_id"
            " JOIN stations_site s ON s.id = c.site_id WHERE e.id = it.evse_id)",
            name="(SELECT e.public_id FROM stations_evse e WHERE e.id = it.evse_id) || ' / ' || it.number",
            only=["evse_id", "number", "standard", "format", "power_type", "max_voltage", "max_amperage"],
        )

    def __str__(self):
        return f"{self.get_standard_display()}"
