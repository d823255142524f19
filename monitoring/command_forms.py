"""A form for any call of any version, made from the protocol's own JSON schema."""

from __future__ import annotations

import re
import uuid

from django import forms

from monitoring import call_fields
from stations.ocpp import schemas

#: Calls that may interrupt a charge or change the charger for good; they are asked about first.
RISKY = frozenset(
    [
        "CancelReservation",
        "CertificateSigned",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ChangeTransactionTariff",
        "ClearCache",
        "ClearChargingProfile",
        "ClearVariableMonitoring",
        "DeleteCertificate",
        "InstallCertificate",
        "PublishFirmware",
        "RemoteStopTransaction",
        "RequestStopTransaction",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "SetNetworkProfile",
        "SetVariables",
        "SignedUpdateFirmware",
        "UnlockConnector",
        "UnpublishFirmware",
        "UpdateFirmware",
    ]
)
#: Of these, the ones that end what is charging.
INTERRUPTING = frozenset(
    [
        "ChangeAvailability",
        "RemoteStopTransaction",
        "RequestStopTransaction",
        "Reset",
        "SignedUpdateFirmware",
        "UnlockConnector",
        "UpdateFirmware",
    ]
)
#: Fields of the page's own, which are no part of the call.
OURS = ("once", "if_offline")
#: How the schema's checker names what is not there.
MISSING = re.compile(r'"([^"]+)" is a required property')


def once() -> uuid.UUID:
    """Names one showing of a form, so that sending it twice sends once."""
    return uuid.uuid4()


def form_for(version: str, action: str) -> type[CallForm] | None:
    """The form's class; None where the version has no such call."""
    schema = schemas.request_schema(version, action)
    if schema is None or action not in schemas.actions_to_station(version):
        return None
    made = call_fields.parts(schema)
    return type(
        f"{action}Form",
        (CallForm,),
        {**{part.name: part.field for part in made}, "version": version, "action": action, "parts": made},
    )


class CallForm(forms.Form):
    """Its cleaned payload fits the schema, or the fields say what doesn't."""

    version = action = ""
    parts: list[call_fields.Part] = []
    once = forms.UUIDField(widget=forms.HiddenInput)

    def clean(self):
        cleaned = super().clean()
        self.payload, places = call_fields.assemble(
            {part.path: cleaned.get(part.name) for part in self.parts}
        )
        if not self.errors:
            found = schemas.problem(self.version, self.action, self.payload)
            if found:
                path, message, _keyword = found
                self.add_error(
                    self._field_at(path, message, places), f"{path}: {message}" if path else message
                )
        return cleaned

    def _field_at(self, path: str, message: str, places: dict) -> str | None:
        """The field that the schema complains of: at the place, above it, or missing there."""
        steps: call_fields.Path = tuple(
            int(step) if step.isdecimal() else step for step in path.split(".") if step
        )
        # Empty rows have closed up: back to the row that was filled in.
        for closed, place in places.items():
            if closed[: len(steps)] == steps:
                steps = place[: len(steps)]
                break
        missing = MISSING.match(message)
        wanted = (*steps, missing[1]) if missing else steps
        for length in range(len(wanted), 0, -1):
            for part in self.parts:
                if part.path[:length] == wanted[:length]:
                    return part.name
        return None

    def groups(self) -> list[dict]:
        """The fields as the page shows them: plain ones, then each nested part under its name."""
        plain = {"legend": "", "fields": [], "required": True}
        found: dict[tuple, dict] = {}
        for part in self.parts:
            if len(part.path) == 1:
                plain["fields"].append(self[part.name])
                continue
            row = part.path[1] if isinstance(part.path[1], int) else None
            group = found.setdefault(
                (part.path[0], row),
                {
                    "legend": part.path[0] if row is None else f"{part.path[0]} {row + 1}",
                    "fields": [],
                    "required": False,
                },
            )
            group["fields"].append(self[part.name])
            group["required"] |= (
                part.field.required or bool(self[part.name].errors) or bool(self[part.name].value())
            )
        # What the page adds itself comes last.
        own = {"legend": "", "fields": [self[name] for name in OURS if name in self.fields], "required": True}
        own["fields"] = [each for each in own["fields"] if not each.is_hidden]
        return [group for group in (plain, *found.values(), own) if group["fields"]]
