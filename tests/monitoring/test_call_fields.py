"""Nested parts of calls as fields: what is typed becomes the payload, what is wrong is said there."""

from uuid import uuid4

import pytest
from django.test import SimpleTestCase

from monitoring import call_fields, command_forms
from stations.ocpp import schemas

ALWAYS = {"once": str(uuid4())}


def filled(version, action, **data):
    return command_forms.form_for(version, action)(
        ALWAYS | {name.replace("__", "-"): value for name, value in data.items()}
    )


@pytest.mark.parametrize(
    ("version", "action", "data", "payload"),
    [
        (
            "2.0.1",
            "TriggerMessage",
            {"requestedMessage": "StatusNotification", "evse__id": "1", "evse__connectorId": "2"},
            {"requestedMessage": "StatusNotification", "evse": {"id": 1, "connectorId": 2}},
        ),
        (
            "2.0.1",
            "TriggerMessage",
            {"requestedMessage": "Heartbeat"},
            {"requestedMessage": "Heartbeat"},
        ),
        (
            "2.1",
            "RequestStartTransaction",
            {"remoteStartId": "7", "idToken__idToken": "AB12", "idToken__type": "ISO14443", "evseId": "1"},
            {"remoteStartId": 7, "idToken": {"idToken": "AB12", "type": "ISO14443"}, "evseId": 1},
        ),
        (
            "2.0.1",
            "GetVariables",
            {
                "getVariableData__0__component__name": "OCPPCommCtrlr",
                "getVariableData__0__variable__name": "HeartbeatInterval",
                "getVariableData__2__component__name": "EVSE",
                "getVariableData__2__component__evse__id": "1",
                "getVariableData__2__variable__name": "Power",
            },
            {
                "getVariableData": [
                    {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}},
                    {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}},
                ]
            },
        ),
        (
            "1.6",
            "GetConfiguration",
            {"key": "HeartbeatInterval\n\nMeterValueSampleInterval "},
            {"key": ["HeartbeatInterval", "MeterValueSampleInterval"]},
        ),
        ("1.6", "GetConfiguration", {"key": ""}, {}),
        (
            "2.0.1",
            "ClearVariableMonitoring",
            {"id": "3\n4"},
            {"id": [3, 4]},
        ),
    ],
)
def test_fields_become_the_payload(version, action, data, payload):
    form = filled(version, action, **data)
    assert form.is_valid(), form.errors
    assert form.payload == payload


@pytest.mark.parametrize(
    ("version", "action", "data", "field"),
    [
        ("2.0.1", "GetVariables", {}, "getVariableData-0-component-name"),
        (
            "2.0.1",
            "TriggerMessage",
            {"requestedMessage": "Heartbeat", "evse__connectorId": "1"},
            "evse-id",
        ),
        (
            "2.0.1",
            "GetVariables",
            {
                "getVariableData__0__component__name": "A",
                "getVariableData__0__variable__name": "B",
                "getVariableData__2__component__name": "C",
            },
            "getVariableData-2-variable-name",
        ),
        ("2.0.1", "ClearVariableMonitoring", {"id": "three"}, "id"),
    ],
)
def test_what_is_missing_is_said_at_its_field(version, action, data, field):
    form = filled(version, action, **data)
    assert not form.is_valid() and field in form.errors, form.errors


class EveryForm(SimpleTestCase):
    def test_every_field_has_a_place_of_its_own_and_is_shown_once(self):
        for version in schemas.VERSIONS:
            for action in schemas.actions_to_station(version):
                with self.subTest(version=version, action=action):
                    form = command_forms.form_for(version, action)()
                    names = [part.name for part in form.parts]
                    assert len(names) == len(set(names)), names
                    shown = [field.name for group in form.groups() for field in group["fields"]]
                    assert sorted(shown) == sorted(names)

    def test_the_example_of_any_call_goes_through_its_fields(self):
        """A payload that fits the schema comes out of the form as it went in."""
        for version, action, payload in [
            (
                "1.6",
                "ReserveNow",
                {
                    "connectorId": 1,
                    "expiryDate": "2026-06-15T12:00:00Z",
                    "idTag": "A",
                    "reservationId": 1,
                },
            ),
            (
                "2.0.1",
                "ReserveNow",
                {
                    "id": 1,
                    "expiryDateTime": "2026-06-15T12:00:00Z",
                    "idToken": {"idToken": "A", "type": "Central"},
                    "groupIdToken": {"idToken": "B", "type": "Central"},
                },
            ),
            ("2.1", "Reset", {"type": "ImmediateAndResume", "evseId": 2}),
        ]:
            with self.subTest(version=version, action=action):
                form = command_forms.form_for(version, action)(ALWAYS | _flat(payload))
                assert form.is_valid(), form.errors
                assert form.payload == payload

    def test_empty_rows_close_up(self):
        payload, places = call_fields.assemble({("a", 0, "b"): "", ("a", 2, "b"): 1, ("c",): None})
        assert payload == {"a": [{"b": 1}]} and places == {("a", 0, "b"): ("a", 2, "b")}


def _flat(payload, path=()):
    found = {}
    for name, value in payload.items():
        if isinstance(value, dict):
            found |= _flat(value, (*path, name))
        else:
            found["-".join((*path, name))] = value
    return found
