"""Restart, unlock, and have it send something."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from monitoring.verbs.base import ChargerForm, ConnectorField, EvseField, connectors_of, interrupted
from stations import commands
from stations.models import Command, Connector, Evse
from stations.ocpp import schemas


class Reset(ChargerForm):
    hard = False
    may_wait = danger = True
    evse = EvseField(Evse.objects.none(), label=_("What"), required=False, empty_label=_("The whole charger"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.version == "1.6":
            del self.fields["evse"]

    def send(self) -> Command:
        return commands.reset(
            station=self.station,
            hard=self.hard,
            resume=self.cleaned_data.get("resume", False),
            evse=self.cleaned_data.get("evse"),
            by=self.user,
            keep_for=self.keep_for,
        )


class SoftReset(Reset):
    verb, title, submit = "restart", _("Restart the charger"), _("Restart")

    @property
    def question(self) -> str:
        if self.version == "1.6":
            return _g("It will end what is charging in an orderly way and restart.")
        return _g("It will restart as soon as nothing charges there.")

    def consequences(self) -> list[str]:
        # 2.x waits until it is idle; 1.6 ends what runs.
        return [*super().consequences(), *(interrupted(self.charger) if self.version == "1.6" else [])]


class HardReset(Reset):
    verb, title, submit, hard = (
        "hard-restart",
        _("Restart the charger at once"),
        _("Restart at once"),
        True,
    )
    question = _("It will restart without waiting for anything, as if its power were cut.")
    resume = forms.BooleanField(
        label=_("Go on charging afterwards"),
        required=False,
        help_text=_("What was charging continues when the charger is back."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.version != "2.1":
            del self.fields["resume"]

    def consequences(self) -> list[str]:
        return [*super().consequences(), *interrupted(self.charger)]


class Unlock(ChargerForm):
    verb, title, submit, danger = "unlock", _("Unlock the plug"), _("Unlock"), True
    question = _("A charge on that EVSE ends.")
    connector = ConnectorField(Connector.objects.none(), label=_("Connector"), empty_label=None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["connector"].queryset = connectors_of(self.station)

    def consequences(self) -> list[str]:
        return [*super().consequences(), *interrupted(self.charger)]

    def send(self) -> Command:
        connector = self.cleaned_data["connector"]
        return commands.unlock(evse=connector.evse, connector_number=connector.number, by=self.user)


#: What each message is for, so that nobody has to know the protocol to ask for it.
MESSAGES = {
    "BootNotification": _("what it is (boot)"),
    "CustomTrigger": _("something of its maker's own"),
    "DiagnosticsStatusNotification": _("how its diagnostics upload goes on"),
    "FirmwareStatusNotification": _("how its firmware update goes on"),
    "Heartbeat": _("a sign of life"),
    "LogStatusNotification": _("how its log upload goes on"),
    "MeterValues": _("its meter"),
    "PublishFirmwareStatusNotification": _("how its firmware publishing goes on"),
    "SignChargePointCertificate": _("a request for a new certificate of its own"),
    "SignChargingStationCertificate": _("a request for a new certificate of its own"),
    "SignCombinedCertificate": _("a request for a certificate for both purposes"),
    "SignV2G20Certificate": _("a request for a new certificate towards cars (ISO 15118-20)"),
    "SignV2GCertificate": _("a request for a new certificate towards cars"),
    "StatusNotification": _("its state"),
    "TransactionEvent": _("how its charge goes on"),
}


def messages_of(version: str) -> list[str]:
    """All that a station of this version can be asked to send; 1.6 has two messages to ask with."""
    found = set(_words(version, "TriggerMessage"))
    if version == "1.6":
        found |= set(_words(version, "ExtendedTriggerMessage"))
    return sorted(found)


def _words(version: str, action: str) -> list[str]:
    schema = schemas.request_schema(version, action)
    node = schema["properties"]["requestedMessage"]
    return schemas.resolve(node, schema)["enum"]


class Trigger(ChargerForm):
    verb, title, submit = "trigger", _("Have it send something"), _("Ask for it")
    message = forms.ChoiceField(label=_("What"))
    connector = ConnectorField(
        Connector.objects.none(), label=_("Of what"), required=False, empty_label=_("The whole charger")
    )
    custom = forms.CharField(
        label=_("The maker's word for it"),
        required=False,
        max_length=50,
        help_text=_("Only for something of its maker's own."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        messages = messages_of(self.version)
        self.fields["message"].choices = [(name, f"{name}: {MESSAGES.get(name, '')}") for name in messages]
        self.fields["connector"].queryset = connectors_of(self.station)
        if "CustomTrigger" not in messages:
            del self.fields["custom"]

    def clean(self):
        cleaned = super().clean()
        if "custom" in self.fields and not self.errors:
            is_custom = cleaned["message"] == "CustomTrigger"
            if is_custom and not cleaned["custom"]:
                self.add_error("custom", _g("Write the maker's word for it."))
            if not is_custom:
                cleaned["custom"] = ""
        return cleaned

    def send(self) -> Command:
        connector = self.cleaned_data["connector"]
        return commands.trigger(
            station=self.station,
            message=self.cleaned_data["message"],
            evse=connector.evse if connector else None,
            connector_number=connector.number if connector else None,
            custom=self.cleaned_data.get("custom", ""),
            by=self.user,
        )
