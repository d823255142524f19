"""Limits, profiles and monitors: commands to one charger, each as a form."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.core.validators import MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from monitoring.verbs.base import ChargerForm, EvseField
from monitoring.verbs.charging import SessionField
from stations import charging_needs, charging_profiles, monitors, profiles, streams
from stations.charging_profiles import actions as limits
from stations.models import ChargingProfile, Command, Evse, InstalledProfile, Monitor, MonitorType, Session

UNITS = [("kW", "kW"), ("A", _("A per phase"))]


class Somewhere(ChargerForm):
    """At one EVSE or the whole charger."""

    evse = EvseField(Evse.objects.none(), label=_("EVSE"), required=False, empty_label=_("The whole charger"))


class SetLimit(Somewhere):
    verb, title, submit = "limit", _("Set a limit"), _("Set the limit")
    question = _("A limit set here before is replaced.")
    limit = forms.DecimalField(
        label=_("At most"), max_digits=8, decimal_places=1, validators=[MinValueValidator(Decimal(0))]
    )
    unit = forms.ChoiceField(label=_("Unit"), choices=UNITS)
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        help_text=_("By the clock of the site. Empty: until it is cleared."),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    session = SessionField(
        Session.objects.none(),
        label=_("Only for a session"),
        required=False,
        empty_label=_("No, for whoever charges there"),
    )
    dynamic = forms.BooleanField(
        label=_("As a dynamic profile, which later changes only update"), required=False
    )

    field_order = ["once", "evse", "limit", "unit", "until", "session", "dynamic"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = self.station.sessions.open().select_related("evse")
        if self.station.ocpp_version != "2.1":
            del self.fields["dynamic"]

    def clean_until(self):
        until = self.cleaned_data["until"]
        if until and until <= timezone.now():
            raise forms.ValidationError(_g("That is over already."))
        return until

    def clean(self):
        cleaned = super().clean()
        evse, session = cleaned.get("evse"), cleaned.get("session")
        if evse and session and session.evse_id != evse.pk:
            self.add_error("session", _g("This session runs on another EVSE."))
        return cleaned

    def send(self) -> Command:
        wished = self.cleaned_data
        watts = {"watts": wished["limit"] * 1000} if wished["unit"] == "kW" else {"amps": wished["limit"]}
        row = charging_profiles.set_limit(
            station=self.station,
            evse=wished["evse"],
            session=wished["session"],
            until=wished["until"],
            is_dynamic=wished.get("dynamic", False),
            by=self.user,
            **watts,
        )
        return row.command


class ProfileField(forms.ModelChoiceField):
    def label_from_instance(self, profile: ChargingProfile) -> str:
        return f"{profile.description} ({profile.profile.get('chargingProfilePurpose', '?')})"


class InstallProfile(Somewhere):
    verb, title, submit = "profile", _("Send a profile"), _("Send the profile")
    profile = ProfileField(ChargingProfile.objects.none(), label=_("Profile"), empty_label=None)
    session = SessionField(
        Session.objects.none(),
        label=_("Session"),
        required=False,
        help_text=_("Needed by a TxProfile alone."),
    )
    field_order = ["once", "profile", "evse", "session"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        version = limits.version_of(self.station)
        known = ChargingProfile.objects.filter(operator=self.station.site.operator_id)
        fitting = [row.pk for row in known if version in profiles.versions(row.profile)]
        self.fields["profile"].queryset = known.filter(pk__in=fitting)
        self.fields["session"].queryset = self.station.sessions.open().select_related("evse")

    def send(self) -> Command:
        wished = self.cleaned_data
        return charging_profiles.install(
            profile=wished["profile"],
            station=self.station,
            evse=wished["evse"],
            session=wished["session"],
            by=self.user,
        ).command


class HeldField(forms.ModelChoiceField):
    def label_from_instance(self, row: InstalledProfile) -> str:
        return f"{row.profile_id} ({row.purpose})"


class ClearProfile(ChargerForm):
    verb, title, submit, danger = "clear-profile", _("Clear profiles"), _("Clear"), True
    question = _("What charges there may then draw more.")
    profile = HeldField(
        InstalledProfile.objects.none(),
        label=_("Profile"),
        required=False,
        empty_label=_("All that the operator set"),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        held = self.station.installed_profiles.exclude(state=InstalledProfile.State.CLEARED)
        # What others impose is theirs to lift.
        self.fields["profile"].queryset = held.filter(profile_id__gt=0).exclude(
            purpose="ChargingStationExternalConstraints"
        )

    def send(self) -> Command:
        row = self.cleaned_data["profile"]
        if row is None:
            return limits.clear_all(station=self.station, by=self.user)
        return charging_profiles.clear(row=row, by=self.user)


class ReadProfiles(ChargerForm):
    verb, title, submit = "read-profiles", _("Read the profiles back"), _("Read back")
    question = _("The charger then reports every profile that it holds.")

    def send(self) -> Command:
        return charging_profiles.read_back(station=self.station, by=self.user)


class Schedule(Somewhere):
    verb, title, submit = "schedule", _("Ask for the resulting schedule"), _("Ask")
    question = _("The charger works out what all its profiles together allow.")
    hours = forms.IntegerField(label=_("For the next hours"), initial=24, min_value=1, max_value=168)
    unit = forms.ChoiceField(
        label=_("Unit"), choices=[("", _("The charger's own")), ("W", "W"), ("A", "A")], required=False
    )

    def send(self) -> Command:
        wished = self.cleaned_data
        return charging_profiles.ask_composite(
            station=self.station,
            evse=wished["evse"],
            hours=wished["hours"],
            unit=wished["unit"],
            by=self.user,
        )


class Priority(ChargerForm):
    verb, title, submit = "priority", _("Priority charging"), _("Change the priority")
    question = _("With priority a session follows the charger's priority profile instead of its limits.")
    session = SessionField(Session.objects.none(), label=_("Session"), empty_label=None)
    activate = forms.TypedChoiceField(
        label=_("Priority"),
        choices=[("1", _("Give priority")), ("", _("Take it away"))],
        coerce=bool,
        empty_value=False,
        required=False,
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = self.station.sessions.open().select_related("evse", "station")

    def send(self) -> Command:
        wished = self.cleaned_data
        return charging_needs.use_priority(
            session=wished["session"], activate=wished["activate"], by=self.user
        )


TRANSFERS = (
    "AC_single_phase",
    "AC_two_phase",
    "AC_three_phase",
    "DC",
    "AC_BPT",
    "AC_BPT_DER",
    "AC_DER",
    "DC_BPT",
    "DC_ACDP",
    "DC_ACDP_BPT",
    "WPT",
)


class AllowTransfer(ChargerForm):
    verb, title, submit = "transfer", _("Allowed energy transfer"), _("Allow these")
    question = _("The session may use these ways of transferring energy from now on, and no others.")
    session = SessionField(Session.objects.none(), label=_("Session"), empty_label=None)
    allowed = forms.MultipleChoiceField(
        label=_("Ways"),
        choices=[(word, word) for word in TRANSFERS],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("BPT is bidirectional: the car may also give energy back."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = self.station.sessions.open().select_related("evse", "station")

    def send(self) -> Command:
        wished = self.cleaned_data
        return charging_needs.allow_transfer(
            session=wished["session"], allowed=wished["allowed"], by=self.user
        )


SEVERITIES = [
    (0, _("0 · Danger")),
    (1, _("1 · Hardware failure")),
    (2, _("2 · System failure")),
    (3, _("3 · Critical")),
    (4, _("4 · Error")),
    (5, _("5 · Alert")),
    (6, _("6 · Warning")),
    (7, _("7 · Notice")),
    (8, _("8 · Information")),
    (9, _("9 · Debug")),
]


class SeverityField(forms.TypedChoiceField):
    def __init__(self, **kwargs):
        super().__init__(choices=SEVERITIES, coerce=int, label=_("Severity"), **kwargs)


class SetMonitor(Somewhere):
    verb, title, submit = "monitor", _("Watch a variable"), _("Watch it")
    question = _("The charger then tells when the condition is met.")
    component = forms.CharField(label=_("Component"), max_length=50, initial="ChargingStation")
    variable = forms.CharField(label=_("Variable"), max_length=50, initial="Temperature")
    type = forms.ChoiceField(label=_("When"), choices=MonitorType.choices)
    value = forms.FloatField(label=_("Value"))
    severity = SeverityField(initial=5)
    in_transaction = forms.BooleanField(label=_("Only while somebody charges"), required=False)
    field_order = ["once", "evse", "component", "variable", "type", "value", "severity", "in_transaction"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.station.ocpp_version != "2.1":
            self.fields["type"].choices = [
                choice for choice in MonitorType.choices if not choice[0].startswith("Target")
            ]

    def send(self) -> Command:
        wished = self.cleaned_data
        wish = monitors.Wish(
            wished["component"],
            wished["variable"],
            wished["type"],
            wished["value"],
            wished["severity"],
            evse_number=wished["evse"].number if wished["evse"] else None,
            in_transaction=wished["in_transaction"],
        )
        [row] = monitors.set_monitors(station=self.station, wishes=[wish], by=self.user)
        return row.command


class ClearMonitor(ChargerForm):
    verb, title, submit, danger = "clear-monitor", _("Stop watching"), _("Stop watching"), True
    monitor = forms.ModelChoiceField(Monitor.objects.none(), label=_("Monitor"), empty_label=None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["monitor"].queryset = self.station.monitors.in_place().filter(monitor_id__isnull=False)

    def send(self) -> Command:
        number = self.cleaned_data["monitor"].monitor_id
        return monitors.clear_monitors(station=self.station, monitor_ids=[number], by=self.user)


class ReadMonitors(ChargerForm):
    verb, title, submit = "read-monitors", _("Read the monitors back"), _("Read back")

    def send(self) -> Command:
        return monitors.read_back(station=self.station, by=self.user)


class MonitoringLevel(ChargerForm):
    verb, title, submit = "monitoring-level", _("How much the charger tells"), _("Change it")
    question = _("Events less urgent than this are not told any more.")
    severity = SeverityField(initial=8)

    def send(self) -> Command:
        severity = self.cleaned_data["severity"]
        return monitors.set_level(station=self.station, severity=severity, by=self.user)


class MonitoringBase(ChargerForm):
    verb, title, submit, danger = "monitoring-base", _("Which monitors there are"), _("Change it"), True
    question = _("Monitors set by the operator are taken away, unless all are activated.")
    base = forms.ChoiceField(
        label=_("Monitors"),
        choices=[
            ("All", _("All: activate everything")),
            ("FactoryDefault", _("As from the factory")),
            ("HardWiredOnly", _("Only what is built in")),
        ],
    )

    def send(self) -> Command:
        return monitors.set_base(station=self.station, base=self.cleaned_data["base"], by=self.user)


class StreamPace(ChargerForm):
    verb, title, submit = "stream", _("How often values are sent"), _("Change the pace")
    monitor = forms.ModelChoiceField(Monitor.objects.none(), label=_("Monitor"), empty_label=None)
    interval_s = forms.IntegerField(label=_("Every … seconds"), min_value=1, max_value=86_400)
    values = forms.IntegerField(
        label=_("Values in one message, at most"), required=False, min_value=1, max_value=1000
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        streaming = self.station.monitors.in_place().exclude(stream_id=None)
        self.fields["monitor"].queryset = streaming.select_related("station")

    def send(self) -> Command:
        wished = self.cleaned_data
        return streams.adjust(
            monitor=wished["monitor"],
            interval_s=wished["interval_s"],
            values=wished["values"],
            by=self.user,
        )


FORMS = (
    SetLimit,
    InstallProfile,
    ClearProfile,
    ReadProfiles,
    Schedule,
    Priority,
    AllowTransfer,
    SetMonitor,
    ClearMonitor,
    ReadMonitors,
    MonitoringLevel,
    MonitoringBase,
    StreamPace,
)
