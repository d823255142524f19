"""What people do to a charger's settings, each as a form that says what it does first."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.accounts.models import Operator
from monitoring.filters import ANY, Filter
from monitoring.verbs.base import ChargerForm
from stations import registration
from stations.configuration import credentials, names, passwords, profiles, runs, templates
from stations.models import ConfigurationRun, ConfigurationTemplate, Setting, Site, Station


class ConfigForm(ChargerForm):
    """`permission` is what it takes; `needs_socket`: only while the charger is connected."""

    permission = "command"
    needs_socket = True

    def __init__(self, *args, **kwargs):
        kwargs["initial"] = {**(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def send(self) -> ConfigurationRun | Station:
        raise NotImplementedError


class Read(ConfigForm):
    verb, title, submit = "read", _("Read all settings"), _("Read now")
    question = _("The charger is asked for everything that it is set to.")

    def send(self):
        return runs.read(station=self.station, by=self.user)


class Apply(ConfigForm):
    verb, title, submit = "apply", _("Apply the templates"), _("Apply")
    again = forms.BooleanField(label=_("Also try again what the charger has refused before"), required=False)

    def consequences(self):
        differing = [each for each in templates.differences(self.station) if each.may_be_mended]
        return [
            *super().consequences(),
            *(
                _g("%(path)s: %(value)s → %(wanted)s")
                % {
                    "path": each.path,
                    "value": _g("unknown") if each.value is None else each.value,
                    "wanted": each.wanted,
                }
                for each in differing
            ),
        ] + ([] if differing else [_g("Nothing differs that could be set.")])

    def send(self):
        run = runs.apply_templates(station=self.station, again=self.cleaned_data["again"], by=self.user)
        if run is None:
            raise runs.CantBeSet(_g("Nothing differs that could be set."))
        return run


class NewPassword(ConfigForm):
    verb, title, submit = "password", _("New password"), _("Send a new password")
    permission, danger = "manage_stations", True
    question = _(
        "The charger gets a new random password and signs in again with it. Until it has, the old one is"
        " good too. Nobody can read the new one."
    )

    def send(self):
        return passwords.rotate(station=self.station, by=self.user)


class HigherProfile(ConfigForm):
    verb, title, submit = "profile", _("Higher security profile"), _("Raise the profile")
    permission, danger = "manage_stations", True
    question = _(
        "The charger comes back with TLS. Until it has, it may come as before; then never again."
        " A profile can't be lowered."
    )
    profile = forms.TypedChoiceField(label=_("Profile"), coerce=int)
    url = forms.CharField(
        label=_("Address for the charger"),
        required=False,
        max_length=500,
        help_text=_("wss://…, without the identity; OCPP 2.x only. Empty: this portal's."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        now = self.station.security_profile
        labels = dict(Station._meta.get_field("security_profile").choices)
        self.fields["profile"].choices = [(each, labels[each]) for each in (2, 3) if each > now]
        if names.is_16(self.station.ocpp_version):
            del self.fields["url"]

    def clean_url(self):
        url = self.cleaned_data["url"].strip().rstrip("/")
        if url and (not url.startswith("wss://") or not url.isprintable() or " " in url):
            raise forms.ValidationError(_g("An address with TLS begins with wss://."))
        return url

    def send(self):
        return profiles.upgrade(
            station=self.station,
            profile=self.cleaned_data["profile"],
            url=self.cleaned_data.get("url", ""),
            by=self.user,
        )


class GiveUp(ConfigForm):
    """For a charger that never came with what it was told."""

    verb, title, submit = "give-up", _("Give up waiting"), _("Give up")
    permission, danger, needs_socket = "manage_stations", True, False
    question = _(
        "Its new password and its higher security profile are forgotten: it can sign in only as before."
        " If it has taken them after all, it is locked out until you enter its password by hand."
    )

    def send(self):
        credentials.forget(station=self.station)
        profiles.forget(station=self.station)
        return self.station


class Registration(ConfigForm):
    permission, needs_socket = "manage_stations", False
    registration = Station.Registration.ACCEPTED

    def send(self):
        return registration.register(station=self.station, registration=self.registration, by=self.user)


class Accept(Registration):
    verb, title, submit = "accept", _("Accept the charger"), _("Accept")
    question = _("It may charge cars from now on. If it is connected, it is told at once.")


class SetPending(Registration):
    verb, title, submit, danger = "pend", _("Set back to pending"), _("Set to pending"), True
    registration = Station.Registration.PENDING
    question = _("It can be set up, but nobody can charge there, and what it reports is not taken.")


class Reject(Registration):
    verb, title, submit, danger = "reject", _("Reject the charger"), _("Reject"), True
    registration = Station.Registration.REJECTED
    question = _("Nothing is taken from it and nothing sent to it until it is accepted again.")


VERBS: dict[str, type[ConfigForm]] = {
    form.verb: form for form in (Read, Apply, NewPassword, HigherProfile, GiveUp, Accept, SetPending, Reject)
}


class SettingForm(ConfigForm):
    """One value. What the charger told of it decides how it is asked for."""

    title, submit = _("Change a setting"), _("Send to the charger")
    path = forms.CharField(label=_("Setting"), max_length=400)
    value = forms.CharField(label=_("Value"), max_length=2500, required=False, strip=False)

    def __init__(self, *args, setting: Setting | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.setting = setting
        self.fields["path"].help_text = (
            _("The key, such as HeartbeatInterval.")
            if names.is_16(self.station.ocpp_version)
            else _("Component/Variable, such as OCPPCommCtrlr/HeartbeatInterval.")
        )
        if setting is None:
            return
        self.fields["path"].widget = forms.HiddenInput()
        limits = [f"≥ {setting.minimum:g}"] if setting.minimum is not None else []
        limits += [f"≤ {setting.maximum:g}"] if setting.maximum is not None else []
        self.fields["value"].help_text = " · ".join(filter(None, [setting.data_type, setting.unit, *limits]))
        listed = [each.strip() for each in setting.choices.split(",") if each.strip()]
        if listed and setting.data_type in ("OptionList", "boolean"):
            self.fields["value"].widget = forms.Select(choices=[(each, each) for each in listed])
        elif listed:
            self.fields["value"].help_text += " " + _g("One or more of: %s") % ", ".join(listed)
        elif setting.data_type == "boolean":
            self.fields["value"].widget = forms.Select(choices=[("true", "true"), ("false", "false")])

    def clean(self):
        cleaned = super().clean()
        if "path" in cleaned and "value" in cleaned:
            protocol = templates.protocol(self.station.ocpp_version)
            if wrong := templates.problem(protocol, {cleaned["path"]: cleaned["value"]}):
                self.add_error("path" if self.setting is None else None, wrong)
        return cleaned

    def send(self):
        values = {self.cleaned_data["path"]: self.cleaned_data["value"]}
        return runs.write(station=self.station, values=values, by=self.user)


class SettingFilter(Filter):
    q = forms.CharField(label=_("Search"), max_length=80)
    component = forms.CharField(label=_("Component"), max_length=50)
    kind = forms.ChoiceField(
        label=_("Show"),
        choices=[*ANY, ("changeable", _("What can be changed")), ("refused", _("What was refused"))],
    )


class FleetFilter(Filter):
    q = forms.CharField(label=_("Search"), max_length=80)
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), empty_label=_("Any"))
    state = forms.ChoiceField(
        label=_("State"),
        choices=[
            *ANY,
            ("differs", _("Differs")),
            ("same", _("As wanted")),
            ("unread", _("Never read")),
        ],
    )


class TemplateForm(forms.ModelForm):
    """Values are lines of text: `place = value`."""

    values_text = forms.CharField(
        label=_("Wanted values"),
        widget=forms.Textarea({"rows": 14, "class": "mono", "spellcheck": "false"}),
        help_text=_("One a line: HeartbeatInterval = 300, or OCPPCommCtrlr/HeartbeatInterval = 300."),
        max_length=100_000,
    )

    class Meta:
        model = ConfigurationTemplate
        fields = ["operator", "name", "protocol", "vendor", "model", "firmware", "position", "is_active"]

    def __init__(self, *args, access, **kwargs):
        super().__init__(*args, **kwargs)
        mine = Operator.objects.filter(access.operators("manage_stations", ""))
        self.fields["operator"].queryset = mine
        self.fields["operator"].empty_label = None
        if self.instance.pk is not None:
            del self.fields["operator"]
        self.fields["values_text"].initial = "\n".join(
            f"{path} = {value}" for path, value in self.instance.values.items()
        )

    def clean(self):
        cleaned = super().clean()
        if "values_text" in cleaned and "protocol" in cleaned:
            values = self._values(cleaned["values_text"])
            if values is not None and (wrong := templates.problem(cleaned["protocol"], values)):
                self.add_error("values_text", wrong)
            elif values is not None:
                self.instance.values = templates.normal(cleaned["protocol"], values)
        return cleaned

    def _values(self, text: str) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            path, equals, value = line.partition("=")
            if not equals or not path.strip():
                self.add_error("values_text", _g("Line %s is not written as place = value.") % number)
                return None
            if path.strip() in values:
                self.add_error("values_text", _g("%s is there twice.") % path.strip())
                return None
            values[path.strip()] = value.strip()
        return values
