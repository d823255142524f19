"""Frames and payloads: what is mended, and what is refused with which code."""

import json

import pytest

from stations.ocpp import frames
from stations.ocpp.frames import BadFrame, Call, CallError


def call(action, payload, version="1.6", **more):
    return frames.checked(Call("1", action, payload), version, **more)


def test_optional_nulls_and_foreign_fields_are_no_fault():
    payload = {"idTag": "A", "connectorId": 1, "meterStart": 0, "timestamp": "2026-06-15T12:00:00Z"}
    assert call("StartTransaction", {**payload, "reservationId": None, "vendorThing": 1}) == payload


def test_a_number_for_a_text_and_back():
    payload = call(
        "StartTransaction",
        {"idTag": 12345, "connectorId": "1", "meterStart": "100", "timestamp": "2026-06-15T12:00:00Z"},
    )
    assert (payload["idTag"], payload["connectorId"], payload["meterStart"]) == ("12345", 1, 100)


def test_a_lone_object_where_a_list_belongs():
    payload = call(
        "MeterValues",
        {"connectorId": 1, "meterValue": {"timestamp": "2026-06-15T12:00:00Z", "sampledValue": {"value": 5}}},
    )
    assert payload["meterValue"][0]["sampledValue"] == [{"value": "5"}]


def test_an_unknown_error_code_is_another_error():
    status = {"connectorId": 1, "errorCode": "Error", "status": "faulted"}
    assert call("StatusNotification", status) == {
        "connectorId": 1,
        "errorCode": "OtherError",
        "status": "Faulted",
    }


def test_a_long_text_is_cut_but_never_an_identifier():
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": "x" * 90}
    assert len(call("StatusNotification", status, free_texts=("info",))["info"]) == 50
    with pytest.raises(CallError) as error:
        call("Authorize", {"idTag": "x" * 21}, free_texts=("info",))
    assert error.value.code == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    "text", ["", "x", "null", "[]", "{}", "[2]", "[2,3,4]", '[2,"",1]', '["a","b","c"]', "[" * 10_000]
)
def test_what_is_no_message(text):
    with pytest.raises(BadFrame):
        frames.decode(text, "1.6")


def test_depth_is_counted_outside_of_texts_only():
    frame = frames.decode(json.dumps([2, "1", "DataTransfer", {"vendorId": "[{" * 500}]), "1.6")
    assert frame.action == "DataTransfer"


def test_an_error_frame_carries_an_object():
    text = CallError("1", "InternalError", "x" * 400).frame()
    kind, message_id, code, description, details = json.loads(text)
    assert (kind, message_id, code, details) == (4, "1", "InternalError", {})
    assert len(description) == 255
