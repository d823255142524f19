"""What a charge point says and answers, in each version's words."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


MEASURANDS = [  # after the energy register, in this order
    ("Power.Active.Import", "W", 11000),
    ("Current.Import", "A", 16),
    ("Voltage", "V", 230),
    ("SoC", "Percent", 50),
    ("Temperature", "Celsius", 30),
    ("Power.Offered", "W", 22000),
    ("Current.Offered", "A", 32),
]


def meter_value(version: str, when: str, wh: int, samples: int) -> dict:
    texts = version == "1.6"
    values = [("Energy.Active.Import.Register", "Wh", wh)]
    values += [(name, unit, base + wh % 10) for name, unit, base in MEASURANDS[: samples - 1]]
    sampled = []
    for name, unit, value in values:
        one = {"value": str(value) if texts else value, "context": "Sample.Periodic", "measurand": name}
        if texts:
            one["unit"] = unit
        else:
            one["unitOfMeasure"] = {"unit": unit}
        sampled.append(one)
    return {"timestamp": when, "sampledValue": sampled}


def answer_16(action: str, payload: dict) -> dict | None:
    fixed = {
        "ChangeAvailability": "Accepted",
        "ChangeConfiguration": "Accepted",
        "ClearCache": "Accepted",
        "ClearChargingProfile": "Accepted",
        "RemoteStartTransaction": "Rejected",
        "RemoteStopTransaction": "Rejected",
        "Reset": "Accepted",
        "SendLocalList": "Accepted",
        "SetChargingProfile": "Accepted",
        "UnlockConnector": "Unlocked",
        "TriggerMessage": "NotImplemented",
        "DataTransfer": "UnknownVendorId",
        "ReserveNow": "Rejected",
        "CancelReservation": "Rejected",
        "GetCompositeSchedule": "Rejected",
    }
    if action == "GetConfiguration":
        return {"configurationKey": [], "unknownKey": payload.get("key", [])}
    if action == "GetLocalListVersion":
        return {"listVersion": 0}
    if action in ("GetDiagnostics", "UpdateFirmware"):
        return {}
    return {"status": fixed[action]} if action in fixed else None


def answer_2x(action: str, payload: dict) -> dict | None:
    if action == "GetVariables":
        return {
            "getVariableResult": [
                {"attributeStatus": "UnknownVariable", "component": d["component"], "variable": d["variable"]}
                for d in payload.get("getVariableData", [])
            ]
        }
    if action == "SetVariables":
        return {
            "setVariableResult": [
                {"attributeStatus": "Accepted", "component": d["component"], "variable": d["variable"]}
                for d in payload.get("setVariableData", [])
            ]
        }
    if action == "GetLocalListVersion":
        return {"versionNumber": 0}
    if action == "GetTransactionStatus":
        return {"messagesInQueue": False}
    fixed = {
        "GetBaseReport": "NotSupported",
        "GetReport": "NotSupported",
        "GetMonitoringReport": "NotSupported",
        "SetMonitoringBase": "NotSupported",
        "SetMonitoringLevel": "Rejected",
        "ChangeAvailability": "Accepted",
        "ClearCache": "Accepted",
        "Reset": "Accepted",
        "RequestStartTransaction": "Rejected",
        "RequestStopTransaction": "Rejected",
        "SendLocalList": "Accepted",
        "SetChargingProfile": "Accepted",
        "ClearChargingProfile": "Accepted",
        "TriggerMessage": "NotImplemented",
        "UnlockConnector": "Unlocked",
        "DataTransfer": "UnknownVendorId",
        "SetNetworkProfile": "Accepted",
        "InstallCertificate": "Rejected",
        "GetInstalledCertificateIds": "NotFound",
    }
    return {"status": fixed[action]} if action in fixed else None
