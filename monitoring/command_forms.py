"""A form for any call of any version, made from the protocol's own JSON schema."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

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
YES_NO = [("", "–"), ("true", _("true")), ("false", _("false"))]
#: Extensions of manufacturers have no form; who needs them sends DataTransfer or uses the API.
LEFT_OUT = ("customData",)
#: Fields of the page's own, which are no part of the call.
OURS = ("once", "if_offline")


def once() -> uuid.UUID:
    """Names one showing of a form, so that sending it twice sends once."""
    return uuid.uuid4()


def form_for(version: str, action: str) -> type[CallForm] | None:
    """The form's class; None where the version has no such call."""
    schema = schemas.request_schema(version, action)
    if schema is None or action not in schemas.actions_to_station(version):
        return None
    required = schema.get("required", [])
    fields = {
        name: _field(name, resolve(node, schema), schema, name in required)
        for name, node in sorted(
            schema.get("properties", {}).items(), key=lambda item: item[0] not in required
        )
        if name not in LEFT_OUT
    }
    return type(f"{action}Form", (CallForm,), {**fields, "version": version, "action": action})


class CallForm(forms.Form):
    """Its cleaned payload fits the schema, or the fields say what doesn't."""

    version = action = ""
    once = forms.UUIDField(widget=forms.HiddenInput)

    def clean(self):
        cleaned = super().clean()
        self.payload = {
            name: value
            for name, value in cleaned.items()
            if name not in OURS and value is not None and value != ""
        }
        if not self.errors:
            found = schemas.problem(self.version, self.action, self.payload)
            if found:
                path, message, _keyword = found
                name = path.split(".")[0]
                self.add_error(
                    name if name in self.fields else None, f"{path}: {message}" if path else message
                )
        return cleaned


def resolve(node: dict, root: dict) -> dict:
    while "$ref" in node:
        found = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _field(name: str, node: dict, root: dict, required: bool) -> forms.Field:
    common = {"label": name, "required": required, "help_text": _help(node)}
    if "enum" in node:
        choices = [(word, word) for word in node["enum"]]
        return forms.ChoiceField(choices=choices if required else [("", "–"), *choices], **common)
    kind = node.get("type")
    if kind == "integer":
        return forms.IntegerField(min_value=node.get("minimum"), max_value=node.get("maximum"), **common)
    if kind == "number":
        return forms.FloatField(**common)
    if kind == "boolean":
        return forms.TypedChoiceField(
            choices=YES_NO[1:] if required else YES_NO,
            coerce=lambda word: word == "true",
            empty_value=None,
            **common,
        )
    if node.get("format") == "date-time":
        return TimeField(**common)
    if kind == "string":
        return forms.CharField(max_length=node.get("maxLength"), **common)
    return JsonField(example=example(node, root), **common)


class TimeField(forms.CharField):
    """A moment as the protocol writes it; it always carries its zone."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.widget.attrs["placeholder"] = "2026-06-15T12:00:00Z"

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise forms.ValidationError(_g("Write it like 2026-06-15T12:00:00Z, with its time zone."))
        return text


class JsonField(forms.CharField):
    """A nested part of the payload, written as JSON."""

    def __init__(self, *, example, **kwargs):
        text = json.dumps(example, indent=2)
        super().__init__(
            widget=forms.Textarea(
                {"rows": min(16, text.count("\n") + 3), "class": "mono", "spellcheck": "false"}
            ),
            **kwargs,
        )
        self.widget.attrs["placeholder"] = text

    def clean(self, value):
        text = super().clean(value)
        if not text:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_g("This is not JSON: %s") % error) from None


def _help(node: dict) -> str:
    """The standard's own words on the field, without its identifiers."""
    lines = [line.strip() for line in node.get("description", "").splitlines()]
    words = [line for line in lines if line and not line.startswith("urn:")]
    # Descriptions begin with the name of the UML class and attribute; that says nothing here.
    return re.sub(r"^(?:[A-Z][\w ]*\. ){1,2}", "", words[-1])[:300] if words else ""


def example(node: dict, root: dict, depth: int = 0):
    """The least that fits: required parts, the first word of each list of words."""
    node = resolve(node, root)
    if "enum" in node:
        return node["enum"][0]
    kind = node.get("type")
    if kind == "object":
        if depth > 6:
            return {}
        known = node.get("properties", {})
        return {
            name: example(known[name], root, depth + 1) for name in node.get("required", []) if name in known
        }
    if kind == "array":
        return [example(node.get("items", {}), root, depth + 1)]
    if node.get("format") == "date-time":
        return "2026-06-15T12:00:00Z"
    return {"integer": 0, "number": 0, "boolean": False}.get(kind, "")
