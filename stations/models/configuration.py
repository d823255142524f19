"""What a station is set to, what it should be set to, and the runs that read and change it.

One shape for all versions: a 2.x variable's attribute by component, EVSE and connector; a 1.6 key is a
variable without a component. `stations.configuration.names` writes such a place as one line of text.
"""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, Operator
from stations.models.command import Command
from stations.models.station import Station

#: A station's words for a change that it took.
TAKEN = ("Accepted", "RebootRequired")


class OfStations(models.QuerySet):
    """Rows that belong to one station each."""

    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))


class Setting(models.Model):
    """One value of a station, as it last told it, and what it said to the last attempt to change it."""

    class Mutability(models.TextChoices):
        READ_WRITE = "ReadWrite", _("can be changed")
        READ_ONLY = "ReadOnly", _("can only be read")
        WRITE_ONLY = "WriteOnly", _("can only be written")

    station = models.ForeignKey(Station, models.CASCADE, related_name="settings")
    #: The whole place as one line of text, as templates, the API and pages spell it.
    path = models.CharField(max_length=400)
    component = models.CharField(max_length=50, blank=True)
    instance = models.CharField(max_length=50, blank=True)
    evse = models.PositiveIntegerField(default=0, help_text=_("0: the station as a whole."))
    connector = models.PositiveIntegerField(default=0)
    variable = models.CharField(max_length=50)
    variable_instance = models.CharField(max_length=50, blank=True)
    attribute = models.CharField(max_length=10, default="Actual")

    #: None where the station keeps it to itself or has none.
    value = models.TextField(null=True, blank=True)
    mutability = models.CharField(max_length=10, choices=Mutability, default=Mutability.READ_WRITE)
    is_constant = models.BooleanField(default=False)
    is_persistent = models.BooleanField(default=True)
    data_type = models.CharField(max_length=20, blank=True)
    unit = models.CharField(max_length=16, blank=True)
    minimum = models.DecimalField(max_digits=30, decimal_places=6, null=True, blank=True)
    maximum = models.DecimalField(max_digits=30, decimal_places=6, null=True, blank=True)
    choices = models.TextField(blank=True, help_text=_("The values that the station takes, by commas."))
    #: When the station told it; None where it never did, and only our attempt to set it is known.
    read_at = models.DateTimeField(null=True, blank=True)

    #: The station's word when a change was refused, and for what; empty once a change was taken.
    refusal = models.CharField(max_length=60, blank=True)
    refused_value = models.TextField(blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)

    objects = OfStations.as_manager()

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(fields=["station", "path"], name="one_setting_per_place"),
        ]

    def __str__(self):
        return self.path

    @property
    def may_be_set(self) -> bool:
        return self.mutability != self.Mutability.READ_ONLY


class Provisioning(models.Model):
    """How far a station's set-up has come; made when there is something to say."""

    station = models.OneToOneField(
        Station, models.CASCADE, primary_key=True, related_name="provisioning", editable=False
    )
    #: All of its settings were read then, under that firmware.
    read_at = models.DateTimeField(null=True, blank=True)
    read_firmware = models.CharField(max_length=60, blank=True)
    #: It has booted for the first time and waits for its first configuration.
    is_new = models.BooleanField(default=False)
    #: Its first configuration was sent and answered.
    configured_at = models.DateTimeField(null=True, blank=True)
    #: It said that a change counts only after a restart.
    reboot_required_at = models.DateTimeField(null=True, blank=True)
    #: A password on its way: it is taken beside the old one until the station first uses it.
    next_password_hash = models.CharField(max_length=200, blank=True)
    next_password_at = models.DateTimeField(null=True, blank=True)
    next_password_command = models.UUIDField(null=True, blank=True)
    #: A higher security profile on its way: both are taken until the station first comes with it.
    next_security_profile = models.PositiveSmallIntegerField(null=True, blank=True)
    next_security_profile_at = models.DateTimeField(null=True, blank=True)

    objects = OfStations.as_manager()

    def __str__(self):
        return str(self.station)

    @classmethod
    def of(cls, station) -> "Provisioning":
        """The station's row, locked; made on first use. Within a transaction."""
        cls.objects.get_or_create(station_id=station.pk)
        return cls.objects.select_for_update().get(pk=station.pk)


class ConfigurationTemplateQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class ConfigurationTemplate(models.Model):
    """Wanted values for an operator's chargers of a kind; of two for one place, the first in order wins."""

    class Protocol(models.TextChoices):
        OCPP_16 = "1.6", "OCPP 1.6"
        OCPP_2 = "2.x", "OCPP 2.0.1, 2.1"

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="configuration_templates")
    name = models.CharField(_("name"), max_length=80)
    protocol = models.CharField(_("protocol"), max_length=4, choices=Protocol, default=Protocol.OCPP_16)
    vendor = models.CharField(
        _("maker"), max_length=60, blank=True, help_text=_("As the charger reports it; empty: any.")
    )
    model = models.CharField(_("model"), max_length=60, blank=True, help_text=_("Empty: any."))
    firmware = models.CharField(
        _("firmware"), max_length=60, blank=True, help_text=_("How it begins; empty: any.")
    )
    position = models.PositiveSmallIntegerField(
        _("order"), default=10, help_text=_("The lowest number wins where two templates name the same.")
    )
    values = models.JSONField(_("values"), default=dict)
    is_active = models.BooleanField(_("in use"), default=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = ConfigurationTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["operator", "protocol", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "name"], name="one_template_per_name"),
        ]

    def __str__(self):
        return self.name

    def clean(self):
        from stations.configuration import templates

        if wrong := templates.problem(self.protocol, self.values):
            raise ValidationError({"values": wrong})


class ConfigurationRun(models.Model):
    """One reading or changing of a station's settings: calls sent one after another, and what came of it."""

    class Kind(models.TextChoices):
        READ = "read", _("Read all settings")
        PART = "part", _("Read some settings")
        WRITE = "write", _("Change settings")
        FIRST = "first", _("First configuration")
        PASSWORD = "password", _("New password")  # noqa: S105
        PROFILE = "profile", _("Higher security profile")

    class Status(models.TextChoices):
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        PARTLY = "partly", _("Partly refused")
        FAILED = "failed", _("Failed")

    #: Also the requestId of a report that it asks for.
    id = models.AutoField(primary_key=True)
    station = models.ForeignKey(Station, models.CASCADE, related_name="configuration_runs")
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.RUNNING)
    #: What is still to be sent: [action, payload] each, never a secret.
    calls = models.JSONField(default=list)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    #: By path: {"wanted": …, "status": the station's word, "info": …}.
    results = models.JSONField(default=dict)
    reboot_required = models.BooleanField(default=False)
    problem = models.CharField(max_length=255, blank=True)
    #: A report was promised, and it is (not) of everything that the station has.
    awaits_report = models.BooleanField(default=False)
    is_complete = models.BooleanField(default=False)
    #: Parts of the report: the numbers that came, and the last one's when it is known.
    parts = models.JSONField(default=list)
    last_part = models.PositiveIntegerField(null=True, blank=True)
    #: How long a call may wait for a station that is offline; 0: not at all.
    keep_for_s = models.PositiveIntegerField(default=0)
    #: Runs that one person started for many chargers at once.
    bulk = models.UUIDField(null=True, blank=True, db_index=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    moved_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OfStations.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["station", "-id"]),
            models.Index(fields=["moved_at"], condition=models.Q(status="running"), name="runs_under_way"),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}: {self.station}"

    @property
    def is_over(self) -> bool:
        return self.status != self.Status.RUNNING

    @property
    def has_whole_report(self) -> bool:
        return self.last_part is not None and set(range(self.last_part + 1)) <= set(self.parts)

    @property
    def by(self):
        return self.created_by or self.api_key

    @property
    def refused(self) -> dict:
        return {path: each for path, each in self.results.items() if each.get("status") not in TAKEN}
